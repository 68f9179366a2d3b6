"""Decisions about attempts that somebody outside completes; a part of the table of `behaviors.decide`.

The code of an attempt may end without an outcome and leave it to somebody outside: a person who approves, a service
that calls back. What they report is decided like what a worker reports; but they wait for an answer, so what cannot
be recorded is refused, where a worker's late report is no event and no error.
"""

from __future__ import annotations

import msgspec

from understudy.actors.behaviors.decisions.commands import CompleteActivity, DeferActivity, FailActivity, ReportActivity
from understudy.events.activity import ActivityCompletionDeferred, ActivityPhase
from understudy.events.errors import ActivityNotFoundError, InvalidArgumentError, WorkflowClosedError
from understudy.events.event import Event
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import PendingActivity

__all__ = ["awaited", "defer", "overdue", "reported"]


def defer(state: WorkflowExecution, command: DeferActivity, now: int) -> list[Event]:
    """Return the event that an attempt is completed from outside; none if it is known, or its outcome is."""
    pending = state.activities.get(command.seq)
    if pending is None or pending.attempt != command.attempt or pending.outside:
        return []
    return [
        ActivityCompletionDeferred(at=now, seq=command.seq, attempt=command.attempt, close_by=command.close_by),
    ]


def overdue(state: WorkflowExecution, now: int) -> list[PendingActivity]:
    """Return the activities whose attempts outside have taken too long; all the others time out in their worker."""
    return [pending for pending in state.activities.values() if 0 < pending.close_by <= now]


def awaited(state: WorkflowExecution, activity: str, *, seq: int = 0, attempt: int = 0) -> PendingActivity:
    """Return the activity that somebody outside means.

    Args:
        state: of its run.
        activity: what they call it.
        seq: its number; 0: it is the one with the id `activity`.
        attempt: the attempt they mean; 0: the one whose outcome is awaited.

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
    """Return what a worker would have said in place of somebody outside.

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
