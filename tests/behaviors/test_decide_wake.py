"""Deciding about what is due: timers, time-outs, retries and the end of a run's time."""

from __future__ import annotations

import pytest

from tests.behaviors.given import AGAIN, BEAT, NOW, given, scheduled, started, timer
from understudy.actors.behaviors.decisions.commands import Wake
from understudy.actors.behaviors.decisions.decide import decide
from understudy.events.activity import (
    ActivityCancelRequested,
    ActivityCompleted,
    ActivityHeartbeatRecorded,
    ActivityRetryScheduled,
    ActivityTimedOut,
)
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.state.evolve import fold
from understudy.events.timer import TimerCanceled, TimerFired
from understudy.events.workflow import WorkflowCompleted, WorkflowTimedOut


def out_of_time(*, attempt: int = 1, cause: Failure | None = None, beat: bool = False) -> ActivityTimedOut:
    """The event of an activity whose attempts together took too long."""
    late = Failure(
        kind="timeout",
        message="activity ScheduleToClose timeout",
        timeout_type=TimeoutType.SCHEDULE_TO_CLOSE,
        cause=cause,
        details=BEAT if beat else (),
    )
    failure = Failure(
        kind="activity",
        message="Activity task timed out",
        cause=late,
        retry_state=RetryState.TIMEOUT,
        seq=1,
        activity_type="charge",
        activity_id="1",
    )
    return ActivityTimedOut(at=NOW, seq=1, timeout_type=TimeoutType.SCHEDULE_TO_CLOSE, failure=failure, attempt=attempt)


def test_nothing_is_due_in_a_run_that_waits_for_messages() -> None:
    given(started()).when(Wake()).then_nothing()


def test_timers_fire_in_the_order_of_their_times_at_the_time_of_the_wake() -> None:
    events = (TimerFired(at=NOW, seq=2), TimerFired(at=NOW, seq=1))
    given(timer(1, 900), timer(2, 800), timer(3, NOW + 1)).when(Wake()).then(*events)


@pytest.mark.parametrize("settled", [TimerFired(at=850, seq=1), TimerCanceled(at=850, seq=1)], ids=lambda e: e.topic)
def test_once_recorded_a_timer_that_is_settled_does_not_fire(settled: Event) -> None:
    given(timer(1, 800), settled).when(Wake()).then_nothing()


def test_once_recorded_a_second_wake_at_the_same_time_finds_nothing() -> None:
    state = fold("run-1", [started(), timer(1, 800)])
    assert decide(state, Wake(), NOW) == [TimerFired(at=NOW, seq=1)]
    assert decide(state, Wake(), NOW) == []


def test_a_back_off_that_is_over_needs_no_event() -> None:
    retried = ActivityRetryScheduled(at=30, seq=1, attempt=1, next_at=130, failure=AGAIN)
    given(scheduled(), retried).when(Wake()).then_nothing()


def test_a_first_turn_that_is_due_needs_no_event() -> None:
    given(started(first_turn_at=500)).when(Wake()).then_nothing()


@pytest.mark.parametrize("asked", [(), (ActivityCancelRequested(at=40, seq=1),)], ids=["wanted", "canceling"])
def test_an_activity_whose_time_is_over_has_timed_out(asked: tuple[Event, ...]) -> None:
    given(scheduled(schedule_to_close=500), *asked).when(Wake()).then(out_of_time())


def test_the_time_out_says_what_went_wrong_before_and_how_far_the_activity_came() -> None:
    history = (
        scheduled(schedule_to_close=500),
        ActivityHeartbeatRecorded(at=25, seq=1, attempt=1, details=BEAT),
        ActivityRetryScheduled(at=30, seq=1, attempt=1, next_at=130, failure=AGAIN),
    )
    given(*history).when(Wake(), at=NOW).then(out_of_time(attempt=2, cause=AGAIN, beat=True))


def test_once_recorded_an_activity_with_an_outcome_does_not_time_out() -> None:
    given(scheduled(schedule_to_close=500), ActivityCompleted(at=50, seq=1)).when(Wake()).then_nothing()


def test_a_run_whose_time_is_over_times_out_behind_what_was_due_before() -> None:
    history = (started(run_timeout=900), timer(1, 800), timer(2, 905), timer(3, 915))
    given(*history).when(Wake()).then(TimerFired(at=NOW, seq=1), TimerFired(at=NOW, seq=2), WorkflowTimedOut(at=NOW))


def test_closed_nothing_is_due_behind_the_end() -> None:
    history = (started(run_timeout=900), timer(1, 800), scheduled(schedule_to_close=500), WorkflowCompleted(at=50))
    given(*history).when(Wake()).then_nothing()
