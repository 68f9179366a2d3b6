"""The end of a client's chain of interceptors: the calls are made as inputs say.

What makes them is the same client without interceptors, so every method does what it always does; it sends the headers
of the input along (`Connection.plain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy._calls.targets import message_target, workflow_target
from understudy._client.handles.completion import AsyncActivityHandle
from understudy._client.interceptors.inputs import START_DEFAULTS, OwnOfCall, own_of_call
from understudy._client.interceptors.interceptors import OutboundInterceptor
from understudy._client.interceptors.job_inputs import (
    CancelActivityInput,
    CountActivitiesInput,
    DescribeActivityInput,
    ListActivitiesInput,
    StartActivityInput,
    TerminateActivityInput,
)
from understudy._client.jobs.start import activity_target
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.payloads.payload import NO_HEADERS

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._client.handles.description import WorkflowExecutionDescription
    from understudy._client.handles.handle import WorkflowHandle
    from understudy._client.handles.update_handle import WorkflowUpdateHandle
    from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
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
    )
    from understudy._client.jobs.description import ActivityExecutionDescription
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator, ActivityExecutionCount

__all__ = ["INCLUDED", "STARTED", "ClientRoot"]

STARTED = (
    *("id", "task_queue", "schedule_to_close_timeout", "start_to_close_timeout", "schedule_to_start_timeout"),
    *("heartbeat_timeout", "id_reuse_policy", "id_conflict_policy", "retry_policy", "priority", "search_attributes"),
    *("summary", "start_delay"),
)
INCLUDED = ("include_input", "include_outcome", "include_heartbeat_details", "include_last_failure")


def _workflow(own: OwnOfCall, name: str) -> Any:
    """Return the workflow of a start that interceptors have seen; only the name if they gave it another."""
    return own.target if own.target is not None and workflow_target(own.target)[0] == name else name


class ClientRoot(OutboundInterceptor):
    """The last in the chain of one client."""

    def __init__(self, client: Client) -> None:
        """Call through `client`."""
        self._client = client

    def _handle(self, input: Any) -> WorkflowHandle[Any, Any]:
        client = self._client.plain(getattr(input, "headers", NO_HEADERS))
        first = getattr(input, "first_execution_run_id", None)
        return client.get_workflow_handle(input.id, run_id=input.run_id, first_execution_run_id=first)

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """Start it."""
        own = own_of_call(input)
        return await self._client.plain(input.headers).start_workflow(
            _workflow(own, input.workflow),
            args=input.args,
            id=input.id,
            task_queue=input.task_queue,
            result_type=input.ret_type,
            start_signal=input.start_signal,
            start_signal_args=input.start_signal_args,
            rpc_timeout=input.rpc_timeout,
            request_id=own.request_id,
            **{name: getattr(input, name) for name in START_DEFAULTS},
        )

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        """Ask it."""
        await self._handle(input).cancel(reason=input.reason, rpc_timeout=input.rpc_timeout)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        """Look."""
        return await self._handle(input).describe(rpc_timeout=input.rpc_timeout)

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        """Make the iterator."""
        return self._handle(input).fetch_history_events(
            page_size=input.page_size,
            next_page_token=input.next_page_token,
            wait_new_event=input.wait_new_event,
            event_filter_type=input.event_filter_type,
            skip_archival=input.skip_archival,
            rpc_timeout=input.rpc_timeout,
        )

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        """Ask it."""
        return await self._handle(input).query(
            message_target(HandlerKind.QUERY, own_of_call(input).target, input.query),
            args=input.args,
            result_type=input.ret_type,
            reject_condition=input.reject_condition,
            rpc_timeout=input.rpc_timeout,
        )

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        """Send it."""
        own = own_of_call(input)
        await self._handle(input).signal(
            message_target(HandlerKind.SIGNAL, own.target, input.signal),
            args=input.args,
            rpc_timeout=input.rpc_timeout,
            request_id=own.request_id,
        )

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        """End it."""
        await self._handle(input).terminate(*input.args, reason=input.reason, rpc_timeout=input.rpc_timeout)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        """Send it."""
        handle: Any = self._handle(input)
        sent: WorkflowUpdateHandle[Any] = await handle.start_update(
            message_target(HandlerKind.UPDATE, own_of_call(input).target, input.update),
            args=input.args,
            wait_for_stage=input.wait_for_stage,
            id=input.update_id,
            result_type=input.ret_type,
            rpc_timeout=input.rpc_timeout,
        )
        return sent

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """Do both."""
        start, update = input.start_workflow_input, input.update_workflow_input
        own = own_of_call(start)
        operation = own.operation
        operation.workflow = _workflow(own, start.workflow)
        operation.args, operation.id, operation.task_queue = start.args, start.id, start.task_queue
        operation.id_conflict_policy, operation.headers = start.id_conflict_policy, dict(start.headers)
        operation.options.update({name: getattr(start, name) for name in operation.options if name in START_DEFAULTS})
        operation.options["result_type"] = start.ret_type
        client: Any = self._client.plain(update.headers)
        sent: WorkflowUpdateHandle[Any] = await client.start_update_with_start_workflow(
            message_target(HandlerKind.UPDATE, own_of_call(update).target, update.update),
            args=update.args,
            start_workflow_operation=operation,
            wait_for_stage=update.wait_for_stage,
            id=update.update_id,
            result_type=update.ret_type,
            rpc_timeout=input.rpc_timeout,
        )
        return sent

    def _activity(self, input: Any) -> AsyncActivityHandle:
        return AsyncActivityHandle(
            self._client.plain(NO_HEADERS), input.id_or_token, data_converter_override=input.data_converter_override
        )

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        """Give it."""
        await self._activity(input).heartbeat(*input.details, rpc_timeout=input.rpc_timeout)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        """Complete it."""
        await self._activity(input).complete(input.result, rpc_timeout=input.rpc_timeout)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        """Fail it."""
        await self._activity(input).fail(
            input.error, last_heartbeat_details=input.last_heartbeat_details, rpc_timeout=input.rpc_timeout
        )

    async def report_cancellation_async_activity(self, input: ReportCancellationAsyncActivityInput) -> None:
        """Tell it."""
        await self._activity(input).report_cancellation(*input.details, rpc_timeout=input.rpc_timeout)

    # -- stand-alone activities --------------------------------------------------------------------------------------

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Start it."""
        own = own_of_call(input)
        known = own.target is not None and activity_target(own.target)[0] == input.activity_type
        client: Any = self._client.plain(input.headers)
        handle: ActivityHandle[Any] = await client.start_activity(
            own.target if known else input.activity_type,
            args=input.args,
            result_type=input.result_type,
            request_id=own.request_id,
            **{name: getattr(input, name) for name in STARTED},
        )
        return handle

    def _job(self, input: Any) -> ActivityHandle[Any]:
        return self._client.plain(NO_HEADERS).get_activity_handle(input.activity_id, run_id=input.activity_run_id)

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        """Ask it."""
        await self._job(input).cancel(reason=input.reason)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        """End it."""
        await self._job(input).terminate(reason=input.reason)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        """Look."""
        return await self._job(input).describe(**{name: getattr(input, name) for name in INCLUDED})

    def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        """Make the iterator."""
        return self._client.plain(NO_HEADERS).list_activities(
            input.query, limit=input.limit, page_size=input.page_size, next_page_token=input.next_page_token
        )

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        """Count them."""
        return await self._client.plain(NO_HEADERS).count_activities(input.query)
