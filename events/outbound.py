"""The life of one message that a workflow sends to another: asked for, then delivered or not.

Whoever gets it records it under a request id that follows from the sender and the number, so that one which a crash
has cut off can be sent again (ONCE-RECORDED).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Request
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload

__all__ = [
    "OUTBOUND",
    "ExternalCancelRequested",
    "ExternalSignalRequested",
    "MessageDelivered",
    "MessageFailed",
    "OutboundPhase",
]


class OutboundPhase(IntEnum):
    """The state of a message to another workflow."""

    ASKED = 1
    DELIVERED = 2
    FAILED = 3


class ExternalSignalRequested(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow signals another one."""

    topic: ClassVar[str] = "external.signal_requested"

    seq: int
    """Numbers the messages that a run sends from 1."""
    workflow_id: str
    run_id: str = ""
    """Empty: the open run, else the latest."""
    child: int = 0
    """The number of the child that is meant; 0: it need not be one."""
    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` is the same signal to the same workflow at the same number."""
        return (
            isinstance(other, ExternalSignalRequested)
            and other.seq == self.seq
            and other.name == self.name
            and other.workflow_id == self.workflow_id
        )


class ExternalCancelRequested(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow asks another one to cancel."""

    topic: ClassVar[str] = "external.cancel_requested"

    seq: int
    workflow_id: str
    run_id: str = ""
    reason: str = ""
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` cancels the same workflow at the same number."""
        return (
            isinstance(other, ExternalCancelRequested)
            and other.seq == self.seq
            and other.workflow_id == self.workflow_id
        )


class MessageDelivered(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The other workflow has the message on disk."""

    topic: ClassVar[str] = "message.delivered"

    seq: int


class MessageFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """There is no such workflow, or it is closed."""

    topic: ClassVar[str] = "message.failed"

    seq: int
    failure: Failure


OUTBOUND: Final[dict[tuple[OutboundPhase | None, type[Event]], OutboundPhase]] = {
    (None, ExternalSignalRequested): OutboundPhase.ASKED,
    (None, ExternalCancelRequested): OutboundPhase.ASKED,
    (OutboundPhase.ASKED, MessageDelivered): OutboundPhase.DELIVERED,
    (OutboundPhase.ASKED, MessageFailed): OutboundPhase.FAILED,
}
