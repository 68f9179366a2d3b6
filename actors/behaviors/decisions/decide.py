"""Decisions: (state, command, now) -> events. One function a command, found in the table at the end.

A decision changes nothing and does nothing: the events it returns are applied by whoever asked, and what is to be done
about them follows from the events (`actors.effects`). Late and duplicate input gets no events: that is what keeps
ONCE-RECORDED. A message to a closed run is refused (CLOSED).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from understudy.actors.behaviors.decisions.children import DECIDE_CHILD
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteActivity,
    CompleteLocalActivity,
    DeferActivity,
    FailActivity,
    FailLocalActivity,
    PauseWorkflow,
    RecordHeartbeat,
    ReportActivity,
    SignalWorkflow,
    TerminateWorkflow,
    UnpauseWorkflow,
    UpdateWorkflow,
    Wake,
)
from understudy.actors.behaviors.decisions.retry import DEFAULT_ACTIVITY_RETRY, next_attempt
from understudy.actors.behaviors.outside_activity import defer, reported
from understudy.events.activity import (
    ACTIVITY,
    ActivityCanceled,
    ActivityCompleted,
    ActivityFailed,
    ActivityHeartbeatRecorded,
    ActivityPhase,
    ActivityRetryScheduled,
    ActivityScheduled,
    ActivityTimedOut,
    LocalActivityCompleted,
    LocalActivityFailed,
)
from understudy.events.converters.failure_converter import Failure
from understudy.events.errors import WorkflowClosedError
from understudy.events.event import Event
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import DeadlineKind, PendingActivity
from understudy.events.timer import TimerFired
from understudy.events.transition import allows
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import (
    TurnDeferred,
    WorkflowCancelRequested,
    WorkflowPaused,
    WorkflowTerminated,
    WorkflowTimedOut,
    WorkflowUnpaused,
)

__all__ = ["activity_failure", "attempts_due", "decide"]


def decide(state: WorkflowExecution, command: Command, now: int) -> list[Event]:
    """Return the events that `command` means for `state` at `now` (ns since the epoch); none for late input.

    Raises:
        WorkflowClosedError: a message came for a closed run.
    """
    return _DECIDE[type(command)](state, command, now)


def attempts_due(state: WorkflowExecution, now: int) -> list[PendingActivity]:
    """Return the activities of which an attempt may run at `now`; the shell knows which of them already do."""
    return [
        pending
        for pending in state.activities.values()
        if not pending.outside and (pending.phase is not ActivityPhase.BACKING_OFF or pending.next_at <= now)
    ]


def activity_failure(pending: PendingActivity, cause: Failure, retry_state: RetryState, message: str) -> Failure:
    """Return the failure that the workflow's code sees as ActivityError, caused by what the attempt raised."""
    scheduled = pending.scheduled
    return Failure(
        kind="activity",
        message=message,
        cause=cause,
        seq=scheduled.seq,
        activity_type=scheduled.activity_type,
        activity_id=scheduled.activity_id or str(scheduled.seq),
        retry_state=retry_state,
    )


def _closed(state: WorkflowExecution) -> WorkflowClosedError:
    return WorkflowClosedError(
        workflow_id=state.start.workflow_id, run_id=state.run_id, outcome=state.status.name if state.status else ""
    )


def _seen(state: WorkflowExecution, request_id: str) -> bool:
    return bool(request_id) and state.message_ids is not None and request_id in state.message_ids


def _signal(state: WorkflowExecution, command: SignalWorkflow, now: int) -> list[Event]:
    if _seen(state, command.request_id):
        return []
    if not state.is_open:
        raise _closed(state)
    return [
        SignalReceived(
            at=now,
            name=command.name,
            input=command.input,
            headers=command.headers,
            identity=command.identity,
            request_id=command.request_id,
            failure=command.failure,
        )
    ]


def _update(state: WorkflowExecution, command: UpdateWorkflow, now: int) -> list[Event]:
    if command.update_id in state.updates:
        return []
    if not state.is_open:
        raise _closed(state)
    return [
        UpdateAccepted(
            at=now,
            update_id=command.update_id,
            name=command.name,
            input=command.input,
            headers=command.headers,
            identity=command.identity,
        )
    ]


def _cancel(state: WorkflowExecution, command: CancelWorkflow, now: int) -> list[Event]:
    asked = state.cancel_requested
    if asked is not None and command.request_id and asked.request_id == command.request_id:
        return []
    if not state.is_open:
        raise _closed(state)
    if asked is not None:
        return []
    return [
        WorkflowCancelRequested(at=now, reason=command.reason, identity=command.identity, request_id=command.request_id)
    ]


def _terminate(state: WorkflowExecution, command: TerminateWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    return [WorkflowTerminated(at=now, reason=command.reason, details=command.details, identity=command.identity)]


def _pause(state: WorkflowExecution, command: PauseWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    if state.paused is not None:
        return []
    paused = WorkflowPaused(at=now, note=command.note, freeze_timers=command.freeze_timers, identity=command.identity)
    if state.deferred is not None:
        return [paused]
    return [paused, TurnDeferred(at=now, since=state.version + 2, reason="the workflow is paused")]


def _unpause(state: WorkflowExecution, command: UnpauseWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    return [] if state.paused is None else [WorkflowUnpaused(at=now, note=command.note, identity=command.identity)]


def _wake(state: WorkflowExecution, _command: Wake, now: int) -> list[Event]:
    """Turn what is due into events; due attempts need none, nor those to time out (`attempts_due`, `overdue`)."""
    events: list[Event] = []
    for _at, kind, seq in state.pop_due(now):
        if kind is DeadlineKind.TIMER:
            events.append(TimerFired(at=now, seq=seq))
        elif kind is DeadlineKind.ACTIVITY_TIMEOUT:
            events.append(_schedule_to_close(state.activities[seq], now))
        elif kind is DeadlineKind.RUN_TIMEOUT:
            return [*events, WorkflowTimedOut(at=now)]
    return events


def _schedule_to_close(pending: PendingActivity, now: int) -> Event:
    cause = Failure(
        kind="timeout",
        message="activity ScheduleToClose timeout",
        timeout_type=TimeoutType.SCHEDULE_TO_CLOSE,
        cause=pending.last_failure,
        details=pending.heartbeat_details,
    )
    return ActivityTimedOut(
        at=now,
        seq=pending.scheduled.seq,
        timeout_type=TimeoutType.SCHEDULE_TO_CLOSE,
        failure=activity_failure(pending, cause, RetryState.TIMEOUT, "Activity task timed out"),
        attempt=pending.attempt,
    )


def _attempt_of(state: WorkflowExecution, seq: int, attempt: int) -> PendingActivity | None:
    """The activity, if this attempt of it is the one whose outcome is awaited."""
    pending = state.activities.get(seq)
    return pending if pending is not None and pending.attempt == attempt else None


def _complete_activity(state: WorkflowExecution, command: CompleteActivity, now: int) -> list[Event]:
    pending = _attempt_of(state, command.seq, command.attempt)
    if pending is None or not allows(ACTIVITY, pending.phase, ActivityCompleted):
        return []
    return [
        ActivityCompleted(
            at=now, seq=command.seq, result=command.result, attempt=command.attempt, identity=command.identity
        )
    ]


def _fail_activity(state: WorkflowExecution, command: FailActivity, now: int) -> list[Event]:
    pending = _attempt_of(state, command.seq, command.attempt)
    if pending is None:
        return []
    failure = command.failure
    canceling = pending.phase is ActivityPhase.CANCELING
    if canceling and failure.kind == "canceled":
        wrapped = activity_failure(pending, failure, RetryState.CANCEL_REQUESTED, "Activity cancelled")
        return [ActivityCanceled(at=now, seq=command.seq, failure=wrapped, attempt=command.attempt)]
    at, retry_state = _retry(pending.scheduled, failure, command, now)
    if at is not None and not canceling:
        return [
            ActivityRetryScheduled(
                at=now,
                seq=command.seq,
                attempt=command.attempt,
                next_at=at,
                failure=failure,
                heartbeat_details=command.heartbeat_details,
            )
        ]
    if canceling and at is not None:
        retry_state = RetryState.CANCEL_REQUESTED
    if failure.kind == "timeout" and failure.timeout_type is not None:
        wrapped = activity_failure(pending, failure, retry_state, "Activity task timed out")
        return [
            ActivityTimedOut(
                at=now,
                seq=command.seq,
                timeout_type=TimeoutType(failure.timeout_type),
                failure=wrapped,
                attempt=command.attempt,
            )
        ]
    wrapped = activity_failure(pending, failure, retry_state, "Activity task failed")
    return [ActivityFailed(at=now, seq=command.seq, failure=wrapped, attempt=command.attempt)]


def _retry(scheduled: ActivityScheduled, failure: Failure, command: FailActivity, now: int) -> Any:
    limit = scheduled.schedule_to_close
    return next_attempt(
        scheduled.retry_policy or DEFAULT_ACTIVITY_RETRY,
        failure,
        attempt=command.attempt,
        now=now,
        deadline=scheduled.at + limit if limit else None,
        dice=command.dice,
    )


def _heartbeat(state: WorkflowExecution, command: RecordHeartbeat, now: int) -> list[Event]:
    pending = _attempt_of(state, command.seq, command.attempt)
    if pending is None or pending.heartbeat_details == command.details:
        return []
    return [ActivityHeartbeatRecorded(at=now, seq=command.seq, attempt=command.attempt, details=command.details)]


def _is_late(state: WorkflowExecution, seq: int) -> bool:
    """Whether the outcome of a local activity comes too late: the run is closed, or one is recorded."""
    return not state.is_open or (state.local_done is not None and seq in state.local_done)


def _complete_local(state: WorkflowExecution, command: CompleteLocalActivity, now: int) -> list[Event]:
    if _is_late(state, command.seq):
        return []
    return [
        LocalActivityCompleted(
            at=now,
            seq=command.seq,
            activity_type=command.activity_type,
            activity_id=command.activity_id,
            result=command.result,
            attempt=command.attempt,
        )
    ]


def _fail_local(state: WorkflowExecution, command: FailLocalActivity, now: int) -> list[Event]:
    if _is_late(state, command.seq):
        return []
    return [
        LocalActivityFailed(
            at=now,
            seq=command.seq,
            activity_type=command.activity_type,
            activity_id=command.activity_id,
            failure=command.failure,
            attempt=command.attempt,
        )
    ]


_DECIDE: Final[dict[type[Command], Callable[[WorkflowExecution, Any, int], list[Event]]]] = {
    SignalWorkflow: _signal,
    UpdateWorkflow: _update,
    CancelWorkflow: _cancel,
    TerminateWorkflow: _terminate,
    PauseWorkflow: _pause,
    UnpauseWorkflow: _unpause,
    Wake: _wake,
    CompleteActivity: _complete_activity,
    FailActivity: _fail_activity,
    RecordHeartbeat: _heartbeat,
    DeferActivity: defer,
    ReportActivity: lambda state, command, now: decide(state, reported(state, command), now),
    CompleteLocalActivity: _complete_local,
    FailLocalActivity: _fail_local,
    **DECIDE_CHILD,
}
