"""The facts of one activation: a single fact; a start with the messages before its first step; or all that waited.

Messages that came with a start say so themselves. Facts that waited for code are taken up in the order of a turn: all
messages together, so that none of them is lost behind an end that another brings about, and then the rest, one by one.
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
    """A fact with messages: taken before its first step if it is a start, else together with it."""

    fact: Fact
    messages: Sequence[Fact] = ()
    through: int = 0
    """The version of the last of them; facts that still wait may have lower ones."""


class Deferred(list[tuple[int, Fact]]):
    """The facts that were recorded and wait for activation, with their versions."""

    __slots__ = ()

    def take(self, through: int | None = None) -> Activation:
        """Take the next activation: a start with all messages, else all messages, else the oldest fact.

        Args:
            through: the last version that was taken up together, in a replay; None: whatever waits.
        """
        first, rest = [self[0]], list[tuple[int, Fact]]()
        taken = first if type(first[0][1]) is WorkflowStarted else []
        for version, fact in self[len(taken) :]:
            is_next = isinstance(fact, _MESSAGES) and (through is None or version <= through)
            (taken if is_next else rest).append((version, fact))
        if not taken:
            taken, rest = first, rest[1:]
        self[:] = rest
        return Activation(taken[0][1], [fact for _, fact in taken[1:]], taken[-1][0])


def recorded(events: Sequence[Event], position: int) -> Activation:
    """Return the activation that begins with the fact in front of index `position`."""
    fact = events[position - 1]
    messages: list[Fact] = []
    if type(fact) is WorkflowStarted:
        while position < len(events) and getattr(events[position], "with_start", False):
            messages.append(events[position])  # type: ignore[arg-type]  # only messages have the field
            position += 1
    return Activation(fact, messages, position)  # type: ignore[arg-type]  # the caller has seen that it is one
