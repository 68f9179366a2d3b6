"""Deciding about activities: outcomes, retries, heartbeats; late and duplicate ones are no events (ONCE-RECORDED)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.behaviors.given import AGAIN, BEAT, CANCELED, FINAL, NOW, VALUE, given, scheduled, started
from understudy.actors.behaviors.decisions.activities import activity_failure, attempts_due
from understudy.actors.behaviors.decisions.commands import Command, CompleteActivity, FailActivity, RecordHeartbeat
from understudy.events.activity import (
    ActivityCanceled,
    ActivityCancelRequested,
    ActivityCompleted,
    ActivityFailed,
    ActivityHeartbeatRecorded,
    ActivityRetryScheduled,
    ActivityTimedOut,
)
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.state.evolve import fold
from understudy.events.state.pending import PendingActivity
from understudy.events.workflow import WorkflowCompleted, WorkflowTerminated

RETRIED: Final = ActivityRetryScheduled(at=30, seq=1, attempt=1, next_at=130, failure=AGAIN)
ASKED: Final = ActivityCancelRequested(at=40, seq=1)


def wrapped(cause: Failure, state: RetryState, message: str = "Activity task failed", **fields: Any) -> Failure:
    """What the code sees of an activity's end."""
    named: dict[str, Any] = {"seq": 1, "activity_type": "charge", "activity_id": "1", **fields}
    return Failure(kind="activity", message=message, cause=cause, retry_state=state, **named)


def timeout(kind: TimeoutType | None) -> Failure:
    """An attempt that took too long."""
    return Failure(kind="timeout", message="too late", timeout_type=kind)


# -- completion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "attempt"),
    [((), 1), ((RETRIED,), 2), ((ASKED,), 1), ((RETRIED, ASKED), 2)],
    ids=["scheduled", "backing off", "canceling", "backing off and canceling"],
)
def test_the_awaited_attempt_completes_its_activity_wherever_it_stands(
    history: tuple[Event, ...], attempt: int
) -> None:
    command = CompleteActivity(seq=1, attempt=attempt, result=VALUE, identity="42@host")
    then = ActivityCompleted(at=NOW, seq=1, result=VALUE, attempt=attempt, identity="42@host")
    given(scheduled(), *history).when(command).then(then)


OUTCOMES: Final[tuple[Event, ...]] = (
    ActivityCompleted(at=50, seq=1),
    ActivityFailed(at=50, seq=1, failure=wrapped(FINAL, RetryState.NON_RETRYABLE_FAILURE)),
    ActivityTimedOut(at=50, seq=1, timeout_type=TimeoutType.HEARTBEAT, failure=FINAL),
)
LATE: Final[tuple[Command, ...]] = (
    CompleteActivity(seq=1, attempt=1),
    FailActivity(seq=1, attempt=1, failure=AGAIN),
    RecordHeartbeat(seq=1, attempt=1, details=BEAT),
)


@pytest.mark.parametrize("late", LATE, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda event: event.topic)
def test_once_recorded_what_comes_behind_an_outcome_is_no_event(outcome: Event, late: Command) -> None:
    given(scheduled(), outcome).when(late).then_nothing()


@pytest.mark.parametrize("late", LATE, ids=lambda command: type(command).__name__)
def test_once_recorded_the_second_of_two_outcomes_of_one_turn_is_no_event(late: Command) -> None:
    first = given(scheduled()).when(CompleteActivity(seq=1, attempt=1)).events()
    given(scheduled(), *first).when(late).then_nothing()


@pytest.mark.parametrize("late", LATE, ids=lambda command: type(command).__name__)
def test_what_an_earlier_attempt_still_says_is_no_event(late: Command) -> None:
    given(scheduled(), RETRIED).when(late).then_nothing()


@pytest.mark.parametrize("late", LATE, ids=lambda command: type(command).__name__)
def test_what_is_said_about_an_activity_that_nobody_asked_for_is_no_event(late: Command) -> None:
    given(started()).when(late).then_nothing()


@pytest.mark.parametrize("end", [WorkflowCompleted(at=50), WorkflowTerminated(at=50)], ids=lambda event: event.topic)
@pytest.mark.parametrize("late", LATE, ids=lambda command: type(command).__name__)
def test_closed_an_attempt_that_ends_behind_its_run_is_no_event(end: Event, late: Command) -> None:
    given(scheduled(), end).when(late).then_nothing()


# -- failure ---------------------------------------------------------------------------------------------------------


def test_a_failed_attempt_is_followed_by_another_after_the_back_off() -> None:
    command = FailActivity(seq=1, attempt=1, failure=AGAIN, heartbeat_details=BEAT)
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 100, failure=AGAIN, heartbeat_details=BEAT)
    given(scheduled()).when(command).then(then)


def test_the_dice_of_the_command_decide_the_jitter() -> None:
    policy = StoredRetryPolicy(initial_interval=100, jitter=0.5)
    command = FailActivity(seq=1, attempt=1, failure=AGAIN, dice=0.5)
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 75, failure=AGAIN)
    given(scheduled(retry_policy=policy)).when(command).then(then)


def test_an_activity_without_a_policy_is_retried_by_the_default_one() -> None:
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 1_000_000_000, failure=AGAIN)
    given(scheduled(retry_policy=None)).when(FailActivity(seq=1, attempt=1, failure=AGAIN)).then(then)


def test_the_last_attempt_fails_the_activity() -> None:
    second = ActivityRetryScheduled(at=200, seq=1, attempt=2, next_at=400, failure=AGAIN)
    failure = wrapped(AGAIN, RetryState.MAXIMUM_ATTEMPTS_REACHED)
    then = ActivityFailed(at=NOW, seq=1, failure=failure, attempt=3)
    given(scheduled(), RETRIED, second).when(FailActivity(seq=1, attempt=3, failure=AGAIN)).then(then)


def test_a_failure_that_is_final_fails_the_activity_at_once_and_shows_its_users_id() -> None:
    failure = wrapped(FINAL, RetryState.NON_RETRYABLE_FAILURE, activity_id="charge-1")
    then = ActivityFailed(at=NOW, seq=1, failure=failure)
    given(scheduled(activity_id="charge-1")).when(FailActivity(seq=1, attempt=1, failure=FINAL)).then(then)


def test_an_attempt_is_not_planned_beyond_the_time_that_all_together_have() -> None:
    command = FailActivity(seq=1, attempt=1, failure=AGAIN)
    failed = ActivityFailed(at=100, seq=1, failure=wrapped(AGAIN, RetryState.TIMEOUT))
    given(scheduled(schedule_to_close=180)).when(command, at=100).then(failed)
    retried = ActivityRetryScheduled(at=99, seq=1, attempt=1, next_at=199, failure=AGAIN)
    given(scheduled(schedule_to_close=180)).when(command, at=99).then(retried)


@pytest.mark.parametrize("kind", [TimeoutType.START_TO_CLOSE, TimeoutType.HEARTBEAT])
def test_an_attempt_that_timed_out_is_followed_by_another(kind: TimeoutType) -> None:
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 100, failure=timeout(kind))
    given(scheduled()).when(FailActivity(seq=1, attempt=1, failure=timeout(kind))).then(then)


@pytest.mark.parametrize(
    ("kind", "attempts", "state"),
    [
        (TimeoutType.START_TO_CLOSE, 1, RetryState.MAXIMUM_ATTEMPTS_REACHED),
        (TimeoutType.HEARTBEAT, 1, RetryState.MAXIMUM_ATTEMPTS_REACHED),
        (TimeoutType.SCHEDULE_TO_START, 0, RetryState.TIMEOUT),
        (TimeoutType.SCHEDULE_TO_CLOSE, 0, RetryState.TIMEOUT),
    ],
)
def test_a_time_out_that_is_final_is_its_own_outcome(kind: TimeoutType, attempts: int, state: RetryState) -> None:
    policy = StoredRetryPolicy(initial_interval=100, maximum_attempts=attempts)
    failure = wrapped(timeout(kind), state, "Activity task timed out")
    then = ActivityTimedOut(at=NOW, seq=1, timeout_type=kind, failure=failure)
    given(scheduled(retry_policy=policy)).when(FailActivity(seq=1, attempt=1, failure=timeout(kind))).then(then)


def test_a_time_out_of_the_users_own_is_a_failure_like_any_other() -> None:
    policy = StoredRetryPolicy(maximum_attempts=1)
    then = ActivityFailed(at=NOW, seq=1, failure=wrapped(timeout(None), RetryState.MAXIMUM_ATTEMPTS_REACHED))
    given(scheduled(retry_policy=policy)).when(FailActivity(seq=1, attempt=1, failure=timeout(None))).then(then)


# -- cancellation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("history", "attempt"), [((ASKED,), 1), ((RETRIED, ASKED), 2)], ids=["running", "backing off"])
def test_an_attempt_that_was_asked_to_stop_and_did_cancels_the_activity(
    history: tuple[Event, ...], attempt: int
) -> None:
    failure = wrapped(CANCELED, RetryState.CANCEL_REQUESTED, "Activity cancelled")
    then = ActivityCanceled(at=NOW, seq=1, failure=failure, attempt=attempt)
    given(scheduled(), *history).when(FailActivity(seq=1, attempt=attempt, failure=CANCELED)).then(then)


def test_an_attempt_that_stops_unasked_has_failed() -> None:
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 100, failure=CANCELED)
    given(scheduled()).when(FailActivity(seq=1, attempt=1, failure=CANCELED)).then(then)


@pytest.mark.parametrize(
    ("failure", "state"), [(AGAIN, RetryState.CANCEL_REQUESTED), (FINAL, RetryState.NON_RETRYABLE_FAILURE)]
)
def test_an_attempt_that_fails_after_it_was_asked_to_stop_is_the_last(failure: Failure, state: RetryState) -> None:
    then = ActivityFailed(at=NOW, seq=1, failure=wrapped(failure, state))
    given(scheduled(), ASKED).when(FailActivity(seq=1, attempt=1, failure=failure)).then(then)


def test_an_attempt_that_times_out_after_it_was_asked_to_stop_is_the_last() -> None:
    late = timeout(TimeoutType.HEARTBEAT)
    failure = wrapped(late, RetryState.CANCEL_REQUESTED, "Activity task timed out")
    then = ActivityTimedOut(at=NOW, seq=1, timeout_type=TimeoutType.HEARTBEAT, failure=failure)
    given(scheduled(), ASKED).when(FailActivity(seq=1, attempt=1, failure=late)).then(then)


# -- heartbeats ------------------------------------------------------------------------------------------------------


def test_the_details_of_a_heartbeat_are_recorded_when_they_are_new() -> None:
    command = RecordHeartbeat(seq=1, attempt=1, details=BEAT)
    then = ActivityHeartbeatRecorded(at=NOW, seq=1, attempt=1, details=BEAT)
    given(scheduled()).when(command).then(then)
    given(scheduled(), then).when(command, at=2_000).then_nothing()


# -- what may run ----------------------------------------------------------------------------------------------------


def test_an_attempt_may_run_unless_its_activity_backs_off_until_later() -> None:
    history = [
        started(),
        *(scheduled(seq) for seq in (1, 2, 3, 4)),
        ActivityRetryScheduled(at=30, seq=1, attempt=1, next_at=130, failure=AGAIN),
        ActivityRetryScheduled(at=30, seq=2, attempt=1, next_at=131, failure=AGAIN),
        ActivityCancelRequested(at=40, seq=3),
    ]
    due = attempts_due(fold("run-1", history), 130)
    assert [pending.scheduled.seq for pending in due] == [1, 3, 4]


def test_the_failure_that_the_code_sees_says_which_activity_it_was_and_why_it_is_final() -> None:
    failure = activity_failure(PendingActivity(scheduled(7)), AGAIN, RetryState.TIMEOUT, "Activity task failed")
    assert failure == wrapped(AGAIN, RetryState.TIMEOUT, seq=7, activity_id="7")
