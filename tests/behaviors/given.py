"""Given, when, then, for deciders: given what happened, when this is commanded at that time, then these events follow.

    given(started(), scheduled()).when(CompleteActivity(seq=1, attempt=1), at=50).then(ActivityCompleted(at=50, seq=1))

Every decision is also held to what all decisions promise: the state that was asked is as it was, and the events that
came out are ones that it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest

from understudy.actors.behaviors.decisions.commands import Command
from understudy.actors.behaviors.decisions.decide import decide
from understudy.events.activity import ActivityScheduled
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.state.evolve import fold
from understudy.events.timer import TimerStarted
from understudy.events.workflow import WorkflowStarted

__all__ = [
    "AGAIN",
    "BEAT",
    "CANCELED",
    "FINAL",
    "NOW",
    "RETRY",
    "VALUE",
    "Decision",
    "Given",
    "given",
    "scheduled",
    "started",
    "timer",
]

NOW: Final = 1_000
"""When the command comes, if the test does not say; what was given happened before."""

VALUE: Final = Payload(msgspec.Raw(b'{"sku": "a-1"}'))
BEAT: Final = (Payload(msgspec.Raw(b"50")),)
AGAIN: Final = Failure(kind="application", message="no stock", type="NoStock")
FINAL: Final = Failure(kind="application", message="never", type="Never", non_retryable=True)
CANCELED: Final = Failure(kind="canceled", message="Cancelled")
RETRY: Final = StoredRetryPolicy(initial_interval=100, maximum_attempts=3)


def started(**fields: Any) -> WorkflowStarted:
    """The start of a run at 10."""
    named: dict[str, Any] = {
        "at": 10,
        "workflow_id": "order-1",
        "workflow_type": "Order",
        "task_queue": "orders",
        **fields,
    }
    return WorkflowStarted(**named)


def scheduled(seq: int = 1, **fields: Any) -> ActivityScheduled:
    """A request for an activity at 20."""
    named: dict[str, Any] = {"at": 20, "activity_type": "charge", "retry_policy": RETRY, **fields}
    return ActivityScheduled(seq=seq, **named)


def timer(seq: int, fire_at: int) -> TimerStarted:
    """A request for a timer at 20."""
    return TimerStarted(at=20, seq=seq, fire_at=fire_at)


class Decision:
    """What a command led to."""

    def __init__(self, history: Sequence[Event], command: Command, at: int) -> None:
        self._history = history
        self._command = command
        self._at = at

    def events(self) -> list[Event]:
        """The events that the command means."""
        state = fold("run-1", self._history)
        before = repr(state)
        events = decide(state, self._command, self._at)
        assert repr(state) == before, "a decision changes nothing"
        fold("run-1", [*self._history, *events])
        return events

    def then(self, *events: Event) -> None:
        """It means just these events."""
        assert self.events() == list(events)

    def then_nothing(self) -> None:
        """It comes too late, or again: ONCE-RECORDED."""
        assert self.events() == []

    def then_refused(self, error: type[Exception]) -> pytest.ExceptionInfo[Any]:
        """It is refused with an error."""
        with pytest.raises(error) as caught:
            self.events()
        return caught


class Given:
    """A history."""

    def __init__(self, history: Sequence[Event]) -> None:
        self._history = history

    def when(self, command: Command, at: int = NOW) -> Decision:
        """Somebody commands."""
        return Decision(self._history, command, at)


def given(*history: Event) -> Given:
    """This has happened; a run that has not started is started first."""
    if history and not isinstance(history[0], WorkflowStarted):
        return Given([started(), *history])
    return Given(history)
