"""The clock is a parameter: code that needs the time is given a clock, so that tests can give their own."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns

__all__ = ["Clock", "SkippableClock", "system_clock"]

Clock = Callable[[], int]
"""A function that returns the time, integer nanoseconds since the epoch."""

system_clock: Clock = time_ns
"""The machine's clock; it may jump, but an actor never lets a run's time go backwards."""


class SkippableClock:
    """Goes on like another clock, and jumps ahead when it is told to; for tests."""

    __slots__ = ("_clock", "_skipped")

    def __init__(self, clock: Clock = system_clock) -> None:
        """Begin at the time of `clock`."""
        self._clock = clock
        self._skipped = 0

    def __call__(self) -> int:
        """Return the time, ns since the epoch."""
        return self._clock() + self._skipped

    def skip_to(self, at: int) -> None:
        """Jump to `at`, ns since the epoch; a time that has passed changes nothing. The caller tells those who wait."""
        self._skipped += max(0, at - self())
