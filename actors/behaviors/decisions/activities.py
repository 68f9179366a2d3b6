"""Decisions about activities: outcomes, retries, heartbeats, time-outs, and completion from outside a worker.

An attempt reports its outcome once; what comes late, or for an attempt that is not the current one, gets no events
(ONCE-RECORDED). One function a command, found in the table at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from understudy.actors.behaviors.decisions.commands import (
    Command,
    CompleteActivity,
    CompleteLocalActivity,
    DeferActivity,
    FailActivity,
    FailLocalActivity,
    RecordHeartbeat,
    ReportActivity,
)
from understudy.actors.behaviors.decisions.retry import DEFAULT_ACTIVITY_RETRY, next_attempt
from understudy.events.activity import (
    ACTIVITY,
    ActivityCanceled,
    ActivityCompleted,
    ActivityCompletionDeferred,
    ActivityFailed,
    ActivityHeartbeatRecorded,
    ActivityPhase,
    ActivityRetryScheduled,
    ActivityScheduled,
    ActivityTimedOut,
    LocalActivityCompleted,
    LocalActivityFailed,
)
from understudy.events.errors import ActivityNotFoundError, InvalidArgumentError, WorkflowClosedError
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import PendingActivity
from understudy.events.transition import allows

__all__ = [
    "DECIDE_ACTIVITY",
    "activity_failure",
    "attempts_due",
    "awaited",
    "overdue",
    "reported",
    "schedule_to_close_passed",
]


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


def schedule_to_close_passed(pending: PendingActivity, now: int) -> Event:
    """Return the end of an activity whose time from schedule to close has passed."""
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
    """Return the activity if this attempt is the one whose outcome is awaited."""
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
    """True if the outcome of a local activity comes too late: the run is closed, or has an outcome already."""
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


def _defer(state: WorkflowExecution, command: DeferActivity, now: int) -> list[Event]:
    """Return the event that an attempt is completed from outside; none if that, or its outcome, is recorded."""
    pending = state.activities.get(command.seq)
    if pending is None or pending.attempt != command.attempt or pending.outside:
        return []
    return [
        ActivityCompletionDeferred(at=now, seq=command.seq, attempt=command.attempt, close_by=command.close_by),
    ]


def overdue(state: WorkflowExecution, now: int) -> list[PendingActivity]:
    """Return the activities whose attempts outside a worker have timed out; other attempts time out in their worker."""
    return [pending for pending in state.activities.values() if 0 < pending.close_by <= now]


def awaited(state: WorkflowExecution, activity: str, *, seq: int = 0, attempt: int = 0) -> PendingActivity:
    """Return the activity that a report from outside is about.

    Args:
        state: of its run.
        activity: the id by which the report names it.
        seq: its number; 0: it is the one with the id `activity`.
        attempt: the attempt that the report means; 0: the one whose outcome is awaited.

    Raises:
        WorkflowClosedError: its run is closed.
        ActivityNotFoundError: nobody awaits that attempt's outcome.
    """
    workflow_id, run_id = state.start.workflow_id, state.run_id
    if not state.is_open:
        raise WorkflowClosedError(
            workflow_id=workflow_id, run_id=run_id, outcome=state.status.name if state.status else ""
        )
    pending = state.activities.get(seq) if seq else _of_id(state, activity)
    if pending is None:
        raise ActivityNotFoundError(activity=activity, workflow_id=workflow_id, run_id=run_id)
    if attempt not in {0, pending.attempt}:
        reason = f"attempt {attempt} is over, attempt {pending.attempt} is awaited"
        raise ActivityNotFoundError(activity=activity, workflow_id=workflow_id, run_id=run_id, reason=reason)
    return pending


def _of_id(state: WorkflowExecution, activity_id: str) -> PendingActivity | None:
    for pending in state.activities.values():
        if (pending.scheduled.activity_id or str(pending.scheduled.seq)) == activity_id:
            return pending
    return None


def reported(state: WorkflowExecution, command: ReportActivity) -> CompleteActivity | FailActivity:
    """Return the command that a worker would have sent for an outcome that is reported from outside.

    Raises:
        WorkflowClosedError: the run is closed.
        ActivityNotFoundError: nobody awaits that attempt's outcome.
        InvalidArgumentError: a cancellation is reported that nobody asked for.
    """
    pending = awaited(state, command.activity, seq=command.seq, attempt=command.attempt)
    if command.cancellation and pending.phase is not ActivityPhase.CANCELING:
        raise InvalidArgumentError(
            what="report_cancellation()",
            got=f"said of activity {command.activity!r}, which nobody asked to cancel",
            expected="an activity that was asked to cancel",
            fix="Wait until heartbeat() raises AsyncActivityCancelledError, or use fail()",
        )
    return msgspec.structs.replace(command.report, seq=pending.scheduled.seq, attempt=pending.attempt)


DECIDE_ACTIVITY: Final[dict[type[Command], Callable[[WorkflowExecution, Any, int], list[Event]]]] = {
    CompleteActivity: _complete_activity,
    FailActivity: _fail_activity,
    RecordHeartbeat: _heartbeat,
    DeferActivity: _defer,
    CompleteLocalActivity: _complete_local,
    FailLocalActivity: _fail_local,
}
