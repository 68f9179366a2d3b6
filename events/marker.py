"""Side effects: a value that the code computed once, recorded in line, and handed back by every replay."""

from __future__ import annotations

from typing import ClassVar

from understudy.events.event import Event, Request
from understudy.events.payload import Payload

__all__ = ["SideEffectRecorded"]


class SideEffectRecorded(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The value that side effect number `seq` had."""

    topic: ClassVar[str] = "side_effect.recorded"

    seq: int
    value: Payload
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """The same number; the recorded value holds."""
        return isinstance(other, SideEffectRecorded) and other.seq == self.seq
