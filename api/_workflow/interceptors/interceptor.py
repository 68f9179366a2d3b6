"""Interceptors of the requests of workflow code: activities, children, signals to others, a new run, its own facts.

Extend `WorkflowOutboundInterceptor`, and hand yours on in the `init` of a `WorkflowInboundInterceptor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._workflow.child_handle import ChildWorkflowHandle
    from understudy._workflow.info import Info
    from understudy._workflow.interceptors.inputs import (
        ContinueAsNewInput,
        SignalChildWorkflowInput,
        SignalExternalWorkflowInput,
        StartActivityInput,
        StartChildWorkflowInput,
        StartLocalActivityInput,
    )
    from understudy.actors.behaviors.code.handles import ActivityHandle

__all__ = ["WorkflowOutboundInterceptor"]


@public("understudy.worker")
class WorkflowOutboundInterceptor:
    """Stands around the requests of a run's code: extend it; it is workflow code, as the inbound one."""

    next: WorkflowOutboundInterceptor

    def __init__(self, next: WorkflowOutboundInterceptor) -> None:
        """Stand in front of `next`."""
        self.next = next

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        """Continue as new; never returns."""
        self.next.continue_as_new(input)

    def info(self) -> Info:
        """Return facts about the run."""
        return self.next.info()

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        """Send a signal to a child."""
        return await self.next.signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """Signal a workflow that somebody else has started."""
        return await self.next.signal_external_workflow(input)

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Start an activity, and return its handle."""
        return self.next.start_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        """Start a child workflow, and return its handle once it runs."""
        return await self.next.start_child_workflow(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        """Start a local activity."""
        return self.next.start_local_activity(input)
