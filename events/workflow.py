"""The life of a run: started, asked to cancel, closed in one of six ways.

The table below is the law CLOSED: a closed status has no arrows, so nothing follows a closing event. Between start and
close, turns may be put off and taken up again (`TurnDeferred`, `TurnResumed`): facts are recorded the moment they are
acknowledged, even when no code can take them because no worker knows the type, or the code fails. A deferral names the
first fact that waits; a resumption names the last one that was taken up there, and stands in front of what the code
asked for. Everywhere else a fact is activated at its own place in the stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from understudy.events.event import Event, Fact, Note, Request
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ResetChildren
from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload

__all__ = [
    "BEHAVIOUR_FLAGS",
    "CLOSING",
    "WORKFLOW",
    "ResetMark",
    "TurnDeferred",
    "TurnResumed",
    "WorkflowCancelRequested",
    "WorkflowCanceled",
    "WorkflowCompleted",
    "WorkflowContinuedAsNew",
    "WorkflowFailed",
    "WorkflowPaused",
    "WorkflowStarted",
    "WorkflowTerminated",
    "WorkflowTimedOut",
    "WorkflowUnpaused",
    "inherited_priority",
]

BEHAVIOUR_FLAGS: Final = 0
"""All flags that this release knows, with which it begins runs.

A run is replayed for ever as the engine worked that began it. A change of the engine that would lead a recorded history
another way takes the next bit, and the code that has changed asks the run's first event for it.
"""


class ResetMark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reset that led to this run: from these numbers on, children and messages are the run's own.

    Those in front are the ones of the run before, so that they are found again and not made twice.
    """

    run_id: str
    messages_after: int
    children_after: int | None = None
    """None: the run takes over all children that are there."""


class WorkflowStarted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The first event of every run: all that its replay needs to know."""

    topic: ClassVar[str] = "workflow.started"

    workflow_id: str
    workflow_type: str
    task_queue: str
    input: tuple[Payload, ...] = ()
    flags: int = 0
    """Behaviour flags of the engine that began the run, see `BEHAVIOUR_FLAGS`."""
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
    seed: str = ""
    """What the run's dice are seeded with; empty: its run id. A run that was reset keeps those of the old one."""
    resets: tuple[ResetMark, ...] = ()
    """How the run came out of others by resets, the last one last."""
    parent_workflow_id: str = ""
    """Of a child; empty: the run has no parent."""
    parent_run_id: str = ""
    parent_seq: int = 0
    """The child's number in its parent's run."""
    root_workflow_id: str = ""
    root_run_id: str = ""
    """The run at the top of the tree; empty: this one."""
    cron_schedule: str = ""
    last_result: Payload | None = None
    """Of the last run of a chain that completed: what the next one of a cron schedule may look at."""
    priority: int = 0
    fairness_key: str = ""
    fairness_weight: float | None = None
    """What the run's `Priority` says; 0, empty and None: nothing."""

    @property
    def is_delayed(self) -> bool:
        """True if the first turn waits for a start delay, which a message ends; not for a cron schedule or a retry."""
        return self.first_turn_at > 0 and not (self.cron_schedule or self.continued_run_id)


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
    new_run_id: str = ""
    """The run that the workflow's cron schedule starts next, in the same transaction."""


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
    """The run function asked for another run in its place, with a fresh history, and says how to start it."""

    topic: ClassVar[str] = "workflow.continued_as_new"

    workflow_type: str
    task_queue: str
    input: tuple[Payload, ...] = ()
    run_timeout: int = 0
    task_timeout: int = 0
    retry_policy: StoredRetryPolicy | None = None
    memo: dict[str, Payload] = {}
    search_attributes: dict[str, object] = {}
    headers: dict[str, Payload] = {}
    backoff: int = 0
    """How long the first turn of the new run waits, ns."""
    new_run_id: str = ""


class WorkflowTerminated(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody outside ended the run; the code was not asked."""

    topic: ClassVar[str] = "workflow.terminated"

    reason: str = ""
    details: tuple[Payload, ...] = ()
    identity: str = ""
    new_run_id: str = ""
    """The run that was made of this one by a reset, in the same transaction."""
    reset_children: ResetChildren = ResetChildren.ADOPT
    """After a reset, what becomes of the children that the new run does not remember."""
    reset_after: int = 0
    """After a reset, the number of the last child that the new run remembers."""


class WorkflowTimedOut(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The time of the run, or of the whole execution, ran out; the code was not asked."""

    topic: ClassVar[str] = "workflow.timed_out"

    new_run_id: str = ""


class WorkflowPaused(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The code takes no facts for the time being; they wait behind a deferred turn."""

    topic: ClassVar[str] = "workflow.paused"

    note: str = ""
    freeze_timers: bool = False
    """True if timers stand still meanwhile; else they fire, and their facts wait like all others."""
    identity: str = ""


class WorkflowUnpaused(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The code takes facts again."""

    topic: ClassVar[str] = "workflow.unpaused"

    note: str = ""
    identity: str = ""


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


def inherited_priority(start: WorkflowStarted, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a priority that an activity or a child takes over from the run that asks for it.

    Args:
        start: the first event of that run.
        said: the fields that have been given; those that say nothing are taken over, each by itself.
    """
    found: dict[str, Any] = {}
    if start.priority and not said.get("priority"):
        found["priority"] = start.priority
    if start.fairness_key and not said.get("fairness_key"):
        found["fairness_key"] = start.fairness_key
    if start.fairness_weight is not None and said.get("fairness_weight") is None:
        found["fairness_weight"] = start.fairness_weight
    return found


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
    (Status.RUNNING, WorkflowPaused): Status.RUNNING,
    (Status.RUNNING, WorkflowUnpaused): Status.RUNNING,
    **{(Status.RUNNING, event): status for event, status in CLOSING.items()},
}
