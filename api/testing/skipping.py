"""Time skipping: while somebody waits for a result and only time can bring it, time jumps to what is due next.

The engine is left as it is. It runs on a clock that can jump (`SkippableClock`), says whether anything is under way
(`System.is_quiet`) and what is due next (`System.next_due`). The skipper asks from a task of its own, which lives as
long as somebody waits: each turn of the loop at first, and rarely while an activity takes its time. It jumps only
after several quiet turns in a row, so that a test's other tasks, which the engine cannot see, get theirs.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.activities.attempt import Attempt
    from understudy.actors.clock import SkippableClock
    from understudy.actors.system import System

__all__ = ["TimeSkipper"]

QUIET_TURNS: Final = 5
"""Turns of the loop, in a row, in which nothing is under way, before time jumps."""
BUSY_TURNS: Final = 200
"""Turns of the loop after which it is asked only every `REST_SECONDS`; a change makes it attentive again."""
REST_SECONDS: Final = 0.001


class TimeSkipper:
    """Turns the clock of one system; used on the engine's loop."""

    def __init__(self, clock: SkippableClock) -> None:
        """Begin with nobody waiting; `attach` says whose clock it is."""
        self.clock = clock
        self._system: System | None = None
        self._enabled = True
        self._awaited = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None

    def attach(self, system: System) -> None:
        """Work for `system`, which runs on the clock."""
        self._system = system

    @property
    def enabled(self) -> bool:
        """True if waiting for a result makes time jump."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        self._go_on()

    def watch(self, future: asyncio.Future[Any]) -> None:
        """Let time jump until `future` is done."""
        self._awaited += 1
        future.add_done_callback(self._no_longer_awaited)
        self._go_on()

    async def sleep(self, ns: int, attempt: Attempt | None = None) -> None:
        """Wait until `ns` nanoseconds have passed by the clock, as far as need be by jumps.

        Args:
            ns: the time to wait, in nanoseconds.
            attempt: of the activity whose code waits; time does not wait for it then.
        """
        now = self.clock()
        if attempt is None or self._system is None:
            await self._until(now + ns)
            return
        late = _late(attempt, now, ns)
        with self._system.activities.asleep(attempt):
            if late is not None:
                await self._until(late[0])
                attempt.time_out(late[1])
            await self._until(now + ns)

    async def _until(self, at: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (at, next(self._numbers), future))
        self._go_on()
        await future

    async def close(self) -> None:
        """Stop making time jump; those who sleep are cancelled."""
        self._enabled = False
        sleepers, self._sleepers = self._sleepers, []
        for _, _, future in sleepers:
            future.cancel()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _no_longer_awaited(self, _: asyncio.Future[Any]) -> None:
        self._awaited -= 1

    @property
    def _wanted(self) -> bool:
        return bool(self._sleepers) or (self._enabled and self._awaited > 0)

    def _go_on(self) -> None:
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._turn_the_clock())

    async def _turn_the_clock(self) -> None:
        system = self._system
        was_quiet, quiet_turns, turns = False, 0, 0
        while system is not None and not system.stopped and self._wanted:
            self._wake_sleepers()
            is_quiet = system.is_quiet
            turns = turns + 1 if is_quiet == was_quiet else 0
            quiet_turns = quiet_turns + 1 if is_quiet else 0
            was_quiet = is_quiet
            if quiet_turns > QUIET_TURNS and self._jump(system):
                quiet_turns = turns = 0
            await asyncio.sleep(0 if turns < BUSY_TURNS else REST_SECONDS)

    def _wake_sleepers(self) -> None:
        now, sleepers = self.clock(), self._sleepers
        while sleepers and (sleepers[0][2].done() or sleepers[0][0] <= now):
            _, _, future = heappop(sleepers)
            if not future.done():
                future.set_result(None)

    def _jump(self, system: System) -> bool:
        """Jump to what is due next; False: nothing is."""
        due = system.next_due()
        if self._sleepers and (due is None or self._sleepers[0][0] < due):
            due = self._sleepers[0][0]
        if due is None:
            return False
        self.clock.skip_to(due)
        system.time_jumped()
        return True


def _late(attempt: Attempt, now: int, ns: int) -> tuple[int, TimeoutType] | None:
    """Return when it is too late for code that waits `ns` from now and says nothing, ns since the epoch; None: never.

    The time-outs of an attempt go by the loop's time, which does not jump.
    """
    limit, due = attempt.limit(attempt.started_at), list[tuple[int, TimeoutType]]()
    if limit:
        due.append((attempt.started_at + limit, attempt.due_type))
    if attempt.assignment.scheduled.heartbeat:
        due.append((now + attempt.assignment.scheduled.heartbeat, TimeoutType.HEARTBEAT))
    return min((late for late in due if late[0] <= now + ns), default=None)
