"""Has a closed run already taken this message? Asked before a message is sent a second time.

A run knows the request ids of the messages that it took, so within a run a message counts once. But the run that took
it may have closed since, and a message goes to the run that is open. Nothing is carried from run to run for that: a
crash is rare, and the runs that have closed since the message was asked for are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution

if TYPE_CHECKING:
    from understudy.events.store.port import EventStore

__all__ = ["was_delivered"]

PAGE: Final = 100


def was_delivered(store: EventStore, workflow_id: str, since: int, request_id: str) -> bool:
    """Return True if a closed run of a workflow took a message; an open run says so itself.

    Args:
        store: where to look.
        workflow_id: whose runs.
        since: ns since the epoch, when it was asked for; what closed before that took nothing of it.
        request_id: under which it is sent.

    Raises:
        EngineError: the store cannot be read.
    """
    offset = 0
    while rows := store.executions(workflow_id=workflow_id, limit=PAGE, offset=offset):
        for row in rows:
            if row.closed_at is None:
                continue
            if row.closed_at < since:
                return False
            if _took(fold(row.run_id, store.load(row.run_id)), request_id):
                return True
        offset += PAGE
    return False


def _took(run: WorkflowExecution, request_id: str) -> bool:
    cancel = run.cancel_requested
    return request_id in (run.message_ids or ()) or (cancel is not None and cancel.request_id == request_id)
