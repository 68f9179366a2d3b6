"""The requests of workflow code to other workflows, behind the last interceptor: start a child, send a signal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from understudy._calls.checked import checked_id, checked_name, stored_memo, stored_ns, stored_policy, stored_priority
from understudy._calls.targets import checked_kind, message_call, workflow_call, workflow_target
from understudy._workflow.interceptors.inputs import own_fields
from understudy.actors.behaviors.code.handles import ChildHandle
from understudy.actors.behaviors.definitions.definition import HandlerKind, WorkflowDefinition
from understudy.events.child import ChildInitiated
from understudy.events.converters.in_context import for_workflow
from understudy.events.options.cron import checked_cron
from understudy.events.options.policies import ChildWorkflowCancellationType, ParentClosePolicy, WorkflowIDReusePolicy
from understudy.events.outbound import ExternalSignalRequested
from understudy.events.workflow import inherited_priority

if TYPE_CHECKING:
    from asyncio import Future

    from understudy._workflow.interceptors.inputs import StartChildWorkflowInput
    from understudy.actors.behaviors.code.context import Context
    from understudy.events.payloads.payload import Payload

__all__ = ["named_target", "send_signal", "start_child"]

H = TypeVar("H", bound=ChildHandle[Any])


def named_target(known: WorkflowDefinition | None, name: str) -> tuple[str, WorkflowDefinition | None]:
    """Return the workflow of a call by name and definition; only its name if an interceptor gave it another."""
    return (name, known) if known is not None and known.name == name else workflow_target(name)


async def start_child(context: Context, asked: StartChildWorkflowInput, make: type[H]) -> H:
    """Ask for a child, and return its handle, of class `make`, once it runs; see `workflow.start_child_workflow`."""
    own = own_fields(asked)
    name, definition = named_target(own.target, asked.workflow)
    checked_kind(asked.cancellation_type, ChildWorkflowCancellationType, "cancellation_type")
    checked_kind(asked.parent_close_policy, ParentClosePolicy, "parent_close_policy")
    checked_kind(asked.id_reuse_policy, WorkflowIDReusePolicy, "id_reuse_policy")
    where = f"child workflow {name!r} of workflow {context.definition.label!r}"
    queue, policy, memo = asked.task_queue, asked.retry_policy, asked.memo
    start, priority = context.execution.start, stored_priority(asked.priority)
    converter = for_workflow(context.converter, asked.id)
    initiated = ChildInitiated(
        at=context.recorder.now,
        seq=context.children.next_child(),
        workflow_id=checked_id(asked.id, "id"),
        workflow_type=name,
        task_queue=start.task_queue if queue is None else checked_name(queue, "task_queue"),
        input=workflow_call(converter, definition, asked.args, where),
        execution_timeout=stored_ns(asked.execution_timeout, "execution_timeout"),
        run_timeout=stored_ns(asked.run_timeout, "run_timeout"),
        task_timeout=stored_ns(asked.task_timeout, "task_timeout"),
        retry_policy=None if policy is None else stored_policy(policy),
        id_reuse_policy=asked.id_reuse_policy,
        cancellation_type=asked.cancellation_type,
        parent_close_policy=asked.parent_close_policy,
        cron_schedule=checked_cron(asked.cron_schedule) if asked.cron_schedule else "",
        memo=stored_memo(memo, converter) if memo else {},
        search_attributes=_attributes(asked.search_attributes),
        headers=dict(asked.headers),
        summary=asked.static_summary or "",
        details=asked.static_details or "",
        **priority | inherited_priority(start, priority),
        source=own.source,
    )
    hint = definition.signature.returns if asked.ret_type is None and definition is not None else asked.ret_type
    handle = context.children.start_child(initiated, Any if hint is None else hint, make)
    await _start_of(context, handle)
    return handle


async def _start_of(context: Context, handle: ChildHandle[Any]) -> None:
    """Wait until a child runs; a caller that is cancelled meanwhile asks the child to cancel, and may have to wait on.

    The run's own cancellation waits for no start: nobody may ever know the child's type.
    """
    while not handle.started.done():
        try:
            await asyncio.shield(handle.started)
        except asyncio.CancelledError as error:
            if handle.started.done():
                raise
            handle.cancel(*error.args[:1] or ("",))
            if handle.done() or context.cancel_requested is not None:
                handle.add_done_callback(_seen)
                raise
    handle.started.result()


def _seen(handle: Future[Any]) -> None:
    """Mark the outcome of a child that nobody awaits any more as seen, so that it is not reported as overlooked."""
    if not handle.cancelled():
        handle.exception()


async def send_signal(  # noqa: PLR0917 - a signal, and where it goes
    context: Context,
    to: tuple[str, str, int],
    signal: Any,
    args: Sequence[Any],
    headers: Mapping[str, Payload],
    source: str,
) -> None:
    """Signal another workflow; it has the signal on disk when this returns.

    Args:
        context: of the workflow that asks.
        to: the other's workflow id, its run id or an empty string, and its number if it is a child, else 0.
        signal: the handler's method, or a name.
        args: the arguments of the signal.
        headers: those that interceptors send along.
        source: where the call is.
    """
    workflow_id, run_id, child = to
    of_whom = f"of workflow {workflow_id!r}"
    converter = for_workflow(context.converter, workflow_id)
    name, payloads = message_call(converter, HandlerKind.SIGNAL, signal, args, of_whom)
    await context.outbound.send(
        lambda seq: ExternalSignalRequested(
            at=context.recorder.now,
            seq=seq,
            workflow_id=workflow_id,
            run_id=run_id,
            child=child,
            name=name,
            input=payloads,
            headers=dict(headers),
            source=source,
        )
    )


def _attributes(attributes: Any) -> dict[str, object]:
    if not attributes:
        return {}
    from understudy.events.options.search_attributes import to_stored

    return to_stored(attributes)
