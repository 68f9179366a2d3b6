"""The aggregate: what it keeps of a stream, what it forgets, and when it says that something is due."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.facts import example
from understudy.events.activity import (
    ActivityCancelRequested,
    ActivityCompleted,
    ActivityHeartbeatRecorded,
    ActivityPhase,
    ActivityRetryScheduled,
    ActivityScheduled,
    LocalActivityCompleted,
)
from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import Deadline, DeadlineKind, PendingActivity
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.workflow import (
    TurnDeferred,
    TurnResumed,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowStarted,
    WorkflowTerminated,
)

FAILURE: Final = Failure(kind="application", message="no stock")
DETAILS: Final = (Payload(msgspec.Raw(b"1")),)


def started(**fields: Any) -> WorkflowStarted:
    """A start at 10."""
    return WorkflowStarted(at=10, workflow_id="order-1", workflow_type="Order", task_queue="orders", **fields)


def scheduled(seq: int = 1, **fields: Any) -> ActivityScheduled:
    """A request for an activity at 20."""
    return ActivityScheduled(at=20, seq=seq, activity_type="charge", **fields)


def timer(seq: int, fire_at: int) -> TimerStarted:
    """A request for a timer at 20."""
    return TimerStarted(at=20, seq=seq, fire_at=fire_at)


def retry(next_at: int, *, attempt: int = 1, details: tuple[Payload, ...] | None = None) -> ActivityRetryScheduled:
    """A failed attempt of activity number 1."""
    return ActivityRetryScheduled(
        at=30, seq=1, attempt=attempt, next_at=next_at, failure=FAILURE, heartbeat_details=details
    )


def run_of(*events: Event, **fields: Any) -> WorkflowExecution:
    """A run that started at 10, and what happened since."""
    return fold("run-1", [started(**fields), *events])


def kinds(due: Iterable[Deadline]) -> list[str]:
    """What is due, in words."""
    return [f"{deadline.kind.name} {deadline.seq} at {deadline.at}" for deadline in due]


def test_a_run_begins_before_its_first_event() -> None:
    run = WorkflowExecution("run-1")
    assert (run.version, run.status, run.is_open, run.closed) == (0, None, False, None)
    assert not hasattr(run, "start")
    assert repr(run) == "<run run-1 NEW at version 0: 0 activities, 0 timers, 0 children pending>"


def test_a_run_keeps_its_first_event_and_shows_how_it_stands() -> None:
    run = run_of(scheduled(), timer(1, 50), timer(2, 60))
    assert run.start == started()
    assert run.is_open
    assert repr(run) == "<run run-1 RUNNING at version 4: 1 activities, 2 timers, 0 children pending>"


@given(st.integers(0, 30))
def test_no_gaps_the_version_is_the_number_of_events(signals: int) -> None:
    run = WorkflowExecution("run-1")
    for version, event in enumerate([started(), *[SignalReceived(at=11, name="add")] * signals], start=1):
        apply(run, event)
        assert run.version == version


def test_no_gaps_a_refused_event_is_not_counted() -> None:
    run = run_of(timer(1, 50))
    for refused in (timer(1, 60), TimerFired(at=50, seq=2), started(), ActivityCompleted(at=50, seq=1)):
        with pytest.raises(IllegalTransitionError):
            apply(run, refused)
    assert run.version == 2
    assert run.timers == {1: timer(1, 50)}


def test_a_closed_run_keeps_how_it_ended_and_forgets_what_was_open() -> None:
    end = WorkflowCompleted(at=99)
    run = run_of(scheduled(schedule_to_close=5), timer(1, 50), end, run_timeout=90)
    assert run.closed == end
    assert not run.is_open
    assert (run.activities, run.timers, run.next_deadline(), run.pop_due(10**9)) == ({}, {}, None, [])


# -- activities ------------------------------------------------------------------------------------------------------


def test_an_activity_is_scheduled_with_its_first_attempt_due_at_once() -> None:
    pending = run_of(scheduled()).activities[1]
    assert (pending.phase, pending.attempt, pending.next_at) == (ActivityPhase.SCHEDULED, 1, 20)
    assert (pending.last_failure, pending.heartbeat_details) == (None, ())
    assert repr(pending) == "<activity 'charge' #1 scheduled, attempt 1>"


def test_a_failed_attempt_makes_the_activity_back_off_until_the_next_is_due() -> None:
    pending = run_of(scheduled(), retry(70, attempt=3)).activities[1]
    assert (pending.phase, pending.attempt, pending.next_at) == (ActivityPhase.BACKING_OFF, 4, 70)
    assert pending.last_failure == FAILURE
    assert repr(pending) == "<activity 'charge' #1 backing off, attempt 4>"


def test_the_heartbeat_of_an_attempt_is_kept_for_the_next_unless_the_next_brings_its_own() -> None:
    beat = ActivityHeartbeatRecorded(at=25, seq=1, attempt=1, details=DETAILS)
    assert run_of(scheduled(), beat).activities[1].heartbeat_details == DETAILS
    assert run_of(scheduled(), beat, retry(70)).activities[1].heartbeat_details == DETAILS
    assert run_of(scheduled(), beat, retry(70, details=())).activities[1].heartbeat_details == ()
    assert run_of(scheduled(), retry(70, details=DETAILS)).activities[1].heartbeat_details == DETAILS


def test_an_activity_that_shall_stop_is_canceling_until_its_outcome_comes() -> None:
    run = run_of(scheduled(), ActivityCancelRequested(at=30, seq=1))
    assert run.activities[1].phase is ActivityPhase.CANCELING
    apply(run, ActivityCompleted(at=40, seq=1))
    assert run.activities == {}


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_once_recorded_an_activity_number_is_given_once(seq: int) -> None:
    run = run_of(scheduled(1), scheduled(3), ActivityCompleted(at=30, seq=3))
    with pytest.raises(IllegalTransitionError, match=f"activity #{seq} is not new"):
        apply(run, scheduled(seq))


def test_once_recorded_a_local_activity_has_one_outcome_and_they_come_in_any_order() -> None:
    run = run_of(*(LocalActivityCompleted(at=30, seq=seq, activity_type="add") for seq in (3, 1, 2)))
    assert run.local_done == {1, 2, 3}
    with pytest.raises(IllegalTransitionError, match="activity #2 is not new"):
        apply(run, LocalActivityCompleted(at=31, seq=2, activity_type="add"))


# -- messages and turns ----------------------------------------------------------------------------------------------


def test_message_ids_are_kept_of_the_start_and_of_signals_that_have_one() -> None:
    assert run_of().message_ids is None
    assert run_of(request_id="a").message_ids == {"a"}
    named, nameless = SignalReceived(at=11, name="add", request_id="b"), SignalReceived(at=11, name="add")
    assert run_of(nameless).message_ids is None
    assert run_of(named, nameless, request_id="a").message_ids == {"a", "b"}
    assert run_of(nameless, named).message_ids == {"b"}


def test_a_cancellation_that_was_asked_for_is_kept() -> None:
    asked = WorkflowCancelRequested(at=20, reason="no longer wanted")
    assert run_of(asked).cancel_requested == asked
    assert run_of().cancel_requested is None


def test_a_deferral_is_kept_until_the_turn_is_resumed() -> None:
    deferral = TurnDeferred(at=20, since=1, reason="no worker knows the type")
    run = run_of(deferral)
    assert (run.deferred, run.deferred_since) == (deferral, 1)
    apply(run, TurnResumed(at=30, through=1))
    assert (run.deferred, run.deferred_since) == (None, 0)


# -- deadlines -------------------------------------------------------------------------------------------------------


def test_nothing_is_due_in_a_run_that_waits_only_for_messages() -> None:
    run = run_of(scheduled())
    assert run.next_deadline() is None
    assert run.pop_due(10**18) == []


def test_what_is_due_comes_earliest_first_and_at_one_instant_in_the_order_of_its_kinds_and_numbers() -> None:
    run = run_of(
        scheduled(1, schedule_to_close=30),
        retry(50),
        timer(1, 70),
        timer(2, 50),
        timer(3, 50),
        timer(4, 40),
        first_turn_at=50,
        execution_deadline=50,
    )
    assert run.next_deadline() == 40
    assert kinds(run.pop_due(60)) == [
        "TIMER 4 at 40",
        "FIRST_TURN 0 at 50",
        "TIMER 2 at 50",
        "TIMER 3 at 50",
        "RETRY 1 at 50",
        "ACTIVITY_TIMEOUT 1 at 50",
        "RUN_TIMEOUT 0 at 50",
    ]
    assert run.next_deadline() == 70


def test_a_deadline_is_handed_out_once_at_its_instant_and_not_before() -> None:
    run = run_of(timer(1, 50))
    assert run.pop_due(49) == []
    assert kinds(run.pop_due(50)) == ["TIMER 1 at 50"]
    assert run.pop_due(50) == []
    assert run.next_deadline() is None


def test_what_was_settled_before_is_no_longer_due() -> None:
    run = run_of(
        timer(1, 50),
        timer(2, 51),
        timer(3, 52),
        scheduled(1, schedule_to_close=33),
        TimerCanceled(at=30, seq=1),
        TimerFired(at=30, seq=2),
        ActivityCompleted(at=30, seq=1),
    )
    assert run.next_deadline() == 52
    assert kinds(run.pop_due(10**9)) == ["TIMER 3 at 52"]


def test_a_settled_deadline_in_front_of_one_that_stands_is_dropped_when_both_are_due() -> None:
    run = run_of(timer(1, 50), timer(2, 51), TimerCanceled(at=30, seq=1))
    assert kinds(run.pop_due(60)) == ["TIMER 2 at 51"]


@pytest.mark.parametrize(
    "after",
    [retry(90, attempt=2), ActivityCancelRequested(at=40, seq=1), ActivityCompleted(at=40, seq=1)],
    ids=lambda event: event.topic,
)
def test_a_retry_is_due_only_while_the_activity_backs_off_until_then(after: Event) -> None:
    run = run_of(scheduled(), retry(50), after)
    assert "RETRY 1 at 50" not in kinds(run.pop_due(60))


@pytest.mark.parametrize(
    ("limits", "due"),
    [
        ({}, None),
        ({"execution_deadline": 70}, 70),
        ({"run_timeout": 80}, 90),
        ({"run_timeout": 80, "execution_deadline": 70}, 70),
        ({"run_timeout": 50, "execution_deadline": 70}, 60),
        ({"run_timeout": 80, "first_turn_at": 40}, 120),
    ],
)
def test_a_run_times_out_at_the_earlier_of_its_limits_counted_from_its_first_turn(
    limits: dict[str, int], due: int | None
) -> None:
    found = [deadline.at for deadline in run_of(**limits).pop_due(10**9) if deadline.kind is DeadlineKind.RUN_TIMEOUT]
    assert found == ([] if due is None else [due])


@given(st.lists(st.tuples(st.integers(21, 200), st.booleans()), max_size=40), st.integers(0, 220))
def test_the_heap_hands_out_just_the_timers_that_are_due_and_not_settled(
    timers: list[tuple[int, bool]], now: int
) -> None:
    run = run_of(*(timer(seq, at) for seq, (at, _) in enumerate(timers, start=1)))
    for seq, (_, canceled) in enumerate(timers, start=1):
        if canceled:
            apply(run, TimerCanceled(at=20, seq=seq))
    standing = sorted((at, seq) for seq, (at, canceled) in enumerate(timers, start=1) if not canceled)
    assert run.next_deadline() == (standing[0][0] if standing else None)
    assert [(deadline.at, deadline.seq) for deadline in run.pop_due(now)] == [d for d in standing if d[0] <= now]
    later = [at for at, _ in standing if at > now]
    assert run.next_deadline() == (later[0] if later else None)


def test_a_pending_activity_can_be_made_of_its_request_alone() -> None:
    assert PendingActivity(scheduled(7)).scheduled.seq == 7


def test_termination_closes_a_run_without_asking_its_code() -> None:
    run = run_of(example(WorkflowTerminated))
    assert isinstance(run.closed, WorkflowTerminated)


LATER: dict[str, dict[str, Any]] = {
    "a start delay": {},
    "a time of a cron schedule": {"cron_schedule": "@hourly"},
    "a retry": {"attempt": 2, "continued_run_id": "run-0"},
}
"""What a first turn that is due later may wait for."""


@pytest.mark.parametrize("fields", LATER.values(), ids=LATER)
def test_a_request_to_cancel_makes_a_first_turn_that_waits_due_at_once(fields: dict[str, Any]) -> None:
    waits = TurnDeferred(at=10, since=1, reason="the first turn is due later")
    run = run_of(waits, WorkflowCancelRequested(at=30), first_turn_at=50, **fields)
    assert (run.first_turn_at, run.next_deadline()) == (30, 30)
    assert kinds(run.pop_due(60)) == ["FIRST_TURN 0 at 30"]


def test_a_first_turn_that_was_taken_is_due_no_more() -> None:
    waits = TurnDeferred(at=10, since=1, reason="the first turn is due later")
    run = run_of(waits, TurnResumed(at=30, through=1), WorkflowCancelRequested(at=31), first_turn_at=50)
    assert (run.first_turn_at, run.next_deadline()) == (0, None)
