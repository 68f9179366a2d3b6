"""The run that follows a run: when it continues as new, when its retry policy says so, or when its cron does.

The first event of the next run is stored in the transaction of the closing event of the last, so there is never a gap
between the two, nor a second successor.
"""

from __future__ import annotations

from typing import Any

import msgspec

from understudy.actors.behaviors.decisions.retry import next_attempt
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType
from understudy.events.payloads.payload import Payload
from understudy.events.state.execution import WorkflowExecution
from understudy.events.workflow import (
    BEHAVIOUR_FLAGS,
    WorkflowCompleted,
    WorkflowContinuedAsNew,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowTimedOut,
)

__all__ = ["Followed", "next_run"]

Followed = WorkflowContinuedAsNew | WorkflowCompleted | WorkflowFailed | WorkflowTimedOut
"""Events that end a run and that another run may follow."""


def next_run(
    state: WorkflowExecution, closing: Followed, *, new_run_id: str, dice: float
) -> tuple[Followed, WorkflowStarted | None]:
    """Return a closing event as it is stored, and the first event of the run that follows it, if any does.

    A run that continues as new is followed always, one that failed if the workflow's retry policy says so, and one
    that completed, or failed for good, if the workflow has a cron schedule, and nobody has asked the run to cancel.
    """
    if isinstance(closing, WorkflowContinuedAsNew):
        started: WorkflowStarted | None = _continued(state, closing)
    elif isinstance(closing, WorkflowCompleted):
        started = _by_cron(state, closing.at, closing.result, None)
    else:
        failure = (
            closing.failure
            if isinstance(closing, WorkflowFailed)
            else Failure(kind="timeout", message="Workflow timed out", timeout_type=TimeoutType.START_TO_CLOSE)
        )
        started = _retried(state, closing.at, failure, dice) or _by_cron(
            state, closing.at, state.start.last_result, failure
        )
    if started is None:
        return closing, None
    return msgspec.structs.replace(closing, new_run_id=new_run_id), started


def _retried(state: WorkflowExecution, now: int, failure: Failure, dice: float) -> WorkflowStarted | None:
    start = state.start
    if start.retry_policy is None:
        return None
    deadline = start.execution_deadline or None
    at, _ = next_attempt(start.retry_policy, failure, attempt=start.attempt, now=now, deadline=deadline, dice=dice)
    if at is None:
        return None
    return _again(state, now, at, attempt=start.attempt + 1, last_failure=failure)


def _by_cron(
    state: WorkflowExecution, now: int, last_result: Payload | None, last_failure: Failure | None
) -> WorkflowStarted | None:
    start = state.start
    if not start.cron_schedule or state.cancel_requested is not None:
        return None
    from understudy.events.options.cron import next_cron  # few runs have a schedule

    at = next_cron(start.cron_schedule, now)
    if start.execution_deadline and at >= start.execution_deadline:
        return None
    return _again(state, now, at, attempt=1, last_result=last_result, last_failure=last_failure)


def _again(state: WorkflowExecution, now: int, first_turn_at: int, **changes: Any) -> WorkflowStarted:
    """Return the first event of a run that begins as this one did."""
    start = state.start
    return msgspec.structs.replace(
        start,
        at=now,
        flags=BEHAVIOUR_FLAGS,
        first_run_id=start.first_run_id or state.run_id,
        continued_run_id=state.run_id,
        first_turn_at=first_turn_at,
        request_id="",
        seed="",  # its dice, children and messages are its own, also behind a run that was reset
        resets=(),
        **changes,
    )


def _continued(state: WorkflowExecution, closing: WorkflowContinuedAsNew) -> WorkflowStarted:
    return _again(
        state,
        closing.at,
        # Never at once: a run that continues before it has awaited anything would not let go of the loop.
        closing.at + max(closing.backoff, 1),
        workflow_type=closing.workflow_type,
        task_queue=closing.task_queue,
        input=closing.input,
        headers=closing.headers,
        run_timeout=closing.run_timeout,
        task_timeout=closing.task_timeout,
        retry_policy=closing.retry_policy,
        attempt=1,
        last_failure=None,
        memo=closing.memo,
        search_attributes=closing.search_attributes,
    )
