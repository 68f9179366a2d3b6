"""Deciding about attempts that somebody outside completes: recorded once, then waited for, also behind a restart."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from tests.behaviors.given import AGAIN, BEAT, CANCELED, NOW, RETRY, VALUE, given, scheduled, started
from understudy.actors.behaviors.decisions.activities import activity_failure, attempts_due, awaited, overdue
from understudy.actors.behaviors.decisions.commands import (
    CompleteActivity,
    DeferActivity,
    FailActivity,
    ReportActivity,
    Wake,
)
from understudy.events.activity import (
    ActivityCanceled,
    ActivityCancelRequested,
    ActivityCompleted,
    ActivityCompletionDeferred,
    ActivityRetryScheduled,
)
from understudy.events.errors import ActivityNotFoundError, InvalidArgumentError, WorkflowClosedError
from understudy.events.options.policies import RetryState
from understudy.events.state.evolve import fold
from understudy.events.state.pending import PendingActivity
from understudy.events.workflow import WorkflowCompleted

DEFERRED: Final = ActivityCompletionDeferred(at=30, seq=1, attempt=1, close_by=500)
RETRIED: Final = ActivityRetryScheduled(at=40, seq=1, attempt=1, next_at=140, failure=AGAIN)
ASKED: Final = ActivityCancelRequested(at=45, seq=1)
COMPLETION: Final = CompleteActivity(seq=0, attempt=0, result=VALUE, identity="kim")


def report(of: Any = COMPLETION, activity: str = "1", **fields: Any) -> ReportActivity:
    """Somebody outside reports."""
    return ReportActivity(report=of, activity=activity, **fields)


# -- leaving it to them ----------------------------------------------------------------------------------------------


def test_that_an_attempt_is_completed_from_outside_is_recorded_once() -> None:
    command = DeferActivity(seq=1, attempt=1, close_by=500)
    then = msgspec.structs.replace(DEFERRED, at=NOW)
    given(scheduled()).when(command).then(then)
    given(scheduled(), ASKED).when(command).then(then)
    given(scheduled(), DEFERRED).when(command).then_nothing()


def test_a_late_word_of_that_is_no_event() -> None:
    command = DeferActivity(seq=1, attempt=1)
    given(started()).when(command).then_nothing()
    given(scheduled(), RETRIED).when(command).then_nothing()
    given(scheduled(), ActivityCompleted(at=50, seq=1)).when(command).then_nothing()


def test_an_attempt_outside_is_not_made_again_and_the_next_one_is() -> None:
    assert attempts_due(fold("run-1", [started(), scheduled(), DEFERRED]), NOW) == []
    state = fold("run-1", [started(), scheduled(), DEFERRED, RETRIED])
    assert [pending.attempt for pending in attempts_due(state, NOW)] == [2]


# -- time ------------------------------------------------------------------------------------------------------------


def test_an_attempt_outside_is_overdue_when_its_time_has_come() -> None:
    state = fold("run-1", [started(), scheduled(), DEFERRED])
    assert state.next_deadline() == 500
    assert overdue(state, 499) == []
    assert [pending.scheduled.seq for pending in overdue(state, 500)] == [1]


def test_an_attempt_outside_without_a_limit_is_never_overdue() -> None:
    state = fold("run-1", [started(), scheduled(), msgspec.structs.replace(DEFERRED, close_by=0)])
    assert state.next_deadline() is None
    assert overdue(state, 10**18) == []


def test_the_time_of_an_attempt_that_is_over_means_nothing() -> None:
    state = fold("run-1", [started(), scheduled(), DEFERRED, RETRIED])
    assert state.next_deadline() == 140
    assert overdue(state, NOW) == []
    done = fold("run-1", [started(), scheduled(), DEFERRED, ActivityCompleted(at=50, seq=1)])
    assert done.next_deadline() is None


def test_a_wake_up_leaves_it_to_the_shell_to_end_an_overdue_attempt() -> None:
    given(scheduled(), DEFERRED).when(Wake(), at=500).then_nothing()


# -- what they report ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [report(), report(seq=1, attempt=1), report(activity="#1", seq=1)],
    ids=["by id", "by token", "by number"],
)
def test_a_result_from_outside_completes_the_activity(named: ReportActivity) -> None:
    then = ActivityCompleted(at=NOW, seq=1, result=VALUE, attempt=1, identity="kim")
    given(scheduled(), DEFERRED).when(named).then(then)


def test_a_result_may_come_before_the_code_has_ended_and_after_a_retry() -> None:
    given(scheduled()).when(report()).then(ActivityCompleted(at=NOW, seq=1, result=VALUE, attempt=1, identity="kim"))
    then = ActivityCompleted(at=NOW, seq=1, result=VALUE, attempt=2, identity="kim")
    given(scheduled(), RETRIED).when(report()).then(then)


def test_an_activity_with_an_id_of_its_own_is_named_by_it() -> None:
    then = ActivityCompleted(at=NOW, seq=2, result=VALUE, attempt=1, identity="kim")
    given(scheduled(), scheduled(2, activity_id="sign")).when(report(activity="sign")).then(then)
    given(scheduled(2, activity_id="sign")).when(report(activity="2")).then_refused(ActivityNotFoundError)


def test_a_failure_from_outside_is_tried_again_with_its_details() -> None:
    failed = FailActivity(seq=0, attempt=0, failure=AGAIN, heartbeat_details=BEAT)
    then = ActivityRetryScheduled(at=NOW, seq=1, attempt=1, next_at=NOW + 100, failure=AGAIN, heartbeat_details=BEAT)
    given(scheduled(retry_policy=RETRY), DEFERRED).when(report(failed)).then(then)


def test_a_cancellation_is_reported_where_one_was_asked_for() -> None:
    canceled = report(FailActivity(seq=0, attempt=0, failure=CANCELED), cancellation=True)
    pending = PendingActivity(scheduled())
    failure = activity_failure(pending, CANCELED, RetryState.CANCEL_REQUESTED, "Activity cancelled")
    given(scheduled(), DEFERRED, ASKED).when(canceled).then(ActivityCanceled(at=NOW, seq=1, failure=failure))
    refused = given(scheduled(), DEFERRED).when(canceled).then_refused(InvalidArgumentError)
    assert "which nobody asked to cancel" in str(refused.value)


# -- what is refused -------------------------------------------------------------------------------------------------


def test_once_recorded_a_second_report_is_refused() -> None:
    done = ActivityCompleted(at=50, seq=1)
    refused = given(scheduled(), DEFERRED, done).when(report(seq=1, attempt=1)).then_refused(ActivityNotFoundError)
    assert "does not wait for it." in str(refused.value)


def test_a_report_about_an_attempt_that_is_over_is_refused_and_says_so() -> None:
    late = given(scheduled(), DEFERRED, RETRIED).when(report(seq=1, attempt=1)).then_refused(ActivityNotFoundError)
    assert "attempt 1 is over, attempt 2 is awaited" in str(late.value)


def test_closed_a_report_to_a_closed_run_is_refused() -> None:
    closed = given(scheduled(), DEFERRED, WorkflowCompleted(at=60)).when(report()).then_refused(WorkflowClosedError)
    assert closed.value.outcome == "COMPLETED"


def test_what_is_awaited_is_found_by_number_or_id() -> None:
    state = fold("run-1", [started(), scheduled(), scheduled(2, activity_id="sign")])
    assert awaited(state, "sign").scheduled.seq == awaited(state, "#2", seq=2).scheduled.seq == 2
