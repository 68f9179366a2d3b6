"""The run's clock and dice, timers, and waiting for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.loop.ready import NEVER_NS
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, ReadOnlyContextError
from understudy.events.public import public

__all__ = [
    "now",
    "random",
    "sleep",
    "time",
    "time_ns",
    "uuid4",
    "uuid7",
    "wait_condition",
]

_SECOND_NS: Final = 1_000_000_000


@public("understudy.workflow")
def now() -> datetime:
    """Return the workflow's time: that of the fact that is being handled, the same at every replay; UTC, aware."""
    return datetime.fromtimestamp(current().recorder.now / _SECOND_NS, UTC)


@public("understudy.workflow")
def time() -> float:
    """Return the workflow's time, seconds since the epoch."""
    return current().recorder.now / _SECOND_NS


@public("understudy.workflow")
def time_ns() -> int:
    """Return the workflow's time, ns since the epoch."""
    return current().recorder.now


@public("understudy.workflow")
def random() -> Random:
    """Return the run's own generator: seeded by the run id, the same at every replay; not for secrets."""
    return current().recorder.random()


@public("understudy.workflow")
def uuid4() -> UUID:
    """Return a random UUID that is the same at every replay; not for secrets."""
    return UUID(int=current().recorder.random().getrandbits(128), version=4)


@public("understudy.workflow")
def uuid7() -> UUID:
    """Return a UUID that grows with the workflow's time (RFC 9562, version 7), the same at every replay."""
    context = current()
    bits = context.recorder.random().getrandbits(74)
    value = (
        (context.recorder.now // 1_000_000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    )
    return UUID(int=value)


@public("understudy.workflow")
async def sleep(duration: float | timedelta, *, summary: str | None = None) -> None:
    """Sleep for a duration that outlives restarts of the process.

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


@public("understudy.workflow")
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
        ReadOnlyContextError: called in a query, a validator or a condition, which cannot wait.
    """
    context = current()
    if context.recorder.read_only:
        raise ReadOnlyContextError(call="workflow.wait_condition()", handler=context.recorder.read_only)
    if fn():
        return
    delay_ns = None if timeout is None else _duration_ns(timeout, "timeout")
    if delay_ns == 0:
        raise TimeoutError
    future: asyncio.Future[None] = context.loop.create_future()
    context.conditions.append((fn, future))
    if delay_ns is None:
        await future
        return
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
    if duration * _SECOND_NS + current().recorder.now >= NEVER_NS:
        raise InvalidArgumentError(what=name, got=repr(duration), expected="seconds that end before the year 2262")
    return round(duration * _SECOND_NS)
