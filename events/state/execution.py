"""The aggregate: the state of one run, folded from its events.

`WorkflowExecution.apply` is the only way in: it checks the machine's table, changes the state and counts the version
(NO-GAPS). One function an event, found in the table at the end of the file. The aggregate holds only what a decision
needs: activities and timers without an outcome, message ids already seen, what is deferred, the deadlines. What the
workflow's code thinks is not here but in `actors.behaviors.run`, which is rebuilt by replay.

Deadlines are a heap with lazy deletion: the earliest is found in O(1) at every turn, also with ten thousand timers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Any, Final

from understudy.events import activity as act
from understudy.events import timer as tim
from understudy.events import workflow as wf
from understudy.events.activity import ACTIVITY, ActivityScheduled
from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event, encode_event
from understudy.events.evolve_related import EVOLVE_RELATED, NONE, with_item
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.events.state.pending import Deadline, DeadlineKind, PendingActivity, PendingChild
from understudy.events.timer import TIMER, TimerPhase, TimerStarted
from understudy.events.transition import advance, name_of
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted, upserted
from understudy.events.workflow import WORKFLOW, WorkflowStarted

__all__ = ["WorkflowExecution", "fold"]


_MOST_UNSIZED: Final = 256


class WorkflowExecution:
    """The state of one run; mutable, owned by one actor, changed by `apply` alone."""

    start: WorkflowStarted
    """The first event; not there before it is."""

    __slots__ = (
        "_deadlines",
        "_size",
        "_unsized",
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
        "updates",
        "version",
    )

    def __init__(self, run_id: str) -> None:
        """Begin before the first event."""
        self.run_id = run_id
        self.version = 0
        self.status: Status | None = None
        self.is_open = False
        """Whether the run has started and not closed."""
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
        self._unsized: list[Event] = []
        """Events whose size is not in `_size` yet."""

    def __repr__(self) -> str:
        """Show status and counts."""
        status = self.status.name if self.status else "NEW"
        return (
            f"<run {self.run_id} {status} at version {self.version}: "
            f"{len(self.activities)} activities, {len(self.timers)} timers, {len(self.children)} children pending>"
        )

    @property
    def owes(self) -> bool:
        """Whether something of it is still to be done to others: children without an outcome, messages on their way."""
        return bool(self.children or self.outbound)

    def apply(self, event: Event) -> None:
        """Fold one event in.

        Raises:
            IllegalTransitionError: no table has such an arrow; the stream is damaged or the engine is wrong.
        """
        if not self.is_open and (self.status, type(event)) not in WORKFLOW:
            raise IllegalTransitionError(state=name_of(self.status), event=event.topic)
        _EVOLVE[type(event)](self, event)
        self.version = version = self.version + 1
        self._unsized.append(event)
        if not version % _MOST_UNSIZED:
            self._size = self.size
            self._unsized.clear()

    @property
    def size(self) -> int:
        """How many bytes the events have, as they are encoded; measured when it is asked for, and rarely before."""
        return self._size + sum(len(encode_event(event)) for event in self._unsized)

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

    def push_deadline(self, at: int, kind: DeadlineKind, seq: int = 0) -> None:
        """Remember that something is due at `at`."""
        heappush(self._deadlines, Deadline(at, kind, seq))


def fold(run_id: str, events: Iterable[Event]) -> WorkflowExecution:
    """Return the state that `events`, a run's stream from its first event on, lead to."""
    state = WorkflowExecution(run_id)
    for event in events:
        state.apply(event)
    return state


def _started(state: WorkflowExecution, event: WorkflowStarted) -> None:
    state.status = advance(WORKFLOW, state.status, event)
    state.is_open = True
    state.start = event
    state.memo = event.memo
    state.search_attributes = event.search_attributes
    if event.request_id:
        state.message_ids = {event.request_id}
    state.first_turn_at = event.first_turn_at
    if event.first_turn_at:
        state.push_deadline(event.first_turn_at, DeadlineKind.FIRST_TURN)
    limits = [event.execution_deadline] if event.execution_deadline else []
    if event.run_timeout:
        limits.append(max(event.at, event.first_turn_at) + event.run_timeout)
    if limits:
        state.push_deadline(min(limits), DeadlineKind.RUN_TIMEOUT)


def _closed(state: WorkflowExecution, event: Event) -> None:
    state.status = advance(WORKFLOW, state.status, event)
    state.is_open = False
    state.closed = event
    state.activities.clear()
    state.timers.clear()
    state._deadlines.clear()  # noqa: SLF001 - the fold is the aggregate's own code


def _cancel_requested(state: WorkflowExecution, event: wf.WorkflowCancelRequested) -> None:
    state.cancel_requested = event
    _first_turn_now(state, event.at)


def _first_turn_now(state: WorkflowExecution, at: int) -> None:
    """Wait no longer for a first turn that is due later."""
    if state.first_turn_at > at:
        state.first_turn_at = at
        state.push_deadline(at, DeadlineKind.FIRST_TURN)


def _turn_deferred(state: WorkflowExecution, event: wf.TurnDeferred) -> None:
    state.deferred = event
    state.deferred_since = event.since


def _turn_resumed(state: WorkflowExecution, _event: wf.TurnResumed) -> None:
    state.deferred = None
    state.deferred_since = state.first_turn_at = 0


def _paused(state: WorkflowExecution, event: wf.WorkflowPaused) -> None:
    state.paused = event


def _unpaused(state: WorkflowExecution, event: wf.WorkflowUnpaused) -> None:
    paused, state.paused = state.paused, None
    if paused is None or not paused.freeze_timers:
        return
    for seq, timer in state.timers.items():
        shift = state.timer_shifts.get(seq, 0) + event.at - paused.at
        state.timer_shifts = with_item(state.timer_shifts, seq, shift)
        state.push_deadline(timer.fire_at + shift, DeadlineKind.TIMER, seq)


def _activity_scheduled(state: WorkflowExecution, event: ActivityScheduled) -> None:
    if event.seq <= state.last_activity or (state.local_done is not None and event.seq in state.local_done):
        raise IllegalTransitionError(state=f"activity #{event.seq} is not new", event=event.topic)
    state.last_activity = event.seq
    state.activities[event.seq] = PendingActivity(event)
    if event.schedule_to_close:
        state.push_deadline(event.at + event.schedule_to_close, DeadlineKind.ACTIVITY_TIMEOUT, event.seq)


def _activity_moved(state: WorkflowExecution, event: act.ActivityCancelRequested) -> None:
    pending = _pending(state, event.seq, event)
    pending.phase = advance(ACTIVITY, pending.phase, event)


def _activity_retry(state: WorkflowExecution, event: act.ActivityRetryScheduled) -> None:
    pending = _pending(state, event.seq, event)
    pending.phase = advance(ACTIVITY, pending.phase, event)
    pending.again(event)
    state.push_deadline(event.next_at, DeadlineKind.RETRY, event.seq)


def _activity_heartbeat(state: WorkflowExecution, event: act.ActivityHeartbeatRecorded) -> None:
    pending = _pending(state, event.seq, event)
    pending.phase = advance(ACTIVITY, pending.phase, event)
    pending.heartbeat_details = event.details


def _activity_deferred(state: WorkflowExecution, event: act.ActivityCompletionDeferred) -> None:
    pending = _pending(state, event.seq, event)
    pending.phase = advance(ACTIVITY, pending.phase, event)
    pending.outside, pending.close_by = True, event.close_by
    if event.close_by:
        state.push_deadline(event.close_by, DeadlineKind.ATTEMPT_TIMEOUT, event.seq)


def _activity_done(
    state: WorkflowExecution,
    event: act.ActivityCompleted | act.ActivityFailed | act.ActivityTimedOut | act.ActivityCanceled,
) -> None:
    pending = _pending(state, event.seq, event)
    advance(ACTIVITY, pending.phase, event)
    del state.activities[event.seq]


def _local_done(state: WorkflowExecution, event: act.LocalActivityCompleted | act.LocalActivityFailed) -> None:
    if state.local_done is None:
        state.local_done = set()
    if event.seq in state.local_done or event.seq in state.activities:
        raise IllegalTransitionError(state=f"activity #{event.seq} is not new", event=event.topic)
    state.local_done.add(event.seq)


def _pending(state: WorkflowExecution, seq: int, event: Event) -> PendingActivity:
    pending = state.activities.get(seq)
    if pending is None:
        raise IllegalTransitionError(state=f"activity #{seq} has no open state", event=event.topic)
    return pending


def _timer_started(state: WorkflowExecution, event: TimerStarted) -> None:
    if event.seq <= state.last_timer:
        raise IllegalTransitionError(state=f"timer #{event.seq} is not new", event=event.topic)
    state.last_timer = event.seq
    state.timers[event.seq] = event
    state.push_deadline(event.fire_at, DeadlineKind.TIMER, event.seq)


def _timer_done(state: WorkflowExecution, event: tim.TimerFired | tim.TimerCanceled) -> None:
    phase = TimerPhase.STARTED if event.seq in state.timers else None
    advance(TIMER, phase, event)
    del state.timers[event.seq]
    if state.timer_shifts:
        state.timer_shifts.pop(event.seq, None)


def _signal_received(state: WorkflowExecution, event: SignalReceived) -> None:
    if state.first_turn_at and state.start.is_delayed and not event.with_start:
        _first_turn_now(state, event.at)
    if event.request_id:
        if state.message_ids is None:
            state.message_ids = set()
        state.message_ids.add(event.request_id)


def _memo_upserted(state: WorkflowExecution, event: MemoUpserted) -> None:
    state.memo = upserted(state.memo, event.memo)


def _search_attributes_upserted(state: WorkflowExecution, event: SearchAttributesUpserted) -> None:
    state.search_attributes = upserted(state.search_attributes, event.search_attributes)


def _details_upserted(state: WorkflowExecution, event: CurrentDetailsUpserted) -> None:
    state.current_details = event.details


def _nothing(_state: WorkflowExecution, _event: Event) -> None:
    """Concern the code, not the aggregate."""


_EVOLVE: Final[dict[type[Event], Callable[[WorkflowExecution, Any], None]]] = {
    WorkflowStarted: _started,
    wf.WorkflowCancelRequested: _cancel_requested,
    wf.WorkflowCompleted: _closed,
    wf.WorkflowFailed: _closed,
    wf.WorkflowCanceled: _closed,
    wf.WorkflowContinuedAsNew: _closed,
    wf.WorkflowTerminated: _closed,
    wf.WorkflowTimedOut: _closed,
    wf.WorkflowPaused: _paused,
    wf.WorkflowUnpaused: _unpaused,
    wf.TurnDeferred: _turn_deferred,
    wf.TurnResumed: _turn_resumed,
    ActivityScheduled: _activity_scheduled,
    act.ActivityCancelRequested: _activity_moved,
    act.ActivityRetryScheduled: _activity_retry,
    act.ActivityHeartbeatRecorded: _activity_heartbeat,
    act.ActivityCompletionDeferred: _activity_deferred,
    act.ActivityCompleted: _activity_done,
    act.ActivityFailed: _activity_done,
    act.ActivityTimedOut: _activity_done,
    act.ActivityCanceled: _activity_done,
    act.LocalActivityCompleted: _local_done,
    act.LocalActivityFailed: _local_done,
    TimerStarted: _timer_started,
    tim.TimerFired: _timer_done,
    tim.TimerCanceled: _timer_done,
    SignalReceived: _signal_received,
    **EVOLVE_RELATED,
    SideEffectRecorded: _nothing,
    PatchRecorded: _nothing,
    VersionRecorded: _nothing,
    MemoUpserted: _memo_upserted,
    SearchAttributesUpserted: _search_attributes_upserted,
    CurrentDetailsUpserted: _details_upserted,
}
