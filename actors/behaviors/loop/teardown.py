"""End the coroutines of a run when the run is dropped from memory.

A coroutine that is only let go of is ended by the garbage collector, whenever that comes by, on whatever thread, and it
says so on stderr. So a run that is passivated ends its coroutines itself, in a known order, by an exception that
`except Exception` lets through. Their `finally` blocks run, but to no effect: what they await never comes, so each
further `await` raises it again.

The exception is not GeneratorExit, the one that `close()` raises. Python does not hand that one down to the innermost
`await`: it closes what a coroutine awaits on its own, and lets go of it in the middle if its cleanup awaits again.
"""

from __future__ import annotations

from asyncio import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncGenerator, Callable

    from understudy.actors.behaviors.loop.ready import ReadyHandle

__all__ = ["NOWHERE", "Nowhere", "StoppedHost", "close_coroutine", "close_generator", "unlink"]

CLOSE_TRIES = 100
"""The number of tries for a coroutine that catches everything and awaits again, before the loop gives it up."""

_cancel_plainly: Callable[[Any], bool] = Future.cancel  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typeshed


class Nowhere(list["ReadyHandle"]):
    """The queue of a closed loop: it stays empty, whatever is put into it."""

    __slots__ = ()

    def append(self, _handle: ReadyHandle) -> None:
        """Drop the handle instead of keeping it."""


NOWHERE: Final = Nowhere()


class StoppedHost:
    """The host of a closed loop: time stands still and no timer starts.

    Args:
        now_ns: The time at which it stands, nanoseconds since the epoch.
    """

    __slots__ = ("_now_ns",)

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time at which the run was dropped."""
        return self._now_ns

    def start_timer(self, delay_ns: int, fire: object) -> int:  # noqa: ARG002 - as `TimerHost` has it
        """Start no timer, and return 0."""
        return 0

    def cancel_timer(self, number: int) -> None:
        """Cancel no timer: none was started."""


class RunDroppedError(BaseException):
    """The run is dropped from memory; raised in its coroutines to end them, and seen nowhere else."""


def close_coroutine(coro: Any) -> bool:
    """End a coroutine; what it raises is dropped with it.

    Args:
        coro: A coroutine that is suspended or was never started.

    Returns:
        True if it ended. One that never does, because it catches everything and awaits again, is kept for ever.
    """
    for _ in range(CLOSE_TRIES):
        with suppress(BaseException):  # either it awaited again, or this was its last word: the frame tells
            coro.throw(RunDroppedError())
        if getattr(coro, "cr_frame", None) is None:
            return True
    _keep_for_ever(coro)
    return False


def close_generator(generator: AsyncGenerator[Any, Any]) -> bool:
    """End an asynchronous generator; return True if it ended, as `close_coroutine` does."""
    coro = _finish(generator)
    try:
        coro.send(None)
    except BaseException:  # noqa: BLE001 - StopIteration: it has ended; anything else: that was its last word
        return True
    return close_coroutine(coro)


def _keep_for_ever(coro: Any) -> None:
    """Leak a coroutine: to let go of it would run it once more, then without a loop, and it would never return.

    A struct that the collector does not see and that refers to itself is not even freed at the interpreter's end.
    """
    import msgspec

    box: Any = msgspec.defstruct("Box", ["held", "me"], gc=False)(coro, None)
    box.me = box


async def _finish(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()


def unlink(task: Task[Any]) -> None:
    """Untie a task whose coroutine was closed from the future that it awaits, so that no cycle keeps them alive.

    The plain `Future.cancel` drops the callbacks of both; a task's own would ask its coroutine.
    """
    waiter = getattr(task, "_fut_waiter", None)
    _cancel_plainly(task)
    if isinstance(waiter, Future):
        _cancel_plainly(waiter)
