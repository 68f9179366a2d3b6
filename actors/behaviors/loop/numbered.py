"""Futures and tasks that hash by a number, so that their order in a set does not depend on where they lie in memory.

asyncio keeps tasks in sets and iterates over them: `asyncio.wait` answers with two, a `TaskGroup` cancels one. A set of
integers that took the same additions and removals iterates the same way again, so the hash is a number that the loop
counts up (SAME-AGAIN). Equality stays identity.

A task is a special case. Up to Python 3.13 asyncio also keeps all tasks of the process in one weak set, where the
first tasks of all runs would have the same hash: with 16,000 runs alive, making a task took 720 us. The weak set
remembers the hash that a task had when it came, so a task's number is its address until asyncio has registered it.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import Future, Task
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from understudy.actors.behaviors.loop.refusals import InsideLoop, refuse
from understudy.actors.behaviors.loop.teardown import unlink

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from contextvars import Context
    from types import FrameType

__all__ = ["CountingLoop", "NumberedFuture", "NumberedTask"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_EAGER = getattr(asyncio, "eager_task_factory", None)
_ENSURE_FUTURE = getattr(asyncio.tasks, "_ensure_future", asyncio.ensure_future).__code__


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
            loop = cast("CountingLoop", self.get_loop())
            loop.last_number = self.number = loop.last_number + 1
            return self.number


class NumberedTask(Task[T_co]):
    """A task with a place of its own in any set; made by `DeterministicLoop.create_task`.

    Args:
        coro: The coroutine to run.
        loop: The loop of the run, which gives the number.
        name: The task's name.
        context: The context that the coroutine runs in.
        eager: Take the coroutine's first step at once (Python 3.12 and later).
    """

    __slots__ = ("number", "run_context")
    number: int
    run_context: Context

    def __init__(
        self,
        coro: Generator[Any, None, T_co] | Coroutine[Any, Any, T_co],
        *,
        loop: CountingLoop,
        name: str,
        context: Context,
        eager: bool = False,
    ) -> None:
        number = loop.last_number = loop.last_number + 1
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
        """Return where the task waits, the outermost call first, for a person to read."""
        lines = [f"{self.get_name()}:"]
        inner: Any = self.get_coro()
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_qualname}')
            inner = inner.cr_await
        return "\n".join(lines)


class CountingLoop(InsideLoop):
    """The part of a loop that makes futures and tasks, and counts them.

    Attributes:
        last_number: The number of the future or task made last; only ever counted up.
    """

    __slots__ = ()
    last_number: int
    _tasks: list[NumberedTask[Any]]
    _task_count: int
    _eager: bool

    def create_future(self) -> Future[Any]:
        """Make a future whose place in a set is the same at each replay."""
        future: NumberedFuture[Any] = NumberedFuture(loop=self)
        future.number = self.last_number = self.last_number + 1
        return future

    def create_waiter(self) -> Future[Any]:
        """Make a future of asyncio's own type, which is faster; never to be seen by workflow code."""
        return Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        eager_start: bool | None = None,
    ) -> NumberedTask[T]:
        """Run a coroutine as a task, which the loop holds until it is done.

        In a closed loop the coroutine is closed and the task cancelled.

        Args:
            coro: The coroutine.
            name: The task's name; `Task-1` and so on, counted in the run, if None.
            context: The context to run it in; a copy of the present one if None.
            eager_start: Take the first step at once (Python 3.12 and later); as the task factory says, if None.

        Raises:
            DeterminismError: `asyncio.as_completed` asked, whose order of coroutines is never the same.
        """
        caller = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no public name of it is as fast
        if caller.f_code is _ENSURE_FUTURE:
            self._refuse_as_completed(coro, caller.f_back)
        self._task_count = count = self._task_count + 1
        task: NumberedTask[T] = NumberedTask(
            coro,
            loop=self,
            name=f"Task-{count}" if name is None else name,
            context=copy_context() if context is None else context,
            eager=(self._eager if eager_start is None else eager_start) and not self.is_closed(),
        )
        if self.is_closed():
            coro.close()
            unlink(task)
        else:
            self._tasks.append(task)
        return task

    def _refuse_as_completed(
        self, coro: Generator[Any, None, Any] | Coroutine[Any, Any, Any], frame: FrameType | None
    ) -> None:
        while frame is not None and frame.f_code.co_filename == _ENSURE_FUTURE.co_filename:
            if frame.f_code.co_name == "as_completed":
                coro.close()
                refuse("asyncio.as_completed", loop=self)
            frame = frame.f_back

    def set_task_factory(self, factory: object) -> None:
        """Take `asyncio.eager_task_factory`, or None; tasks of another make have no number.

        Raises:
            DeterminismError: It is another factory.
        """
        if factory is not None and factory is not _EAGER:
            refuse("loop.set_task_factory", "asyncio.create_task, or asyncio.eager_task_factory", loop=self)
        self._eager = factory is not None

    def get_task_factory(self) -> Any:
        """Return `asyncio.eager_task_factory` if it is set."""
        return _EAGER if self._eager else None
