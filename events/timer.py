"""The life of one timer of a run: started, then fired once or cancelled once (ONCE-RECORDED)."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Request

__all__ = ["TIMER", "TimerCanceled", "TimerFired", "TimerPhase", "TimerStarted"]


class TimerPhase(IntEnum):
    """Where a timer stands."""

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
        """The same number; the duration may change between versions of the code, the recorded one holds."""
        return isinstance(other, TimerStarted) and other.seq == self.seq


class TimerCanceled(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow no longer waits."""

    topic: ClassVar[str] = "timer.canceled"

    seq: int
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """The same timer."""
        return isinstance(other, TimerCanceled) and other.seq == self.seq


class TimerFired(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Its time has come."""

    topic: ClassVar[str] = "timer.fired"

    seq: int


TIMER: Final[dict[tuple[TimerPhase | None, type[Event]], TimerPhase]] = {
    (None, TimerStarted): TimerPhase.STARTED,
    (TimerPhase.STARTED, TimerFired): TimerPhase.FIRED,
    (TimerPhase.STARTED, TimerCanceled): TimerPhase.CANCELED,
}
