"""The aggregate: the state of one run, folded from its events.

The aggregate is data and questions; `evolve.apply` is the only way in. It holds only what a decision needs: activities
and timers without an outcome, message ids already seen, what is deferred, the deadlines. What the workflow's code
thinks is not here but in `actors.behaviors.code.run`, which is rebuilt by replay.

Deadlines are a heap with lazy deletion: the earliest is found in O(1) at every turn, also with ten thousand timers.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Final

from understudy.events import workflow as wf
from understudy.events.event import Event, encode_event
from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested
from understudy.events.payloads.payload import Payload
from understudy.events.state.pending import NONE, Deadline, DeadlineKind, PendingActivity, PendingChild
from understudy.events.timer import TimerStarted
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.workflow import WorkflowStarted

__all__ = ["WorkflowExecution"]

MOST_UNSIZED: Final = 256
"""How many events a run keeps whose sizes are not summed up: they are encoded only if somebody asks for the size."""


class WorkflowExecution:
    """The state of one run; mutable, owned by one actor, changed by `evolve.apply` alone."""

    start: WorkflowStarted
    """The first event; not there before it is."""

    __slots__ = (
        "_deadlines",
        "_size",
        "activities",
        "cancel_requested",
        "children",
        "closed",
        "current_details",
        "deferred",
        "deferred_since",
        "first_turn_at",
        "is_open",
        "last_activity",
        "last_child",
        "last_outbound",
        "last_timer",
        "local_done",
        "memo",
        "message_ids",
        "outbound",
        "paused",
        "run_id",
        "search_attributes",
        "start",
        "status",
        "timer_shifts",
        "timers",
        "unsized",
        "updates",
        "version",
    )

    def __init__(self, run_id: str) -> None:
        """Make the state of a run before its first event."""
        self.run_id = run_id
        self.version = 0
        self.status: Status | None = None
        self.is_open = False
        """True if the run has started and not closed."""
        self.closed: Event | None = None
        self.activities: dict[int, PendingActivity] = {}
        self.timers: dict[int, TimerStarted] = {}
        self.timer_shifts: dict[int, int] = NONE
        """How long timers have stood still while the run was paused, ns."""
        self.paused: wf.WorkflowPaused | None = None
        self.children: dict[int, PendingChild] = NONE
        """Those without an outcome; kept when the run closes, for what is to become of them."""
        self.outbound: dict[int, ExternalSignalRequested | ExternalCancelRequested] = NONE
        """Messages to other workflows that are neither delivered nor failed; kept when the run closes, to be sent."""
        self.updates: dict[str, UpdateAccepted | UpdateCompleted] = NONE
        """The latest event of each update, by its id."""
        self.last_activity = self.last_timer = self.last_child = self.last_outbound = 0
        """The highest numbers scheduled so far: what is closed is forgotten, and must not begin again."""
        self.local_done: set[int] | None = None
        """Local activities with an outcome; they come in any order, and nothing of them is recorded before."""
        self.message_ids: set[str] | None = None
        self.memo: Mapping[str, Payload] = {}
        self.search_attributes: Mapping[str, object] = {}
        """Both as they were started with and as the code has changed them since."""
        self.current_details = ""
        self.cancel_requested: wf.WorkflowCancelRequested | None = None
        self.first_turn_at = 0
        """When the first turn is due, ns since the epoch, until code has been live; 0: it is not waited for."""
        self.deferred: wf.TurnDeferred | None = None
        self.deferred_since = 0
        self._deadlines: list[Deadline] = []
        self._size = 0
        self.unsized: list[Event] = []
        """Events whose size is not in `_size` yet."""

    def __repr__(self) -> str:
        """Show the status and the counts."""
        status = self.status.name if self.status else "NEW"
        return (
            f"<run {self.run_id} {status} at version {self.version}: "
            f"{len(self.activities)} activities, {len(self.timers)} timers, {len(self.children)} children pending>"
        )

    @property
    def owes(self) -> bool:
        """True if something is still to be done to others: children have no outcome, messages are on their way."""
        return bool(self.children or self.outbound)

    def sum_up_sizes(self) -> None:
        """Let go of the events whose sizes are not summed up yet; `evolve.apply` asks for it now and then."""
        self._size = self.size
        self.unsized.clear()

    @property
    def size(self) -> int:
        """The number of bytes of the encoded events; measured when it is asked for, and rarely before."""
        return self._size + sum(len(encode_event(event)) for event in self.unsized)

    def next_deadline(self) -> int | None:
        """Return when the next thing is due (ns since the epoch), or None; settled entries are dropped on the way."""
        heap = self._deadlines
        while heap and not self._stands(heap[0]):
            heappop(heap)
        return heap[0].at if heap else None

    def pop_due(self, now: int) -> list[Deadline]:
        """Take out what is due at `now`, earliest first; each deadline is handed out once in an actor's life."""
        due: list[Deadline] = []
        heap = self._deadlines
        while heap and heap[0].at <= now:
            deadline = heappop(heap)
            if self._stands(deadline):
                due.append(deadline)
        return due

    def _stands(self, deadline: Deadline) -> bool:
        at, kind, seq = deadline
        if kind is DeadlineKind.TIMER:
            timer = self.timers.get(seq)
            frozen = self.paused is not None and self.paused.freeze_timers
            return timer is not None and not frozen and at == timer.fire_at + self.timer_shifts.get(seq, 0)
        if kind is DeadlineKind.FIRST_TURN:
            return self.is_open and at == self.first_turn_at
        if kind is DeadlineKind.RUN_TIMEOUT:
            return self.is_open
        pending = self.activities.get(seq)
        return pending is not None and pending.stands(kind, at)

    def drop_deadlines(self) -> None:
        """Forget all deadlines: nothing is due in a closed run."""
        self._deadlines.clear()

    def push_deadline(self, at: int, kind: DeadlineKind, seq: int = 0) -> None:
        """Remember that something is due at `at`."""
        heappush(self._deadlines, Deadline(at, kind, seq))
