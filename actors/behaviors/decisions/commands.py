"""Commands: requests to a run from outside, in the imperative, frozen.

`decisions.decide` answers each with events. What the workflow's own code asks for is no command: there is
nothing to decide about it, so it is an event from the start (`events.event.Request`).
"""

from __future__ import annotations

import msgspec

from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ResetChildren, RetryState
from understudy.events.payloads.payload import Payload

__all__ = [
    "CancelWorkflow",
    "Command",
    "CompleteActivity",
    "CompleteChild",
    "CompleteLocalActivity",
    "DeferActivity",
    "FailActivity",
    "FailChild",
    "FailLocalActivity",
    "NoteChild",
    "NoteChildCanceling",
    "NoteChildConflict",
    "NoteMessage",
    "PauseWorkflow",
    "RecordHeartbeat",
    "ReportActivity",
    "ResetWorkflow",
    "SignalWorkflow",
    "TerminateWorkflow",
    "UnpauseWorkflow",
    "UpdateWorkflow",
    "Wake",
]


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The root of all commands."""


class SignalWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Deliver a signal to the run."""

    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""
    request_id: str = ""
    failure: Failure | None = None
    """The failure of a rejected promise, in place of its value."""


class UpdateWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Deliver an update that its validator has accepted."""

    update_id: str
    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""


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


class PauseWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Let the code take no more facts until it is unpaused."""

    note: str = ""
    freeze_timers: bool = False
    identity: str = ""


class UnpauseWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Let the code take facts again."""

    note: str = ""
    identity: str = ""


class ResetWorkflow(Command, frozen=True, kw_only=True, gc=False):
    """Make a new run of this one, as it was at an earlier event."""

    event_id: int
    reason: str = ""
    reapply_signals: bool = True
    reapply_updates: bool = True
    children: ResetChildren = ResetChildren.ADOPT
    identity: str = ""


class Wake(Command, frozen=True, kw_only=True, gc=False):
    """Turn what is due into events."""


class CompleteActivity(Command, frozen=True, kw_only=True, gc=False):
    """An attempt of an activity returned."""

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


class DeferActivity(Command, frozen=True, kw_only=True, gc=False):
    """The code of an attempt is over; its outcome will be reported from outside, by `close_by` if that is not 0."""

    seq: int
    attempt: int
    close_by: int = 0


class ReportActivity(Command, frozen=True, kw_only=True, gc=False):
    """The outcome of an attempt is reported from outside; `report` need not say of which attempt."""

    report: CompleteActivity | FailActivity
    activity: str
    """The id by which the report names the activity."""
    seq: int = 0
    """The number of the activity; 0: the id names it."""
    attempt: int = 0
    """The number of the attempt; 0: the one whose outcome is awaited."""
    cancellation: bool = False
    """True if the report says that the attempt was cancelled, as was asked."""


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


class NoteChild(Command, frozen=True, kw_only=True, gc=False):
    """A child has started."""

    seq: int
    run_id: str


class NoteChildConflict(Command, frozen=True, kw_only=True, gc=False):
    """A child could not be started, because its id is taken by a run."""

    seq: int
    run_id: str = ""


class NoteChildCanceling(Command, frozen=True, kw_only=True, gc=False):
    """A child has the request to cancel."""

    seq: int


class CompleteChild(Command, frozen=True, kw_only=True, gc=False):
    """A child, which began as run `run_id`, returned."""

    seq: int
    run_id: str
    result: Payload | None = None
    was_canceling: bool = False
    """True if the child had the request to cancel."""


class FailChild(Command, frozen=True, kw_only=True, gc=False):
    """A child, which began as run `run_id`, ended otherwise; `failure` is why, without the ChildWorkflowError."""

    seq: int
    run_id: str
    failure: Failure
    retry_state: RetryState | None = None
    was_canceling: bool = False
    """True if the child had the request to cancel."""


class NoteMessage(Command, frozen=True, kw_only=True, gc=False):
    """A message to another workflow was delivered, or failed."""

    seq: int
    failure: Failure | None = None
