"""Handles of children and of other workflows, as workflow code holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypedDict, TypeVar

from understudy._calls.targets import NO_ARG, arguments, message_name
from understudy._calls.typed import typed_related_signal
from understudy._workflow.interceptors.inputs import Own, SignalChildWorkflowInput, SignalExternalWorkflowInput
from understudy._workflow.requests import send_signal
from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.code.handles import ChildHandle
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.options.policies import ChildWorkflowCancellationType, ParentClosePolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.outbound import ExternalCancelRequested
from understudy.events.payloads.payload import NO_HEADERS

__all__ = [
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ExternalWorkflowHandle",
    "PlainChildOptions",
]

R = TypeVar("R")


E = TypeVar("E")


S = TypeVar("S")


class PlainChildOptions(TypedDict, total=False):
    """The options of a child workflow but for the type of the result."""

    id: str | None
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
    versioning_intent: object
    static_summary: str | None
    static_details: str | None
    event_groups: Sequence[object] | None
    priority: Priority
    versioning_override: object


class ChildWorkflowConfig(PlainChildOptions, total=False):
    """The options of a child workflow, to keep and to pass as `**config`; see `start_child_workflow`."""

    result_type: type | None


class ChildWorkflowHandle(ChildHandle[R], Generic[S, R]):
    """A child workflow that runs: await it for its result, cancel it, signal it.

    It is a future of the workflow's own loop, so it goes into `gather`, `wait` and `shield` as it is.
    """

    __slots__ = ()

    @property
    def id(self) -> str:
        """The child's workflow id."""
        return self.initiated.workflow_id

    @property
    def first_execution_run_id(self) -> str | None:
        """The child's first run."""
        return self.run_id or None

    @typed_related_signal
    async def signal(
        self,
        signal: str | Callable[..., Any],
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        event_groups: Sequence[object] | None = None,
    ) -> None:
        """Signal the child; it has the signal on disk when this returns.

        Args:
            signal: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            event_groups: accepted so that programs run.

        Raises:
            ApplicationError: the child is closed; its type is `ExternalWorkflowExecutionNotFound`.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        context, given, child = current(), arguments(arg, args), self.initiated.seq
        if context.chain is None:
            await send_signal(context, (self.id, "", child), signal, given, NO_HEADERS, source_line())
            return
        asked = SignalChildWorkflowInput(
            signal=message_name(HandlerKind.SIGNAL, signal),
            args=given,
            child_workflow_id=self.id,
            headers=NO_HEADERS,
            event_groups=event_groups,
            _own=Own(signal, source_line(), child),
        )
        await context.chain.outbound.signal_child_workflow(asked)


class ExternalWorkflowHandle(Generic[E]):
    """A workflow that somebody else has started: signal it, or ask it to cancel."""

    __slots__ = ("_id", "_run_id")

    def __init__(self, workflow_id: str, run_id: str | None) -> None:
        """Do not call this; use `workflow.get_external_workflow_handle` instead."""
        self._id = workflow_id
        self._run_id = run_id

    def __repr__(self) -> str:
        """Show the ids of the workflow."""
        run = f", run {self._run_id}" if self._run_id else ""
        return f"<ExternalWorkflowHandle of {self._id!r}{run}>"

    @property
    def id(self) -> str:
        """The id of the workflow."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that gets the messages; None: the open one, else the latest."""
        return self._run_id

    @typed_related_signal
    async def signal(
        self,
        signal: str | Callable[..., Any],
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        event_groups: Sequence[object] | None = None,
    ) -> None:
        """Signal the workflow; it has the signal on disk when this returns.

        Args:
            signal: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            event_groups: accepted so that programs run.

        Raises:
            ApplicationError: there is no such workflow, or it is closed; its type is
                `ExternalWorkflowExecutionNotFound`.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        context, given = current(), arguments(arg, args)
        if context.chain is None:
            await send_signal(context, (self._id, self._run_id or "", 0), signal, given, NO_HEADERS, source_line())
            return
        asked = SignalExternalWorkflowInput(
            signal=message_name(HandlerKind.SIGNAL, signal),
            args=given,
            namespace="default",
            workflow_id=self._id,
            workflow_run_id=self._run_id,
            headers=NO_HEADERS,
            event_groups=event_groups,
            _own=Own(signal, source_line()),
        )
        await context.chain.outbound.signal_external_workflow(asked)

    async def cancel(self, *, reason: str = "", event_groups: Sequence[object] | None = None) -> None:
        """Ask the workflow to cancel; it has the request on disk when this returns.

        Args:
            reason: for its code, and for people.
            event_groups: accepted so that programs run.

        Raises:
            ApplicationError: there is no such workflow, or it is closed.
        """
        del event_groups
        context = current()
        line = source_line()
        await context.outbound.send(
            lambda seq: ExternalCancelRequested(
                at=context.recorder.now,
                seq=seq,
                workflow_id=self._id,
                run_id=self._run_id or "",
                reason=reason,
                source=line,
            )
        )
