"""Continuing as new, which `understudy.workflow` shows to users: another run, with a fresh history, takes the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from understudy._calls.checked import checked_name, stored_memo, stored_ns, stored_policy
from understudy._calls.targets import NO_ARG, arguments, workflow_call, workflow_target
from understudy._workflow.interceptors.inputs import ContinueAsNewInput, Own, own_fields
from understudy._workflow.requests import named_target
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.continue_as_new import ContinueAsNewError
from understudy.events.errors import ReadOnlyContextError
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import NO_HEADERS, Payload
from understudy.events.workflow import WorkflowContinuedAsNew

if TYPE_CHECKING:
    from understudy._temporal.versioning import ContinueAsNewVersioningBehavior, VersioningIntent

__all__ = ["continue_as_new", "end_run"]


def continue_as_new(
    arg: Any = NO_ARG,
    *,
    args: Sequence[Any] = (),
    workflow: Callable[..., Any] | str | None = None,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: Any = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn:
    """End this run, and start another one of the same workflow id with a fresh history; never returns.

    The new run is stored together with the end of this one. Signals that no handler has taken go to it, in order. What
    is None is as in this run, memo and search attributes as they are now.

    Args:
        arg: the argument of the new run, if there is just one.
        args: its arguments, if there are several.
        workflow: another workflow, or the name of one.
        task_queue: another task queue.
        run_timeout: for the new run.
        task_timeout: accepted so that programs run.
        backoff_start_interval: how long the first turn of the new run waits.
        retry_policy: for the new run.
        memo: the whole memo of the new run.
        search_attributes: all search attributes of the new run.
        versioning_intent: accepted so that programs run.
        initial_versioning_behavior: accepted so that programs run.

    Raises:
        ContinueAsNewError: always; let it pass.
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        ReadOnlyContextError: called in a query or a condition.
    """
    context = current()
    if context.recorder.read_only:
        raise ReadOnlyContextError(call="workflow.continue_as_new()", handler=context.recorder.read_only)
    name, definition = (None, context.definition) if workflow is None else workflow_target(workflow)
    asked = ContinueAsNewInput(
        workflow=name,
        args=arguments(arg, args),
        task_queue=task_queue,
        run_timeout=run_timeout,
        task_timeout=task_timeout,
        backoff_start_interval=backoff_start_interval,
        retry_policy=retry_policy,
        memo=memo,
        search_attributes=search_attributes,
        headers=NO_HEADERS,
        versioning_intent=versioning_intent,
        initial_versioning_behavior=initial_versioning_behavior,
        arg_types=None if definition is None else list(definition.signature.hints),
        _own=Own(definition),
    )
    if context.chain is not None:
        context.chain.outbound.continue_as_new(asked)
    end_run(context, asked)


def end_run(context: Context, asked: ContinueAsNewInput) -> NoReturn:
    """End the run, and have another one started.

    Raises:
        ContinueAsNewError: always.
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
    """
    start, queue, policy = context.execution.start, asked.task_queue, asked.retry_policy
    name, payloads = _call(context, asked)
    request = WorkflowContinuedAsNew(
        at=context.recorder.now,
        workflow_type=name,
        task_queue=start.task_queue if queue is None else checked_name(queue, "task_queue"),
        input=payloads,
        run_timeout=start.run_timeout if asked.run_timeout is None else stored_ns(asked.run_timeout, "run_timeout"),
        task_timeout=start.task_timeout
        if asked.task_timeout is None
        else stored_ns(asked.task_timeout, "task_timeout"),
        retry_policy=start.retry_policy if policy is None else stored_policy(policy),
        memo=dict(context.upserts.memo) if asked.memo is None else stored_memo(asked.memo, context.converter),
        search_attributes=_attributes(context, asked.search_attributes),
        headers=dict(asked.headers),
        backoff=stored_ns(asked.backoff_start_interval, "backoff_start_interval"),
    )
    raise ContinueAsNewError(request)


def _call(context: Context, asked: ContinueAsNewInput) -> tuple[str, tuple[Payload, ...]]:
    """Return the type of the new run, and its arguments as payloads."""
    args = asked.args
    if asked.workflow is None:
        name, definition = context.execution.start.workflow_type, context.definition
        known = definition if definition.name is not None else None
    else:
        name, known = named_target(own_fields(asked).target, asked.workflow)
    return name, workflow_call(context.converter, known, args, f"workflow {name!r}, continued as new")


def _attributes(context: Context, attributes: Any) -> dict[str, object]:
    if attributes is None:
        return dict(context.upserts.search_attributes)
    from understudy.events.options.search_attributes import to_stored

    return to_stored(attributes)
