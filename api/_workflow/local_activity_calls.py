"""Calling local activities from workflow code; see `_workflow.activity_calls`, whose rules and forms are the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, Unpack, overload

from understudy._calls.activity_options import (
    DEFAULT_START_TO_CLOSE_NS,
    LocalActivityConfig,
    LocalActivityOptions,
    local_defaults,
    shows,
    stored_options,
)
from understudy._calls.targets import NO_ARG, arguments
from understudy._workflow.activity_calls import payloads_of, resolved
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.actors.behaviors.definitions.definition import ActivityDefinition
from understudy.events.activity import ActivityScheduled
from understudy.events.payloads.payload import NO_HEADERS, Payload

__all__ = [
    "ask_for_local",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
]

A = TypeVar("A")
R = TypeVar("R")


@overload
def start_local_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(activity: Callable[[], R], **options: Unpack[LocalActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[A], R], arg: A, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityOptions],
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]: ...
@shows(LocalActivityConfig)
def start_local_activity(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]:
    """Start a local activity: nothing of it is recorded before it is done, so a crash runs it again from the start.

    The options are those of `start_activity`; `local_retry_threshold` is accepted and has no effect, since all
    retries of a local activity stay in memory.

    Raises:
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored; whether it fits the hint shows when an attempt reads it.
        DefinitionError: `activity` is not an activity.
        NotInWorkflowError: called outside of a workflow.
    """
    context = current()
    asked, fields, given = resolved(activity), stored_options(options, LocalActivityConfig), arguments(arg, args)
    if context.chain is not None:
        from understudy._workflow.interceptors.activity_inputs import local_activity_input

        threshold = options.get("local_retry_threshold")
        handle: ActivityHandle[Any] = context.chain.outbound.start_local_activity(
            local_activity_input(asked, given, fields, threshold)
        )
        return handle
    return ask_for_local(context, asked, given, fields)


def ask_for_local(
    context: Context,
    activity: str | ActivityDefinition,
    args: Sequence[Any],
    fields: Mapping[str, Any],
    headers: Mapping[str, Payload] = NO_HEADERS,
) -> ActivityHandle[Any]:
    """Ask for a local activity.

    Args:
        context: of the workflow that asks.
        activity: its definition, or its name.
        args: its arguments.
        fields: the options of the call, as `stored_options` returns them.
        headers: those that interceptors send along.

    Raises:
        InvalidArgumentError: the activity is a dynamic one.
        ArgumentTypeError: it takes another number of arguments.
        PayloadEncodeError: an argument cannot be stored.
    """
    result_type: Any = Any
    if isinstance(activity, ActivityDefinition):
        fields = {**local_defaults(activity.options), **fields}
        result_type = activity.signature.returns
    options = dict(fields)
    result_type = options.pop("result_type", None) or result_type
    if not (options.get("start_to_close") or options.get("schedule_to_close")):
        options["start_to_close"] = DEFAULT_START_TO_CLOSE_NS
    name, payloads = payloads_of(context, activity, args, options, is_local=True)
    scheduled = ActivityScheduled(
        at=context.recorder.now,
        seq=context.next_activity(),
        activity_type=name,
        input=payloads,
        headers=dict(headers),
        **options,
    )
    return context.start_local_activity(scheduled, result_type)


@overload
async def execute_local_activity(activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]) -> R: ...
@overload
async def execute_local_activity(activity: Callable[[], R], **options: Unpack[LocalActivityConfig]) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(activity: Callable[[A], R], arg: A, **options: Unpack[LocalActivityConfig]) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityOptions],
) -> R: ...
@overload
async def execute_local_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> Any: ...
@shows(LocalActivityConfig)
async def execute_local_activity(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Any:
    """Start a local activity and wait for its result; see `start_local_activity`.

    Raises:
        ActivityError: it failed, timed out or was cancelled; the reason is its `cause`.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    return await start_local_activity(activity, arg, args=args, **options)


@overload
def start_local_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any], R], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any, A], R], arg: A, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@shows(LocalActivityConfig)
def start_local_activity_method(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_local_activity`; the method is given unbound, as in `start_activity_method`."""
    return start_local_activity(activity, arg, args=args, **options)


@overload
async def execute_local_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(activity: Callable[[Any], R], **options: Unpack[LocalActivityConfig]) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[[Any, A], R], arg: A, **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> R: ...
@shows(LocalActivityConfig)
async def execute_local_activity_method(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Any:
    """As `execute_local_activity`; the method is given unbound, as in `start_activity_method`."""
    return await start_local_activity(activity, arg, args=args, **options)


@shows(LocalActivityConfig)
def start_local_activity_class(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_local_activity`; the activity is a class whose `__call__` is one."""
    return start_local_activity(activity, arg, args=args, **options)


@shows(LocalActivityConfig)
async def execute_local_activity_class(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Any:
    """As `execute_local_activity`; the activity is a class whose `__call__` is one."""
    return await start_local_activity(activity, arg, args=args, **options)
