"""The end of a run's outbound chain: it does what functions of `understudy.workflow` do without interceptors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from understudy._calls.targets import message_target
from understudy._workflow.activity_calls import ask_for
from understudy._workflow.child_handle import ChildWorkflowHandle
from understudy._workflow.continue_as_new import end_run
from understudy._workflow.info import info_of
from understudy._workflow.interceptors.activity_inputs import activity_of_input, fields_of, local_fields_of
from understudy._workflow.interceptors.inputs import own_fields
from understudy._workflow.interceptors.interceptor import WorkflowOutboundInterceptor
from understudy._workflow.local_activity_calls import ask_for_local
from understudy._workflow.requests import send_signal, start_child
from understudy.actors.behaviors.definitions.definition import HandlerKind

if TYPE_CHECKING:
    from understudy._workflow.info import Info
    from understudy._workflow.interceptors.inputs import (
        ContinueAsNewInput,
        SignalChildWorkflowInput,
        SignalExternalWorkflowInput,
        StartActivityInput,
        StartChildWorkflowInput,
        StartLocalActivityInput,
    )
    from understudy.actors.behaviors.code.context import Context
    from understudy.actors.behaviors.code.handles import ActivityHandle

__all__ = ["WorkflowRoot"]


class WorkflowRoot(WorkflowOutboundInterceptor):
    """The last interceptor in the chain of one run: it asks the engine."""

    def __init__(self, context: Context) -> None:
        """Take the context through which the engine is asked."""
        self._context = context

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        """End this run, and begin the next."""
        end_run(self._context, input)

    def info(self) -> Info:
        """Return the facts of the run."""
        return info_of(self._context)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        """Send the signal to the child."""
        own = own_fields(input)
        await self._signal((input.child_workflow_id, "", own.child), input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """Send the signal to the other workflow."""
        await self._signal((input.workflow_id, input.workflow_run_id or "", 0), input)

    async def _signal(
        self, to: tuple[str, str, int], input: SignalChildWorkflowInput | SignalExternalWorkflowInput
    ) -> None:
        own = own_fields(input)
        target = message_target(HandlerKind.SIGNAL, own.target, input.signal)
        await send_signal(self._context, to, target, input.args, input.headers, own.source)

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Ask the engine for the activity."""
        activity, fields = activity_of_input(input), fields_of(input)
        return ask_for(self._context, activity, input.args, fields, input.headers, own_fields(input).source)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        """Ask the engine for the child, and wait until the child runs."""
        make: type[ChildWorkflowHandle[Any, Any]] = ChildWorkflowHandle
        return await start_child(self._context, input, make)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        """Ask the engine for the local activity."""
        activity, fields = activity_of_input(input), local_fields_of(input)
        return ask_for_local(self._context, activity, input.args, fields, input.headers)
