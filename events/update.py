"""The life of one update: accepted, and then completed by its handler, with a result or a failure.

An update that its validator rejects leaves no trace. One that was accepted is recorded before anybody hears of it
(ACKED), once for each id (ONCE-RECORDED); its outcome is the code's to say, so it is a request like any other.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Request
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload

__all__ = ["UPDATE", "UpdateAccepted", "UpdateCompleted", "UpdatePhase"]


class UpdatePhase(IntEnum):
    """The state of an update."""

    ACCEPTED = 1
    COMPLETED = 2


class UpdateAccepted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message for the update handler called `name`, which its validator has let in."""

    topic: ClassVar[str] = "update.accepted"

    update_id: str
    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""
    with_start: bool = False
    """It came with the start, and is handled in front of the run function's first step."""


class UpdateCompleted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The handler returned, or raised a declared failure."""

    topic: ClassVar[str] = "update.completed"

    update_id: str
    result: Payload | None = None
    failure: Failure | None = None

    def same_request(self, other: Event) -> bool:
        """True if `other` completes the same update; the recorded outcome holds."""
        return isinstance(other, UpdateCompleted) and other.update_id == self.update_id


UPDATE: Final[dict[tuple[UpdatePhase | None, type[Event]], UpdatePhase]] = {
    (None, UpdateAccepted): UpdatePhase.ACCEPTED,
    (UpdatePhase.ACCEPTED, UpdateCompleted): UpdatePhase.COMPLETED,
}
