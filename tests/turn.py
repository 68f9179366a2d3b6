"""An engine's clock in the hands of a test."""

from __future__ import annotations

from datetime import timedelta

from understudy.actors.clock import SkippableClock
from understudy.client import Client

__all__ = ["turn"]


def turn(client: Client, time: timedelta) -> None:
    """Let so much time have passed by the clock of a client's engine, whatever is under way."""
    engine, clock = client.engine, client.engine.clock
    assert isinstance(clock, SkippableClock)
    clock.skip_to(clock() + time // timedelta(microseconds=1) * 1_000)
    engine.time_jumped()
