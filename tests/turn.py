"""Time in the hands of a test: an engine's clock, and the time of the loop that the test runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from understudy.actors.clock import SkippableClock
from understudy.client import Client

__all__ = ["on_turned_loop", "turn", "turn_loop"]


def turn(client: Client, time: timedelta) -> None:
    """Let so much time have passed by the clock of a client's engine, whatever is under way."""
    engine, clock = client.engine, client.engine.clock
    assert isinstance(clock, SkippableClock)
    clock.skip_to(clock() + time // timedelta(microseconds=1) * 1_000)
    engine.time_jumped()


class TurnedLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on as usual, and jumps when it is turned."""

    def __init__(self) -> None:
        self.ahead = 0.0
        super().__init__()

    def time(self) -> float:
        """The time, s."""
        return super().time() + self.ahead


def _running_loop() -> TurnedLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TurnedLoop)
    return loop


def turn_loop(time: timedelta) -> None:
    """Let so much time have passed by the running loop, which is one of `on_turned_loop`."""
    _running_loop().ahead += time.total_seconds()


def on_turned_loop(script: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a script on a loop of its own, whose time it can turn."""
    with asyncio.Runner(loop_factory=TurnedLoop) as runner:
        runner.run(script())
