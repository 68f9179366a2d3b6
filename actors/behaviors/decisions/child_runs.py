"""Children and their parents: how a child's run begins, and what its end tells the parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from understudy.actors.behaviors.decisions.commands import CompleteChild, FailChild
from understudy.actors.behaviors.decisions.retry import next_attempt
from understudy.events.failures.failure import Failure
from understudy.events.options.cron import next_cron
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.workflow import (
    BEHAVIOUR_FLAGS,
    WorkflowCanceled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowTerminated,
)

if TYPE_CHECKING:
    from understudy.events.child import ChildInitiated
    from understudy.events.event import Event
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["child_run_id", "child_start", "end_of_child", "own_id"]


def child_run_id(parent: WorkflowExecution, seq: int, *, other: bool = False) -> str:
    """Return the run id of a child: always the same for the same parent and number, so that no crash makes two.

    Args:
        parent: its parent.
        seq: its number.
        other: True if another child has that id, one of the run that the parent was reset from.
    """
    whose = parent.run_id if other else own_id(parent, child=seq)
    return str(uuid5(UUID(whose), f"child/{seq}"))


def child_start(parent: WorkflowExecution, asked: ChildInitiated, now: int) -> WorkflowStarted:
    """Return the first event of a child."""
    start = parent.start
    return WorkflowStarted(
        at=now,
        workflow_id=asked.workflow_id,
        workflow_type=asked.workflow_type,
        task_queue=asked.task_queue,
        input=asked.input,
        flags=BEHAVIOUR_FLAGS,
        execution_timeout=asked.execution_timeout,
        execution_deadline=now + asked.execution_timeout if asked.execution_timeout else 0,
        run_timeout=asked.run_timeout,
        task_timeout=asked.task_timeout,
        retry_policy=asked.retry_policy,
        memo=asked.memo,
        search_attributes=asked.search_attributes,
        headers=asked.headers,
        summary=asked.summary,
        details=asked.details,
        cron_schedule=asked.cron_schedule,
        first_turn_at=next_cron(asked.cron_schedule, now) if asked.cron_schedule else 0,
        priority=asked.priority,
        fairness_key=asked.fairness_key,
        fairness_weight=asked.fairness_weight,
        parent_workflow_id=start.workflow_id,
        parent_run_id=parent.run_id,
        parent_seq=asked.seq,
        root_workflow_id=start.root_workflow_id or start.workflow_id,
        root_run_id=start.root_run_id or parent.run_id,
    )


def end_of_child(child: WorkflowExecution, closing: Event) -> CompleteChild | FailChild:
    """Return the command that tells the parent how a chain of runs ended; `child` is the last of them."""
    start = child.start
    seq, run_id = start.parent_seq, start.first_run_id or child.run_id
    canceling = child.cancel_requested is not None
    if isinstance(closing, WorkflowCompleted):
        return CompleteChild(seq=seq, run_id=run_id, result=closing.result, was_canceling=canceling)
    failure, state = _why(child, closing)
    return FailChild(seq=seq, run_id=run_id, failure=failure, retry_state=state, was_canceling=canceling)


def _why(child: WorkflowExecution, closing: Any) -> tuple[Failure, RetryState | None]:
    if isinstance(closing, WorkflowFailed):
        return closing.failure, _retry_state(child.start, closing)
    if isinstance(closing, WorkflowCanceled):
        return closing.failure or Failure(kind="canceled", message="Workflow execution canceled"), None
    if isinstance(closing, WorkflowTerminated):
        return Failure(kind="terminated", message=closing.reason or "Workflow execution terminated"), None
    timeout = TimeoutType.START_TO_CLOSE
    return Failure(kind="timeout", message="Workflow timed out", timeout_type=timeout), RetryState.TIMEOUT


def _retry_state(start: WorkflowStarted, closing: WorkflowFailed) -> RetryState:
    if start.retry_policy is None:
        return RetryState.RETRY_POLICY_NOT_SET
    deadline = start.execution_deadline or None
    return next_attempt(
        start.retry_policy, closing.failure, attempt=start.attempt, now=closing.at, deadline=deadline, dice=0.0
    )[1]


def own_id(execution: WorkflowExecution, *, child: int = 0, message: int = 0) -> str:
    """Return the run id under which a child or a message of a run is known: its own, or of the run before a reset."""
    start = execution.start
    found = start.seed or execution.run_id
    for mark in start.resets:
        after, number = (mark.children_after, child) if child else (mark.messages_after, message)
        if after is not None and number > after:
            found = mark.run_id
    return found
