"""The boundary between code and engine: what is asked for, held against the record, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Final

import pytest

from tests.behaviors.plays import Cart
from tests.behaviors.rehearsal import START, payload
from tests.behaviors.stage import Stage
from understudy import workflow
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.events.activity import ActivityCancelRequested, ActivityScheduled
from understudy.events.converters.failure_converter import FailureConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.errors import NondeterminismError, NotInWorkflowError, ReadOnlyContextError
from understudy.events.event import Event, Request
from understudy.events.failures.exceptions import ActivityError, CancelledError
from understudy.events.marker import SideEffectRecorded
from understudy.events.options.policies import RetryState
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.timer import TimerCanceled, TimerStarted
from understudy.events.workflow import WorkflowCompleted, WorkflowStarted

STARTED = WorkflowStarted(at=START, workflow_id="order-1", workflow_type="Cart", task_queue="orders")
TIMER = TimerStarted(at=START, seq=1, fire_at=START + 5, source="orders.py:7")


def context(*recorded: Event, run_id: str = "run-1") -> Context:
    """A context that collects what is asked for or, with a record, replays it from its first event on."""
    state = fold(run_id, recorded) if recorded else WorkflowExecution(run_id)
    made = Context(workflow_of(Cart), state, PayloadConverter.default, FailureConverter.default)
    made.recorder.now = START
    if recorded:
        made.recorder.expect(recorded, 1)
    return made


def scheduled(seq: int = 1, name: str = "charge") -> ActivityScheduled:
    """A request for an activity."""
    return ActivityScheduled(at=START, seq=seq, activity_type=name)


def topics(requests: list[Request]) -> list[str]:
    """What was asked for, by name."""
    return [request.topic for request in requests]


# -- whose code runs -------------------------------------------------------------------------------------------------


def test_the_context_is_found_through_the_running_loop() -> None:
    made = context()
    assert made.loop.call(current) is made
    made.loop.close_run()


def test_outside_of_a_workflow_there_is_no_context() -> None:
    with pytest.raises(NotInWorkflowError, match=r"workflow.now\(\) was called outside of a workflow"):
        workflow.now()


async def test_on_a_loop_of_asyncio_there_is_no_context() -> None:
    assert asyncio.get_running_loop().is_running()
    with pytest.raises(NotInWorkflowError):
        current()


def test_on_a_loop_whose_host_is_no_workflow_there_is_no_context() -> None:
    with pytest.raises(NotInWorkflowError):
        Stage().loop.call(current)


# -- asking ----------------------------------------------------------------------------------------------------------


def test_live_a_request_is_collected_and_holds() -> None:
    made = context()
    asked = scheduled()
    assert made.recorder.ask(asked) is asked
    assert made.recorder.requests == [asked]
    assert (made.recorder.is_replaying, made.recorder.cursor) == (False, -1)


def test_in_a_replay_the_recorded_event_holds() -> None:
    made = context(STARTED, TIMER)
    other = TimerStarted(at=START + 9, seq=1, fire_at=START + 99)
    assert made.recorder.ask(other) is TIMER
    assert made.recorder.requests == []
    assert (made.recorder.is_replaying, made.recorder.cursor) == (True, 2)


def test_a_request_is_counted_in_the_length_of_the_history_live_and_in_a_replay() -> None:
    live, replay = context(), context(STARTED, TIMER)
    apply(live.execution, STARTED)
    assert live.recorder.history_length == replay.recorder.history_length == 1
    live.recorder.ask(TIMER)
    replay.recorder.ask(TIMER)
    assert live.recorder.history_length == replay.recorder.history_length == 2
    replay.recorder.expect((), 2, hidden=1)
    assert replay.recorder.history_length == 1


@pytest.mark.parametrize(
    ("asked", "recorded", "produced"),
    [
        (scheduled(), "timer.started seq=1", "activity.scheduled seq=1 activity_type='charge'"),
        (TimerStarted(at=START, seq=2, fire_at=1), "timer.started seq=1", "timer.started seq=2"),
        (TimerCanceled(at=START, seq=1), "timer.started seq=1", "timer.canceled seq=1"),
        (ActivityCancelRequested(at=START, seq=1), "timer.started seq=1", "activity.cancel_requested seq=1"),
        (SideEffectRecorded(at=START, seq=1, value=payload(1)), "timer.started seq=1", "side_effect.recorded seq=1"),
        (WorkflowCompleted(at=START), "timer.started seq=1", "workflow.completed"),
    ],
    ids=lambda value: getattr(value, "topic", ""),
)
def test_another_request_than_the_recorded_one_is_refused(asked: Request, recorded: str, produced: str) -> None:
    made = context(STARTED, TIMER)
    with pytest.raises(NondeterminismError) as caught:
        made.recorder.ask(asked)
    error = caught.value
    assert (error.run_id, error.position, error.recorded, error.produced) == ("run-1", 2, recorded, produced)
    assert error.recorded_source == "orders.py:7"
    assert made.recorder.mismatch is error


def test_the_first_difference_is_the_one_that_is_told() -> None:
    made = context(STARTED, TIMER)
    for asked in (scheduled(), TIMER, scheduled(2)):
        with suppress(NondeterminismError):
            made.recorder.ask(asked)
    assert made.recorder.mismatch is not None
    assert (made.recorder.mismatch.position, made.recorder.mismatch.produced) == (
        2,
        "activity.scheduled seq=1 activity_type='charge'",
    )


ASKING: Final[dict[str, Callable[[Context], object]]] = {
    "ask": lambda made: made.recorder.ask(scheduled()),
    "timer": lambda made: made.start_timer(5, print),
    "activity": lambda made: made.start_activity(scheduled(), int),
    "local activity": lambda made: made.start_local_activity(scheduled(), int),
    "side effect": lambda made: made.side_effect(lambda: pytest.fail("it was computed")),
    "random": lambda made: made.recorder.random(),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize("replays", [False, True])
def test_who_may_only_read_asks_in_vain(ask: Callable[[Context], object], *, replays: bool) -> None:
    made = context(STARTED, TIMER) if replays else context()
    made.recorder.read_only = "query 'state'"
    with pytest.raises(ReadOnlyContextError) as caught:
        ask(made)
    assert caught.value.handler == "query 'state'"
    assert (made.recorder.requests, made.local, made.timers, made.recorder.mismatch) == ([], None, {}, None)


def test_closed_what_is_asked_for_behind_the_end_is_dropped() -> None:
    made = context()
    made.recorder.ask(WorkflowCompleted(at=START))
    made.recorder.closed = True
    made.start_timer(5, print)
    _ = made.start_activity(scheduled(), int)
    assert topics(made.recorder.requests) == ["workflow.completed"]


# -- timers ----------------------------------------------------------------------------------------------------------


def test_timers_are_numbered_and_told_when_they_fire() -> None:
    made = context()
    assert [made.start_timer(5, print), made.start_timer(7, print, "a while")] == [1, 2]
    first, second = made.recorder.requests
    assert isinstance(first, TimerStarted)
    assert isinstance(second, TimerStarted)
    assert (first.fire_at, second.fire_at, second.summary) == (START + 5, START + 7, "a while")
    assert first.source.startswith("test_context.py:")


def test_a_timer_is_cancelled_once_and_not_behind_its_firing() -> None:
    made = context()
    first, second = made.start_timer(5, print), made.start_timer(7, print)
    made.timers.pop(second)()
    for number in (first, first, second):
        made.cancel_timer(number)
    assert topics(made.recorder.requests) == ["timer.started", "timer.started", "timer.canceled"]


# -- activities ------------------------------------------------------------------------------------------------------


def test_activities_are_numbered_and_one_that_ended_is_not_asked_to_stop() -> None:
    made = context()
    handle = made.start_activity(scheduled(made.next_activity()), int)
    assert made.next_activity() == 2
    del made.activities[1]
    handle.cancel()
    assert topics(made.recorder.requests) == ["activity.scheduled"]


def test_a_local_activity_that_ended_is_not_asked_to_stop() -> None:
    made = context()
    handle = made.start_local_activity(scheduled(), int)
    assert made.local is not None
    local = made.local.pending.pop(1)
    handle.cancel()
    assert (local.canceled, made.local.canceled_local_activities, made.recorder.requests) == (False, [], [])


def test_an_activity_that_is_cancelled_without_waiting_ends_with_an_error_that_says_which_it_was() -> None:
    made = context()
    handle = made.start_activity(scheduled(), int)
    handle.cancel()
    error = handle.exception()
    assert isinstance(error, ActivityError)
    assert (error.activity_type, error.activity_id, error.scheduled_event_id) == ("charge", "1", 1)
    assert error.retry_state is RetryState.CANCEL_REQUESTED
    assert isinstance(error.cause, CancelledError)


# -- chance and time -------------------------------------------------------------------------------------------------


def test_the_dice_are_seeded_by_the_run_and_made_when_they_are_first_asked_for() -> None:
    one, same, other = context(), context(STARTED), context(run_id="run-2")
    expected = Random("run-1").random()  # noqa: S311 - no secret
    assert one.recorder.random().random() == same.recorder.random().random() == expected
    assert other.recorder.random().random() != expected
    assert one.recorder.random() is one.recorder.random()


def test_time_is_that_of_the_activation() -> None:
    made = context()
    assert (made.now_ns(), made.loop.time()) == (START, START / 1e9)


def test_a_side_effect_is_computed_live_and_taken_from_the_record_in_a_replay() -> None:
    live = context()
    assert live.side_effect(lambda: payload(4)) == payload(4)
    assert live.side_effect(lambda: payload(5)) == payload(5)
    replay = context(STARTED, *live.recorder.requests)
    assert replay.side_effect(lambda: payload(6)) == payload(4)
    assert replay.side_effect(lambda: pytest.fail("it was computed")) == payload(5)
    assert replay.recorder.cursor == 3


def test_a_side_effect_that_fails_is_not_recorded_and_its_number_is_free() -> None:
    made = context()

    def fail() -> Any:
        raise KeyError("sku")

    with pytest.raises(KeyError):
        made.side_effect(fail)
    made.side_effect(lambda: payload(1))
    assert [getattr(request, "seq", 0) for request in made.recorder.requests] == [1]
