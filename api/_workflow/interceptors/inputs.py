"""The requests of workflow code as its interceptors see them: one class for each of their methods.

The inputs have the options as the call gave them, completed by what the activity's decorator says; whatever they say
behind the last interceptor is checked and done. `headers` are stored with the request and arrive at the other side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NamedTuple

from understudy.events.options.policies import (
    ActivityCancellationType,
    ChildWorkflowCancellationType,
    ParentClosePolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

__all__ = [
    "ContinueAsNewInput",
    "Own",
    "SignalChildWorkflowInput",
    "SignalExternalWorkflowInput",
    "StartActivityInput",
    "StartChildWorkflowInput",
    "StartLocalActivityInput",
    "own_fields",
]


class Own(NamedTuple):
    """The facts that the engine knows of a call and that its input does not tell."""

    target: Any = None
    """The definition or the handler that the code named; None: only its name is known."""
    source: str = ""
    """The line of code that makes the call."""
    child: int = 0
    """The number of the child that a signal is for."""


_NOTHING: Final = Own()


def own_fields(input: Any) -> Own:
    """Return the facts that the engine keeps in an input, out of sight of interceptors."""
    own: Own = input._own  # noqa: SLF001 - the one place that looks at it
    return own


@public("understudy.worker")
@dataclass
class ContinueAsNewInput:
    """The arguments of `workflow.continue_as_new`."""

    workflow: str | None
    args: Sequence[Any]
    task_queue: str | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    backoff_start_interval: timedelta | None
    retry_policy: RetryPolicy | None
    memo: Mapping[str, Any] | None
    search_attributes: Any
    headers: Mapping[str, Payload]
    versioning_intent: Any
    initial_versioning_behavior: Any
    event_groups: Sequence[Any] | None = None
    arg_types: list[Any] | None = None
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class SignalChildWorkflowInput:
    """The arguments of `signal` of a child's handle."""

    signal: str
    args: Sequence[Any]
    child_workflow_id: str
    headers: Mapping[str, Payload]
    event_groups: Sequence[Any] | None = None
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class SignalExternalWorkflowInput:
    """The arguments of `signal` of an external workflow's handle."""

    signal: str
    args: Sequence[Any]
    namespace: str
    workflow_id: str
    workflow_run_id: str | None
    headers: Mapping[str, Payload]
    event_groups: Sequence[Any] | None = None
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class StartActivityInput:
    """The arguments of `workflow.start_activity` or one of its kin."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None
    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    headers: Mapping[str, Payload]
    disable_eager_execution: bool
    versioning_intent: Any
    summary: str | None
    event_groups: Sequence[Any] | None = field(default=None, kw_only=True)
    priority: Priority
    arg_types: list[Any] | None
    ret_type: Any
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class StartChildWorkflowInput:
    """The arguments of `workflow.start_child_workflow` or one of its kin."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str | None
    cancellation_type: ChildWorkflowCancellationType
    parent_close_policy: ParentClosePolicy
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: Any
    headers: Mapping[str, Payload]
    versioning_intent: Any
    static_summary: str | None
    static_details: str | None
    versioning_override: Any = field(default=None, kw_only=True)
    event_groups: Sequence[Any] | None = field(default=None, kw_only=True)
    priority: Priority
    arg_types: list[Any] | None
    ret_type: Any
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class StartLocalActivityInput:
    """The arguments of `workflow.start_local_activity` or one of its kin."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    local_retry_threshold: timedelta | None
    cancellation_type: ActivityCancellationType
    headers: Mapping[str, Payload]
    summary: str | None
    event_groups: Sequence[Any] | None = None
    arg_types: list[Any] | None = None
    ret_type: Any = None
    _own: Own = field(default=_NOTHING, kw_only=True, repr=False, compare=False)
