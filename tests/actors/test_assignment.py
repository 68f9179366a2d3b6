"""An assignment says all that is needed to make an attempt; the effects of a turn make it of what the run knows."""

from __future__ import annotations

import pytest

from tests.actors.office import greet, scheduled
from understudy.actors.activities.assignment import Assignment, assignment_of, local_assignment_of
from understudy.actors.behaviors.definitions.job import JOB_TYPE, job_id
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import PendingActivity
from understudy.events.workflow import WorkflowStarted


def a_run(workflow_id: str = "order-1", workflow_type: str = "Order") -> WorkflowExecution:
    """A run that has begun, on the task queue "orders"."""
    started = WorkflowStarted(at=1, workflow_id=workflow_id, workflow_type=workflow_type, task_queue="orders", input=())
    return fold("run-1", (started,))


def test_an_assignment_has_the_ids_of_the_run_and_the_state_of_the_activity() -> None:
    pending = PendingActivity(scheduled(4, greet, "kim"))
    pending.attempt, pending.heartbeat_details = 3, PayloadConverter.default.encode_args([50])
    made = assignment_of(a_run(), pending)
    assert (made.run_id, made.workflow_id, made.workflow_type) == ("run-1", "order-1", "Order")
    assert (made.scheduled, made.number, made.details) == (pending.scheduled, 3, pending.heartbeat_details)
    assert (made.is_local, made.key) == (False, 4)


@pytest.mark.parametrize(("asked", "queue"), [("", "orders"), ("payments", "payments")], ids=["none", "its own"])
def test_a_worker_is_looked_for_on_the_queue_that_the_activity_asks_for_else_on_that_of_the_run(
    asked: str, queue: str
) -> None:
    pending = PendingActivity(scheduled(1, greet, "kim", task_queue=asked))
    assert assignment_of(a_run(), pending).task_queue == queue


def test_a_job_belongs_to_no_workflow() -> None:
    made = assignment_of(a_run(job_id("bill-7"), JOB_TYPE), PendingActivity(scheduled(1, greet, activity_id="bill-7")))
    assert (made.workflow_id, made.workflow_type) == ("", "")
    assert str(made.label) == "activity 'greet' with the id 'bill-7'"


def test_a_local_activity_has_a_key_that_no_other_activity_of_its_run_has() -> None:
    made = local_assignment_of(a_run(), scheduled(4, greet, "kim"))
    assert (made.is_local, made.key, made.number, made.task_queue) == (True, -4, 1, "orders")
    assert str(made.label) == "activity 'greet' of workflow 'order-1'"


def test_an_assignment_does_not_change() -> None:
    made = Assignment("run-1", "order-1", "Order", scheduled(1, greet), "orders", 1)
    with pytest.raises(AttributeError, match="immutable"):
        made.number = 2  # type: ignore[misc]  # what is tested
