"""What is activated at a time: one fact, and with a start the messages that are handled in front of its first step.

Those are messages that came with the start, which say so themselves, and messages that waited with it because its
activation was put off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from understudy.events.event import Event, Fact
from understudy.events.signal import SignalReceived
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import WorkflowStarted

__all__ = ["Activation", "Deferred", "recorded"]

_MESSAGES: Final = (SignalReceived, UpdateAccepted)


class Activation(NamedTuple):
    """One fact, and the messages that go in front of it."""

    fact: Fact
    messages: Sequence[Fact] = ()
    through: int = 0
    """The version of the last of them; facts that still wait may have lower ones."""


class Deferred(list[tuple[int, Fact]]):
    """Facts that were recorded and wait for activation, with their versions."""

    __slots__ = ()

    def take(self, through: int | None = None) -> Activation:
        """Take what has waited longest; with a start the messages behind it, also those behind other facts.

        Args:
            through: the last version that was taken up together, in a replay; None: all that wait with a start are.
        """
        last, fact = self.pop(0)
        messages: list[Fact] = []
        if type(fact) is WorkflowStarted:
            rest: list[tuple[int, Fact]] = []
            for version, other in self:
                if isinstance(other, _MESSAGES) and (through is None or version <= through):
                    messages.append(other)
                    last = version
                else:
                    rest.append((version, other))
            self[:] = rest
        return Activation(fact, messages, last)


def recorded(events: Sequence[Event], position: int) -> Activation:
    """Return the activation that begins with the fact in front of index `position`."""
    fact = events[position - 1]
    messages: list[Fact] = []
    if type(fact) is WorkflowStarted:
        while position < len(events) and getattr(events[position], "with_start", False):
            messages.append(events[position])  # type: ignore[arg-type]  # only messages have the field
            position += 1
    return Activation(fact, messages, position)  # type: ignore[arg-type]  # the caller has seen that it is one
