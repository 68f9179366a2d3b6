"""The life of one timer of a run: started, then fired once or cancelled once (ONCE-RECORDED)."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Request

__all__ = ["TIMER", "TimerCanceled", "TimerFired", "TimerPhase", "TimerStarted"]


class TimerPhase(IntEnum):
    """The state of a timer of a run."""

    STARTED = 1
    FIRED = 2
    CANCELED = 3


class TimerStarted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow waits until `fire_at`, ns since the epoch."""

    topic: ClassVar[str] = "timer.started"

    seq: int
    fire_at: int
    summary: str = ""
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same number; the duration may change with the code, the recorded one holds."""
        return isinstance(other, TimerStarted) and other.seq == self.seq


class TimerCanceled(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow no longer waits for the timer."""

    topic: ClassVar[str] = "timer.canceled"

    seq: int
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` cancels the same timer."""
        return isinstance(other, TimerCanceled) and other.seq == self.seq


class TimerFired(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The time of the timer has come."""

    topic: ClassVar[str] = "timer.fired"

    seq: int


TIMER: Final[dict[tuple[TimerPhase | None, type[Event]], TimerPhase]] = {
    (None, TimerStarted): TimerPhase.STARTED,
    (TimerPhase.STARTED, TimerFired): TimerPhase.FIRED,
    (TimerPhase.STARTED, TimerCanceled): TimerPhase.CANCELED,
}
