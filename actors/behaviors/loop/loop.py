"""The loop of one run: asyncio without a thread, a socket, a selector or a clock.

A replay must take the same steps in the same order (SAME-AGAIN), so nothing here may depend on anything but the calls
that came in. Callbacks run first in, first out. Time is the host's. A positive delay is a durable timer of the host;
all else is ready at once. The host runs the loop in turns: after each fact it calls `run_until_idle`, which makes this
the running loop, runs what is ready until nothing is, and leaves the thread as it found it.

Three things of asyncio depend on where objects lie in memory, and each is answered:

- Sets of futures and tasks iterate in the order of their addresses: ours hash by a number (`numbered`).
- `asyncio.as_completed` starts coroutines in the order of a set of them. Nothing can put that right: it is refused.
- The garbage collector may find a task that nobody waits for. The loop holds its tasks until they are done.

What nobody caught, a callback that raised or a task that failed and was let go of, asyncio tells its loop, which writes
a log. A log is the outside, so ours collects it in `on_error` for the host, who takes it out after a turn.

Measured on CPython 3.11: a turn that resolves a future and resumes the coroutine that awaits it takes 4.1 us, and
3.3 us with asyncio's own `Future`, for which its C code has a short cut. Futures of the engine that workflow code never
gets to see can therefore come from `create_waiter`. A loop weighs 420 bytes, with one waiting coroutine 1.4 KB.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError, Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from understudy.actors.behaviors.loop.current import enter, leave, running_loop
from understudy.actors.behaviors.loop.numbered import NumberedFuture, NumberedTask
from understudy.actors.behaviors.loop.ready import NEVER_NS, DurableTimer, ReadyHandle
from understudy.actors.behaviors.loop.refusals import InsideLoop, refuse
from understudy.actors.behaviors.loop.teardown import NOWHERE, StoppedHost, close_coroutine, close_generator, unlink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextvars import Context
    from types import FrameType
    from typing import ParamSpec, TypeAlias, TypeVarTuple, Unpack

    from understudy.actors.behaviors.loop.ready import TimerHost

    P = ParamSpec("P")
    Ts = TypeVarTuple("Ts")
    ErrorContext: TypeAlias = dict[str, Any]
    ErrorHandler: TypeAlias = Callable[[asyncio.AbstractEventLoop, ErrorContext], object]

__all__ = ["DeterministicLoop"]

T = TypeVar("T")

_enter_task = asyncio.tasks._enter_task  # noqa: SLF001 - asyncio documents both for those who extend it
_leave_task = asyncio.tasks._leave_task  # noqa: SLF001

_SECOND_NS = 1_000_000_000
_MICROSECOND_NS = 1_000

_EAGER = getattr(asyncio, "eager_task_factory", None)
_ENSURE_FUTURE = getattr(asyncio.tasks, "_ensure_future", asyncio.ensure_future).__code__


class DeterministicLoop(InsideLoop):
    """The loop of one run; used from one thread at a time, never from a task of another loop.

    Args:
        host: The workflow's context: its clock and its durable timers.

    Attributes:
        host: As given, until the run is closed.
        last_number: The number of the future or task made last; only ever counted up.
        on_error: What nobody caught, as asyncio's context dicts: always `message`, mostly `exception`, and `task`,
            `future` or `handle`. The host reads and empties it.
    """

    __slots__ = (
        "_abandoned",
        "_batch",
        "_closed",
        "_eager",
        "_error",
        "_error_handler",
        "_ready",
        "_running",
        "_task_count",
        "_tasks",
        "_unswept",
        "host",
        "last_number",
        "on_error",
    )

    def __init__(self, host: TimerHost) -> None:
        self.host = host
        self.last_number = 0
        self.on_error: list[ErrorContext] = []
        self._ready: list[ReadyHandle] = []
        self._batch: list[ReadyHandle] = []
        self._tasks: list[NumberedTask[Any]] = []
        self._task_count = self._unswept = 0
        self._abandoned: tuple[AsyncGenerator[Any, Any], ...] = ()
        self._running = self._closed = self._eager = False
        self._error: BaseException | None = None
        self._error_handler: ErrorHandler | None = None

    def __repr__(self) -> str:
        state = "closed" if self._closed else "running" if self._running else "idle" if self.is_idle() else "ready"
        return f"<{type(self).__name__} {state}, {len(self._tasks)} tasks>"

    # -- turns ---------------------------------------------------------------------------------------------------------

    def run_until_idle(self, limit: int = 0) -> int:
        """Run what is ready, first in, first out, until nothing is.

        Args:
            limit: Stop after so many callbacks; 0: go on to the end. `is_idle` says whether any are left.

        Returns:
            How many callbacks ran.

        Raises:
            RuntimeError: It was called from the run itself.
            BaseException: What a callback raised that is no `Exception`; the callbacks behind it stay ready. Or what
                `abort` was given. What a task's coroutine raises stays in the task, except for KeyboardInterrupt and
                SystemExit.
        """
        if self._running:
            raise RuntimeError("run_until_idle was called from inside the run: await something instead")
        surroundings = enter(self, self._finish_generator)
        self._running = True
        try:
            ran = self._drain(limit)
        finally:
            self._running = False
            leave(surroundings)
        return self._settle(ran)

    def run_turn(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> int:
        """Call a function as code of the run, and then run what is ready until nothing is; one turn.

        Returns:
            How many callbacks ran.

        Raises:
            RuntimeError: It was called from the run itself.
            BaseException: What the function raises; and as `run_until_idle`.
        """
        if self._running:
            raise RuntimeError("run_turn was called from inside the run: await something instead")
        if self._error is not None:
            raise self._error
        surroundings = enter(self, self._finish_generator)
        self._running = True
        try:
            function(*args, **kwargs)
            ran = self._drain(0)
        finally:
            self._running = False
            leave(surroundings)
        return self._settle(ran) if self._error is not None or len(self._tasks) > 1 else ran

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function as code of the run, at once; what it makes ready waits for `run_until_idle`.

        Raises:
            BaseException: What the function raises, or gave to `abort`; the loop stays usable. What a turn before was
                aborted with.
        """
        if self._running:
            return function(*args, **kwargs)
        if self._error is not None:
            raise self._error
        surroundings = enter(self, self._finish_generator)
        self._running = True
        try:
            result = function(*args, **kwargs)
        finally:
            self._running = False
            leave(surroundings)
            error, self._error = self._error, None
        if error is not None:
            raise error
        return result

    def abort(self, error: BaseException) -> None:
        """End the turn behind the callback that runs: `run_until_idle` raises this error, whoever swallows it inside.

        asyncio keeps what a coroutine raises in its task, where nobody may look. So whoever stops workflow code with
        an error that it must not survive says it here first, and then raises. An aborted loop runs no further; it can
        only be closed. Safe from any thread.
        """
        self._error = error
        self._batch.clear()

    def progress(self) -> int:
        """Return a number that grows when, while code runs, a future or task is made or something becomes ready."""
        return self.last_number + len(self._ready)

    def is_idle(self) -> bool:
        """True if nothing is ready to run."""
        return not self._ready

    def _drain(self, limit: int) -> int:
        ran = 0
        handle: ReadyHandle | None
        while self._ready and self._error is None and (not limit or ran < limit):
            batch = self._batch = self._ready
            self._ready = batch[limit - ran :] if limit else []
            if limit:
                del batch[limit - ran :]
            handles = iter(batch)
            try:
                for handle in handles:
                    if handle._cancelled:  # noqa: SLF001 - our own handle; an accessor would cost 0.1 us each time
                        continue
                    ran += 1
                    try:
                        handle._context.run(handle._callback, *handle._args)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
                    except (Exception, CancelledError) as error:  # noqa: BLE001 - reported, as asyncio does
                        self._report(handle, error)
            except BaseException:
                self._ready[:0] = handles
                raise
            finally:
                # A traceback may hold this frame: what the callbacks were called with must not hang on it.
                batch.clear()
                handle = None
        return ran

    def _report(self, handle: ReadyHandle, error: BaseException) -> None:
        self.call_exception_handler(
            {"message": f"Exception in callback {handle!r}", "exception": error, "handle": handle}
        )

    def _settle(self, ran: int) -> int:
        """Raise the error that aborted the turn, if any, and drop the tasks that are done.

        A look at all of them is paid for by as many callbacks; a single task is most likely the run's own.
        """
        if self._error is not None:
            raise self._error
        if len(self._tasks) > 1:
            self._unswept += ran
            if self._unswept >= len(self._tasks):
                self._unswept = 0
                self._tasks = [task for task in self._tasks if not task.done()]
        return ran

    # -- the next steps ------------------------------------------------------------------------------------------------

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> ReadyHandle:
        """Make a callback ready to run, behind all that are."""
        handle = ReadyHandle(callback, args, context)
        self._ready.append(handle)
        return handle

    def make_ready(self, handle: ReadyHandle) -> None:
        """Put a handle behind all that are ready."""
        self._ready.append(handle)

    def time(self) -> float:
        """Return the workflow time, seconds since the epoch."""
        return self.host.now_ns() / _SECOND_NS

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> DurableTimer:
        """Run a callback after a delay, by a durable timer.

        Args:
            delay: Seconds, rounded to whole nanoseconds; what rounds to 0 or less is ready at once, without a timer.
            callback: What to call.
            *args: What to call it with.
            context: The context to run it in; a copy of the present one if None.

        Raises:
            ValueError: The delay is not a number.
        """
        delay_ns = round(min(delay * _SECOND_NS, NEVER_NS))
        return self._arm(delay_ns, DurableTimer(self.time() + delay, callback, args, self, context))

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> DurableTimer:
        """Run a callback at a time, by a durable timer.

        Args:
            when: Seconds since the epoch, as `time` counts them. From now to then is rounded to whole microseconds,
                since a float of that size has a grain of 0.24 of them: `time() + 10` is 10 seconds from now.
            callback: What to call.
            *args: What to call it with.
            context: The context to run it in; a copy of the present one if None.

        Raises:
            ValueError: The time is not a number.
        """
        delay_ns = round(min((when - self.time()) * 1e6, NEVER_NS)) * _MICROSECOND_NS
        return self._arm(delay_ns, DurableTimer(when, callback, args, self, context))

    def _arm(self, delay_ns: int, timer: DurableTimer) -> DurableTimer:
        if delay_ns <= 0:
            self._ready.append(timer)
        elif not self.is_closed() and self.host.now_ns() + delay_ns < NEVER_NS:
            timer.number = self.host.start_timer(delay_ns, timer.fire)
        return timer

    # -- futures and tasks ---------------------------------------------------------------------------------------------

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
        number = self.last_number = self.last_number + 1
        task: NumberedTask[T] = NumberedTask(
            coro,
            loop=self,
            number=number,
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

    # -- uncaught errors -----------------------------------------------------------------------------------------------

    def call_exception_handler(self, context: ErrorContext) -> None:
        """Hand an error that nobody caught to the run's handler, or put it into `on_error`."""
        if self.is_closed():
            return
        handler = self._error_handler
        if handler is None:
            self.default_exception_handler(context)
            return
        try:
            handler(self, context)
        except Exception as error:  # noqa: BLE001 - a handler that fails must not end the turn
            self.on_error.append({"message": "Exception in exception handler", "exception": error, "context": context})

    def default_exception_handler(self, context: ErrorContext) -> None:
        """Put an error that nobody caught into `on_error`."""
        self.on_error.append(context)

    def set_exception_handler(self, handler: ErrorHandler | None) -> None:
        """Let a handler of the run's own code take errors that nobody caught."""
        self._error_handler = handler

    def get_exception_handler(self) -> ErrorHandler | None:
        """Return the handler of the run's own code."""
        return self._error_handler

    # -- state ---------------------------------------------------------------------------------------------------------

    def get_debug(self) -> bool:
        """Return False: asyncio's debug mode reads a clock."""
        return False

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001 - asyncio's signature
        """Leave debug mode off; see `get_debug`."""

    def is_running(self) -> bool:
        """True if the code of the run is running now."""
        return self._running

    def is_closed(self) -> bool:
        """True if the run was dropped from memory, or is about to be."""
        return self._closed

    def stacks(self) -> list[str]:
        """Return the place where each task waits, in the order in which they were made, for a person to read."""
        return [task.stack() for task in self._tasks if not task.done()]

    # -- the end -------------------------------------------------------------------------------------------------------

    def close_run(self) -> int:
        """Drop the run from memory: end its coroutines, the newest first, and let go of everything.

        Their `finally` blocks run, without effect: no timer is started or cancelled, no task starts, nothing that is
        awaited comes, and what they raise is dropped. A second call does nothing.

        Returns:
            How many coroutines would not end, because they catch everything and await again: their memory is lost.

        Raises:
            RuntimeError: It was called from the run itself.
        """
        if self._running:
            raise RuntimeError("close_run was called from inside the run: let it return first")
        if self._closed:
            return 0
        self._closed = True
        self._ready = self._batch = NOWHERE
        tasks = [task for task in self._tasks if not task.done()]
        stubborn = self._close_coroutines(tasks) if tasks or self._abandoned else 0
        self._tasks, self._abandoned, self.on_error, self._error_handler = [], (), [], None
        self.host = StoppedHost(self.host.now_ns())
        return stubborn

    def _close_coroutines(self, tasks: list[NumberedTask[Any]]) -> int:
        stubborn = 0
        surroundings = enter(self, self._finish_generator)
        self._running = True
        try:
            for task in reversed(tasks):
                _enter_task(self, task)
                stubborn += not task.run_context.run(close_coroutine, task.get_coro())
                _leave_task(self, task)
            for generator in self._abandoned:
                stubborn += not close_generator(generator)
        finally:
            self._running = False
            leave(surroundings)
        for task in tasks:
            unlink(task)
        return stubborn

    def _finish_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        """End an asynchronous generator that nobody refers to any more; Python's hook for that.

        When its last reference goes while the run's code runs, that is a step like any other. Else the collector came
        upon it, at a time and on a thread that no replay knows: then it ends with the run.
        """
        if running_loop() is not self:
            self._abandoned += () if self._closed else (generator,)
        elif self._closed:
            close_generator(generator)
        else:
            _ = self.create_task(generator.aclose())
