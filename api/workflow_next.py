"""Continuing as new, which `understudy.workflow` shows to users: another run, with a fresh history, takes the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NoReturn

from understudy.actors.behaviors.context import Context, current
from understudy.actors.behaviors.continuing import ContinueAsNewError
from understudy.actors.behaviors.definition import WorkflowDefinition, workflow_of
from understudy.client_start import checked_name, stored_memo, stored_ns, stored_policy
from understudy.events.errors import InvalidArgumentError, ReadOnlyContextError
from understudy.events.payload import Payload
from understudy.events.policy import RetryPolicy
from understudy.events.workflow import WorkflowContinuedAsNew

__all__ = ["continue_as_new"]

_NO_ARG: Final[Any] = object()


def continue_as_new(
    arg: Any = _NO_ARG,
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
    versioning_intent: object = None,
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

    Raises:
        ContinueAsNewError: always; let it pass.
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        ReadOnlyContextError: called in a query or a condition.
    """
    del versioning_intent
    context = current()
    if context.read_only:
        raise ReadOnlyContextError(call="workflow.continue_as_new()", handler=context.read_only)
    start = context.execution.start
    if arg is not _NO_ARG:
        if args:
            raise InvalidArgumentError(what="args", got=f"{len(args)} values", expected="nothing, since arg is given")
        args = (arg,)
    name, payloads = _call(context, workflow, args)
    request = WorkflowContinuedAsNew(
        at=context.now,
        workflow_type=name,
        task_queue=start.task_queue if task_queue is None else checked_name(task_queue, "task_queue"),
        input=payloads,
        run_timeout=start.run_timeout if run_timeout is None else stored_ns(run_timeout, "run_timeout"),
        task_timeout=start.task_timeout if task_timeout is None else stored_ns(task_timeout, "task_timeout"),
        retry_policy=start.retry_policy if retry_policy is None else stored_policy(retry_policy),
        memo=dict(context.memo) if memo is None else stored_memo(memo, context.converter),
        search_attributes=_attributes(context, search_attributes),
        backoff=stored_ns(backoff_start_interval, "backoff_start_interval"),
    )
    raise ContinueAsNewError(request)


def _call(context: Context, workflow: Any, args: Sequence[Any]) -> tuple[str, tuple[Payload, ...]]:
    """Return the type of the new run, and its arguments as payloads."""
    name, definition = _target(context, workflow)
    where = f"workflow {name!r}, continued as new"
    signature = definition.signature if definition is not None else None
    if signature is not None:
        signature.check(len(args), where=where)
    return name, context.converter.encode_args(args, signature, where=where, fit=True)


def _target(context: Context, workflow: Any) -> tuple[str, WorkflowDefinition | None]:
    if isinstance(workflow, str):
        return checked_name(workflow, "workflow"), None
    if workflow is None:
        definition = context.definition
        return context.execution.start.workflow_type, definition if definition.name is not None else None
    definition = workflow_of(workflow)
    if definition.name is None:
        raise InvalidArgumentError(
            what="workflow", got="a dynamic workflow", expected="a name", fix="Continue it by the name it shall see"
        )
    return definition.name, definition


def _attributes(context: Context, attributes: Any) -> dict[str, object]:
    if attributes is None:
        return dict(context.search_attributes)
    from understudy.events.search import to_stored

    return to_stored(attributes)
