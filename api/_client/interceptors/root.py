"""The end of a client's chain of interceptors: it does what the inputs say, and sends their headers along.

It calls the same functions as a client without interceptors, so the calls mean the same. What they return is made on
the client's own connection: whoever uses a handle goes through the interceptors again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from understudy._calls.checked import checked_any_id, checked_id, checked_interceptors
from understudy._calls.targets import message_target, result_hint
from understudy._client.handles.address import (
    Address,
    ask_query,
    describe,
    request_cancel,
    send_signal,
    terminate,
)
from understudy._client.handles.completion import CompletionReports
from understudy._client.handles.updates import WantedUpdate, send_update
from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
from understudy._client.interceptors.inputs import own_of_call
from understudy._client.interceptors.interceptors import Interceptor, OutboundInterceptor
from understudy._client.interceptors.job_inputs import (
    CancelActivityInput,
    CountActivitiesInput,
    DescribeActivityInput,
    ListActivitiesInput,
    StartActivityInput,
    TerminateActivityInput,
)
from understudy._client.interceptors.start_inputs import wanted_job, wanted_start
from understudy._client.jobs.handle import INCLUDED, cancel_job, describe_job, terminate_job
from understudy._client.jobs.listing import count_jobs, list_jobs
from understudy._client.jobs.start import start_job
from understudy._client.starts.start import start_workflow
from understudy._client.starts.with_start import start_and_update
from understudy.actors.behaviors.definitions.definition import HandlerKind

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy._client.handles.description import WorkflowExecutionDescription
    from understudy._client.handles.handle import WorkflowHandle
    from understudy._client.handles.update_handle import WorkflowUpdateHandle
    from understudy._client.interceptors.chain import Chain
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
    from understudy._client.jobs.description import ActivityExecutionCount, ActivityExecutionDescription
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator
    from understudy._client.starts.with_start import WithStartWorkflowOperation

__all__ = ["ClientRoot", "chain_of"]


def chain_of(connection: Connection, interceptors: Sequence[Any]) -> Chain:
    """Return the chain of a client: its outermost interceptor.

    Args:
        connection: the one that the end of the chain uses.
        interceptors: the first is the outermost.

    Raises:
        ArgumentTypeError: one of them is none.
    """
    outermost: OutboundInterceptor = ClientRoot(connection)
    for interceptor in reversed(checked_interceptors(interceptors, Interceptor, "understudy.client")):
        outermost = interceptor.intercept_client(outermost)
    return outermost


class ClientRoot(OutboundInterceptor):
    """The last one in the chain of a client: each method does what its input says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _address(self, input: Any) -> Address:
        first = getattr(input, "first_execution_run_id", None)
        return Address(self._connection, checked_id(input.id), input.run_id, first)

    # -- workflows ---------------------------------------------------------------------------------------------------

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await start_workflow(self._connection, wanted_start(input))

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        await request_cancel(self._address(input), input.reason)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        await terminate(self._address(input), input.args, input.reason)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        return await describe(self._address(input))

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        return WorkflowHistoryEventAsyncIterator(
            self._connection,
            checked_id(input.id),
            input.run_id,
            page_size=input.page_size,
            next_page_token=input.next_page_token,
            wait_new_event=input.wait_new_event,
            event_filter_type=input.event_filter_type,
            rpc_timeout=input.rpc_timeout,
        )

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        query = message_target(HandlerKind.QUERY, own_of_call(input).target, input.query)
        hint = result_hint(query, input.ret_type)
        to, reject = self._address(input), input.reject_condition
        return await ask_query(to, query, input.args, hint=hint, reject=reject, headers=input.headers)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        own = own_of_call(input)
        signal = message_target(HandlerKind.SIGNAL, own.target, input.signal)
        to, headers = self._address(input), input.headers
        await send_signal(to, signal, input.args, request_id=own.request_id, headers=headers)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        wanted = WantedUpdate(
            update=message_target(HandlerKind.UPDATE, own_of_call(input).target, input.update),
            args=input.args,
            stage=input.wait_for_stage,
            id=input.update_id,
            result_type=input.ret_type,
            rpc_timeout=input.rpc_timeout,
            headers=input.headers,
        )
        return await send_update(self._address(input), wanted)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        start, update = input.start_workflow_input, input.update_workflow_input
        operation = cast("WithStartWorkflowOperation[Any, Any]", own_of_call(start).operation)
        operation.start = wanted_start(start)
        wanted = WantedUpdate(
            update=message_target(HandlerKind.UPDATE, own_of_call(update).target, update.update),
            args=update.args,
            stage=update.wait_for_stage,
            id=update.update_id,
            result_type=update.ret_type,
            rpc_timeout=input.rpc_timeout,
            headers=update.headers,
        )
        return await start_and_update(self._connection, operation, wanted)

    # -- activities that are completed from outside ------------------------------------------------------------------

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        await self._completion(input).heartbeat(input.details)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        await self._completion(input).complete(input.result)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        await self._completion(input).fail(input.error, input.last_heartbeat_details)

    async def report_cancellation_async_activity(self, input: ReportCancellationAsyncActivityInput) -> None:
        await self._completion(input).report_cancellation(input.details)

    def _completion(
        self,
        input: (
            HeartbeatAsyncActivityInput
            | CompleteAsyncActivityInput
            | FailAsyncActivityInput
            | ReportCancellationAsyncActivityInput
        ),
    ) -> CompletionReports:
        return CompletionReports(self._connection, input.id_or_token, input.data_converter_override)

    # -- stand-alone activities --------------------------------------------------------------------------------------

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        return await start_job(self._connection, wanted_job(input))

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        await cancel_job(self._connection, _job(input), input.activity_run_id, input.reason)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        await terminate_job(self._connection, _job(input), input.activity_run_id, input.reason)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        included = frozenset(name for name in INCLUDED if getattr(input, name))
        return await describe_job(self._connection, _job(input), input.activity_run_id, included)

    def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        return list_jobs(
            self._connection,
            input.query,
            limit=input.limit,
            page_size=input.page_size,
            next_page_token=input.next_page_token,
        )

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        return await count_jobs(self._connection, input.query)


def _job(input: CancelActivityInput | TerminateActivityInput | DescribeActivityInput) -> str:
    return checked_any_id(input.activity_id, "activity_id")
