"""The life of one activity of a run: scheduled, perhaps backing off between attempts, closed by one outcome.

    SCHEDULED ──retry──► BACKING_OFF ──retry──► BACKING_OFF
        └────cancel asked──┴──► CANCELING
    SCHEDULED, BACKING_OFF, CANCELING ──► COMPLETED | FAILED | TIMED_OUT
    CANCELING ──► CANCELED

That an attempt began is not recorded: two events a step are enough. What must survive a crash is what decides the next
attempt: how many have failed, why, when the next is due, and the last heartbeat's details. An activity without an
outcome is dispatched again after a crash (AT-LEAST), but for an attempt that is recorded to be completed from outside;
its outcome is recorded once (ONCE-RECORDED), because no outcome state has arrows. A local activity is recorded only
when it is done: one event, no states in between.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from understudy.events.event import Event, Fact, Note, Request
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ActivityCancellationType, TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload

__all__ = [
    "ACTIVITY",
    "ACTIVITY_ENDS",
    "ActivityCancelRequested",
    "ActivityCanceled",
    "ActivityCompleted",
    "ActivityCompletionDeferred",
    "ActivityFailed",
    "ActivityHeartbeatRecorded",
    "ActivityPhase",
    "ActivityRetryScheduled",
    "ActivityScheduled",
    "ActivityTimedOut",
    "LocalActivityCompleted",
    "LocalActivityFailed",
]


class ActivityPhase(IntEnum):
    """The state of an activity; an int, because its hash is then C's and the tables are asked at every event."""

    SCHEDULED = 1
    BACKING_OFF = 2
    CANCELING = 3
    COMPLETED = 4
    FAILED = 5
    TIMED_OUT = 6
    CANCELED = 7

    @property
    def label(self) -> str:
        """The name of the phase, as people read it."""
        return self.name.lower().replace("_", " ")


class ActivityScheduled(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow asked for an activity; durations in ns, 0: none."""

    topic: ClassVar[str] = "activity.scheduled"

    seq: int
    """Numbers the activities of a run from 1, in the order in which the code asked for them."""
    activity_type: str
    activity_id: str = ""
    """The user's id for it; empty: `str(seq)`."""
    task_queue: str = ""
    """Empty: the workflow's."""
    input: tuple[Payload, ...] = ()
    schedule_to_close: int = 0
    schedule_to_start: int = 0
    start_to_close: int = 0
    heartbeat: int = 0
    retry_policy: StoredRetryPolicy | None = None
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL
    headers: dict[str, Payload] = {}
    summary: str = ""
    priority: int = 0
    """1 or more; lower goes first; 0: nothing was said. What the workflow says is written here, too."""
    fairness_key: str = ""
    fairness_weight: float | None = None
    source: str = ""
    """`file:line` of the call in the workflow's code."""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same number and type; options and arguments may change with the code."""
        return (
            isinstance(other, ActivityScheduled)
            and other.seq == self.seq
            and other.activity_type == self.activity_type
            and other.activity_id == self.activity_id
        )


class ActivityCancelRequested(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The workflow no longer wants the activity."""

    topic: ClassVar[str] = "activity.cancel_requested"

    seq: int
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` cancels the same activity."""
        return isinstance(other, ActivityCancelRequested) and other.seq == self.seq


class ActivityRetryScheduled(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Attempt number `attempt` failed; the next is due at `next_at`."""

    topic: ClassVar[str] = "activity.retry_scheduled"

    seq: int
    attempt: int
    next_at: int
    failure: Failure
    heartbeat_details: tuple[Payload, ...] | None = None


class ActivityHeartbeatRecorded(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The next attempt shall find these details; recorded rarely, not at each heartbeat."""

    topic: ClassVar[str] = "activity.heartbeat_recorded"

    seq: int
    attempt: int
    details: tuple[Payload, ...]


class ActivityCompletionDeferred(Note, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The code of attempt number `attempt` is over; its outcome is reported from outside of the worker.

    This is the one beginning of an attempt that is recorded: a restart must not run code again whose work is under way
    elsewhere. `close_by` is when the attempt times out, 0: never.
    """

    topic: ClassVar[str] = "activity.completion_deferred"

    seq: int
    attempt: int
    close_by: int = 0


class ActivityCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: an attempt returned."""

    topic: ClassVar[str] = "activity.completed"

    seq: int
    result: Payload | None = None
    attempt: int = 1
    identity: str = ""


class ActivityFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: attempts failed and no more will be made; `failure` is the whole ActivityError."""

    topic: ClassVar[str] = "activity.failed"

    seq: int
    failure: Failure
    attempt: int = 1


class ActivityTimedOut(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: one of its time-outs struck and no more attempts will be made."""

    topic: ClassVar[str] = "activity.timed_out"

    seq: int
    timeout_type: TimeoutType
    failure: Failure
    attempt: int = 1


class ActivityCanceled(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The outcome: it ended because it was asked to."""

    topic: ClassVar[str] = "activity.canceled"

    seq: int
    failure: Failure
    attempt: int = 1


class LocalActivityCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A local activity returned; its whole record."""

    topic: ClassVar[str] = "local_activity.completed"

    seq: int
    activity_type: str
    activity_id: str = ""
    result: Payload | None = None
    attempt: int = 1


class LocalActivityFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A local activity failed for good; its whole record."""

    topic: ClassVar[str] = "local_activity.failed"

    seq: int
    activity_type: str
    failure: Failure
    activity_id: str = ""
    attempt: int = 1


ACTIVITY_ENDS: Final = (ActivityCompleted, ActivityFailed, ActivityTimedOut, ActivityCanceled)
"""The facts that end an activity."""

_OPEN: Final = (ActivityPhase.SCHEDULED, ActivityPhase.BACKING_OFF, ActivityPhase.CANCELING)

ACTIVITY: Final[dict[tuple[ActivityPhase | None, type[Event]], ActivityPhase]] = {
    (None, ActivityScheduled): ActivityPhase.SCHEDULED,
    (None, LocalActivityCompleted): ActivityPhase.COMPLETED,
    (None, LocalActivityFailed): ActivityPhase.FAILED,
    (ActivityPhase.SCHEDULED, ActivityRetryScheduled): ActivityPhase.BACKING_OFF,
    (ActivityPhase.BACKING_OFF, ActivityRetryScheduled): ActivityPhase.BACKING_OFF,
    (ActivityPhase.SCHEDULED, ActivityCancelRequested): ActivityPhase.CANCELING,
    (ActivityPhase.BACKING_OFF, ActivityCancelRequested): ActivityPhase.CANCELING,
    (ActivityPhase.CANCELING, ActivityCanceled): ActivityPhase.CANCELED,
    **{(phase, ActivityHeartbeatRecorded): phase for phase in _OPEN},
    **{(phase, ActivityCompletionDeferred): phase for phase in _OPEN},
    **{(phase, ActivityCompleted): ActivityPhase.COMPLETED for phase in _OPEN},
    **{(phase, ActivityFailed): ActivityPhase.FAILED for phase in _OPEN},
    **{(phase, ActivityTimedOut): ActivityPhase.TIMED_OUT for phase in _OPEN},
}
