"""The parts of the aggregate that are still open: activities and children without an outcome, and deadlines."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from understudy.events.activity import ActivityPhase
from understudy.events.child import ChildPhase

if TYPE_CHECKING:
    from understudy.events.activity import ActivityRetryScheduled, ActivityScheduled
    from understudy.events.child import ChildInitiated
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["NONE", "Deadline", "DeadlineKind", "PendingActivity", "PendingChild", "with_item"]


class DeadlineKind(IntEnum):
    """The kind of a deadline; the order is the order in which things due at the same instant happen."""

    FIRST_TURN = 0
    TIMER = 1
    RETRY = 2
    ATTEMPT_TIMEOUT = 3
    ACTIVITY_TIMEOUT = 4
    RUN_TIMEOUT = 5


class Deadline(NamedTuple):
    """Something happens at `at` (ns since the epoch) unless it is settled before."""

    at: int
    kind: DeadlineKind
    seq: int


class PendingActivity:
    """An activity that has no outcome yet."""

    __slots__ = ("attempt", "close_by", "heartbeat_details", "last_failure", "next_at", "outside", "phase", "scheduled")

    def __init__(self, scheduled: ActivityScheduled) -> None:
        """Begin with the first attempt, which is due at once."""
        self.scheduled = scheduled
        self.phase = ActivityPhase.SCHEDULED
        self.attempt = 1
        self.next_at = scheduled.at
        self.last_failure: Failure | None = None
        self.heartbeat_details: tuple[Payload, ...] = ()
        self.outside = False
        """True if the outcome of this attempt is to come from outside."""
        self.close_by = 0
        """When such an attempt times out; 0: never."""

    def again(self, event: ActivityRetryScheduled) -> None:
        """Expect the next attempt of the activity."""
        self.attempt = event.attempt + 1
        self.next_at = event.next_at
        self.last_failure = event.failure
        self.outside, self.close_by = False, 0
        if event.heartbeat_details is not None:
            self.heartbeat_details = event.heartbeat_details

    def stands(self, kind: DeadlineKind, at: int) -> bool:
        """True if a deadline of it still means something."""
        if kind is DeadlineKind.RETRY:
            return self.phase is ActivityPhase.BACKING_OFF and self.next_at == at
        return kind is DeadlineKind.ACTIVITY_TIMEOUT or self.close_by == at

    def __repr__(self) -> str:
        """Show type, number, phase and attempt."""
        s = self.scheduled
        return f"<activity {s.activity_type!r} #{s.seq} {self.phase.label}, attempt {self.attempt}>"


class PendingChild:
    """A child that has no outcome yet."""

    __slots__ = ("cancel_delivered", "cancel_reason", "initiated", "phase", "run_id")

    def __init__(self, initiated: ChildInitiated) -> None:
        """Begin with a child that is yet to be started."""
        self.initiated = initiated
        self.phase = ChildPhase.INITIATED
        self.run_id = ""
        """Its first run; empty: it has not started."""
        self.cancel_reason = ""
        """Why it is asked to cancel."""
        self.cancel_delivered = False
        """True if it is recorded that the child has the request to cancel."""

    def __repr__(self) -> str:
        """Show type, number and phase."""
        asked = self.initiated
        return f"<child {asked.workflow_type!r} #{asked.seq} {asked.workflow_id!r} {self.phase.name.lower()}>"


K = TypeVar("K")


V = TypeVar("V")


NONE: Final[dict[Any, Any]] = {}
"""Stands for each table of an aggregate that has nothing in it, as most have all their lives; only `with_item` adds."""


def with_item(table: dict[K, V], key: K, value: V) -> dict[K, V]:
    """Return the table with one more item: itself, or a new one if it was empty."""
    if not table:
        return {key: value}
    table[key] = value
    return table
