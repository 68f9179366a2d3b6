"""The fields of log records of runs, beside their text: the ids of the run, and the mark of a failed turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.actors.activities.log_records import ERROR_IDENTIFIER

if TYPE_CHECKING:
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["run_details", "turn_failure"]


def run_details(state: WorkflowExecution) -> dict[str, Any]:
    """Return the fields of a run's log record, in a dict `workflow`."""
    started = state.start
    return {
        "attempt": started.attempt,
        "namespace": "default",
        "run_id": state.run_id,
        "task_queue": started.task_queue,
        "workflow_id": started.workflow_id,
        "workflow_type": started.workflow_type,
    }


def turn_failure(state: WorkflowExecution) -> dict[str, Any]:
    """Return the extra fields of the record of a turn whose code failed."""
    details = run_details(state)
    return {"workflow": details, "temporal_workflow": details, ERROR_IDENTIFIER: "WorkflowTaskFailure"}
