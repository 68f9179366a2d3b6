"""Policies: what is to happen when something fails, repeats or ends, as plain values.

A policy is written by users (`RetryPolicy`, with timedeltas) and stored in events (`StoredRetryPolicy`, with integer
nanoseconds). It is checked where it is made, so that a wrong one is a traceback at its own line and not a failed run.
Names, members and numbers of the enums are Temporal's.

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
from enum import IntEnum
from typing import ClassVar, Final

import msgspec

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.public import public

__all__ = [
    "MAX_NS",
    "ActivityCancellationType",
    "ChildWorkflowCancellationType",
    "ParentClosePolicy",
    "Priority",
    "QueryRejectCondition",
    "ResetChildren",
    "RetryPolicy",
    "RetryState",
    "StoredRetryPolicy",
    "TimeoutType",
    "WorkflowExecutionStatus",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
    "from_ns",
    "to_ns",
]

MAX_NS: Final = 2**63 - 1
"""The longest duration and the latest time that is stored: 292 years, what fits a database's 64-bit integer."""

_SECOND: Final = 1_000_000_000
_DEFAULT_MAXIMUM: Final = 100
"""Without a maximum interval, the back-off grows to as many times the initial one; Temporal's number."""


# ------------------------------------------------------------------------------------------- durations


def to_ns(duration: timedelta | None, *, name: str, allow_zero: bool = True) -> int | None:
    """Return a duration in nanoseconds; None stays None.

    Args:
        duration: what the user gave.
        name: the parameter's name, for the error.
        allow_zero: whether zero has a meaning.

    Raises:
        ArgumentTypeError: it is not a timedelta.
        InvalidArgumentError: it is negative, or zero where that means nothing, or longer than 292 years.
    """
    if duration is None:
        return None
    if not _is_a(duration, timedelta):
        raise ArgumentTypeError(
            what=name, got=repr(duration), expected="a datetime.timedelta", fix=f"Write {name}=timedelta(seconds=...)"
        )
    ns = (duration.days * 86_400 + duration.seconds) * _SECOND + duration.microseconds * 1_000
    if ns < 0 or (ns == 0 and not allow_zero):
        least = "a timedelta of zero or more" if allow_zero else "a timedelta of more than zero"
        raise InvalidArgumentError(what=name, got=repr(duration), expected=least)
    if ns > MAX_NS:
        raise InvalidArgumentError(what=name, got=repr(duration), expected="a timedelta of at most 292 years")
    return ns


def _is_a(value: object, *kinds: type) -> bool:
    """Whether a value is what its hint says: callers without a type checker are the ones to be told."""
    return isinstance(value, kinds) and not isinstance(value, bool)


def from_ns(ns: int) -> timedelta:
    """Return `ns` nanoseconds as a timedelta, which counts in microseconds; parts of one are cut off."""
    return timedelta(microseconds=ns // 1_000)


# ------------------------------------------------------------------------------------------- retries


class StoredRetryPolicy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A retry policy as events hold it: intervals in ns, defaults left out. Made by `RetryPolicy.to_stored`."""

    initial_interval: int = _SECOND
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
    """When and how often to try again.

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
        """Check the values."""
        initial = _needed_ns(self.initial_interval, "initial_interval")
        maximum = to_ns(self.maximum_interval, name="maximum_interval")
        _check_number(self.backoff_coefficient, "backoff_coefficient", least=1.0)
        _check_number(self.jitter, "jitter", least=0.0, most=1.0)
        if not _is_a(self.maximum_attempts, int):
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
            initial_interval=_SECOND if initial == _SECOND else initial,  # msgspec knows a default by identity
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


def _check_number(value: float, name: str, *, least: float, most: float = math.inf) -> None:
    if not _is_a(value, int, float):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a number")
    if not (least <= value <= most and math.isfinite(value)):
        limits = f"{least:g} or more" if most == math.inf else f"between {least:g} and {most:g}"
        raise InvalidArgumentError(what=name, got=repr(value), expected=f"a number of {limits}")


def _type_names(names: Sequence[str]) -> tuple[str, ...]:
    # A lone string is a sequence of strings, too, and would be taken letter by letter.
    if isinstance(names, str) or not all(_is_a(name, str) for name in names):
        raise ArgumentTypeError(
            what="non_retryable_error_types",
            got=repr(names),
            expected="a sequence of type names",
            fix="Write the names of the types, like ['ValueError']",
        )
    return tuple(names)


# ------------------------------------------------------------------------------------------- priority


@public("understudy.common")
@dataclass(frozen=True)
class Priority:
    """Which of the waiting tasks of a queue goes first; what is None is inherited from the workflow.

    Args:
        priority_key: 1 or more; lower goes first; 3 is what a task has that says nothing.
        fairness_key: tasks of different keys share the queue by their weights, whatever their numbers.
        fairness_weight: the share of this task's key; 1.0 is what a key has that says nothing.

    Raises:
        ArgumentTypeError: `priority_key` is not an int, `fairness_key` no string, or `fairness_weight` no number.
        InvalidArgumentError: `priority_key` is less than 1, or `fairness_weight` is negative.
    """

    priority_key: int | None = None
    fairness_key: str | None = None
    fairness_weight: float | None = None

    default: ClassVar[Priority]
    """Says nothing."""

    def __post_init__(self) -> None:
        """Check the values."""
        key, name, weight = self.priority_key, self.fairness_key, self.fairness_weight
        if key is not None and not _is_a(key, int):
            raise ArgumentTypeError(what="priority_key", got=repr(key), expected="an int")
        if key is not None and key < 1:
            raise InvalidArgumentError(what="priority_key", got=repr(key), expected="1 or more")
        if name is not None and not _is_a(name, str):
            raise ArgumentTypeError(what="fairness_key", got=repr(name), expected="a string")
        if weight is not None:
            _check_number(weight, "fairness_weight", least=0.0)


Priority.default = Priority()


# ------------------------------------------------------------------------------------------- choices


@public("understudy.common")
class WorkflowIDReusePolicy(IntEnum):
    """Whether a closed workflow's id may be taken again."""

    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3
    TERMINATE_IF_RUNNING = 4


@public("understudy.common")
class WorkflowIDConflictPolicy(IntEnum):
    """What happens to a start when a workflow with its id is running."""

    UNSPECIFIED = 0
    FAIL = 1
    USE_EXISTING = 2
    TERMINATE_EXISTING = 3


@public("understudy.common")
class QueryRejectCondition(IntEnum):
    """In which states of a workflow a query is not asked."""

    NONE = 1
    NOT_OPEN = 2
    NOT_COMPLETED_CLEANLY = 3


@public("understudy.workflow")
class ActivityCancellationType(IntEnum):
    """What a workflow waits for when it cancels an activity."""

    TRY_CANCEL = 0
    """Ask the activity to cancel; go on at once as if it had."""
    WAIT_CANCELLATION_COMPLETED = 1
    """Ask the activity to cancel; wait for how it ends."""
    ABANDON = 2
    """Do not ask; go on at once."""


@public("understudy.workflow")
class ChildWorkflowCancellationType(IntEnum):
    """What a workflow waits for when it cancels a child."""

    ABANDON = 0
    TRY_CANCEL = 1
    WAIT_CANCELLATION_COMPLETED = 2
    WAIT_CANCELLATION_REQUESTED = 3


@public("understudy.workflow")
class ParentClosePolicy(IntEnum):
    """What happens to a child when its parent closes."""

    UNSPECIFIED = 0
    TERMINATE = 1
    ABANDON = 2
    REQUEST_CANCEL = 3


@public("understudy.client")
class ResetChildren(IntEnum):
    """What becomes, in a reset, of the children that were started in the part that is cut off."""

    ADOPT = 1
    """They go on; where the code asks for the same child again, it gets the one that is there."""
    ABANDON = 2
    """They go on, and nobody waits for them."""
    TERMINATE = 3
    """They are terminated."""


@public("understudy.client")
class WorkflowExecutionStatus(IntEnum):
    """Where a run stands."""

    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    CONTINUED_AS_NEW = 6
    TIMED_OUT = 7


@public("understudy.exceptions")
class TimeoutType(IntEnum):
    """Which of the time-outs struck."""

    START_TO_CLOSE = 1
    SCHEDULE_TO_START = 2
    SCHEDULE_TO_CLOSE = 3
    HEARTBEAT = 4


@public("understudy.exceptions")
class RetryState(IntEnum):
    """Why there is, or is not, a further attempt."""

    IN_PROGRESS = 1
    NON_RETRYABLE_FAILURE = 2
    TIMEOUT = 3
    MAXIMUM_ATTEMPTS_REACHED = 4
    RETRY_POLICY_NOT_SET = 5
    INTERNAL_SERVER_ERROR = 6
    CANCEL_REQUESTED = 7
