"""Retry decisions: a table of cases, and what holds for all: never before now, never beyond the longest wait."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.actors.behaviors.decisions.retry import DEFAULT_ACTIVITY_RETRY, NextAttempt, next_attempt
from understudy.events.failures.failure import Failure
from understudy.events.options.durations import MAX_NS
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy

NOW: Final = 1_000
SECOND: Final = 1_000_000_000
AGAIN: Final = Failure(kind="application", message="no stock", type="NoStock")
FINAL: Final = Failure(kind="application", message="never", non_retryable=True)
LATER: Final = Failure(kind="application", message="busy", next_retry_delay=7)

LONG_WAIT: Final = Failure(kind="timeout", timeout_type=TimeoutType.SCHEDULE_TO_START)
TOO_LONG: Final = Failure(kind="timeout", timeout_type=TimeoutType.SCHEDULE_TO_CLOSE)
SLOW: Final = Failure(kind="timeout", timeout_type=TimeoutType.START_TO_CLOSE)

State = RetryState
Policy = StoredRetryPolicy


def follow(policy: Policy | None, failure: Failure = AGAIN, **given_: Any) -> NextAttempt:
    """The decision at 1,000 about a first attempt, without a deadline and with the dice at 0."""
    named: dict[str, Any] = {"attempt": 1, "now": NOW, "deadline": None, "dice": 0.0, **given_}
    return next_attempt(policy, failure, **named)


CASES: Final[tuple[tuple[str, Policy | None, Failure, dict[str, Any], int | None, State], ...]] = (
    ("no policy", None, AGAIN, {}, None, State.RETRY_POLICY_NOT_SET),
    ("no policy and final", None, FINAL, {}, None, State.RETRY_POLICY_NOT_SET),
    ("first back-off", Policy(100), AGAIN, {}, 1_100, State.IN_PROGRESS),
    ("second, doubled", Policy(100), AGAIN, {"attempt": 2}, 1_200, State.IN_PROGRESS),
    ("third, tripled each", Policy(100, 3.0), AGAIN, {"attempt": 3}, 1_900, State.IN_PROGRESS),
    ("capped", Policy(100, 2.0, 150), AGAIN, {"attempt": 2}, 1_150, State.IN_PROGRESS),
    ("capped at a hundred times", Policy(100), AGAIN, {"attempt": 50}, 11_000, State.IN_PROGRESS),
    ("constant", Policy(100, 1.0), AGAIN, {"attempt": 9}, 1_100, State.IN_PROGRESS),
    ("at once", Policy(0), AGAIN, {"attempt": 9}, 1_000, State.IN_PROGRESS),
    ("final", Policy(100), FINAL, {}, None, State.NON_RETRYABLE_FAILURE),
    ("final by type", Policy(non_retryable_error_types=("NoStock",)), AGAIN, {}, None, State.NON_RETRYABLE_FAILURE),
    ("other type", Policy(100, non_retryable_error_types=("Gone",)), AGAIN, {}, 1_100, State.IN_PROGRESS),
    ("no type", Policy(100, non_retryable_error_types=("",)), LATER, {}, 1_007, State.IN_PROGRESS),
    ("final and used up", Policy(maximum_attempts=1), FINAL, {}, None, State.NON_RETRYABLE_FAILURE),
    ("waited too long", Policy(100), LONG_WAIT, {}, None, State.TIMEOUT),
    ("took too long in all", Policy(100), TOO_LONG, {}, None, State.TIMEOUT),
    ("attempt took too long", Policy(100), SLOW, {}, 1_100, State.IN_PROGRESS),
    ("one left", Policy(100, maximum_attempts=3), AGAIN, {"attempt": 2}, 1_200, State.IN_PROGRESS),
    ("used up", Policy(100, maximum_attempts=3), AGAIN, {"attempt": 3}, None, State.MAXIMUM_ATTEMPTS_REACHED),
    ("beyond", Policy(100, maximum_attempts=3), AGAIN, {"attempt": 4}, None, State.MAXIMUM_ATTEMPTS_REACHED),
    ("no limit", Policy(100, 1.0, maximum_attempts=0), AGAIN, {"attempt": 10**6}, 1_100, State.IN_PROGRESS),
    ("own delay", Policy(100), LATER, {"attempt": 5}, 1_007, State.IN_PROGRESS),
    ("own delay beyond the cap", Policy(1, 1.0, 2), LATER, {}, 1_007, State.IN_PROGRESS),
    ("in time", Policy(100), AGAIN, {"deadline": 1_101}, 1_100, State.IN_PROGRESS),
    ("too late by nothing", Policy(100), AGAIN, {"deadline": 1_100}, None, State.TIMEOUT),
    ("too late", Policy(100), AGAIN, {"deadline": 900}, None, State.TIMEOUT),
    ("own delay too late", Policy(1), LATER, {"deadline": 1_007}, None, State.TIMEOUT),
    ("used up and too late", Policy(maximum_attempts=1), AGAIN, {"deadline": 1}, None, State.MAXIMUM_ATTEMPTS_REACHED),
    ("jitter, dice low", Policy(100, jitter=0.5), AGAIN, {"dice": 0.0}, 1_100, State.IN_PROGRESS),
    ("jitter, dice high", Policy(100, jitter=0.5), AGAIN, {"dice": 0.98}, 1_051, State.IN_PROGRESS),
    ("no jitter, dice high", Policy(100), AGAIN, {"dice": 0.98}, 1_100, State.IN_PROGRESS),
)


@pytest.mark.parametrize(
    ("policy", "failure", "given_", "at", "state"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_decision_is_the_one_in_the_table(
    policy: Policy | None, failure: Failure, given_: dict[str, Any], at: int | None, state: State
) -> None:
    assert follow(policy, failure, **given_) == NextAttempt(at, state)


def test_an_activity_that_names_no_policy_waits_a_second_then_two_and_a_hundred_at_most() -> None:
    waits = [follow(DEFAULT_ACTIVITY_RETRY, attempt=attempt, now=0).at for attempt in (1, 2, 7, 8, 10**9)]
    assert waits == [SECOND, 2 * SECOND, 64 * SECOND, 100 * SECOND, 100 * SECOND]


policies = st.builds(
    Policy,
    initial_interval=st.integers(0, 10**15),
    backoff_coefficient=st.floats(1, 100),
    maximum_interval=st.none() | st.integers(0, 10**18),
    maximum_attempts=st.integers(0, 20),
    jitter=st.floats(0, 1),
)
dice = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)
nows = st.integers(0, MAX_NS)


def longest(policy: Policy) -> int:
    """The longest wait that a policy allows."""
    return policy.initial_interval * 100 if policy.maximum_interval is None else policy.maximum_interval


@given(policies, attempts, nows, dice)
def test_the_next_attempt_is_never_before_now_and_never_beyond_the_longest_wait(
    policy: Policy, attempt: int, now: int, thrown: float
) -> None:
    at, state = follow(policy, attempt=attempt, now=now, dice=thrown)
    if policy.maximum_attempts and attempt >= policy.maximum_attempts:
        assert (at, state) == (None, State.MAXIMUM_ATTEMPTS_REACHED)
    else:
        assert at is not None
        assert now <= at <= now + longest(policy)
        assert state is State.IN_PROGRESS


@given(policies, attempts, dice)
def test_jitter_only_shortens_and_by_no_more_than_its_fraction(policy: Policy, attempt: int, thrown: float) -> None:
    whole, cut = policy.delay_ns(attempt, 0.0), policy.delay_ns(attempt, thrown)
    assert 0 <= whole - cut <= policy.jitter * whole * (1 + 1e-9) + 1


@given(policies, attempts)
def test_a_later_attempt_waits_at_least_as_long(policy: Policy, attempt: int) -> None:
    assert policy.delay_ns(attempt) <= policy.delay_ns(attempt + 1)


@given(policies, attempts, nows, dice, st.integers(0, MAX_NS))
def test_no_attempt_is_planned_at_or_behind_the_deadline(
    policy: Policy, attempt: int, now: int, thrown: float, deadline: int
) -> None:
    at, state = follow(policy, attempt=attempt, now=now, dice=thrown, deadline=deadline)
    assert at is None or at < deadline
    assert (at is not None) == (state is State.IN_PROGRESS)
