"""What runs next: the queue of ready callbacks, and the durable timers that put callbacks into it.

A callback is ready at once or it waits for a durable timer of the host; the loop has no clock to look at. Handles are
asyncio's, with the same methods, but made without asyncio's initializer, which looks for debug mode each time.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextvars import Context
    from typing import TypeVarTuple, Unpack

    Ts = TypeVarTuple("Ts")

__all__ = ["NEVER_NS", "DurableTimer", "ReadyHandle", "ReadyLoop", "TimerHost"]

SECOND_NS = 1_000_000_000
MICROSECOND_NS = 1_000
NEVER_NS = 2**63
"""A timer due at this time (in the year 2262) or later is not started: no store holds its time, and nobody waits."""


class TimerHost(Protocol):
    """What a loop asks of its host: the time, and durable timers."""

    def now_ns(self) -> int:
        """Workflow time, integer nanoseconds since the epoch."""
        ...

    def start_timer(self, delay_ns: int, fire: Callable[[], None]) -> int:
        """Start a durable timer and return its number.

        Args:
            delay_ns: How long from now, nanoseconds, positive.
            fire: To be called when the timer has fired, in the turn of that fact and before `run_until_idle`.
        """
        ...

    def cancel_timer(self, number: int) -> None:
        """Cancel a durable timer that has not fired."""
        ...


class ReadyHandle(asyncio.Handle):
    """A callback that is to run in the present turn."""

    __slots__ = ()
    _callback: Callable[..., object]
    _context: Context

    def __init__(self, callback: Callable[..., object], args: Sequence[Any], context: Context | None) -> None:
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'cancelled' if self._cancelled else repr(self._callback)}>"

    def cancel(self) -> None:
        """Keep the callback from running."""
        self._cancelled = True
        self._args = ()

    def get_context(self) -> Context:
        """Return the context that the callback runs in."""
        return self._context


class DurableTimer(ReadyHandle, asyncio.TimerHandle):
    """A callback for later; `number` is its durable timer's, None while it has none or no longer."""

    __slots__ = ("number",)
    _loop: ReadyLoop
    _when: float
    number: int | None

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: Sequence[Any],
        loop: ReadyLoop,
        context: Context | None,
    ) -> None:
        ReadyHandle.__init__(self, callback, args, context)
        self._when = when
        self._loop = loop
        self.number = None

    def when(self) -> float:
        """Return the workflow time at which it is due, seconds since the epoch."""
        return self._when

    def fire(self) -> None:
        """Make the callback ready: the durable timer has fired. A second call does nothing."""
        if self.number is not None:
            self.number = None
            self._loop.make_ready(self)

    def cancel(self) -> None:
        """Keep the callback from running, and cancel the durable timer; nothing happens where it has run."""
        super().cancel()
        number, self.number = self.number, None
        if number is not None and not self._loop.is_closed():
            self._loop.host.cancel_timer(number)


class ReadyLoop(asyncio.AbstractEventLoop):
    """The part of a loop that schedules callbacks."""

    __slots__ = ()
    host: TimerHost
    _ready: list[ReadyHandle]

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
        return self.host.now_ns() / SECOND_NS

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
        delay_ns = round(min(delay * SECOND_NS, NEVER_NS))
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
        delay_ns = round(min((when - self.time()) * 1e6, NEVER_NS)) * MICROSECOND_NS
        return self._arm(delay_ns, DurableTimer(when, callback, args, self, context))

    def _arm(self, delay_ns: int, timer: DurableTimer) -> DurableTimer:
        if delay_ns <= 0:
            self._ready.append(timer)
        elif not self.is_closed() and self.host.now_ns() + delay_ns < NEVER_NS:
            timer.number = self.host.start_timer(delay_ns, timer.fire)
        return timer
