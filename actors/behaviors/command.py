"""Commands: what somebody outside asks of a run, in the imperative, frozen.

`actors.behaviors.decide` answers each with events. What the workflow's own code asks for is no command: there is
nothing to decide about it, so it is an event from the start (`events.event.Request`).
"""

from __future__ import annotations

import msgspec

from understudy.events.failure import Failure
from understudy.events.payload import Payload

__all__ = [
    "CancelWorkflow",
    "Command",
    "CompleteActivity",
    "CompleteLocalActivity",
    "FailActivity",
    "FailLocalActivity",
    "RecordHeartbeat",
    "SignalWorkflow",
    "TerminateWorkflow",
    "Wake",
]


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The root of all commands."""


class SignalWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Deliver a message."""

    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""
    request_id: str = ""


class CancelWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Ask the code to cancel."""

    reason: str = ""
    identity: str = ""
    request_id: str = ""


class TerminateWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """End the run without asking the code."""

    reason: str = ""
    details: tuple[Payload, ...] = ()
    identity: str = ""


class Wake(Command, frozen=True, kw_only=True, gc=False):
    """See what is due."""


class CompleteActivity(Command, frozen=True, kw_only=True, gc=False):
    """An attempt returned."""

    seq: int
    attempt: int
    result: Payload | None = None
    identity: str = ""


class FailActivity(Command, frozen=True, kw_only=True, gc=False):
    """An attempt failed, timed out or was cancelled; `dice` in [0, 1) is the jitter's."""

    seq: int
    attempt: int
    failure: Failure
    heartbeat_details: tuple[Payload, ...] | None = None
    dice: float = 0.0


class RecordHeartbeat(Command, frozen=True, kw_only=True, gc=False):
    """Keep an attempt's heartbeat details for the next attempt."""

    seq: int
    attempt: int
    details: tuple[Payload, ...]


class CompleteLocalActivity(Command, frozen=True, kw_only=True, gc=False):
    """A local activity returned."""

    seq: int
    activity_type: str
    activity_id: str
    attempt: int
    result: Payload | None = None


class FailLocalActivity(Command, frozen=True, kw_only=True, gc=False):
    """A local activity failed for good."""

    seq: int
    activity_type: str
    activity_id: str
    attempt: int
    failure: Failure
