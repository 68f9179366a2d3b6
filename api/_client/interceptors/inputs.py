"""Calls of a client as its interceptors see them: one class for each method that they stand around.

The fields are the arguments as the call gave them, and `headers`, which go along with a start, a signal, an update or
a query. Whatever an input says behind the last interceptor is checked and done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NamedTuple

from understudy._client.handles.activity_reference import AsyncActivityIDReference
from understudy._client.handles.update_stage import WorkflowUpdateStage
from understudy._client.history.filter import WorkflowHistoryEventFilterType
from understudy.events.converters.data_converter import DataConverter
from understudy.events.options.policies import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

__all__ = [
    "CancelWorkflowInput",
    "CompleteAsyncActivityInput",
    "DescribeWorkflowInput",
    "FailAsyncActivityInput",
    "FetchWorkflowHistoryEventsInput",
    "HeartbeatAsyncActivityInput",
    "OwnOfCall",
    "QueryWorkflowInput",
    "ReportCancellationAsyncActivityInput",
    "SignalWorkflowInput",
    "StartWorkflowInput",
    "StartWorkflowUpdateInput",
    "StartWorkflowUpdateWithStartInput",
    "TerminateWorkflowInput",
    "UpdateWithStartStartWorkflowInput",
    "UpdateWithStartUpdateWorkflowInput",
    "own_of_call",
]

Metadata = Mapping[str, str | bytes]


class OwnOfCall(NamedTuple):
    """The part of a call that the engine knows and that its input does not show."""

    target: Any = None
    """The workflow or the handler that the caller gave; None: only its name is known."""
    request_id: str | None = None
    operation: object = None
    """The `WithStartWorkflowOperation` of an update with a start; it is told how the start went."""


_NOTHING: Final = OwnOfCall()


def own_of_call(input: Any) -> OwnOfCall:
    """Return the part of an input that interceptors do not see."""
    own: OwnOfCall = input._own  # noqa: SLF001 - the one place that looks at it
    return own


# -- workflows -------------------------------------------------------------------------------------------------------


@public("understudy.client")
@dataclass
class StartWorkflowInput:
    """The arguments of `Client.start_workflow` or one of its kin."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: Any
    start_delay: timedelta | None
    headers: Mapping[str, Payload]
    start_signal: str | None
    start_signal_args: Sequence[Any]
    static_summary: str | None
    static_details: str | None
    ret_type: Any
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    request_eager_start: bool
    priority: Priority
    versioning_override: Any = None
    time_skipping_config: Any = None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class CancelWorkflowInput:
    """The arguments of `WorkflowHandle.cancel`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    reason: str
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class DescribeWorkflowInput:
    """The arguments of `WorkflowHandle.describe`."""

    id: str
    run_id: str | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class FetchWorkflowHistoryEventsInput:
    """The arguments of `WorkflowHandle.fetch_history_events`."""

    id: str
    run_id: str | None
    page_size: int | None
    next_page_token: bytes | None
    wait_new_event: bool
    event_filter_type: WorkflowHistoryEventFilterType
    skip_archival: bool
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class QueryWorkflowInput:
    """The arguments of `WorkflowHandle.query`."""

    id: str
    run_id: str | None
    query: str
    args: Sequence[Any]
    reject_condition: QueryRejectCondition | None
    headers: Mapping[str, Payload]
    ret_type: Any
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class SignalWorkflowInput:
    """The arguments of `WorkflowHandle.signal`."""

    id: str
    run_id: str | None
    signal: str
    args: Sequence[Any]
    headers: Mapping[str, Payload]
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class TerminateWorkflowInput:
    """The arguments of `WorkflowHandle.terminate`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    args: Sequence[Any]
    reason: str | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


# -- updates ---------------------------------------------------------------------------------------------------------


@public("understudy.client")
@dataclass
class StartWorkflowUpdateInput:
    """The arguments of `WorkflowHandle.start_update` or `execute_update`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    headers: Mapping[str, Payload]
    ret_type: Any
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class UpdateWithStartUpdateWorkflowInput:
    """The update of an update-with-start."""

    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    headers: Mapping[str, Payload]
    ret_type: Any
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class UpdateWithStartStartWorkflowInput:
    """The start of an update-with-start."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: Any
    start_delay: timedelta | None
    headers: Mapping[str, Payload]
    static_summary: str | None
    static_details: str | None
    ret_type: Any
    priority: Priority
    versioning_override: Any = None
    time_skipping_config: Any = None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class StartWorkflowUpdateWithStartInput:
    """The arguments of `Client.start_update_with_start_workflow` or `execute_update_with_start_workflow`."""

    start_workflow_input: UpdateWithStartStartWorkflowInput
    update_workflow_input: UpdateWithStartUpdateWorkflowInput
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


# -- activities that are completed from outside ----------------------------------------------------------------------


@public("understudy.client")
@dataclass
class HeartbeatAsyncActivityInput:
    """The arguments of `AsyncActivityHandle.heartbeat`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    data_converter_override: DataConverter | None = None


@public("understudy.client")
@dataclass
class CompleteAsyncActivityInput:
    """The arguments of `AsyncActivityHandle.complete`."""

    id_or_token: AsyncActivityIDReference | bytes
    result: Any | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    data_converter_override: DataConverter | None = None


@public("understudy.client")
@dataclass
class FailAsyncActivityInput:
    """The arguments of `AsyncActivityHandle.fail`."""

    id_or_token: AsyncActivityIDReference | bytes
    error: Exception
    last_heartbeat_details: Sequence[Any]
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    data_converter_override: DataConverter | None = None


@public("understudy.client")
@dataclass
class ReportCancellationAsyncActivityInput:
    """The arguments of `AsyncActivityHandle.report_cancellation`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    data_converter_override: DataConverter | None = None
