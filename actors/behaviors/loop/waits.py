"""Waiting for several things at once, in an order that is the same at each replay.

`asyncio.wait` answers with sets and `asyncio.as_completed` starts what it is given in the order of a set. These two are
called the same way and keep the order in which things were given: `wait` answers with lists, and `as_completed` starts
coroutines one behind the other. What completes in one and the same turn comes in the order in which it completed.
"""

from __future__ import annotations

import asyncio
from asyncio import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Iterable

__all__ = ["CompletionOrder", "as_completed", "wait"]

T = TypeVar("T")
F = TypeVar("F", bound="Future[Any]")


async def wait(
    fs: Iterable[F],
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - the signature is asyncio's
    return_when: str = ALL_COMPLETED,
) -> tuple[list[F], list[F]]:
    """Wait for futures or tasks, as `asyncio.wait` does, but keep their order.

    Nothing is cancelled or raised when the time is over: what is not done then is in the second list.

    Args:
        fs: Futures or tasks, at least one; one that is given twice counts once.
        timeout: Seconds to wait at most; None: without end. A durable timer, which is cancelled if it is not needed.
        return_when: `asyncio.ALL_COMPLETED`, `FIRST_COMPLETED` or `FIRST_EXCEPTION`.

    Returns:
        What is done and what is not, each in the order given.

    Raises:
        TypeError: `fs` is one awaitable instead of several, or contains coroutines.
        ValueError: `fs` is empty, or `return_when` is none of the three.
    """
    futures = _several(fs)
    if not futures:
        raise ValueError("wait() needs at least one future or task")
    if return_when not in {ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION}:
        raise ValueError(f"return_when is {return_when!r}, not ALL_COMPLETED, FIRST_COMPLETED or FIRST_EXCEPTION")
    if any(asyncio.iscoroutine(future) for future in futures):
        raise TypeError("wait() takes futures and tasks: make tasks of coroutines by asyncio.create_task")
    if not _enough(futures, return_when):
        await _until_enough(futures, timeout, return_when)
    return [future for future in futures if future.done()], [future for future in futures if not future.done()]


def _several(fs: Iterable[T]) -> list[T]:
    if asyncio.isfuture(fs) or asyncio.iscoroutine(fs):
        raise TypeError(f"several awaitables are expected, not one {type(fs).__name__}: put it into a list")
    return list(dict.fromkeys(fs))


def _enough(futures: Iterable[Future[Any]], return_when: str) -> bool:
    if return_when == FIRST_COMPLETED:
        return any(future.done() for future in futures)
    if return_when == FIRST_EXCEPTION and any(future.done() and _failed(future) for future in futures):
        return True
    return all(future.done() for future in futures)


def _failed(future: Future[Any]) -> bool:
    return not future.cancelled() and future.exception() is not None


async def _until_enough(futures: Iterable[Future[Any]], seconds: float | None, return_when: str) -> None:
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    pending = [future for future in futures if not future.done()]
    left = len(pending)

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def look(future: Future[Any]) -> None:
        nonlocal left
        left -= 1
        if left == 0 or return_when == FIRST_COMPLETED or (return_when == FIRST_EXCEPTION and _failed(future)):
            wake()

    for future in pending:
        future.add_done_callback(look)
    timer = None if seconds is None else loop.call_later(seconds, wake)
    try:
        await waiter
    finally:
        if timer is not None:
            timer.cancel()
        for future in pending:
            future.remove_done_callback(look)


def as_completed(fs: Iterable[Awaitable[T]], *, timeout: float | None = None) -> CompletionOrder[T]:
    """Take results in the order in which they come, as `asyncio.as_completed` does, but the same at each replay.

    A plain `for` yields awaitables, each for the next result that comes. An `async for` yields the futures themselves,
    done: those that were given, and tasks for what else was given (as asyncio does from Python 3.13 on).

    Args:
        fs: Awaitables; coroutines are started as tasks at once, in the order given. What is given twice counts once.
        timeout: Seconds from now until every result that has not come is a `TimeoutError`; None: without end.

    Raises:
        TypeError: `fs` is one awaitable instead of several.
    """
    return CompletionOrder(fs, timeout)


class CompletionOrder(Generic[T]):
    """The iterator of `as_completed`, plain and asynchronous; lives on the loop of the run.

    Args:
        fs: As there.
        seconds: The time-out there.
    """

    __slots__ = ("_done", "_left", "_timer", "_todo")

    def __init__(self, fs: Iterable[Awaitable[T]], seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._done: asyncio.Queue[Future[T] | None] = asyncio.Queue()
        self._todo: dict[Future[T], None] = {asyncio.ensure_future(each, loop=loop): None for each in _several(fs)}
        self._left = len(self._todo)
        for future in self._todo:
            future.add_done_callback(self._completed)
        self._timer = loop.call_later(seconds, self._time_is_over) if self._todo and seconds is not None else None

    def _completed(self, future: Future[T]) -> None:
        if self._todo.pop(future, future) is future:  # the time was over first
            return
        self._done.put_nowait(future)
        if not self._todo and self._timer is not None:
            self._timer.cancel()

    def _time_is_over(self) -> None:
        for future in self._todo:
            future.remove_done_callback(self._completed)
            self._done.put_nowait(None)
        self._todo.clear()

    async def _next(self) -> Future[T]:
        future = await self._done.get()
        if future is None:
            raise TimeoutError
        return future

    async def _next_result(self) -> T:
        return (await self._next()).result()

    def __iter__(self) -> CompletionOrder[T]:
        return self

    def __next__(self) -> Coroutine[Any, Any, T]:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        return self._next_result()

    def __aiter__(self) -> CompletionOrder[T]:
        return self

    async def __anext__(self) -> Future[T]:
        if self._left == 0:
            raise StopAsyncIteration
        self._left -= 1
        return await self._next()
