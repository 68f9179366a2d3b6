"""Interceptors of clients: around every call of a client and of the handles that it gives out.

Extend `Interceptor`, whose `intercept_client` returns an `OutboundInterceptor`, and pass it to `Client.connect`. The
first one is the outermost. Headers that an input gets on its way are stored with the start, the signal or the update,
and the worker's interceptors find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.events.public import public

if TYPE_CHECKING:
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
    from understudy._client.interceptors.job_inputs import (
        CancelActivityInput,
        CountActivitiesInput,
        DescribeActivityInput,
        ListActivitiesInput,
        StartActivityInput,
        TerminateActivityInput,
    )
    from understudy._client.jobs.description import ActivityExecutionCount, ActivityExecutionDescription
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator

__all__ = ["Interceptor", "OutboundInterceptor"]


@public("understudy.client")
class Interceptor:
    """Stands around the calls of a client: extend it.

    One that is also an `understudy.worker.Interceptor` is used by the client's workers, too.
    """

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Return the interceptor of the calls, with `next` behind it. Asked once, when the client connects."""
        return next


@public("understudy.client")
class OutboundInterceptor:
    """Stands around a client's calls: extend it, and do something before or after the next one, or in its place.

    It is called where the caller is, on any loop.
    """

    def __init__(self, next: OutboundInterceptor) -> None:
        """Stand in front of `next`."""
        self.next = next

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """Start a workflow, and return its handle."""
        return await self.next.start_workflow(input)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        """Ask a workflow to cancel."""
        await self.next.cancel_workflow(input)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        """Return the description of a run."""
        return await self.next.describe_workflow(input)

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        """Return an iterator over a run's events."""
        return self.next.fetch_workflow_history_events(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        """Ask a query, and return its answer."""
        return await self.next.query_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        """Send a signal to a workflow."""
        await self.next.signal_workflow(input)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        """End a run without asking its code."""
        await self.next.terminate_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        """Send an update, and return its handle."""
        return await self.next.start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow, if there is none, and update it."""
        return await self.next.start_update_with_start_workflow(input)

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Start a stand-alone activity."""
        return await self.next.start_activity(input)

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        """Ask a stand-alone activity to cancel."""
        await self.next.cancel_activity(input)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        """End a stand-alone activity."""
        await self.next.terminate_activity(input)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        """Return the description of a stand-alone activity."""
        return await self.next.describe_activity(input)

    def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        """Return an iterator over stand-alone activities."""
        return self.next.list_activities(input)

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        """Return the number of stand-alone activities."""
        return await self.next.count_activities(input)

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        """Give a sign of life from outside."""
        await self.next.heartbeat_async_activity(input)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        """Complete an activity from outside."""
        await self.next.complete_async_activity(input)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        """Fail an attempt from outside."""
        await self.next.fail_async_activity(input)

    async def report_cancellation_async_activity(self, input: ReportCancellationAsyncActivityInput) -> None:
        """Tell from outside that an activity was stopped."""
        await self.next.report_cancellation_async_activity(input)
