"""A stage for the deterministic loop: a host whose clock is moved by its timers alone."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from understudy.actors.behaviors.loop.loop import DeterministicLoop

__all__ = ["START_NS", "FakeHost", "Stage", "churn", "elapsed", "forget", "play"]

T = TypeVar("T")

START_NS = 1_763_771_696_123_456_789
"""When every play begins, ns since the epoch: a time that a float of seconds cannot hold exactly."""


class FakeHost:
    """Durable timers in a dict, and the record of what was asked."""

    def __init__(self) -> None:
        self.now = START_NS
        self.timers: dict[int, Callable[[], None]] = {}
        self.heap: list[tuple[int, int]] = []
        self.started: list[int] = []
        self.cancelled: list[int] = []

    def now_ns(self) -> int:
        return self.now

    def start_timer(self, delay_ns: int, fire: Callable[[], None]) -> int:
        self.started.append(delay_ns)
        number = len(self.started)
        self.timers[number] = fire
        heapq.heappush(self.heap, (self.now + delay_ns, number))
        return number

    def cancel_timer(self, number: int) -> None:
        del self.timers[number]
        self.cancelled.append(number)

    def fire_next(self) -> None:
        """Turn the clock to the next timer and fire it; of two for the same time, the one that was started first."""
        due, number = heapq.heappop(self.heap)
        while number not in self.timers:
            due, number = heapq.heappop(self.heap)
        self.now = due
        self.timers.pop(number)()


class Stage:
    """A loop with its host, and the turns of a run."""

    def __init__(self) -> None:
        self.host = FakeHost()
        self.loop = DeterministicLoop(self.host)

    def start(self, coro: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Make a task and take the first turn."""
        task = self.loop.create_task(coro)
        self.loop.run_until_idle()
        return task

    def add(self, coro: Coroutine[Any, Any, object], name: str | None = None) -> None:
        """Make a task for the next turn."""
        _ = self.loop.create_task(coro, name=name)

    def begin(self, coro: Coroutine[Any, Any, object]) -> None:
        """Make a task that the test does not look at, and take the first turn."""
        _ = self.start(coro)

    def turn(self) -> int:
        """Run what is ready."""
        return self.loop.run_until_idle()

    def fire(self) -> None:
        """Take the turn of the next timer."""
        self.host.fire_next()
        self.loop.run_until_idle()

    def play(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run a program to its end, firing one timer a turn, and return its result."""
        task = self.start(coro)
        while not task.done() and self.host.timers:
            self.fire()
        done = task.done()
        self.loop.close_run()
        assert done, "the program waits for something that never comes"
        return task.result()


def play(coro: Coroutine[Any, Any, T]) -> T:
    """Run a program on a stage of its own."""
    return Stage().play(coro)


def elapsed() -> float:
    """Seconds of workflow time since the play began, to the microsecond."""
    return round(asyncio.get_running_loop().time() - START_NS / 1e9, 6)


def forget(coro: Coroutine[Any, Any, object]) -> None:
    """Make a task in the running loop and keep no reference to it."""
    _ = asyncio.create_task(coro)  # noqa: RUF006 - just so


def churn(seed: int) -> list[object]:
    """Leave holes of the sizes of futures, tasks and contexts in the heap, so that new ones lie in another order."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    stage = Stage()
    kept = [stage.loop.create_future() for _ in range(500)]
    coros = [asyncio.sleep(dice.random()) for _ in range(200)]
    tasks = [stage.loop.create_task(coro) for coro in coros]
    stage.turn()
    stage.loop.close_run()
    dice.shuffle(kept)
    dice.shuffle(tasks)
    return [*kept[:250], *tasks[:100]]
