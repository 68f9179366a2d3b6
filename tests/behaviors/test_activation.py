"""What is activated together: a start with the messages that are handled in front of the run function's first step."""

from __future__ import annotations

from understudy.actors.behaviors.decisions.activation import Activation, Deferred, recorded
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerFired, TimerStarted
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import TurnDeferred, TurnResumed, WorkflowCancelRequested, WorkflowStarted

STARTED = WorkflowStarted(at=1, workflow_id="w", workflow_type="W", task_queue="q")
WITH = SignalReceived(at=1, name="a", with_start=True)
ALSO = UpdateAccepted(at=1, update_id="u", name="b", with_start=True)
LATER = SignalReceived(at=2, name="c")


def deferred(*facts: tuple[int, Event]) -> Deferred:
    """Facts that wait."""
    return Deferred(facts)  # type: ignore[arg-type]  # all are facts


# -- of what is recorded ---------------------------------------------------------------------------------------------


def test_a_fact_is_activated_alone() -> None:
    fired = TimerFired(at=9, seq=1)
    events = [STARTED, LATER, TimerStarted(at=2, seq=1, fire_at=9), fired, LATER]
    assert recorded(events, 2) == Activation(LATER, [], 2)
    assert recorded(events, 4) == Activation(fired, [], 4)
    assert recorded(events, 5) == Activation(LATER, [], 5)


def test_a_start_is_activated_with_the_messages_that_came_with_it() -> None:
    assert recorded([STARTED, WITH, ALSO, LATER], 1) == Activation(STARTED, [WITH, ALSO], 3)
    assert recorded([STARTED, WITH], 1) == Activation(STARTED, [WITH], 2)
    assert recorded([STARTED, LATER], 1) == Activation(STARTED, [], 1)
    assert recorded([STARTED], 1) == Activation(STARTED, [], 1)


# -- of what waits ---------------------------------------------------------------------------------------------------


def test_a_start_that_waited_is_taken_up_with_all_messages_behind_it_and_nothing_else() -> None:
    cancel = WorkflowCancelRequested(at=3)
    waiting = deferred((1, STARTED), (3, WITH), (4, LATER), (5, ALSO), (6, cancel), (7, LATER))
    assert waiting.take() == Activation(STARTED, [WITH, LATER, ALSO, LATER], 7)
    assert waiting.take() == Activation(cancel, [], 6)
    assert not waiting


def test_a_replay_takes_up_what_was_taken_up_together_and_no_more() -> None:
    facts = ((1, STARTED), (3, WITH), (4, LATER))
    assert deferred(*facts).take(3) == Activation(STARTED, [WITH], 3)
    assert deferred(*facts).take(1) == Activation(STARTED, [], 1)
    assert deferred(*facts).take(9) == Activation(STARTED, [WITH, LATER], 4)
    waiting = deferred((1, STARTED), (3, WorkflowCancelRequested(at=3)), (4, LATER), (5, LATER))
    assert waiting.take(4) == Activation(STARTED, [LATER], 4)
    assert [version for version, _ in waiting] == [3, 5]


def test_of_what_waited_behind_live_code_messages_go_first_and_together_and_the_rest_one_by_one() -> None:
    fired, cancel = TimerFired(at=2, seq=1), WorkflowCancelRequested(at=3)
    waiting = deferred((3, fired), (4, LATER), (5, cancel), (6, WITH))
    assert waiting.take() == Activation(LATER, [WITH], 6)
    assert waiting.take() == Activation(fired, [], 3)
    assert waiting.take() == Activation(cancel, [], 5)
    assert not waiting


def test_a_replay_takes_up_messages_one_by_one_if_they_were() -> None:
    fired = TimerFired(at=2, seq=1)
    waiting = deferred((3, fired), (4, LATER), (5, WITH))
    assert waiting.take(3) == Activation(fired, [], 3)
    assert waiting.take(4) == Activation(LATER, [], 4)
    assert waiting.take(5) == Activation(WITH, [], 5)


def test_the_marks_of_a_deferral_are_no_messages() -> None:
    events: list[Event] = [STARTED, TurnDeferred(at=1, since=1, reason=""), WITH, TurnResumed(at=2, through=3)]
    assert recorded(events, 1) == Activation(STARTED, [], 1)
