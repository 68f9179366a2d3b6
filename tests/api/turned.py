"""Engines all of whose time the test turns: their clock, and the loop by which attempts at work count.

What is durable (timers, delays, time-outs of runs) goes by the engine's clock; for that alone, `Skipping` is enough.
The limits of an attempt at work, and the signs of life that it is to give, go by its loop, which a test can turn only
if the loop is its own. Limits are hours then: none strikes because the machine is slow, and each when it is to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.api.harness import Skipping
from tests.turn import on_turned_loop, turn_loop

__all__ = ["Turned", "on_turned_time"]


class Turned(Skipping):
    """An engine whose clock and whose loop the test turns."""

    def turn(self, time: timedelta) -> None:
        """Let so much time have passed, whatever is under way."""
        turn_loop(time)
        super().turn(time)


def on_turned_time(url: str, script: Callable[[Turned], Awaitable[None]]) -> None:
    """Run a script with an engine of its own, on a loop of its own."""

    async def play() -> None:
        engine = Turned(url)
        await engine.open()
        try:
            await script(engine)
        finally:
            await engine.close()

    on_turned_loop(play)
