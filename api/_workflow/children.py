"""Other workflows, inside a workflow: children that are started, and handles to workflows that others have started.

`understudy.workflow` shows all of it to users; it is used from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Concatenate, Generic, TypedDict, TypeVar, Unpack, overload

from understudy._calls.targets import NO_ARG, arguments, message_name, workflow_target
from understudy._client.starts.start import checked_id
from understudy._workflow.inputs import (
    Own,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartChildWorkflowInput,
)
from understudy._workflow.requests import send_signal, start_child
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.handles import ChildHandle
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.actors.behaviors.headers import NO_HEADERS
from understudy.events.options.policies import (
    ChildWorkflowCancellationType,
    ParentClosePolicy,
    Priority,
    RetryPolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.outbound import ExternalCancelRequested
from understudy.typed import typed_child_execute, typed_child_start, typed_related_signal

__all__ = [
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ExternalWorkflowHandle",
    "PlainChildOptions",
    "execute_child_workflow",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "start_child_workflow",
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
        """Use `workflow.get_external_workflow_handle` instead."""
        self._id = workflow_id
        self._run_id = run_id

    def __repr__(self) -> str:
        """Show the ids."""
        run = f", run {self._run_id}" if self._run_id else ""
        return f"<ExternalWorkflowHandle of {self._id!r}{run}>"

    @property
    def id(self) -> str:
        """The workflow id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that messages go to; None: the open one, else the latest."""
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
        await context.related.send(
            lambda seq: ExternalCancelRequested(
                at=context.now,
                seq=seq,
                workflow_id=self._id,
                run_id=self._run_id or "",
                reason=reason,
                source=line,
            )
        )


def get_external_workflow_handle(workflow_id: str, *, run_id: str | None = None) -> ExternalWorkflowHandle[Any]:
    """Return a handle to a workflow that was started by somebody else; nothing is asked yet.

    Args:
        workflow_id: its id.
        run_id: which run; None: the open one, else the latest.
    """
    current()
    return ExternalWorkflowHandle(checked_id(workflow_id), run_id)


@overload
def get_external_workflow_handle_for(
    workflow: Callable[Concatenate[E, ...], Awaitable[Any]], workflow_id: str, *, run_id: str | None = ...
) -> ExternalWorkflowHandle[E]: ...
@overload
def get_external_workflow_handle_for(
    workflow: Callable[[], Awaitable[Any]], workflow_id: str, *, run_id: str | None = ...
) -> ExternalWorkflowHandle[Any]: ...
def get_external_workflow_handle_for(
    workflow: Any, workflow_id: str, *, run_id: str | None = None
) -> ExternalWorkflowHandle[Any]:
    """Return a handle to a workflow of a known type; see `get_external_workflow_handle`."""
    workflow_target(workflow)
    current()
    return ExternalWorkflowHandle(checked_id(workflow_id), run_id)


@typed_child_start
async def start_child_workflow(
    workflow: Any,
    arg: Any = NO_ARG,
    *,
    args: Sequence[Any] = (),
    id: str | None = None,
    task_queue: str | None = None,
    result_type: type | None = None,
    cancellation_type: ChildWorkflowCancellationType = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    parent_close_policy: ParentClosePolicy = ParentClosePolicy.TERMINATE,
    execution_timeout: timedelta | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    retry_policy: RetryPolicy | None = None,
    cron_schedule: str = "",
    memo: Mapping[str, Any] | None = None,
    search_attributes: Any = None,
    versioning_intent: object = None,
    static_summary: str | None = None,
    static_details: str | None = None,
    event_groups: Sequence[object] | None = None,
    priority: Priority = Priority.default,
    versioning_override: object = None,
) -> ChildWorkflowHandle[Any, Any]:
    """Start a child workflow, and return a handle once it runs.

    Args:
        workflow: the run method of a workflow class, the class, a workflow function, or a name.
        arg: the argument, if there is just one.
        args: the arguments, if there are several.
        id: the child's workflow id; None: a random one, the same at every replay.
        task_queue: whose worker shall run it; None: as this workflow.
        result_type: what the result is decoded to, when the child is given by name.
        cancellation_type: what cancelling the handle does.
        parent_close_policy: what becomes of the child when this run closes.
        execution_timeout: for all runs of the child together.
        run_timeout: for one run of it.
        task_timeout: accepted so that programs run.
        id_reuse_policy: what closed runs with this id mean; an open one is always in the way.
        retry_policy: whether a failed run of the child is followed by another.
        cron_schedule: when the child runs again, as a cron expression.
        memo: values kept with the child, for people.
        search_attributes: values kept with the child, for searching.
        versioning_intent: accepted so that programs run: workers have no versions.
        static_summary: one line for people.
        static_details: more for people.
        event_groups: accepted so that programs run.
        priority: recorded with the child; each field that it leaves open is as this workflow's.
        versioning_override: accepted so that programs run.

    Raises:
        WorkflowAlreadyStartedError: the id is taken.
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    context = current()
    name, definition = workflow_target(workflow)
    asked = StartChildWorkflowInput(
        workflow=name,
        args=arguments(arg, args),
        id=_new_id(context) if id is None else id,
        task_queue=task_queue,
        cancellation_type=cancellation_type,
        parent_close_policy=parent_close_policy,
        execution_timeout=execution_timeout,
        run_timeout=run_timeout,
        task_timeout=task_timeout,
        id_reuse_policy=id_reuse_policy,
        retry_policy=retry_policy,
        cron_schedule=cron_schedule,
        memo=memo,
        search_attributes=search_attributes,
        headers=NO_HEADERS,
        versioning_intent=versioning_intent,
        static_summary=static_summary,
        static_details=static_details,
        versioning_override=versioning_override,
        event_groups=event_groups,
        priority=priority,
        arg_types=None if definition is None else list(definition.signature.hints),
        ret_type=definition.signature.returns if result_type is None and definition is not None else result_type,
        _own=Own(definition, "" if context.is_replaying and context.chain is None else source_line()),
    )
    if context.chain is None:
        make: type[ChildWorkflowHandle[Any, Any]] = ChildWorkflowHandle
        return await start_child(context, asked, make)
    handle: ChildWorkflowHandle[Any, Any] = await context.chain.outbound.start_child_workflow(asked)
    return handle


@typed_child_execute
async def execute_child_workflow(
    workflow: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ChildWorkflowConfig]
) -> Any:
    """Start a child workflow and wait for its result; for the options see `start_child_workflow`.

    Raises:
        ChildWorkflowError: it failed, timed out, was cancelled or terminated; the reason is its `cause`.
        WorkflowAlreadyStartedError: the id is taken.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    handle: ChildWorkflowHandle[Any, Any] = await start_child_workflow(workflow, arg, args=args, **options)
    return await handle


def _new_id(context: Context) -> str:
    """Return a random id for a child, the same at every replay."""
    from uuid import UUID

    return str(UUID(int=context.random().getrandbits(128), version=4))
