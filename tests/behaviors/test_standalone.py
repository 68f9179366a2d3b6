"""Stand-alone activities: a run of the engine's own code asks for one activity and ends as it does."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.behaviors.rehearsal import CANCELED, FINAL, SECOND, START, Rehearsal, payload
from tests.behaviors.same_again import same_again
from understudy.actors.behaviors.code.job import job_definition
from understudy.actors.behaviors.definitions.job import (
    JOB_PREFIX,
    JOB_TYPE,
    Job,
    activity_id_of,
    is_job,
    job_id,
    job_input,
    job_of,
)
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ActivityCancellationType
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.workflow import WorkflowCanceled, WorkflowStarted

JOB = Job(activity_type="charge", start_to_close=5 * SECOND)


def begin(job: Job = JOB, *args: Any, **fields: Any) -> Rehearsal:
    """The run of a job; its workflow id is that of all rehearsals."""
    definition = job_definition(started())
    assert definition is not None
    return Rehearsal(definition, msgspec.to_builtins(job), *args, **fields)


def started(job: Job = JOB, *args: Any, workflow_id: str = "understudy.activity/bill-7") -> WorkflowStarted:
    """How a job begins."""
    values = job_input(job, tuple(map(payload, args)))
    return WorkflowStarted(at=START, workflow_id=workflow_id, workflow_type=JOB_TYPE, task_queue="q", input=values)


# -- names and input -------------------------------------------------------------------------------------------------


def test_a_job_has_its_workflow_id_in_a_room_of_its_own() -> None:
    assert job_id("bill-7") == f"{JOB_PREFIX}bill-7" == "understudy.activity/bill-7"
    assert is_job(job_id("bill-7"))
    assert not is_job("bill-7")
    assert activity_id_of(job_id("bill-7")) == "bill-7"


def test_what_a_job_is_stands_in_front_of_its_arguments_and_is_stored_like_this() -> None:
    job = Job(
        activity_type="charge",
        start_delay=1,
        schedule_to_close=2,
        schedule_to_start=3,
        start_to_close=4,
        heartbeat=5,
        retry_policy=StoredRetryPolicy(maximum_attempts=3),
        summary="a bill",
        priority=2,
        fairness_key="kim",
        fairness_weight=1.5,
    )
    begun = started(job, 7)
    assert begun.input[0] == Payload(
        b'{"activity_type":"charge","start_delay":1,"schedule_to_close":2,"schedule_to_start":3,"start_to_close":4,'
        b'"heartbeat":5,"retry_policy":{"maximum_attempts":3},"summary":"a bill","priority":2,"fairness_key":"kim",'
        b'"fairness_weight":1.5}'
    )
    assert begun.input[1:] == (payload(7),)
    assert job_of(begun) == job


def test_only_a_job_brings_its_code_along() -> None:
    assert job_definition(started()) is not None
    assert job_definition(started(workflow_id="bill-7")) is None
    assert job_definition(msgspec.structs.replace(started(), workflow_type="Order")) is None


# -- the run ---------------------------------------------------------------------------------------------------------


def test_a_job_asks_for_its_activity_as_it_was_told() -> None:
    job = Job(
        activity_type="charge",
        schedule_to_close=2 * SECOND,
        schedule_to_start=3,
        start_to_close=4,
        heartbeat=5,
        retry_policy=StoredRetryPolicy(maximum_attempts=3),
        summary="a bill",
        priority=2,
        fairness_key="kim",
        fairness_weight=1.5,
    )
    scheduled = begin(job, 7, "tea", headers={"trace": payload("t")}).pending(1).scheduled
    for name in ("activity_type", "schedule_to_close", "schedule_to_start", "start_to_close", "heartbeat", "summary"):
        assert getattr(scheduled, name) == getattr(job, name)
    for name in ("retry_policy", "priority", "fairness_key", "fairness_weight"):
        assert getattr(scheduled, name) == getattr(job, name)
    assert scheduled.input == (payload(7), payload("tea"))
    assert scheduled.headers == {"trace": payload("t")}
    assert scheduled.activity_id == "order-1"
    assert not scheduled.task_queue, "it is that of the run"
    assert scheduled.cancellation_type is ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


def test_a_job_returns_what_its_activity_returns() -> None:
    job = begin()
    job.complete(1, {"paid": 1})
    assert job.result == {"paid": 1}
    assert job.topics == ["workflow.started", "activity.scheduled", "activity.completed", "workflow.completed"]
    same_again(job)


def test_a_job_returns_nothing_if_its_activity_does() -> None:
    job = begin()
    job.complete(1)
    assert job.result is None
    same_again(job)


def test_a_job_fails_as_its_activity_fails_and_not_because_of_it() -> None:
    job = begin()
    job.fail(1, FINAL)
    assert job.failure == FINAL
    same_again(job)


def test_a_job_is_tried_again_like_any_activity() -> None:
    job = begin()
    job.fail(1, Failure(kind="application", message="busy"))
    assert job.last.topic == "activity.retry_scheduled"
    job.complete(1, 3)
    assert job.result == 3
    same_again(job)


def test_a_start_delay_is_a_timer_in_front_of_the_activity() -> None:
    job = begin(Job(activity_type="charge", start_delay=90 * SECOND))
    assert job.topics == ["workflow.started", "timer.started"]
    assert job.execution.next_deadline() == START + 90 * SECOND
    job.fire()
    assert job.pending(1).scheduled.at == START + 90 * SECOND
    job.complete(1, 3)
    assert job.result == 3
    same_again(job)


# -- cancellation ----------------------------------------------------------------------------------------------------


def test_a_cancelled_job_ends_as_its_activity_makes_of_that() -> None:
    job = begin()
    job.cancel("too dear")
    assert job.last.topic == "activity.cancel_requested"
    job.fail(1, CANCELED)
    assert isinstance(job.last, WorkflowCanceled)
    assert job.last.failure == CANCELED
    same_again(job)


def test_a_cancelled_job_may_still_complete() -> None:
    job = begin()
    job.cancel()
    job.complete(1, 3)
    assert job.result == 3
    same_again(job)


def test_a_cancelled_job_may_still_fail() -> None:
    job = begin()
    job.cancel()
    job.fail(1, FINAL)
    assert job.failure == FINAL
    same_again(job)


def test_a_job_that_is_cancelled_in_its_start_delay_asks_for_no_activity() -> None:
    job = begin(Job(activity_type="charge", start_delay=90 * SECOND))
    job.cancel()
    assert job.topics == [
        *("workflow.started", "timer.started", "workflow.cancel_requested", "timer.canceled", "workflow.canceled")
    ]
    same_again(job)


def test_an_activity_that_ends_as_cancelled_by_itself_is_a_failure() -> None:
    job = begin(Job(activity_type="charge", retry_policy=StoredRetryPolicy(maximum_attempts=1)))
    job.fail(1, CANCELED)
    assert job.failure == CANCELED
    same_again(job)
