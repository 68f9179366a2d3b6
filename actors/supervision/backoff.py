"""Exponential back-off: the wait before a failed thing is tried again."""

from __future__ import annotations

import msgspec

__all__ = ["Backoff"]

_MOST_DOUBLINGS = 30
"""Enough for any pair of delays; the power of a larger number of failures would not fit a float."""


class Backoff(msgspec.Struct, frozen=True, gc=False):
    """A delay that doubles with each failure in a row, between two limits in seconds."""

    first: float
    last: float

    def delay(self, failures: int) -> float:
        """Return the wait, s, after as many failures in a row; one failure means the first delay."""
        return min(self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.last)
