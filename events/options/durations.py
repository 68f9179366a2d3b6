"""Durations and instants, as users write them and as they are stored: `timedelta` outside, ns inside."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError

__all__ = ["MAX_NS", "SECOND", "from_ns", "is_a", "to_ns"]

MAX_NS: Final = 2**63 - 1
"""The longest duration and the latest time that is stored: 292 years, what fits a database's 64-bit integer."""


SECOND: Final = 1_000_000_000


def to_ns(duration: timedelta | None, *, name: str, allow_zero: bool = True) -> int | None:
    """Return a duration in nanoseconds; None stays None.

    Args:
        duration: what the user gave.
        name: the parameter's name, for the error.
        allow_zero: True if zero has a meaning.

    Raises:
        ArgumentTypeError: it is not a timedelta.
        InvalidArgumentError: it is negative, or zero where that means nothing, or longer than 292 years.
    """
    if duration is None:
        return None
    if not is_a(duration, timedelta):
        raise ArgumentTypeError(
            what=name, got=repr(duration), expected="a datetime.timedelta", fix=f"Write {name}=timedelta(seconds=...)"
        )
    ns = (duration.days * 86_400 + duration.seconds) * SECOND + duration.microseconds * 1_000
    if ns < 0 or (ns == 0 and not allow_zero):
        least = "a timedelta of zero or more" if allow_zero else "a timedelta of more than zero"
        raise InvalidArgumentError(what=name, got=repr(duration), expected=least)
    if ns > MAX_NS:
        raise InvalidArgumentError(what=name, got=repr(duration), expected="a timedelta of at most 292 years")
    return ns


def is_a(value: object, *kinds: type) -> bool:
    """True if a value is of the type that its hint says: the doors ask, for callers without a type checker."""
    return isinstance(value, kinds) and not isinstance(value, bool)


def from_ns(ns: int) -> timedelta:
    """Return `ns` nanoseconds as a timedelta, which counts in microseconds; parts of one are cut off."""
    return timedelta(microseconds=ns // 1_000)
