"""The effect of each event on the aggregate: one function an event, found in the table at the end of the file.

`apply` checks the machine's table, changes the state and counts the version (NO-GAPS). What only the code cares about
changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from understudy.events import activity as act
from understudy.events import child as ch
from understudy.events import outbound as out
from understudy.events import timer as tim
from understudy.events import workflow as wf
from understudy.events.activity import ACTIVITY, ActivityScheduled
from understudy.events.child import CHILD, ChildInitiated
from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.outbound import OUTBOUND, ExternalCancelRequested, ExternalSignalRequested, OutboundPhase
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import MOST_UNSIZED, WorkflowExecution
from understudy.events.state.pending import DeadlineKind, PendingActivity, PendingChild, with_item
from understudy.events.timer import TIMER, TimerPhase, TimerStarted
from understudy.events.transition import advance, name_of
from understudy.events.update import UPDATE, UpdateAccepted, UpdateCompleted, UpdatePhase
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted, upserted
from understudy.events.workflow import WORKFLOW, WorkflowStarted

__all__ = ["apply", "fold"]


def apply(state: WorkflowExecution, event: Event) -> None:
    """Fold one event in.

    Raises:
        IllegalTransitionError: no table has such an arrow; the stream is damaged or the engine is wrong.
    """
    if not state.is_open and (state.status, type(event)) not in WORKFLOW:
        raise IllegalTransitionError(state=name_of(state.status), event=event.topic)
    _EVOLVE[type(event)](state, event)
    state.version = version = state.version + 1
    state.unsized.append(event)
    if not version % MOST_UNSIZED:
        state.sum_up_sizes()


def fold(run_id: str, events: Iterable[Event]) -> WorkflowExecution:
    """Return the state that `events`, a run's stream from its first event on, lead to."""
    state = WorkflowExecution(run_id)
    for event in events:
        apply(state, event)
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
    state.drop_deadlines()


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


def _child_initiated(state: WorkflowExecution, event: ChildInitiated) -> None:
    if event.seq <= state.last_child:
        raise IllegalTransitionError(state=f"child #{event.seq} is not new", event=event.topic)
    state.last_child = event.seq
    state.children = with_item(state.children, event.seq, PendingChild(event))


def _child_moved(
    state: WorkflowExecution, event: ch.ChildStarted | ch.ChildCancelRequested | ch.ChildCancelDelivered
) -> None:
    pending = _pending_child(state, event.seq, event)
    pending.phase = advance(CHILD, pending.phase, event)
    if isinstance(event, ch.ChildStarted):
        pending.run_id = event.run_id
    elif isinstance(event, ch.ChildCancelRequested):
        pending.cancel_reason = event.reason
    else:
        pending.cancel_delivered = True


def _child_done(state: WorkflowExecution, event: ch.ChildStartFailed | ch.ChildCompleted | ch.ChildFailed) -> None:
    pending = _pending_child(state, event.seq, event)
    advance(CHILD, pending.phase, event)
    del state.children[event.seq]


def _pending_child(state: WorkflowExecution, seq: int, event: Event) -> PendingChild:
    pending = state.children.get(seq)
    if pending is None:
        raise IllegalTransitionError(state=f"child #{seq} has no open state", event=event.topic)
    return pending


def _message_asked(state: WorkflowExecution, event: ExternalSignalRequested | ExternalCancelRequested) -> None:
    if event.seq <= state.last_outbound:
        raise IllegalTransitionError(state=f"message #{event.seq} is not new", event=event.topic)
    state.last_outbound = event.seq
    state.outbound = with_item(state.outbound, event.seq, event)


def _message_done(state: WorkflowExecution, event: out.MessageDelivered | out.MessageFailed) -> None:
    phase = OutboundPhase.ASKED if event.seq in state.outbound else None
    advance(OUTBOUND, phase, event)
    del state.outbound[event.seq]


def _update_moved(state: WorkflowExecution, event: UpdateAccepted | UpdateCompleted) -> None:
    known = state.updates.get(event.update_id)
    phase = (
        None if known is None else UpdatePhase.ACCEPTED if isinstance(known, UpdateAccepted) else UpdatePhase.COMPLETED
    )
    advance(UPDATE, phase, event)
    state.updates = with_item(state.updates, event.update_id, event)


def _memo_upserted(state: WorkflowExecution, event: MemoUpserted) -> None:
    state.memo = upserted(state.memo, event.memo)


def _search_attributes_upserted(state: WorkflowExecution, event: SearchAttributesUpserted) -> None:
    state.search_attributes = upserted(state.search_attributes, event.search_attributes)


def _details_upserted(state: WorkflowExecution, event: CurrentDetailsUpserted) -> None:
    state.current_details = event.details


def _nothing(_state: WorkflowExecution, _event: Event) -> None:
    """Change nothing: the event concerns the code, not the aggregate."""


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
    UpdateAccepted: _update_moved,
    UpdateCompleted: _update_moved,
    ChildInitiated: _child_initiated,
    ch.ChildCancelRequested: _child_moved,
    ch.ChildStarted: _child_moved,
    ch.ChildCancelDelivered: _child_moved,
    ch.ChildStartFailed: _child_done,
    ch.ChildCompleted: _child_done,
    ch.ChildFailed: _child_done,
    ExternalSignalRequested: _message_asked,
    ExternalCancelRequested: _message_asked,
    out.MessageDelivered: _message_done,
    out.MessageFailed: _message_done,
    SideEffectRecorded: _nothing,
    PatchRecorded: _nothing,
    VersionRecorded: _nothing,
    MemoUpserted: _memo_upserted,
    SearchAttributesUpserted: _search_attributes_upserted,
    CurrentDetailsUpserted: _details_upserted,
}
