"""The life of a run: started, asked to cancel, closed in one of six ways.

The table below is the law CLOSED: a closed status has no arrows, so nothing follows a closing event. Between start and
close, turns may be put off and taken up again (`TurnDeferred`, `TurnResumed`): facts are recorded the moment they are
acknowledged, even when no code can take them because no worker knows the type, or the code fails. A deferral names the
first fact that waits; a resumption names the last one that was taken up there, and stands in front of what the code
asked for. Everywhere else a fact is activated at its own place in the stream.
"""

from __future__ import annotations

from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Note, Request
from understudy.events.failure import Failure
from understudy.events.payload import Payload
from understudy.events.policy import StoredRetryPolicy
from understudy.events.policy import WorkflowExecutionStatus as Status

__all__ = [
    "CLOSING",
    "WORKFLOW",
    "TurnDeferred",
    "TurnResumed",
    "WorkflowCancelRequested",
    "WorkflowCanceled",
    "WorkflowCompleted",
    "WorkflowContinuedAsNew",
    "WorkflowFailed",
    "WorkflowStarted",
    "WorkflowTerminated",
    "WorkflowTimedOut",
]


class WorkflowStarted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The first event of every run: all that its replay needs to know."""

    topic: ClassVar[str] = "workflow.started"

    workflow_id: str
    workflow_type: str
    task_queue: str
    input: tuple[Payload, ...] = ()
    flags: int = 0
    """Behaviour flags of the engine that the run was started by; a replay keeps to them."""
    execution_timeout: int = 0
    execution_deadline: int = 0
    """When the whole chain of runs times out, ns since the epoch; 0: never."""
    run_timeout: int = 0
    task_timeout: int = 0
    retry_policy: StoredRetryPolicy | None = None
    attempt: int = 1
    first_run_id: str = ""
    """The first run of the chain that retries make; empty for that first run itself."""
    continued_run_id: str = ""
    last_failure: Failure | None = None
    first_turn_at: int = 0
    """The first turn waits until then (the back-off of a workflow retry, a start delay); 0: at once."""
    memo: dict[str, Payload] = {}
    search_attributes: dict[str, object] = {}
    headers: dict[str, Payload] = {}
    summary: str = ""
    details: str = ""
    identity: str = ""
    request_id: str = ""


class WorkflowCancelRequested(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody asked the run to cancel; the main task gets it once."""

    topic: ClassVar[str] = "workflow.cancel_requested"

    reason: str = ""
    identity: str = ""
    request_id: str = ""


class WorkflowCompleted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run function returned."""

    topic: ClassVar[str] = "workflow.completed"

    result: Payload | None = None


class WorkflowFailed(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run function raised a declared failure."""

    topic: ClassVar[str] = "workflow.failed"

    failure: Failure
    new_run_id: str = ""
    """The run that the workflow's retry policy starts next, in the same transaction."""


class WorkflowCanceled(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run function ended with the cancellation that had been asked for."""

    topic: ClassVar[str] = "workflow.canceled"

    failure: Failure | None = None


class WorkflowContinuedAsNew(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run function asked for another run in its place, with a fresh history; how it is to be started."""

    topic: ClassVar[str] = "workflow.continued_as_new"

    workflow_type: str
    task_queue: str
    input: tuple[Payload, ...] = ()
    run_timeout: int = 0
    task_timeout: int = 0
    retry_policy: StoredRetryPolicy | None = None
    memo: dict[str, Payload] = {}
    search_attributes: dict[str, object] = {}
    backoff: int = 0
    """How long the first turn of the new run waits, ns."""
    new_run_id: str = ""


class WorkflowTerminated(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Ended from outside; the code was not asked."""

    topic: ClassVar[str] = "workflow.terminated"

    reason: str = ""
    details: tuple[Payload, ...] = ()
    identity: str = ""


class WorkflowTimedOut(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run's or the execution's time ran out; the code was not asked."""

    topic: ClassVar[str] = "workflow.timed_out"

    new_run_id: str = ""


class TurnDeferred(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Facts from version `since` on are recorded but not yet activated."""

    topic: ClassVar[str] = "turn.deferred"

    since: int
    reason: str
    failure: Failure | None = None


class TurnResumed(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The deferred facts up to version `through` were activated here, at this event's time."""

    topic: ClassVar[str] = "turn.resumed"

    through: int


CLOSING: Final[dict[type[Event], Status]] = {
    WorkflowCompleted: Status.COMPLETED,
    WorkflowFailed: Status.FAILED,
    WorkflowCanceled: Status.CANCELED,
    WorkflowContinuedAsNew: Status.CONTINUED_AS_NEW,
    WorkflowTerminated: Status.TERMINATED,
    WorkflowTimedOut: Status.TIMED_OUT,
}

WORKFLOW: Final[dict[tuple[Status | None, type[Event]], Status]] = {
    (None, WorkflowStarted): Status.RUNNING,
    (Status.RUNNING, WorkflowCancelRequested): Status.RUNNING,
    (Status.RUNNING, TurnDeferred): Status.RUNNING,
    (Status.RUNNING, TurnResumed): Status.RUNNING,
    **{(Status.RUNNING, event): status for event, status in CLOSING.items()},
}
