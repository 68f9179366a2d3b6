"""The handles of callbacks: those that are ready, and those that wait for a durable timer of the host.

A callback is ready at once or it waits for a durable timer; the loop has no clock to look at. Handles are asyncio's,
with the same methods, but made without asyncio's initializer, which looks for debug mode each time.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextvars import Context

__all__ = ["NEVER_NS", "DurableTimer", "ReadyHandle", "TimerHost"]

NEVER_NS = 2**63
"""A timer due at this time (in the year 2262) or later is not started: no store holds its time, and nobody waits."""


class TimerHost(Protocol):
    """The host of a loop: it has the time and durable timers."""

    def now_ns(self) -> int:
        """Return the workflow time, integer nanoseconds since the epoch."""
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


class _Loop(Protocol):
    """The loop of a timer, as the timer sees it."""

    @property
    def host(self) -> TimerHost:
        """The host that starts and cancels durable timers."""
        ...

    def make_ready(self, handle: ReadyHandle) -> None:
        """Put a handle behind all that are ready."""
        ...

    def is_closed(self) -> bool:
        """True if the run was dropped from memory."""
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
    _loop: _Loop
    _when: float
    number: int | None

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: Sequence[Any],
        loop: _Loop,
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
        """Keep the callback from running, and cancel the durable timer; do nothing if it has run."""
        super().cancel()
        number, self.number = self.number, None
        if number is not None and not self._loop.is_closed():
            self._loop.host.cancel_timer(number)
