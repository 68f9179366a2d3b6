"""The clock, as a parameter: whoever needs the time is given one, so that tests own it."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns

__all__ = ["Clock", "SkippableClock", "system_clock"]

Clock = Callable[[], int]
"""Returns the time, integer nanoseconds since the epoch."""

system_clock: Clock = time_ns
"""The machine's clock. It may jump; an actor never lets a run's time go backwards."""


class SkippableClock:
    """A clock that goes on like another, and jumps ahead when it is told to; for tests."""

    __slots__ = ("_clock", "_skipped")

    def __init__(self, clock: Clock = system_clock) -> None:
        """Begin at the time of `clock`."""
        self._clock = clock
        self._skipped = 0

    def __call__(self) -> int:
        """Return the time, ns since the epoch."""
        return self._clock() + self._skipped

    def skip_to(self, at: int) -> None:
        """Jump to `at`, ns since the epoch; what has passed already changes nothing. Whoever waits is to be told."""
        self._skipped += max(0, at - self())
