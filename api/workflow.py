"""What workflow code is written with: decorators, activities, timers, the run's own clock and dice.

Names, parameters and meaning are those of Temporal's Python SDK. Everything here that is called at run time finds the
run through the running loop and must be called from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar, overload
from uuid import UUID

from understudy.activity_calls import (
    ActivityConfig,
    LocalActivityConfig,
    execute_activity,
    execute_activity_class,
    execute_activity_method,
    execute_local_activity,
    execute_local_activity_class,
    execute_local_activity_method,
    start_activity,
    start_activity_class,
    start_activity_method,
    start_local_activity,
    start_local_activity_class,
    start_local_activity_method,
)
from understudy.actors.behaviors.changes import DEFAULT_VERSION
from understudy.actors.behaviors.context import current
from understudy.actors.behaviors.continuing import ContinueAsNewError
from understudy.actors.behaviors.definition import (
    HANDLER_MARK,
    INIT_MARK,
    RUN_MARK,
    HandlerDefinition,
    HandlerKind,
    HandlerUnfinishedPolicy,
    define_workflow,
)
from understudy.actors.behaviors.handle import ActivityHandle
from understudy.actors.behaviors.wait import as_completed, wait
from understudy.events.errors import (
    ArgumentTypeError,
    InvalidArgumentError,
    NondeterminismError,
    ReadOnlyContextError,
)
from understudy.events.policy import ActivityCancellationType, to_ns
from understudy.events.signature import hints_of
from understudy.workflow_changes import deprecate_patch, get_version, patched
from understudy.workflow_info import (
    Info,
    LoggerAdapter,
    all_handlers_finished,
    cancellation_reason,
    in_workflow,
    info,
    instance,
    logger,
    memo,
    memo_value,
    payload_converter,
    unsafe,
    upsert_memo,
    upsert_search_attributes,
)
from understudy.workflow_next import continue_as_new

__all__ = [
    "DEFAULT_VERSION",
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "ContinueAsNewError",
    "HandlerUnfinishedPolicy",
    "Info",
    "LocalActivityConfig",
    "LoggerAdapter",
    "NondeterminismError",
    "ReadOnlyContextError",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "defn",
    "deprecate_patch",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "get_version",
    "in_workflow",
    "info",
    "init",
    "instance",
    "logger",
    "memo",
    "memo_value",
    "now",
    "patched",
    "payload_converter",
    "query",
    "random",
    "run",
    "side_effect",
    "signal",
    "sleep",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "uuid7",
    "wait",
    "wait_condition",
]

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

_SECOND_NS: Final = 1_000_000_000

# -- decorators ------------------------------------------------------------------------------------------------------


@overload
def defn(target: C) -> C: ...
@overload
def defn(
    *,
    name: str | None = ...,
    sandboxed: bool = ...,
    dynamic: bool = ...,
    failure_exception_types: Sequence[type[BaseException]] = ...,
    deadlock_timeout: timedelta | None = ...,
) -> Callable[[C], C]: ...
def defn(
    target: C | None = None,
    *,
    name: str | None = None,
    sandboxed: bool = True,
    dynamic: bool = False,
    failure_exception_types: Sequence[type[BaseException]] = (),
    deadlock_timeout: timedelta | None = None,
) -> C | Callable[[C], C]:
    """Declare a class, or a plain async function, a workflow.

    Args:
        target: the class or function.
        name: the workflow type; None: the name of the class or function.
        sandboxed: False switches the determinism guards and the lint off for this workflow.
        dynamic: take every type that no other workflow of the worker takes.
        failure_exception_types: exceptions that end the run as failed; others are bugs, whose turn is tried again.
        deadlock_timeout: how long one turn may take; None: as the worker says (2 s).

    Raises:
        DefinitionError: what is wrong with the definition.
    """

    def decorate(target: C) -> C:
        define_workflow(
            target,
            name=name,
            dynamic=dynamic,
            failure_exception_types=failure_exception_types,
            sandboxed=sandboxed,
            deadlock_timeout=_limit(deadlock_timeout),
        )
        return target

    return decorate if target is None else decorate(target)


def _limit(deadlock_timeout: timedelta | None) -> float | None:
    ns = to_ns(deadlock_timeout, name="deadlock_timeout", allow_zero=False)
    return None if ns is None else ns / _SECOND_NS


def run(fn: C) -> C:
    """Declare the main coroutine method of a workflow class."""
    setattr(fn, RUN_MARK, True)
    return fn


def init(fn: C) -> C:
    """Declare that `__init__` of a workflow class takes what its run method takes, before any message is handled."""
    setattr(fn, INIT_MARK, True)
    return fn


@overload
def signal(fn: C) -> C: ...
@overload
def signal(
    *,
    name: str | None = ...,
    dynamic: bool | None = ...,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = ...,
) -> Callable[[C], C]: ...
def signal(
    fn: C | None = None,
    *,
    name: str | None = None,
    dynamic: bool | None = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> C | Callable[[C], C]:
    """Declare a method the handler of a signal; it may be a coroutine.

    Args:
        fn: the method; a dynamic one takes the signal's name and a sequence of `RawValue`.
        name: the signal's name; None: the method's.
        dynamic: take every signal that no other handler takes.
        unfinished_policy: what to do if the workflow ends while the handler runs.
        description: for people.
    """
    return _handler(HandlerKind.SIGNAL, fn, name, bool(dynamic), description, unfinished_policy)


@overload
def query(fn: C) -> C: ...
@overload
def query(*, name: str | None = ..., dynamic: bool | None = ..., description: str | None = ...) -> Callable[[C], C]: ...
def query(
    fn: C | None = None, *, name: str | None = None, dynamic: bool | None = False, description: str | None = None
) -> C | Callable[[C], C]:
    """Declare a method the handler of a query: it reads and returns, it changes nothing and awaits nothing.

    Args:
        fn: the method; a dynamic one takes the query's name and a sequence of `RawValue`.
        name: the query's name; None: the method's.
        dynamic: take every query that no other handler takes.
        description: for people.
    """
    return _handler(HandlerKind.QUERY, fn, name, bool(dynamic), description, HandlerUnfinishedPolicy.ABANDON)


def _handler(  # noqa: PLR0917 - the options of two decorators
    kind: HandlerKind,
    fn: C | None,
    name: str | None,
    dynamic: bool,  # noqa: FBT001 - private
    description: str | None,
    unfinished_policy: HandlerUnfinishedPolicy,
) -> C | Callable[[C], C]:
    def decorate(fn: C) -> C:
        own = None if dynamic else (name or fn.__name__)
        signature = hints_of(fn, skip_first=True)
        definition = HandlerDefinition(kind, own, fn, signature, description or "", unfinished_policy)
        setattr(fn, HANDLER_MARK, definition)
        return fn

    return decorate if fn is None else decorate(fn)


# -- clock, dice, timers ---------------------------------------------------------------------------------------------


def now() -> datetime:
    """Return the workflow's time: that of the fact that is being handled, the same at every replay; UTC, aware."""
    return datetime.fromtimestamp(current().now / _SECOND_NS, UTC)


def time() -> float:
    """Return the workflow's time, seconds since the epoch."""
    return current().now / _SECOND_NS


def time_ns() -> int:
    """Return the workflow's time, ns since the epoch."""
    return current().now


def random() -> Random:
    """Return the run's own generator: seeded by the run id, the same at every replay; not for secrets."""
    return current().random()


def uuid4() -> UUID:
    """Return a random UUID that is the same at every replay; not for secrets."""
    return UUID(int=current().random().getrandbits(128), version=4)


def uuid7() -> UUID:
    """Return a UUID that grows with the workflow's time (RFC 9562, version 7), the same at every replay."""
    context = current()
    bits = context.random().getrandbits(74)
    value = (context.now // 1_000_000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    return UUID(int=value)


def side_effect(fn: Callable[[], T]) -> T:
    """Compute a value once and record it in line; every replay gets the recorded value.

    For what is cheap and cannot fail, like reading a configuration; everything else is an activity. The guards are
    off while `fn` runs.

    Raises:
        PayloadEncodeError: the value cannot be stored.
    """
    context = current()
    where = "the value of a side effect"
    payload = context.side_effect(lambda: context.converter.encode(fn(), where=where))
    value: T = context.converter.decode(payload, Any, where=where)
    return value


async def sleep(duration: float | timedelta, *, summary: str | None = None) -> None:
    """Sleep, durably.

    Args:
        duration: seconds, or a timedelta.
        summary: one line for people who look at the run.

    Raises:
        InvalidArgumentError: a negative duration.
    """
    delay_ns = _duration_ns(duration, "duration")
    if delay_ns == 0:
        await asyncio.sleep(0)
        return
    context = current()
    woken: asyncio.Future[None] = context.loop.create_future()
    timer = context.start_timer(delay_ns, lambda: _settle(woken), summary or "")
    try:
        await woken
    finally:
        context.cancel_timer(timer)


async def wait_condition(
    fn: Callable[[], bool], *, timeout: timedelta | float | None = None, timeout_summary: str | None = None
) -> None:
    """Wait until `fn()` is true; it is asked after every step of the workflow and must not change anything.

    Args:
        fn: the condition.
        timeout: seconds, or a timedelta; None: no limit.
        timeout_summary: one line for people who look at the run.

    Raises:
        asyncio.TimeoutError: `timeout` has passed.
    """
    context = current()
    if fn():
        return
    future: asyncio.Future[None] = context.loop.create_future()
    context.conditions.append((fn, future))
    if timeout is None:
        await future
        return
    delay_ns = _duration_ns(timeout, "timeout")
    if delay_ns == 0:
        raise TimeoutError
    timer = context.start_timer(delay_ns, lambda: _settle(future, TimeoutError()), timeout_summary or "")
    try:
        await future
    finally:
        context.cancel_timer(timer)


def _settle(future: asyncio.Future[None], error: BaseException | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _duration_ns(duration: float | timedelta, name: str) -> int:
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        raise ArgumentTypeError(what=name, got=repr(duration), expected="seconds (a number) or a timedelta")
    if not duration >= 0:
        raise InvalidArgumentError(what=name, got=repr(duration), expected="zero or more")
    return round(duration * _SECOND_NS)
