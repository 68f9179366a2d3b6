"""Calling activities from workflow code: `execute_activity` and its kin, which `understudy.workflow` shows to users.

All of them end in `schedule`, which turns options and arguments into an `ActivityScheduled`: what the decorator of the
activity says counts where the call says nothing, and everything that is wrong is refused here, at the line of the call.

Type checkers see the forms one by one: no argument, one argument as it is, several as `args`, and by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, Unpack, overload

import msgspec

from understudy._calls.activity_options import (
    DEFAULT_START_TO_CLOSE_NS,
    ActivityConfig,
    ActivityOptions,
    shows,
    stored_options,
)
from understudy._calls.targets import NO_ARG, arguments
from understudy.actors.behaviors.code.activities import as_of_activity
from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.definitions.definition import ActivityDefinition, activity_of
from understudy.events.activity import ActivityScheduled
from understudy.events.errors import InvalidArgumentError
from understudy.events.payloads.payload import NO_HEADERS, Payload, Phrase
from understudy.events.workflow import inherited_priority

__all__ = [
    "ask_for",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "payloads_of",
    "resolved",
    "schedule",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
]

A = TypeVar("A")
R = TypeVar("R")


@overload
def start_activity(activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(activity: Callable[[], R], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(activity: Callable[[A], R], arg: A, **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ActivityOptions],
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]: ...
@shows(ActivityConfig)
def start_activity(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """Start an activity and return a handle, which is a future.

    What is not given is as the activity's decorator says.

    Args:
        activity: a function or method decorated with `@activity.defn`, or the name of one.
        arg: the argument, if there is just one.
        args: the arguments, if there are several.
        preset: names time-outs, which other options go before: "quick" (start-to-close 10 s, heartbeat 3 s), "medium"
            (300 s and 30 s) or "long" (3,600 s and 60 s).
        task_queue: where a worker looks for it; None: the workflow's own.
        result_type: the type that the result is decoded to, when the activity is given by name.
        schedule_to_close_timeout: all attempts together.
        schedule_to_start_timeout: the wait for a worker; not retried.
        start_to_close_timeout: one attempt; 300 s if neither this nor schedule_to_close_timeout is given.
        heartbeat_timeout: between two heartbeats of one attempt.
        retry_policy: None: from 1 s, doubling, at most 100 s, without end.
        cancellation_type: what cancelling the handle does.
        activity_id: an id of your own, which no other open activity of the run has; None: a number.
        versioning_intent: accepted so that programs run, and ignored.
        summary: one line for people who look at the run.
        priority: recorded, and shown to the activity; each field that it leaves open is as the workflow's.

    Raises:
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored; whether it fits the hint shows when an attempt reads it.
        DefinitionError: `activity` is not an activity.
        NotInWorkflowError: called outside of a workflow.
    """
    return schedule(current(), resolved(activity), arguments(arg, args), stored_options(options))


@overload
async def execute_activity(activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity(activity: Callable[[], R], **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity(activity: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity(activity: Callable[[A], R], arg: A, **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[ActivityOptions],
) -> R: ...
@overload
async def execute_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> Any: ...
@shows(ActivityConfig)
async def execute_activity(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """Start an activity and wait for its result; for the options see `start_activity`.

    Raises:
        ActivityError: it failed, timed out or was cancelled; the reason is its `cause`.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    return await start_activity(activity, arg, args=args, **options)


@overload
def start_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(activity: Callable[[Any], R], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[Any, A], R], arg: A, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@shows(ActivityConfig)
def start_activity_method(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_activity`; the method is given unbound: `start_activity_method(Payments.charge, order)`."""
    return schedule(current(), resolved(activity), arguments(arg, args), stored_options(options))


@overload
async def execute_activity_method(activity: Callable[[Any], Awaitable[R]], **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity_method(activity: Callable[[Any], R], **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(activity: Callable[[Any, A], R], arg: A, **options: Unpack[ActivityConfig]) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> R: ...
@shows(ActivityConfig)
async def execute_activity_method(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """As `execute_activity`; the method is given unbound: `execute_activity_method(Payments.charge, order)`."""
    return await start_activity(activity, arg, args=args, **options)


@shows(ActivityConfig)
def start_activity_class(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_activity`; the activity is a class whose `__call__` is one, and a worker has an instance of it.

    Type checkers know its result by `start_activity_method(Charge.__call__, order)`.
    """
    return schedule(current(), resolved(activity), arguments(arg, args), stored_options(options))


@shows(ActivityConfig)
async def execute_activity_class(
    activity: Any, arg: Any = NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """As `execute_activity`; see `start_activity_class`."""
    return await start_activity(activity, arg, args=args, **options)


def schedule(
    context: Context, activity: str | ActivityDefinition, args: Sequence[Any], fields: Mapping[str, Any]
) -> ActivityHandle[Any]:
    """Ask for an activity, through the interceptors if there are any.

    Args:
        context: of the workflow that asks.
        activity: its definition, or its name.
        args: its arguments.
        fields: the options of the call, as `stored_options` returns them.

    Raises:
        InvalidArgumentError: the activity is a dynamic one.
        ArgumentTypeError: it takes another number of arguments.
        PayloadEncodeError: an argument cannot be stored.
    """
    if context.chain is not None:
        from understudy._workflow.interceptors.activity_inputs import activity_input

        handle: ActivityHandle[Any] = context.chain.outbound.start_activity(activity_input(activity, args, fields))
        return handle
    return ask_for(context, activity, args, fields)


def ask_for(  # noqa: PLR0917 - an activity, and what goes with it
    context: Context,
    activity: str | ActivityDefinition,
    args: Sequence[Any],
    fields: Mapping[str, Any],
    headers: Mapping[str, Payload] = NO_HEADERS,
    source: str = "",
) -> ActivityHandle[Any]:
    """Ask for an activity; see `schedule`.

    Args:
        context: of the workflow that asks.
        activity: its definition, or its name.
        args: its arguments.
        fields: the options of the call.
        headers: those that interceptors send along.
        source: where the call is, if that is known already.

    Raises:
        InvalidArgumentError: the activity is a dynamic one.
        ArgumentTypeError: it takes another number of arguments.
        PayloadEncodeError: an argument cannot be stored.
    """
    result_type: Any = Any
    if isinstance(activity, ActivityDefinition):
        result_type = activity.signature.returns
        if activity.options:
            fields = {**activity.options, **fields}
    start = context.execution.start
    inherited = start.priority or start.fairness_key or start.fairness_weight is not None
    options: dict[str, Any] = {}
    if fields or headers or inherited:
        options, result_type = rare_options(fields, headers, result_type)
        options |= inherited_priority(start, options)
    name, payloads = payloads_of(context, activity, args, options, is_local=False)
    scheduled = ActivityScheduled(
        at=context.recorder.now,
        seq=context.next_activity(),
        activity_type=name,
        input=payloads,
        start_to_close=DEFAULT_START_TO_CLOSE_NS,
        source=source or ("" if context.recorder.is_replaying else source_line(4)),  # this, `schedule`, and its caller
    )
    if options:
        scheduled = msgspec.structs.replace(scheduled, **options)
    return context.start_activity(scheduled, result_type)


def rare_options(
    fields: Mapping[str, Any], headers: Mapping[str, Payload], result_type: Any
) -> tuple[dict[str, Any], Any]:
    """Return the fields of an `ActivityScheduled` that few calls need, and the type of the activity's result.

    Args:
        fields: the options of the activity and of the call.
        headers: those that interceptors send along.
        result_type: the type that the definition names.
    """
    options = dict(fields)
    result_type = options.pop("result_type", None) or result_type
    if not options.get("start_to_close"):
        options["start_to_close"] = 0 if options.get("schedule_to_close") else DEFAULT_START_TO_CLOSE_NS
    if headers:
        options["headers"] = dict(headers)
    return options, result_type


def resolved(activity: Any) -> str | ActivityDefinition:
    """Return the activity that a user gave, as `schedule` takes it: a name as it is, else the definition.

    Raises:
        DefinitionError: it is not an activity.
        InvalidArgumentError: the name is empty.
    """
    if not isinstance(activity, str):
        return activity_of(activity)
    if not activity:
        raise InvalidArgumentError(what="activity", got="''", expected="a name, or an activity function")
    return activity


def payloads_of(
    context: Context,
    activity: str | ActivityDefinition,
    args: Sequence[Any],
    options: Mapping[str, Any],
    *,
    is_local: bool,
) -> tuple[str, tuple[Payload, ...]]:
    """Return an activity's name, and its arguments as payloads.

    Raises:
        InvalidArgumentError: the activity is a dynamic one.
        ArgumentTypeError: it takes another number of arguments.
        PayloadEncodeError: an argument cannot be stored.
    """
    name = activity if isinstance(activity, str) else activity.name or ""
    converter = context.converter
    if context.in_context:
        seq = context.next_activity()
        converter = as_of_activity(
            context.execution.start, converter, seq=seq, activity_type=name, options=options, is_local=is_local
        )
    where = Phrase("activity {!r} of workflow {!r}", (name, context.execution.start.workflow_type))
    if isinstance(activity, str):
        return name, converter.encode_args(args, None, where=where)
    if activity.name is None:
        raise InvalidArgumentError(
            what="activity", got="the dynamic activity", expected="a name", fix="Call it by the name it shall see"
        )
    activity.signature.check(len(args), where=where)
    return name, converter.encode_args(args, activity.signature, where=where)
