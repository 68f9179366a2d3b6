"""A loop whose time is the test's: callbacks for later wait in a list until the test turns the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, cast

__all__ = ["SECOND", "START", "FakeLoop"]

SECOND = 1_000_000_000
START = 1_763_771_696 * SECOND


class FakeLoop:
    """Loop and clock in one, as much of a loop as timers ask for; nothing runs but by `turn_to`.

    Attributes:
        now: The time, ns since the epoch.
        delays: How long each timer was set for, s, in the order in which they were set.
    """

    def __init__(self) -> None:
        self.now = START
        self.delays: list[float] = []
        self._handles: list[asyncio.TimerHandle] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """This, to hand over."""
        return cast("asyncio.AbstractEventLoop", self)

    def clock(self) -> int:
        """The time, ns since the epoch."""
        return self.now

    def time(self) -> float:
        """The time, s since the beginning."""
        return (self.now - START) / SECOND

    def get_debug(self) -> bool:
        """Ask for no more than is needed."""
        return False

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Keep a callback until its time."""
        self.delays.append(delay)
        handle = asyncio.TimerHandle(self.time() + delay, callback, args, self.loop, context)
        self._handles.append(handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._handles.remove(handle)

    @property
    def waiting(self) -> int:
        """How many callbacks wait."""
        return len(self._handles)

    def turn_to(self, now: int) -> None:
        """Turn the clock, by one step, and run what is due then, earliest first."""
        self.now = now
        while due := sorted((h for h in self._handles if h.when() <= self.time()), key=lambda handle: handle.when()):
            self._handles.remove(due[0])
            due[0]._run()  # noqa: SLF001 - a loop is who runs a handle
