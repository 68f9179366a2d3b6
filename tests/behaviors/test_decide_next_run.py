"""Deciding about the next run: a workflow's own retry policy makes a chain of runs, and so does its cron schedule."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from tests.behaviors.given import AGAIN, FINAL, NOW, VALUE, started
from understudy.actors.behaviors.decisions.successor import Followed, next_run
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.state.evolve import fold
from understudy.events.workflow import (
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowContinuedAsNew,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowTimedOut,
)

POLICY: Final = StoredRetryPolicy(initial_interval=100, maximum_attempts=3)
FAILED: Final = WorkflowFailed(at=NOW, failure=AGAIN)
TIMED_OUT: Final = WorkflowTimedOut(at=NOW)


def follow(closing: Followed, *, dice: float = 0.0, **fields: Any) -> tuple[Followed, WorkflowStarted | None]:
    """What follows the end of run-1."""
    return next_run(fold("run-1", [started(**fields)]), closing, new_run_id="run-2", dice=dice)


@pytest.mark.parametrize("closing", [FAILED, TIMED_OUT], ids=lambda event: event.topic)
def test_a_workflow_without_a_policy_is_not_run_again(closing: Followed) -> None:
    assert follow(closing) == (closing, None)


def test_a_failed_run_is_followed_by_one_like_it_that_begins_after_the_back_off() -> None:
    first: dict[str, Any] = {
        "retry_policy": POLICY,
        "input": (VALUE,),
        "memo": {"note": VALUE},
        "request_id": "a",
        "run_timeout": 7,
    }
    closing, start = follow(FAILED, **first)
    assert closing == WorkflowFailed(at=NOW, failure=AGAIN, new_run_id="run-2")
    assert start == msgspec.structs.replace(
        started(**first),
        at=NOW,
        attempt=2,
        first_run_id="run-1",
        continued_run_id="run-1",
        last_failure=AGAIN,
        first_turn_at=NOW + 100,
        request_id="",
    )


def test_the_second_run_of_a_chain_names_the_first_and_its_own_predecessor() -> None:
    _, start = follow(FAILED, retry_policy=POLICY, attempt=2, first_run_id="run-0", continued_run_id="run-0")
    assert start is not None
    assert (start.attempt, start.first_run_id, start.continued_run_id) == (3, "run-0", "run-1")
    assert start.first_turn_at == NOW + 200


def test_the_dice_decide_the_jitter_of_the_back_off() -> None:
    _, start = follow(FAILED, retry_policy=StoredRetryPolicy(initial_interval=100, jitter=1.0), dice=0.25)
    assert start is not None
    assert start.first_turn_at == NOW + 75


def test_a_run_that_timed_out_is_followed_by_another_which_is_told() -> None:
    closing, start = follow(TIMED_OUT, retry_policy=POLICY)
    assert closing == WorkflowTimedOut(at=NOW, new_run_id="run-2")
    assert start is not None
    assert start.last_failure == Failure(
        kind="timeout", message="Workflow timed out", timeout_type=TimeoutType.START_TO_CLOSE
    )


@pytest.mark.parametrize(
    ("closing", "fields"),
    [
        (FAILED, {"retry_policy": POLICY, "attempt": 3}),
        (WorkflowFailed(at=NOW, failure=FINAL), {"retry_policy": POLICY}),
        (FAILED, {"retry_policy": StoredRetryPolicy(non_retryable_error_types=("NoStock",))}),
        (FAILED, {"retry_policy": POLICY, "execution_deadline": NOW + 100}),
        (TIMED_OUT, {"retry_policy": POLICY, "execution_deadline": NOW}),
    ],
    ids=["attempts used up", "final", "final by type", "no time left", "the chain's time is over"],
)
def test_a_chain_ends_where_the_policy_says_so(closing: Followed, fields: dict[str, Any]) -> None:
    assert follow(closing, **fields) == (closing, None)


def test_the_first_event_of_the_next_run_starts_a_run() -> None:
    _, start = follow(FAILED, retry_policy=POLICY)
    assert start is not None
    run = fold("run-2", [start])
    assert run.is_open
    assert run.next_deadline() == NOW + 100


# -- cron ------------------------------------------------------------------------------------------------------------

MINUTE: Final = 60_000_000_000
COMPLETED: Final = WorkflowCompleted(at=NOW, result=VALUE)


def test_a_workflow_without_a_cron_schedule_is_not_run_again_when_it_completes() -> None:
    assert follow(COMPLETED, retry_policy=POLICY) == (COMPLETED, None)


def test_a_completed_cron_run_is_followed_by_one_like_it_at_the_next_time_that_knows_its_result() -> None:
    first: dict[str, Any] = {
        "cron_schedule": "* * * * *",
        "input": (VALUE,),
        "memo": {"note": VALUE},
        "request_id": "a",
    }
    closing, start = follow(COMPLETED, **first, first_turn_at=5, attempt=3, last_failure=AGAIN)
    assert closing == WorkflowCompleted(at=NOW, result=VALUE, new_run_id="run-2")
    assert start == msgspec.structs.replace(
        started(**first),
        at=NOW,
        attempt=1,
        first_run_id="run-1",
        continued_run_id="run-1",
        last_result=VALUE,
        last_failure=None,
        first_turn_at=MINUTE,
        request_id="",
    )


def test_a_cron_run_that_failed_is_followed_too_by_one_that_knows_the_failure_and_the_last_result() -> None:
    closing, start = follow(FAILED, cron_schedule="@hourly", last_result=VALUE)
    assert isinstance(closing, WorkflowFailed)
    assert closing.new_run_id == "run-2"
    assert start is not None
    assert (start.last_failure, start.last_result, start.first_turn_at) == (AGAIN, VALUE, 60 * MINUTE)
    _, start = follow(TIMED_OUT, cron_schedule="@hourly", last_result=VALUE)
    assert start is not None
    assert start.last_failure is not None
    assert (start.last_failure.kind, start.last_result) == ("timeout", VALUE)


def test_a_cron_run_is_tried_again_first_if_its_retry_policy_says_so() -> None:
    options: dict[str, Any] = {"cron_schedule": "@hourly", "retry_policy": POLICY}
    _, start = follow(FAILED, **options)
    assert start is not None
    assert (start.attempt, start.first_turn_at) == (2, NOW + 100)
    _, start = follow(FAILED, **options, attempt=3)
    assert start is not None
    assert (start.attempt, start.first_turn_at) == (1, 60 * MINUTE)


@pytest.mark.parametrize("closing", [COMPLETED, FAILED, TIMED_OUT], ids=lambda event: event.topic)
def test_a_cron_chain_ends_where_its_execution_deadline_is_before_the_next_time(closing: Followed) -> None:
    assert follow(closing, cron_schedule="@hourly", execution_deadline=60 * MINUTE) == (closing, None)
    _, start = follow(closing, cron_schedule="@hourly", execution_deadline=60 * MINUTE + 1)
    assert start is not None
    assert start.execution_deadline == 60 * MINUTE + 1


def test_a_cron_run_that_continues_as_new_goes_on_at_once_and_keeps_its_schedule() -> None:
    closing = WorkflowContinuedAsNew(at=NOW, workflow_type="Order", task_queue="orders")
    _, start = follow(closing, cron_schedule="@hourly", last_result=VALUE)
    assert start is not None
    assert (start.cron_schedule, start.first_turn_at, start.last_result) == ("@hourly", NOW + 1, VALUE)


@pytest.mark.parametrize("closing", [COMPLETED, FAILED, TIMED_OUT], ids=lambda event: event.topic)
def test_a_cron_chain_ends_with_the_run_that_was_asked_to_cancel_however_that_ends(closing: Followed) -> None:
    state = fold("run-1", [started(cron_schedule="@hourly"), WorkflowCancelRequested(at=20)])
    assert next_run(state, closing, new_run_id="run-2", dice=0.0) == (closing, None)


def test_a_cron_run_that_was_asked_to_cancel_and_fails_is_tried_again_if_its_retry_policy_says_so() -> None:
    state = fold("run-1", [started(cron_schedule="@hourly", retry_policy=POLICY), WorkflowCancelRequested(at=20)])
    _, start = next_run(state, FAILED, new_run_id="run-2", dice=0.0)
    assert start is not None
    assert start.attempt == 2
