"""The life of one child workflow, as its parent sees it: initiated, started, closed by one outcome.

    INITIATED ──started──► STARTED ──► COMPLETED | FAILED
        └──start failed──► NOT_STARTED
    INITIATED, STARTED ──cancel asked──► CANCELING, which may still start, and ends as the others do

The child is a run of its own, with its own stream; what the parent records is what its code may know. The run id of the
child follows from the parent's and the number (`actors.behaviors.decisions.child_runs`), so that a start which a crash
has cut off is made again without a second child. How a child ended is told by it to its parent, and looked up when the
parent comes back; the outcome is recorded once (ONCE-RECORDED).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Request
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ChildWorkflowCancellationType, ParentClosePolicy, WorkflowIDReusePolicy
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload

__all__ = [
    "CHILD",
    "CHILD_ENDS",
    "ChildCancelDelivered",
    "ChildCancelRequested",
    "ChildCompleted",
    "ChildFailed",
    "ChildInitiated",
    "ChildPhase",
    "ChildStartFailed",
    "ChildStarted",
]


class ChildPhase(IntEnum):
    """The state of a child, as its parent knows it."""

    INITIATED = 1
    STARTED = 2
    CANCELING = 3
    NOT_STARTED = 4
    COMPLETED = 5
    FAILED = 6


class ChildInitiated(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow asked for a child; durations in ns, 0: none."""

    topic: ClassVar[str] = "child.initiated"

    seq: int
    """Numbers the children of a run from 1, in the order in which the code asked for them."""
    workflow_id: str
    workflow_type: str
    task_queue: str
    input: tuple[Payload, ...] = ()
    execution_timeout: int = 0
    run_timeout: int = 0
    task_timeout: int = 0
    retry_policy: StoredRetryPolicy | None = None
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    cancellation_type: ChildWorkflowCancellationType = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
    parent_close_policy: ParentClosePolicy = ParentClosePolicy.TERMINATE
    cron_schedule: str = ""
    memo: dict[str, Payload] = {}
    search_attributes: dict[str, object] = {}
    headers: dict[str, Payload] = {}
    summary: str = ""
    details: str = ""
    priority: int = 0
    fairness_key: str = ""
    fairness_weight: float | None = None
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same number, type and id; options and arguments may change with the code."""
        return (
            isinstance(other, ChildInitiated)
            and other.seq == self.seq
            and other.workflow_type == self.workflow_type
            and other.workflow_id == self.workflow_id
        )


class ChildCancelRequested(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow no longer wants the child."""

    topic: ClassVar[str] = "child.cancel_requested"

    seq: int
    reason: str = ""
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` cancels the same child."""
        return isinstance(other, ChildCancelRequested) and other.seq == self.seq


class ChildStarted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The child's first event is on disk."""

    topic: ClassVar[str] = "child.started"

    seq: int
    run_id: str


class ChildStartFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The child could not be started: its workflow id is taken."""

    topic: ClassVar[str] = "child.start_failed"

    seq: int
    run_id: str = ""
    """The run that has the id."""


class ChildCancelDelivered(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The child has the request to cancel on disk; recorded only where the code waits for that."""

    topic: ClassVar[str] = "child.cancel_delivered"

    seq: int


class ChildCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: the last run of the child returned."""

    topic: ClassVar[str] = "child.completed"

    seq: int
    result: Payload | None = None


class ChildFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: the child failed, timed out, was cancelled or terminated; `failure` is the ChildWorkflowError."""

    topic: ClassVar[str] = "child.failed"

    seq: int
    failure: Failure


CHILD_ENDS: Final = (ChildCompleted, ChildFailed, ChildStartFailed)
"""The facts that end a child."""

_RUNNING: Final = (ChildPhase.STARTED, ChildPhase.CANCELING)

CHILD: Final[dict[tuple[ChildPhase | None, type[Event]], ChildPhase]] = {
    (None, ChildInitiated): ChildPhase.INITIATED,
    (ChildPhase.INITIATED, ChildStarted): ChildPhase.STARTED,
    (ChildPhase.CANCELING, ChildStarted): ChildPhase.CANCELING,
    (ChildPhase.INITIATED, ChildStartFailed): ChildPhase.NOT_STARTED,
    (ChildPhase.CANCELING, ChildStartFailed): ChildPhase.NOT_STARTED,
    (ChildPhase.INITIATED, ChildCancelRequested): ChildPhase.CANCELING,
    (ChildPhase.STARTED, ChildCancelRequested): ChildPhase.CANCELING,
    (ChildPhase.CANCELING, ChildCancelDelivered): ChildPhase.CANCELING,
    **{(phase, ChildCompleted): ChildPhase.COMPLETED for phase in _RUNNING},
    **{(phase, ChildFailed): ChildPhase.FAILED for phase in _RUNNING},
}
