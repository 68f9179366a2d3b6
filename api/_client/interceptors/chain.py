"""The beginning of a client's chain of interceptors: the calls of users become inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from understudy._calls.checked import checked_interceptors
from understudy._calls.targets import NO_ARG, message_name, workflow_target
from understudy._client.interceptors.inputs import (
    START_DEFAULTS,
    CancelWorkflowInput,
    CompleteAsyncActivityInput,
    DescribeWorkflowInput,
    FailAsyncActivityInput,
    FetchWorkflowHistoryEventsInput,
    HeartbeatAsyncActivityInput,
    OwnOfCall,
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
from understudy._client.interceptors.root import INCLUDED, STARTED, ClientRoot
from understudy._client.jobs.start import activity_target
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.payloads.payload import NO_HEADERS

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._client.handles.description import WorkflowExecutionDescription
    from understudy._client.handles.handle import WorkflowHandle
    from understudy._client.handles.update_handle import WorkflowUpdateHandle
    from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
    from understudy._client.jobs.description import ActivityExecutionDescription
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator, ActivityExecutionCount

__all__ = ["ClientChain"]

To = tuple[str, str | None]
"""A workflow id, and a run id."""
Given = Mapping[str, Any]
"""The arguments of a call by name, as the method has them; there may be more among them than are wanted."""


class ClientChain:
    """The interceptors of one client; any loop.

    Args:
        client: whose calls they stand around.
        interceptors: the first is the outermost.

    Raises:
        ArgumentTypeError: one of them is none.
    """

    __slots__ = ("_outermost",)

    def __init__(self, client: Client, interceptors: Sequence[Any]) -> None:
        outermost: OutboundInterceptor = ClientRoot(client)
        for interceptor in reversed(checked_interceptors(interceptors, Interceptor, "understudy.client")):
            outermost = interceptor.intercept_client(outermost)
        self._outermost = outermost

    async def start(self, workflow: Any, args: Sequence[Any], given: Given) -> WorkflowHandle[Any, Any]:
        """Start a workflow."""
        asked = StartWorkflowInput(
            workflow=workflow_target(workflow)[0],
            args=args,
            **_of(given, "id", "task_queue", *START_DEFAULTS),
            **_of(given, "start_signal", "start_signal_args", "rpc_metadata", "rpc_timeout", "request_eager_start"),
            headers=NO_HEADERS,
            ret_type=_returned(workflow, given["result_type"]),
            _own=OwnOfCall(workflow, given["request_id"]),
        )
        return await self._outermost.start_workflow(asked)

    async def cancel(self, to: To, first_run_id: str | None, given: Given) -> None:
        """Ask a workflow to cancel."""
        await self._outermost.cancel_workflow(CancelWorkflowInput(*to, first_run_id, **_of(given, "reason", *_RPC)))

    async def terminate(self, to: To, first_run_id: str | None, given: Given) -> None:
        """End a run."""
        asked = TerminateWorkflowInput(*to, first_run_id, **_of(given, "args", "reason", *_RPC))
        await self._outermost.terminate_workflow(asked)

    async def describe(self, to: To, given: Given) -> WorkflowExecutionDescription:
        """Return what is known of a run."""
        return await self._outermost.describe_workflow(DescribeWorkflowInput(*to, **_of(given, *_RPC)))

    def history(self, to: To, given: Given) -> WorkflowHistoryEventAsyncIterator:
        """Return an iterator over a run's events."""
        wanted = "page_size", "next_page_token", "wait_new_event", "event_filter_type", "skip_archival"
        asked = FetchWorkflowHistoryEventsInput(*to, **_of(given, *wanted, *_RPC))
        return self._outermost.fetch_workflow_history_events(asked)

    async def query(self, to: To, query: Any, args: Sequence[Any], hint: Any, given: Given) -> Any:
        """Ask a query."""
        asked = QueryWorkflowInput(
            *to,
            query=message_name(HandlerKind.QUERY, query),
            args=args,
            headers=NO_HEADERS,
            ret_type=hint,
            **_of(given, "reject_condition", *_RPC),
            _own=OwnOfCall(query),
        )
        return await self._outermost.query_workflow(asked)

    async def signal(self, to: To, signal: Any, args: Sequence[Any], given: Given) -> None:
        """Send a signal."""
        asked = SignalWorkflowInput(
            *to,
            signal=message_name(HandlerKind.SIGNAL, signal),
            args=args,
            headers=NO_HEADERS,
            **_of(given, *_RPC),
            _own=OwnOfCall(signal, given["request_id"]),
        )
        await self._outermost.signal_workflow(asked)

    async def update(
        self, to: To, first_run_id: str | None, update: Any, args: Sequence[Any], given: Given
    ) -> WorkflowUpdateHandle[Any]:
        """Send an update."""
        asked = StartWorkflowUpdateInput(
            *to,
            first_execution_run_id=first_run_id,
            update_id=given["id"],
            update=message_name(HandlerKind.UPDATE, update),
            args=args,
            headers=NO_HEADERS,
            ret_type=given["result_type"],
            **_of(given, "wait_for_stage", *_RPC),
            _own=OwnOfCall(update),
        )
        return await self._outermost.start_workflow_update(asked)

    async def update_with_start(
        self, operation: Any, update: Any, args: Sequence[Any], given: Given
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow, if need be, and update it; whoever awaits the workflow's handle is told of a failure."""
        options = {**START_DEFAULTS, **operation.options}
        start = UpdateWithStartStartWorkflowInput(
            workflow=workflow_target(operation.workflow)[0],
            args=operation.args,
            id=operation.id,
            task_queue=operation.task_queue,
            **_of(options, *START_DEFAULTS),
            headers=NO_HEADERS,
            ret_type=_returned(operation.workflow, options["result_type"]),
            _own=OwnOfCall(operation.workflow, operation=operation),
        )
        message = UpdateWithStartUpdateWorkflowInput(
            update_id=given["id"],
            update=message_name(HandlerKind.UPDATE, update),
            args=args,
            headers=NO_HEADERS,
            ret_type=given["result_type"],
            wait_for_stage=given["wait_for_stage"],
            _own=OwnOfCall(update),
        )
        asked = StartWorkflowUpdateWithStartInput(start, message, **_of(given, *_RPC))
        try:
            return await self._outermost.start_update_with_start_workflow(asked)
        except BaseException as error:
            operation.settle(error)
            raise

    async def heartbeat(self, activity: tuple[Any, Any], given: Given) -> None:
        """Give a sign of life from outside; `activity` is what names it, and a data converter or None."""
        which, converter = activity
        asked = HeartbeatAsyncActivityInput(which, **_of(given, "details", *_RPC), data_converter_override=converter)
        await self._outermost.heartbeat_async_activity(asked)

    async def complete(self, activity: tuple[Any, Any], given: Given) -> None:
        """Complete an activity from outside."""
        which, converter = activity
        result = None if given["result"] is NO_ARG else given["result"]
        asked = CompleteAsyncActivityInput(which, result, **_of(given, *_RPC), data_converter_override=converter)
        await self._outermost.complete_async_activity(asked)

    async def fail(self, activity: tuple[Any, Any], given: Given) -> None:
        """Fail an attempt from outside."""
        which, converter = activity
        asked = FailAsyncActivityInput(
            which, **_of(given, "error", "last_heartbeat_details", *_RPC), data_converter_override=converter
        )
        await self._outermost.fail_async_activity(asked)

    async def report_cancellation(self, activity: tuple[Any, Any], given: Given) -> None:
        """Tell from outside that an activity was stopped."""
        which, converter = activity
        asked = ReportCancellationAsyncActivityInput(
            which, **_of(given, "details", *_RPC), data_converter_override=converter
        )
        await self._outermost.report_cancellation_async_activity(asked)

    # -- stand-alone activities --------------------------------------------------------------------------------------

    async def start_activity(self, activity: Any, args: Sequence[Any], given: Given) -> ActivityHandle[Any]:
        """Start an activity."""
        name, definition = activity_target(activity)
        declared = definition.signature.returns if definition is not None else None
        asked = StartActivityInput(
            activity_type=name,
            args=args,
            result_type=given["result_type"] or declared,
            headers=NO_HEADERS,
            **_of(given, *STARTED, *_RPC),
            _own=OwnOfCall(activity, given["request_id"]),
        )
        return await self._outermost.start_activity(asked)

    async def cancel_activity(self, which: tuple[str, str | None], given: Given) -> None:
        """Ask an activity to cancel; `which` is its id and a run id."""
        await self._outermost.cancel_activity(CancelActivityInput(*which, **_of(given, "reason", *_RPC)))

    async def terminate_activity(self, which: tuple[str, str | None], given: Given) -> None:
        """End an activity."""
        await self._outermost.terminate_activity(TerminateActivityInput(*which, **_of(given, "reason", *_RPC)))

    async def describe_activity(self, which: tuple[str, str | None], given: Given) -> ActivityExecutionDescription:
        """Return what is known of an activity."""
        return await self._outermost.describe_activity(DescribeActivityInput(*which, **_of(given, *INCLUDED, *_RPC)))

    def list_activities(self, given: Given) -> ActivityExecutionAsyncIterator:
        """Return an iterator over activities."""
        asked = ListActivitiesInput(**_of(given, "query", "page_size", "next_page_token", "limit", *_RPC))
        return self._outermost.list_activities(asked)

    async def count_activities(self, given: Given) -> ActivityExecutionCount:
        """Count activities."""
        return await self._outermost.count_activities(CountActivitiesInput(**_of(given, "query", *_RPC)))


_RPC = ("rpc_metadata", "rpc_timeout")


def _of(given: Given, *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names}


def _returned(workflow: Any, result_type: Any) -> Any:
    """Return what the result is decoded to, as far as the call tells."""
    definition = workflow_target(workflow)[1]
    return definition.signature.returns if result_type is None and definition is not None else result_type
