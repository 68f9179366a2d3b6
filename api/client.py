"""The client: the door to the engine.

`Client.connect("sqlite:///orders.db")` opens the embedded engine on the running event loop, or joins the one that this
process already has for that file. Coroutines may be awaited on any loop and in any thread; each request hops onto the
engine's loop and back if need be. `Client.open` is the same for programs without a loop: the engine gets a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._client.client import Client
from understudy._client.config import ClientConfig
from understudy._client.errors import (
    RPCTimeoutOrCancelledError,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from understudy._client.handles.handle import WorkflowHandle
from understudy._client.handles.update_handle import WorkflowUpdateHandle
from understudy._client.handles.update_stage import WorkflowUpdateStage
from understudy._client.history.filter import WorkflowHistoryEventFilterType
from understudy._client.starts.with_start import WithStartWorkflowOperation
from understudy._doors import later
from understudy._temporal.connection_options import GrpcCompression, KeepAliveConfig, PayloadLimitsConfig
from understudy.events.errors.rpc import RPCError, RPCStatusCode, WorkflowQueryFailedError
from understudy.events.options.policies import ResetChildren, WorkflowExecutionStatus

if TYPE_CHECKING:
    from understudy._client.actor_ref import Cancel, Query, Result, Signal, Terminate, Update, WorkflowRef
    from understudy._client.connect_config import ClientConnectConfig
    from understudy._client.handles.activity_reference import AsyncActivityIDReference
    from understudy._client.handles.completion import AsyncActivityCancelledError, AsyncActivityHandle
    from understudy._client.handles.description import (
        PauseInfo,
        PendingActivityInfo,
        PendingChildInfo,
        WorkflowExecutionDescription,
    )
    from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
    from understudy._client.history.saved import WorkflowHistory
    from understudy._client.interceptors.inputs import (
        CancelWorkflowInput,
        CompleteAsyncActivityInput,
        DescribeWorkflowInput,
        FailAsyncActivityInput,
        FetchWorkflowHistoryEventsInput,
        HeartbeatAsyncActivityInput,
        QueryWorkflowInput,
        ReportCancellationAsyncActivityInput,
        SignalWorkflowInput,
        StartWorkflowInput,
        StartWorkflowUpdateInput,
        StartWorkflowUpdateWithStartInput,
        TerminateWorkflowInput,
        UpdateWithStartStartWorkflowInput,
        UpdateWithStartUpdateWorkflowInput,
    )
    from understudy._client.interceptors.interceptors import Interceptor, OutboundInterceptor
    from understudy._client.interceptors.job_inputs import (
        CancelActivityInput,
        CountActivitiesInput,
        DescribeActivityInput,
        ListActivitiesInput,
        StartActivityInput,
        TerminateActivityInput,
    )
    from understudy._client.jobs.description import (
        ActivityExecution,
        ActivityExecutionCount,
        ActivityExecutionCountAggregationGroup,
        ActivityExecutionDescription,
        ActivityExecutionStatus,
        PendingActivityState,
    )
    from understudy._client.jobs.errors import ActivityFailureError
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator
    from understudy._temporal.transport import DnsLoadBalancingConfig, HttpConnectProxyConfig, RetryConfig, TLSConfig
else:
    __getattr__, __dir__ = later(
        __name__,
        "understudy._client.actor_ref",
        "understudy._client.handles.activity_reference",
        "understudy._client.handles.completion",
        "understudy._client.connect_config",
        "understudy._client.handles.description",
        "understudy._client.history.events",
        "understudy._client.interceptors.inputs",
        "understudy._client.interceptors.interceptors",
        "understudy._client.history.saved",
        "understudy._temporal.transport",
        "understudy._client.jobs.description",
        "understudy._client.jobs.errors",
        "understudy._client.jobs.handle",
        "understudy._client.interceptors.job_inputs",
        "understudy._client.jobs.listing",
    )

__all__ = [
    "ActivityExecution",
    "ActivityExecutionAsyncIterator",
    "ActivityExecutionCount",
    "ActivityExecutionCountAggregationGroup",
    "ActivityExecutionDescription",
    "ActivityExecutionStatus",
    "ActivityFailureError",
    "ActivityHandle",
    "AsyncActivityCancelledError",
    "AsyncActivityHandle",
    "AsyncActivityIDReference",
    "Cancel",
    "CancelActivityInput",
    "CancelWorkflowInput",
    "Client",
    "ClientConfig",
    "ClientConnectConfig",
    "CompleteAsyncActivityInput",
    "CountActivitiesInput",
    "DescribeActivityInput",
    "DescribeWorkflowInput",
    "DnsLoadBalancingConfig",
    "FailAsyncActivityInput",
    "FetchWorkflowHistoryEventsInput",
    "GrpcCompression",
    "HeartbeatAsyncActivityInput",
    "HttpConnectProxyConfig",
    "Interceptor",
    "KeepAliveConfig",
    "ListActivitiesInput",
    "OutboundInterceptor",
    "PauseInfo",
    "PayloadLimitsConfig",
    "PendingActivityInfo",
    "PendingActivityState",
    "PendingChildInfo",
    "Query",
    "QueryWorkflowInput",
    "RPCError",
    "RPCStatusCode",
    "RPCTimeoutOrCancelledError",
    "ReportCancellationAsyncActivityInput",
    "ResetChildren",
    "Result",
    "RetryConfig",
    "Signal",
    "SignalWorkflowInput",
    "StartActivityInput",
    "StartWorkflowInput",
    "StartWorkflowUpdateInput",
    "StartWorkflowUpdateWithStartInput",
    "TLSConfig",
    "Terminate",
    "TerminateActivityInput",
    "TerminateWorkflowInput",
    "Update",
    "UpdateWithStartStartWorkflowInput",
    "UpdateWithStartUpdateWorkflowInput",
    "WithStartWorkflowOperation",
    "WorkflowContinuedAsNewError",
    "WorkflowExecutionDescription",
    "WorkflowExecutionStatus",
    "WorkflowFailureError",
    "WorkflowHandle",
    "WorkflowHistory",
    "WorkflowHistoryEventAsyncIterator",
    "WorkflowHistoryEventFilterType",
    "WorkflowQueryFailedError",
    "WorkflowQueryRejectedError",
    "WorkflowRef",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateHandle",
    "WorkflowUpdateRPCTimeoutOrCancelledError",
    "WorkflowUpdateStage",
]
