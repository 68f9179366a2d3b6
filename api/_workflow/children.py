"""Other workflows, inside a workflow: children that are started, and handles to workflows that others have started.

`understudy.workflow` shows all of it to users; it is used from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Concatenate, TypeVar, Unpack, overload

from understudy._calls.checked import checked_id
from understudy._calls.targets import NO_ARG, arguments, workflow_target
from understudy._workflow.child_handle import ChildWorkflowConfig, ChildWorkflowHandle, ExternalWorkflowHandle
from understudy._workflow.interceptors.inputs import Own, StartChildWorkflowInput
from understudy._workflow.requests import start_child
from understudy._workflow.typed import typed_child_execute, typed_child_start
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.source_line import source_line
from understudy.events.options.policies import ChildWorkflowCancellationType, ParentClosePolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import NO_HEADERS

__all__ = [
    "execute_child_workflow",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "start_child_workflow",
]

E = TypeVar("E")


def get_external_workflow_handle(workflow_id: str, *, run_id: str | None = None) -> ExternalWorkflowHandle[Any]:
    """Return a handle to a workflow that was started by somebody else; nothing is asked yet.

    Args:
        workflow_id: its id.
        run_id: the run that is meant; None: the open one, else the latest.
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
        result_type: the type that the result is decoded to, when the child is given by name.
        cancellation_type: what cancelling the handle does.
        parent_close_policy: what becomes of the child when this run closes.
        execution_timeout: for all runs of the child together.
        run_timeout: for one run of it.
        task_timeout: accepted so that programs run.
        id_reuse_policy: what closed runs with this id mean; an open one is always in the way.
        retry_policy: says if another run of the child follows a failed one.
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
        _own=Own(definition, "" if context.recorder.is_replaying and context.chain is None else source_line()),
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

    return str(UUID(int=context.recorder.random().getrandbits(128), version=4))
