"""Retry decisions: given a failed attempt, is there to be another, and when?

Pure: the time and the dice (a number in [0, 1) for the jitter) come in as data. The rules are Temporal's: an error that
says it is final, or whose type is listed, is final, and so are the time-outs that are not of one attempt; then the
number of attempts, then the time left decide.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy

__all__ = ["DEFAULT_ACTIVITY_RETRY", "NextAttempt", "next_attempt"]

DEFAULT_ACTIVITY_RETRY: Final = StoredRetryPolicy()
"""The policy of an activity that names none: from 1 s, doubling, at most 100 s, without end. A workflow has none."""


_FINAL: Final = frozenset({TimeoutType.SCHEDULE_TO_START, TimeoutType.SCHEDULE_TO_CLOSE})


class NextAttempt(NamedTuple):
    """The time when the next attempt is due (ns since the epoch), or the reason why there is none."""

    at: int | None
    state: RetryState


def next_attempt(  # noqa: PLR0913 - each is a datum of the decision
    policy: StoredRetryPolicy | None,
    failure: Failure,
    *,
    attempt: int,
    now: int,
    deadline: int | None,
    dice: float,
) -> NextAttempt:
    """Decide about the attempt after number `attempt`, which failed with `failure`.

    Args:
        policy: the retry policy; None: never again.
        failure: of the attempt.
        attempt: the number of the failed attempt, from 1.
        now: ns since the epoch.
        deadline: when it all must be over, ns since the epoch; None: no limit.
        dice: a random number in [0, 1), for the jitter.
    """
    if policy is None:
        return NextAttempt(None, RetryState.RETRY_POLICY_NOT_SET)
    if failure.non_retryable or (failure.type and failure.type in policy.non_retryable_error_types):
        return NextAttempt(None, RetryState.NON_RETRYABLE_FAILURE)
    if failure.timeout_type in _FINAL:
        return NextAttempt(None, RetryState.TIMEOUT)
    if policy.maximum_attempts and attempt >= policy.maximum_attempts:
        return NextAttempt(None, RetryState.MAXIMUM_ATTEMPTS_REACHED)
    at = now + (failure.next_retry_delay or policy.delay_ns(attempt, dice))
    if deadline is not None and at >= deadline:
        return NextAttempt(None, RetryState.TIMEOUT)
    return NextAttempt(at, RetryState.IN_PROGRESS)
