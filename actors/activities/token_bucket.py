"""A limit on how often something begins: each beginning takes a token, and tokens come at a steady rate.

Callers bring the time; the state is one number, the time by which all tokens given out so far will have come (the
generic cell rate algorithm, ITU-T I.371). Tokens are saved up for `_SAVED_NS` at most: a loop cannot begin things more
finely than it turns, so a high rate is kept in small handfuls and a low one singly.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TokenBucket"]

_SAVED_NS: Final = 10_000_000
"""Tokens of the last 10 ms are saved up, or one token if a token takes longer to come."""


class TokenBucket:
    """Gives out so many tokens a second; times are integer nanoseconds since the epoch."""

    __slots__ = ("_interval", "_paid_until", "_saved")

    def __init__(self, per_second: float) -> None:
        """Begin with as many tokens as are ever saved up."""
        self._interval = max(int(1e9 / per_second), 1)
        self._saved = max(_SAVED_NS - self._interval, 0)
        self._paid_until = 0

    def __repr__(self) -> str:
        """Show the rate of tokens."""
        return f"<{1e9 / self._interval:g} tokens a second>"

    @property
    def ready_at(self) -> int:
        """Return the time when the next token is there, ns since the epoch; a time that has passed means now."""
        return self._paid_until - self._saved

    def take(self, now: int) -> None:
        """Take a token; the caller has seen that one is there."""
        self._paid_until = max(self._paid_until, now) + self._interval
