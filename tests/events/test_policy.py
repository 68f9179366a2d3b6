"""A policy is checked where it is made, comes back from the store as it was, and its back-off keeps its bounds."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import timedelta
from enum import IntEnum
from fractions import Fraction
from typing import Any

import msgspec
import pytest
import temporalio.client
import temporalio.common
import temporalio.exceptions
import temporalio.workflow
from hypothesis import assume, given
from hypothesis import strategies as st

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.failures.failure import ApplicationErrorCategory
from understudy.events.options import policies as policy
from understudy.events.options.durations import MAX_NS, from_ns, to_ns
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy, StoredRetryPolicy

SECOND = 1_000_000_000

spans = st.timedeltas(timedelta(0), timedelta(days=10_000))


@st.composite
def retry_policies(draw: st.DrawFn) -> RetryPolicy:
    initial, longer = draw(spans), draw(st.none() | spans)
    return RetryPolicy(
        initial_interval=initial,
        backoff_coefficient=draw(st.floats(1, 1e300)),
        maximum_interval=None if longer is None else initial + longer,
        maximum_attempts=draw(st.integers(0, 10**6)),
        non_retryable_error_types=draw(st.none() | st.lists(st.text(), min_size=1)),
        jitter=draw(st.floats(0, 1)),
    )


policies = retry_policies()


# -- durations


@given(st.timedeltas(timedelta(0), timedelta(microseconds=MAX_NS // 1000)))
def test_a_duration_comes_back_from_nanoseconds(span: timedelta) -> None:
    ns = to_ns(span, name="x")
    assert ns is not None
    assert from_ns(ns) == span


def test_no_duration_stays_none() -> None:
    assert to_ns(None, name="x") is None


@pytest.mark.parametrize("given_value", [5, 5.0, "5s", b"", object])
def test_a_duration_that_is_no_timedelta_names_the_parameter(given_value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^heartbeat_timeout is .* a datetime\.timedelta") as caught:
        to_ns(given_value, name="heartbeat_timeout")
    assert "heartbeat_timeout=timedelta(seconds=...)" in str(caught.value)


@given(st.timedeltas(max_value=timedelta(microseconds=-1)))
def test_a_negative_duration_is_refused(span: timedelta) -> None:
    with pytest.raises(InvalidArgumentError, match="zero or more"):
        to_ns(span, name="x")


def test_zero_is_refused_where_it_means_nothing() -> None:
    assert to_ns(timedelta(0), name="x") == 0
    with pytest.raises(InvalidArgumentError, match="more than zero"):
        to_ns(timedelta(0), name="x", allow_zero=False)


def test_a_duration_that_no_database_holds_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="292 years"):
        to_ns(timedelta.max, name="x")


# -- retry policies


def test_the_defaults_are_those_of_the_interface_that_is_followed() -> None:
    ours, theirs = RetryPolicy(), temporalio.common.RetryPolicy()
    for field in dataclasses.fields(theirs):
        assert getattr(ours, field.name) == getattr(theirs, field.name)


@given(policies)
def test_a_policy_comes_back_from_the_store_as_it_was(retry: RetryPolicy) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(retry.to_stored()), type=StoredRetryPolicy)
    assert RetryPolicy.from_stored(stored) == retry
    assert pickle.loads(pickle.dumps(retry)) == retry  # noqa: S301 - our own pickle


def test_the_default_policy_takes_no_room() -> None:
    assert msgspec.json.encode(RetryPolicy().to_stored()) == b"{}"


@given(policies, st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_the_back_off_stays_between_zero_and_its_maximum(retry: RetryPolicy, attempt: int, dice: float) -> None:
    stored = retry.to_stored()
    delay = stored.delay_ns(attempt, dice)
    most = stored.initial_interval * 100 if stored.maximum_interval is None else stored.maximum_interval
    assert isinstance(delay, int)
    assert 0 <= delay <= min(most, MAX_NS)
    assert delay == retry.delay_ns(attempt, dice)


@given(policies, st.integers(1, 2000))
def test_the_back_off_never_gets_shorter(retry: RetryPolicy, attempt: int) -> None:
    stored = msgspec.structs.replace(retry.to_stored(), jitter=0.0)
    now, later = stored.delay_ns(attempt), stored.delay_ns(attempt + 1)
    assert later >= now * (1 - 1e-12)


@given(st.integers(0, 10**15), st.integers(100, 500), st.integers(1, 60))
def test_the_back_off_is_the_exact_power(initial: int, hundredths: int, attempt: int) -> None:
    stored = StoredRetryPolicy(initial_interval=initial, backoff_coefficient=hundredths / 100, maximum_interval=MAX_NS)
    exact = min(initial * Fraction(hundredths / 100) ** (attempt - 1), Fraction(MAX_NS))
    assert abs(stored.delay_ns(attempt) - exact) <= 1 + exact / 10**9


@given(policies, st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_jitter_takes_away_no_more_than_its_fraction(retry: RetryPolicy, attempt: int, dice: float) -> None:
    stored = retry.to_stored()
    whole = msgspec.structs.replace(stored, jitter=0.0).delay_ns(attempt)
    delay = stored.delay_ns(attempt, dice)
    assume(whole > 0)
    assert whole * (1 - stored.jitter) - 1 - whole * 1e-12 <= delay <= whole


def test_the_back_off_doubles_up_to_a_hundred_times() -> None:
    delays = [RetryPolicy().delay_ns(attempt) / SECOND for attempt in range(1, 10)]
    assert delays == [1, 2, 4, 8, 16, 32, 64, 100, 100]


def test_full_jitter_with_the_same_dice_is_the_same_again() -> None:
    retry = RetryPolicy(jitter=1.0)
    assert retry.delay_ns(2, 0.75) == SECOND // 2
    assert retry.delay_ns(2, 0.0) == 2 * SECOND


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"initial_interval": 1}, ArgumentTypeError, "initial_interval"),
        ({"initial_interval": None}, ArgumentTypeError, "initial_interval"),
        ({"initial_interval": timedelta(-1)}, InvalidArgumentError, "initial_interval"),
        ({"maximum_interval": timedelta(-1)}, InvalidArgumentError, "maximum_interval"),
        ({"maximum_interval": timedelta(milliseconds=1)}, InvalidArgumentError, "maximum_interval"),
        ({"backoff_coefficient": 0.5}, InvalidArgumentError, "backoff_coefficient"),
        ({"backoff_coefficient": float("inf")}, InvalidArgumentError, "backoff_coefficient"),
        ({"backoff_coefficient": float("nan")}, InvalidArgumentError, "backoff_coefficient"),
        ({"backoff_coefficient": "2"}, ArgumentTypeError, "backoff_coefficient"),
        ({"maximum_attempts": -1}, InvalidArgumentError, "maximum_attempts"),
        ({"maximum_attempts": 1.5}, ArgumentTypeError, "maximum_attempts"),
        ({"maximum_attempts": True}, ArgumentTypeError, "maximum_attempts"),
        ({"non_retryable_error_types": "ValueError"}, ArgumentTypeError, "non_retryable_error_types"),
        ({"non_retryable_error_types": [ValueError]}, ArgumentTypeError, "non_retryable_error_types"),
        ({"jitter": 1.1}, InvalidArgumentError, "jitter"),
        ({"jitter": -0.1}, InvalidArgumentError, "jitter"),
        ({"jitter": True}, ArgumentTypeError, "jitter"),
    ],
)
def test_a_policy_that_cannot_be_names_the_parameter(
    options: dict[str, Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=f"^{named} is"):
        RetryPolicy(**options)


def test_with_one_attempt_the_intervals_do_not_matter() -> None:
    RetryPolicy(maximum_attempts=1, initial_interval=timedelta(hours=1), maximum_interval=timedelta(seconds=1))


# -- priority and choices


def test_a_priority_is_one_or_more() -> None:
    assert Priority.default == Priority()
    assert Priority(priority_key=1).priority_key == 1
    with pytest.raises(InvalidArgumentError):
        Priority(priority_key=0)
    with pytest.raises(ArgumentTypeError):
        Priority(priority_key="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # on purpose


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"fairness_key": 3}, ArgumentTypeError),
        ({"fairness_weight": "1"}, ArgumentTypeError),
        ({"fairness_weight": -1}, InvalidArgumentError),
        ({"fairness_weight": float("nan")}, InvalidArgumentError),
    ],
)
def test_the_fairness_of_a_priority_is_checked(options: dict[str, Any], error: type[Exception]) -> None:
    assert Priority(fairness_key="tenant", fairness_weight=2).fairness_weight == 2
    with pytest.raises(error, match=f"^{next(iter(options))} is"):
        Priority(**options)


THEIRS = (temporalio.common, temporalio.workflow, temporalio.client, temporalio.exceptions)
OURS = [
    thing
    for module in (policy,)
    for name, thing in vars(module).items()
    if isinstance(thing, type) and issubclass(thing, IntEnum) and any(hasattr(theirs, name) for theirs in THEIRS)
]


@pytest.mark.parametrize("ours", [*OURS, ApplicationErrorCategory])
def test_a_choice_has_the_members_and_numbers_of_the_interface_that_is_followed(ours: type[IntEnum]) -> None:
    theirs = next(getattr(module, ours.__name__) for module in THEIRS if hasattr(module, ours.__name__))
    assert {member.name: int(member) for member in ours} == {member.name: int(member) for member in theirs}


def test_public_classes_show_the_door_that_they_are_imported_by() -> None:
    assert RetryPolicy.__module__ == Priority.__module__ == "understudy.common"
    assert policy.TimeoutType.__module__ == "understudy.exceptions"
