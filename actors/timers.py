"""Timers: when each run is to be woken, one entry a run, in one heap with one loop timer behind it.

The aggregate knows what is due in a run, and in which order (`WorkflowExecution.pop_due`); timers know only when to
look. Far wake-ups are not held in memory: the execution row has them, and the heap is filled from the store a horizon
at a time. So a million sleeping workflows cost nothing until their hour is near.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from understudy.actors.clock import Clock

__all__ = ["HORIZON_NS", "Alarms", "Timers"]

HORIZON_NS = 60_000_000_000
"""The time ahead for which wake-ups are held in memory: 60 s."""

_MAX_SLEEP = 3_600.0
"""Seconds; no loop timer is set further ahead, so that a clock that jumps is noticed."""


class Timers:
    """Wakes each run at its next time; used on the loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, wake: Callable[[str], None]) -> None:
        """Begin without wake-ups; `wake` is called with a run id when its time has come."""
        self._loop = loop
        self._clock = clock
        self._wake = wake
        self._at: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._handle_at = 0
        self.horizon = 0
        """The time up to which wake-ups were read from the store, ns since the epoch."""

    def __len__(self) -> int:
        """Count the runs with a wake-up in memory."""
        return len(self._at)

    def set(self, run_id: str, at: int | None) -> None:
        """Wake `run_id` at `at` (ns since the epoch) instead of at any time set before; None: do not wake it."""
        old = self._at.get(run_id)
        if old == at:
            return
        if at is None:
            del self._at[run_id]
            return
        self._at[run_id] = at
        heappush(self._heap, (at, run_id))
        if self._handle is None or at < self._handle_at:
            self._arm()

    def release(self, run_id: str, *, beyond: int) -> None:
        """Drop a wake-up later than `beyond` (ns since the epoch): the store has it, and it is read again in time."""
        if self._at.get(run_id, 0) > beyond:
            del self._at[run_id]

    def forget(self, run_id: str) -> None:
        """Drop the wake-up of a run that closed."""
        self._at.pop(run_id, None)

    @property
    def next_at(self) -> int | None:
        """The time of the next wake-up, ns since the epoch; None if there is none in memory."""
        self._drop_old_wishes()
        return self._heap[0][0] if self._heap else None

    def look(self) -> None:
        """Wake the runs whose time has come; for a clock that was made to jump."""
        if self._handle is not None:
            self._handle.cancel()
        self._ring()

    def close(self) -> None:
        """Drop all wake-ups and wake nobody any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._at.clear()
        self._heap.clear()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._drop_old_wishes()
        heap = self._heap
        if len(heap) > 2 * len(self._at) + 64:
            self._heap = heap = [(at, run_id) for run_id, at in self._at.items()]
            heapify(heap)
        if heap:
            at = self._handle_at = heap[0][0]
            delay = max(0.0, min((at - self._clock()) / 1e9, _MAX_SLEEP))
            self._handle = self._loop.call_later(delay, self._ring)

    def _drop_old_wishes(self) -> None:
        heap = self._heap
        while heap and self._at.get(heap[0][1]) != heap[0][0]:
            heappop(heap)

    def _ring(self) -> None:
        self._handle = None
        now = self._clock()
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, run_id = heappop(heap)
            if self._at.get(run_id) == at:
                del self._at[run_id]
                self._wake(run_id)
        self._arm()


class Alarms:
    """Calls functions at their times, each under a name; used on the loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        """Begin with no calls at all."""
        self._timers = Timers(loop, clock, self._ring)
        self.waiting: dict[str, Callable[[], None]] = {}
        """The functions to be called, by name."""

    @property
    def next_at(self) -> int | None:
        """Return the time when the next call is due, ns since the epoch; None if there is none."""
        return self._timers.next_at

    def set(self, name: str, at: int, fn: Callable[[], None]) -> None:
        """Call `fn` at `at` (ns since the epoch), in place of any other call of this name."""
        self.waiting[name] = fn
        self._timers.set(name, at)

    def forget(self, name: str) -> None:
        """Drop the call of this name, if there is one."""
        if self.waiting.pop(name, None) is not None:
            self._timers.forget(name)

    def look(self) -> None:
        """Make the calls that are due now; for a clock that was made to jump."""
        self._timers.look()

    def close(self) -> None:
        """Drop all calls that wait."""
        self._timers.close()
        self.waiting.clear()

    def _ring(self, name: str) -> None:
        self.waiting.pop(name)()
