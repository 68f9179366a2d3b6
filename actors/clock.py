"""The clock, as a parameter: whoever needs the time is given one, so that tests own it."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns

__all__ = ["Clock", "system_clock"]

Clock = Callable[[], int]
"""Returns the time, integer nanoseconds since the epoch."""

system_clock: Clock = time_ns
"""The machine's clock. It may jump; an actor never lets a run's time go backwards."""
