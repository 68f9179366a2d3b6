"""Retry policies: they say how often, and after how long, something that failed is tried again.

A policy is written by users (`RetryPolicy`, with timedeltas) and stored in events (`StoredRetryPolicy`, with integer
nanoseconds). It is checked where it is made, so that a wrong one is a traceback at its own line and not a failed run.

The back-off after failed attempt n is `initial_interval * backoff_coefficient ** (n - 1)`, at most `maximum_interval`
(100 times the initial one, if none is given). Jitter then takes away up to that fraction of it. It only shortens, so
the maximum stays one, and a jitter of 1 is the "full jitter" of Marc Brooker's "Exponential Backoff And Jitter" (AWS
Architecture Blog, 2015). The dice come in as data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options.durations import MAX_NS, SECOND, from_ns, is_a, to_ns
from understudy.events.public import public

__all__ = ["RetryPolicy", "StoredRetryPolicy", "check_number"]

_DEFAULT_MAXIMUM: Final = 100
"""Without a maximum interval, the back-off grows to as many times the initial one; Temporal's number."""


class StoredRetryPolicy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A retry policy as events hold it: intervals in ns, defaults left out. Made by `RetryPolicy.to_stored`."""

    initial_interval: int = SECOND
    backoff_coefficient: float = 2.0
    maximum_interval: int | None = None
    """None: 100 times the initial one."""
    maximum_attempts: int = 0
    """0: no limit."""
    non_retryable_error_types: tuple[str, ...] = ()
    jitter: float = 0.0

    def delay_ns(self, attempt: int, unit_random: float = 0.0) -> int:
        """Return how long to wait after a failed attempt.

        Args:
            attempt: the number of the attempt that failed, from 1.
            unit_random: a number in [0, 1) for the jitter; it has no say without one.

        Returns:
            Nanoseconds, never more than the maximum interval.
        """
        initial = self.initial_interval
        most = initial * _DEFAULT_MAXIMUM if self.maximum_interval is None else self.maximum_interval
        most = min(most, MAX_NS)
        delay = min(initial, most)
        if attempt > 1 and 0 < initial < most:
            # The logarithm tells that the power is beyond the maximum before it can overflow.
            steps = attempt - 1
            if steps * math.log(self.backoff_coefficient) >= math.log(most) - math.log(initial):
                delay = most
            else:
                delay = min(int(initial * self.backoff_coefficient**steps), most)
        # What is taken away is rounded, not what stays: a float near the maximum may round to above it.
        return delay - int(delay * (self.jitter * unit_random)) if self.jitter else delay


@public("understudy.common")
@dataclass(frozen=True)
class RetryPolicy:
    """A rule for trying again after a failure: how often, and after how long.

    Args:
        initial_interval: the wait after the first failure.
        backoff_coefficient: what each wait is multiplied by for the next; at least 1.
        maximum_interval: the longest wait; None: 100 times the initial one.
        maximum_attempts: how many attempts in all; 0: no limit.
        non_retryable_error_types: types of errors, by name, that are final.
        jitter: the fraction (0 to 1) of each wait that chance may take away, so that many retries do not meet.

    Raises:
        ArgumentTypeError: a value is of the wrong type.
        InvalidArgumentError: a value cannot be.
    """

    initial_interval: timedelta = timedelta(seconds=1)
    backoff_coefficient: float = 2.0
    maximum_interval: timedelta | None = None
    maximum_attempts: int = 0
    non_retryable_error_types: Sequence[str] | None = None
    jitter: float = 0.0

    def __post_init__(self) -> None:
        """Check the values of all fields."""
        initial = _needed_ns(self.initial_interval, "initial_interval")
        maximum = to_ns(self.maximum_interval, name="maximum_interval")
        check_number(self.backoff_coefficient, "backoff_coefficient", least=1.0)
        check_number(self.jitter, "jitter", least=0.0, most=1.0)
        if not is_a(self.maximum_attempts, int):
            raise ArgumentTypeError(what="maximum_attempts", got=repr(self.maximum_attempts), expected="an int")
        if self.maximum_attempts < 0:
            raise InvalidArgumentError(
                what="maximum_attempts", got=repr(self.maximum_attempts), expected="0 (no limit) or more"
            )
        # With one attempt there is no wait, and Temporal does not look at the intervals either.
        if maximum is not None and maximum < initial and self.maximum_attempts != 1:
            raise InvalidArgumentError(
                what="maximum_interval",
                got=repr(self.maximum_interval),
                expected=f"at least the initial_interval, {self.initial_interval!r},",
                fix="Pass a longer maximum_interval, or a shorter initial_interval",
            )
        if self.non_retryable_error_types is not None:
            names = _type_names(self.non_retryable_error_types)
            object.__setattr__(self, "non_retryable_error_types", names)

    def to_stored(self) -> StoredRetryPolicy:
        """Return the form that events hold."""
        initial = _needed_ns(self.initial_interval, "initial_interval")
        return StoredRetryPolicy(
            initial_interval=SECOND if initial == SECOND else initial,  # msgspec knows a default by identity
            backoff_coefficient=float(self.backoff_coefficient),
            maximum_interval=to_ns(self.maximum_interval, name="maximum_interval"),
            maximum_attempts=self.maximum_attempts,
            non_retryable_error_types=tuple(self.non_retryable_error_types or ()),
            jitter=float(self.jitter),
        )

    @staticmethod
    def from_stored(stored: StoredRetryPolicy) -> RetryPolicy:
        """Return the policy that `stored` was made from."""
        return RetryPolicy(
            initial_interval=from_ns(stored.initial_interval),
            backoff_coefficient=stored.backoff_coefficient,
            maximum_interval=None if stored.maximum_interval is None else from_ns(stored.maximum_interval),
            maximum_attempts=stored.maximum_attempts,
            non_retryable_error_types=stored.non_retryable_error_types or None,
            jitter=stored.jitter,
        )

    def delay_ns(self, attempt: int, unit_random: float = 0.0) -> int:
        """Return how long to wait after failed attempt number `attempt`, in ns; see `StoredRetryPolicy.delay_ns`."""
        return self.to_stored().delay_ns(attempt, unit_random)


def _needed_ns(duration: timedelta, name: str) -> int:
    ns = to_ns(duration, name=name)
    if ns is None:
        raise ArgumentTypeError(what=name, got="None", expected="a datetime.timedelta")
    return ns


def check_number(value: float, name: str, *, least: float, most: float = math.inf) -> None:
    """Refuse a value that is no number, or not between `least` and `most`.

    Raises:
        ArgumentTypeError: it is not a number.
        InvalidArgumentError: it is outside of the limits, or not finite.
    """
    if not is_a(value, int, float):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a number")
    if not (least <= value <= most and math.isfinite(value)):
        limits = f"{least:g} or more" if most == math.inf else f"between {least:g} and {most:g}"
        raise InvalidArgumentError(what=name, got=repr(value), expected=f"a number of {limits}")


def _type_names(names: Sequence[str]) -> tuple[str, ...]:
    # A lone string is a sequence of strings, too, and would be taken letter by letter.
    if isinstance(names, str) or not all(is_a(name, str) for name in names):
        raise ArgumentTypeError(
            what="non_retryable_error_types",
            got=repr(names),
            expected="a sequence of type names",
            fix="Write the names of the types, like ['ValueError']",
        )
    return tuple(names)
