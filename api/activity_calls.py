"""Calling activities from workflow code: `execute_activity` and its kin, which `understudy.workflow` shows to users.

All of them end in one of two functions that turn options into an `ActivityScheduled`: times to ns, arguments to
payloads by the activity's own hints, and everything that is wrong with them refused here, at the line of the call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final, TypedDict, TypeVar, Unpack, overload

from understudy.actors.behaviors.context import Context, current
from understudy.actors.behaviors.definition import ActivityDefinition, activity_of
from understudy.actors.behaviors.handle import ActivityHandle
from understudy.actors.behaviors.source import source_line
from understudy.events.activity import ActivityScheduled
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.payload import Payload
from understudy.events.policy import ActivityCancellationType, Priority, RetryPolicy, to_ns

__all__ = [
    "ActivityConfig",
    "LocalActivityConfig",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
]

R = TypeVar("R")

_NO_ARG: Final[Any] = object()

DEFAULT_START_TO_CLOSE_NS: Final = 300 * 1_000_000_000
"""When neither close time-out is given: 300 s (row B2 of the feature list), where Temporal refuses the call."""


class ActivityConfig(TypedDict, total=False):
    """The options of an activity, to keep and to pass as `**config`; see `start_activity`."""

    task_queue: str | None
    result_type: type | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None
    priority: Priority | None


class LocalActivityConfig(TypedDict, total=False):
    """The options of a local activity, to keep and to pass as `**config`; see `start_local_activity`."""

    result_type: type | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    local_retry_threshold: timedelta | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None


@overload
def start_activity(
    activity: Callable[..., Awaitable[R]],
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., R], arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]: ...
def start_activity(
    activity: Any,
    arg: Any = _NO_ARG,
    *,
    args: Sequence[Any] = (),
    task_queue: str | None = None,
    result_type: type | None = None,
    schedule_to_close_timeout: timedelta | None = None,
    schedule_to_start_timeout: timedelta | None = None,
    start_to_close_timeout: timedelta | None = None,
    heartbeat_timeout: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
    activity_id: str | None = None,
    summary: str | None = None,
    priority: Priority | None = None,
) -> ActivityHandle[Any]:
    """Start an activity and return a handle, which is a future.

    Args:
        activity: a function or method decorated with `@activity.defn`, or the name of one.
        arg: the argument, if there is just one.
        args: the arguments, if there are several.
        task_queue: where a worker looks for it; None: the workflow's own.
        result_type: what the result is decoded to, when the activity is given by name.
        schedule_to_close_timeout: all attempts together.
        schedule_to_start_timeout: the wait for a worker; not retried.
        start_to_close_timeout: one attempt; 300 s if neither this nor schedule_to_close_timeout is given.
        heartbeat_timeout: between two heartbeats of one attempt.
        retry_policy: None: from 1 s, doubling, at most 100 s, without end.
        cancellation_type: what cancelling the handle does.
        activity_id: an id of your own; None: a number.
        summary: one line for people who look at the run.
        priority: accepted so that programs run; attempts are served in the order in which they were asked for.

    Raises:
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored; whether it fits the hint shows when an attempt reads it.
        DefinitionError: `activity` is not an activity.
        NotInWorkflowError: called outside of a workflow.
    """
    del priority
    context = current()
    close = to_ns(schedule_to_close_timeout, name="schedule_to_close_timeout", allow_zero=False) or 0
    one = to_ns(start_to_close_timeout, name="start_to_close_timeout", allow_zero=False) or 0
    name, definition, payloads = _call(context, activity, arg, args)
    scheduled = ActivityScheduled(
        at=context.now,
        seq=context.next_activity(),
        activity_type=name,
        activity_id=_checked_id(activity_id),
        task_queue=task_queue or "",
        input=payloads,
        schedule_to_close=close,
        schedule_to_start=to_ns(schedule_to_start_timeout, name="schedule_to_start_timeout", allow_zero=False) or 0,
        start_to_close=one or (0 if close else DEFAULT_START_TO_CLOSE_NS),
        heartbeat=to_ns(heartbeat_timeout, name="heartbeat_timeout", allow_zero=False) or 0,
        retry_policy=retry_policy.to_stored() if retry_policy is not None else None,
        cancellation_type=_checked_kind(cancellation_type),
        summary=summary or "",
        source="" if context.is_replaying else source_line(),
    )
    return context.start_activity(scheduled, _result_hint(definition, result_type))


@overload
async def execute_activity(
    activity: Callable[..., Awaitable[R]],
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    **options: Unpack[ActivityConfig],
) -> R: ...
@overload
async def execute_activity(
    activity: Callable[..., R], arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> R: ...
@overload
async def execute_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
) -> Any: ...
async def execute_activity(
    activity: Any, arg: Any = _NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Any:
    """Start an activity and wait for its result; for the options see `start_activity`.

    Raises:
        ActivityError: it failed, timed out or was cancelled; the reason is its `cause`.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    return await start_activity(activity, arg, args=args, **options)


start_activity_class: Callable[..., ActivityHandle[Any]] = start_activity
"""As `start_activity`; the activity is a class whose `__call__` is one, and a worker has an instance of it."""

start_activity_method = start_activity
"""As `start_activity`; the method is given unbound: `start_activity_method(Payments.charge, order)`."""

execute_activity_class: Callable[..., Coroutine[Any, Any, Any]] = execute_activity
"""As `execute_activity`; the activity is a class whose `__call__` is one, and a worker has an instance of it."""

execute_activity_method = execute_activity
"""As `execute_activity`; the method is given unbound: `execute_activity_method(Payments.charge, order)`."""


@overload
def start_local_activity(
    activity: Callable[..., Awaitable[R]],
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    **options: Unpack[LocalActivityConfig],
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., R], arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]: ...
def start_local_activity(
    activity: Any,
    arg: Any = _NO_ARG,
    *,
    args: Sequence[Any] = (),
    result_type: type | None = None,
    schedule_to_close_timeout: timedelta | None = None,
    schedule_to_start_timeout: timedelta | None = None,
    start_to_close_timeout: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    local_retry_threshold: timedelta | None = None,
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
    activity_id: str | None = None,
    summary: str | None = None,
) -> ActivityHandle[Any]:
    """Start a local activity: nothing of it is recorded before it is done, so a crash runs it again from the start.

    The options are those of `start_activity`; `local_retry_threshold` is accepted and has no effect, since all
    retries of a local activity stay in memory.

    Raises:
        InvalidArgumentError: an option cannot be.
        PayloadEncodeError: an argument cannot be stored; whether it fits the hint shows when an attempt reads it.
    """
    del local_retry_threshold
    context = current()
    close = to_ns(schedule_to_close_timeout, name="schedule_to_close_timeout", allow_zero=False) or 0
    one = to_ns(start_to_close_timeout, name="start_to_close_timeout", allow_zero=False) or 0
    name, definition, payloads = _call(context, activity, arg, args)
    scheduled = ActivityScheduled(
        at=context.now,
        seq=context.next_activity(),
        activity_type=name,
        activity_id=_checked_id(activity_id),
        input=payloads,
        schedule_to_close=close,
        schedule_to_start=to_ns(schedule_to_start_timeout, name="schedule_to_start_timeout", allow_zero=False) or 0,
        start_to_close=one or (0 if close else DEFAULT_START_TO_CLOSE_NS),
        retry_policy=retry_policy.to_stored() if retry_policy is not None else None,
        cancellation_type=_checked_kind(cancellation_type),
        summary=summary or "",
    )
    return context.start_local_activity(scheduled, _result_hint(definition, result_type))


@overload
async def execute_local_activity(
    activity: Callable[..., Awaitable[R]],
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    **options: Unpack[LocalActivityConfig],
) -> R: ...
@overload
async def execute_local_activity(
    activity: Callable[..., R], arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> R: ...
@overload
async def execute_local_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[LocalActivityConfig]
) -> Any: ...
async def execute_local_activity(
    activity: Any, arg: Any = _NO_ARG, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Any:
    """Start a local activity and wait for its result; see `start_local_activity`.

    Raises:
        ActivityError: it failed, timed out or was cancelled; the reason is its `cause`.
        asyncio.CancelledError: the awaiting task was cancelled.
    """
    return await start_local_activity(activity, arg, args=args, **options)


start_local_activity_class: Callable[..., ActivityHandle[Any]] = start_local_activity
start_local_activity_method = start_local_activity
execute_local_activity_class: Callable[..., Coroutine[Any, Any, Any]] = execute_local_activity
execute_local_activity_method = execute_local_activity


def _call(
    context: Context, activity: Any, arg: Any, args: Sequence[Any]
) -> tuple[str, ActivityDefinition | None, tuple[Payload, ...]]:
    """Return the activity's name, its definition if it was given, and its arguments as payloads."""
    if arg is not _NO_ARG:
        if args:
            raise InvalidArgumentError(
                what="args", got=f"{len(args)} values", expected="nothing, since arg is given", fix="Use one of the two"
            )
        args = (arg,)
    of_workflow = f"of workflow {context.definition.label!r}"
    if isinstance(activity, str):
        if not activity:
            raise InvalidArgumentError(what="activity", got="''", expected="a name, or an activity function")
        return activity, None, context.converter.encode_args(args, None, where=f"activity {activity!r} {of_workflow}")
    definition = activity_of(activity)
    if definition.name is None:
        raise InvalidArgumentError(
            what="activity", got="the dynamic activity", expected="a name", fix="Call it by the name it shall see"
        )
    where = f"activity {definition.name!r} {of_workflow}"
    definition.signature.check(len(args), where=where)
    payloads = context.converter.encode_args(args, definition.signature, where=where)
    return definition.name, definition, payloads


def _result_hint(definition: ActivityDefinition | None, result_type: Any) -> Any:
    if result_type is not None:
        return result_type
    return definition.signature.returns if definition is not None else Any


def _checked_kind(cancellation_type: object) -> ActivityCancellationType:
    if not isinstance(cancellation_type, ActivityCancellationType):
        raise ArgumentTypeError(
            what="cancellation_type", got=repr(cancellation_type), expected="a workflow.ActivityCancellationType"
        )
    return cancellation_type


def _checked_id(activity_id: str | None) -> str:
    if activity_id is None:
        return ""
    if not isinstance(activity_id, str):
        raise ArgumentTypeError(what="activity_id", got=repr(activity_id), expected="a str")
    return activity_id
