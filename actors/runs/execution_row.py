"""The execution row of a live run: the store's data about the run beside its events, written only when it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.store.port import ExecutionRow

if TYPE_CHECKING:
    from understudy.actors.runs.live_run import LiveRun
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.state.pending import PendingActivity

__all__ = ["execution_row", "row_of", "wake_at"]

STATUS_NAMES: Final = {
    Status.RUNNING: "Running",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.CANCELED: "Canceled",
    Status.TERMINATED: "Terminated",
    Status.TIMED_OUT: "TimedOut",
    Status.CONTINUED_AS_NEW: "ContinuedAsNew",
}

_json: Final = msgspec.json.Encoder()


def wake_at(run: LiveRun) -> int | None:
    """Return the time when a restart must wake the run, ns since the epoch; 0: at once; None: only for a message."""
    state = run.state
    if not state.is_open:
        return 0 if state.owes and not run.has_settled_debts else None
    if state.deferred is not None and state.paused is None:
        first = state.first_turn_at
        return first if first > state.deferred.at else 0
    if state.children or state.outbound or (run.code is not None and not run.code.is_idle):
        return 0
    for pending in state.activities.values():
        if needs_care(pending):
            return 0
    return state.next_deadline()


def needs_care(pending: PendingActivity) -> bool:
    """True if a restart has something to do for an activity: to make its attempt, or to watch its heartbeats."""
    return not pending.outside or pending.scheduled.heartbeat > 0


def row_of(run: LiveRun) -> ExecutionRow | None:
    """Return the run's row if it differs from the last one written."""
    state = run.state
    row = (state.status, wake_at(run), state.memo, state.search_attributes)
    if row == run.last_row:
        return None
    run.last_row = row
    return execution_row(state, row[1])


def execution_row(state: WorkflowExecution, wake: int | None) -> ExecutionRow:
    """Return the row of a run that needs care at `wake`, ns since the epoch."""
    started = state.start
    status = state.status or Status.RUNNING
    return ExecutionRow(
        run_id=state.run_id,
        workflow_id=started.workflow_id,
        workflow_type=started.workflow_type,
        task_queue=started.task_queue,
        status=STATUS_NAMES[status],
        started_at=started.at,
        closed_at=state.closed.at if state.closed is not None else None,
        wake_at=wake,
        first_run_id=started.first_run_id or state.run_id,
        memo=_json.encode(state.memo).decode() if state.memo else None,
        search_attributes=_json.encode(state.search_attributes).decode() if state.search_attributes else None,
    )
