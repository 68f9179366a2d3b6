"""Decisions about children and about messages to other workflows; a part of the table of `decisions.decide`.

News of a child or another workflow may come late, twice, or for a run that is closed: then it means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from understudy.actors.behaviors.decisions.commands import (
    Command,
    CompleteChild,
    FailChild,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    NoteMessage,
)
from understudy.events.child import (
    CHILD,
    ChildCancelDelivered,
    ChildCompleted,
    ChildFailed,
    ChildStarted,
    ChildStartFailed,
)
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ChildWorkflowCancellationType
from understudy.events.outbound import MessageDelivered, MessageFailed
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import PendingChild
from understudy.events.transition import allows

__all__ = ["DECIDE_CHILD", "child_failure"]


def child_failure(pending: PendingChild, command: FailChild) -> Failure:
    """Return the failure that the workflow's code sees as ChildWorkflowError, caused by what ended the child."""
    asked = pending.initiated
    return Failure(
        kind="child",
        message="Child Workflow execution failed",
        cause=command.failure,
        seq=asked.seq,
        namespace="default",
        workflow_id=asked.workflow_id,
        run_id=command.run_id,
        workflow_type=asked.workflow_type,
        retry_state=command.retry_state,
    )


def _child(state: WorkflowExecution, seq: int) -> PendingChild | None:
    return state.children.get(seq) if state.is_open else None


def _started(state: WorkflowExecution, command: NoteChild, now: int) -> list[Event]:
    pending = _child(state, command.seq)
    if pending is None or pending.run_id:
        return []
    return [ChildStarted(at=now, seq=command.seq, run_id=command.run_id)]


def _refused(state: WorkflowExecution, command: NoteChildConflict, now: int) -> list[Event]:
    pending = _child(state, command.seq)
    if pending is None or pending.run_id:
        return []
    return [ChildStartFailed(at=now, seq=command.seq, run_id=command.run_id)]


def _canceling(state: WorkflowExecution, command: NoteChildCanceling, now: int) -> list[Event]:
    """Record that a child has the request to cancel, only where the code waits for that."""
    pending = _child(state, command.seq)
    return [] if pending is None else _delivered(pending, now)


def _delivered(pending: PendingChild, now: int) -> list[Event]:
    asked = pending.initiated
    if asked.cancellation_type is not ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED:
        return []
    if pending.cancel_delivered or not allows(CHILD, pending.phase, ChildCancelDelivered):
        return []
    return [ChildCancelDelivered(at=now, seq=asked.seq)]


def _ended(state: WorkflowExecution, command: CompleteChild | FailChild, now: int) -> list[Event]:
    """Record the end of a child, and first that it began and has the request to cancel, if that is not recorded."""
    pending = _child(state, command.seq)
    if pending is None or (state.start.resets and pending.run_id != command.run_id):
        return []  # behind a reset, another child may have had that number
    before: list[Event] = []
    if not pending.run_id:
        before.append(ChildStarted(at=now, seq=command.seq, run_id=command.run_id))
    if command.was_canceling:
        before.extend(_delivered(pending, now))
    if isinstance(command, CompleteChild):
        return [*before, ChildCompleted(at=now, seq=command.seq, result=command.result)]
    return [*before, ChildFailed(at=now, seq=command.seq, failure=child_failure(pending, command))]


def _message(state: WorkflowExecution, command: NoteMessage, now: int) -> list[Event]:
    if command.seq not in state.outbound or not state.is_open:
        return []
    if command.failure is None:
        return [MessageDelivered(at=now, seq=command.seq)]
    return [MessageFailed(at=now, seq=command.seq, failure=command.failure)]


DECIDE_CHILD: Final[dict[type[Command], Callable[[WorkflowExecution, Any, int], list[Event]]]] = {
    NoteChild: _started,
    NoteChildConflict: _refused,
    NoteChildCanceling: _canceling,
    CompleteChild: _ended,
    FailChild: _ended,
    NoteMessage: _message,
}
