"""Futures and tasks that hash by a number, so that their order in a set does not depend on where they lie in memory.

asyncio keeps tasks in sets and iterates over them: `asyncio.wait` answers with two, a `TaskGroup` cancels one. A set of
integers that took the same additions and removals iterates the same way again, so the hash is a number that the loop
counts up (SAME-AGAIN). Equality stays identity.

A task is a special case. Up to Python 3.13 asyncio also keeps all tasks of the process in one weak set, where the
first tasks of all runs would have the same hash: with 16,000 runs alive, making a task took 720 us. The weak set
remembers the hash that a task had when it came, so a task's number is its address until asyncio has registered it.
"""

from __future__ import annotations

from asyncio import Future, Task
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Coroutine, Generator
    from contextvars import Context

__all__ = ["NumberedFuture", "NumberedTask"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Counter(Protocol):
    """The loop of a run, as its futures see it; it only ever counts `last_number` up."""

    last_number: int


class NumberedFuture(Future[T]):
    """A future with a place of its own in any set; lives on the loop of a run.

    `DeterministicLoop.create_future` numbers it. One that was made otherwise, of a subclass say, is numbered when a set
    first asks. It has no `__init__`, because one in Python would double the cost of making a future.
    """

    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        try:
            return self.number
        except AttributeError:
            loop = cast("_Counter", self.get_loop())
            loop.last_number = self.number = loop.last_number + 1
            return self.number


class NumberedTask(Task[T_co]):
    """A task with a place of its own in any set; made by `DeterministicLoop.create_task`.

    Args:
        coro: The coroutine to run.
        loop: The loop of the run.
        number: The number that the loop has counted up for it.
        name: The task's name.
        context: The context that the coroutine runs in.
        eager: Take the coroutine's first step at once (Python 3.12 and later).
    """

    __slots__ = ("number", "run_context")
    number: int
    run_context: Context

    def __init__(  # noqa: PLR0913 - what asyncio's task takes, and the number
        self,
        coro: Generator[Any, None, T_co] | Coroutine[Any, Any, T_co],
        *,
        loop: AbstractEventLoop,
        number: int,
        name: str,
        context: Context,
        eager: bool = False,
    ) -> None:
        self.run_context = context
        if eager:  # the coroutine sees its task before we return, so the number must be the final one from the start
            self.number = number
            options: dict[str, Any] = {"eager_start": True}
            super().__init__(coro, loop=loop, name=name, context=context, **options)
        else:
            self.number = id(self)
            super().__init__(coro, loop=loop, name=name, context=context)
            self.number = number

    def __hash__(self) -> int:
        return self.number

    def stack(self) -> str:
        """Return the place where the task waits, the outermost call first, for a person to read."""
        lines = [f"{self.get_name()}:"]
        inner: Any = self.get_coro()
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_qualname}')
            inner = inner.cr_await
        return "\n".join(lines)
