"""Rates: tokens come steadily, and are saved up for a moment only."""

from __future__ import annotations

import pytest

from understudy.actors.activities.token_bucket import TokenBucket

SECOND = 1_000_000_000
START = 1_763_771_696 * SECOND


def taken(bucket: TokenBucket, begin: int, end: int) -> list[int]:
    """When tokens are taken by one who takes each as soon as it is there, in ns since the beginning."""
    found, now = list[int](), begin
    while now < end:
        bucket.take(now)
        found.append(now - begin)
        now = max(now, bucket.ready_at)
    return found


def test_the_first_token_is_there_at_once() -> None:
    assert TokenBucket(0.5).ready_at <= START


@pytest.mark.parametrize(("rate", "interval"), [(0.5, 2 * SECOND), (1, SECOND), (2.5, SECOND * 2 // 5)])
def test_a_low_rate_gives_one_token_at_a_time(rate: float, interval: int) -> None:
    assert taken(TokenBucket(rate), START, START + 3 * interval) == [0, interval, 2 * interval]


def test_a_high_rate_gives_handfuls_and_no_more_in_the_long_run() -> None:
    times = taken(TokenBucket(1_000), START, START + SECOND)
    assert times[:10] == [0] * 10
    assert times[10:13] == [1_000_000, 2_000_000, 3_000_000]
    assert len(times) == 1_009


def test_what_was_not_taken_in_a_long_time_is_not_saved_up() -> None:
    bucket = TokenBucket(1)
    bucket.take(START)
    assert taken(bucket, START + 3_600 * SECOND, START + 3_602 * SECOND) == [0, SECOND]


def test_a_rate_beyond_the_clock_s_own_is_as_good_as_none() -> None:
    assert len(taken(TokenBucket(1e12), START, START + 100)) > 100


def test_a_bucket_shows_its_rate() -> None:
    assert repr(TokenBucket(2.5)) == "<2.5 tokens a second>"
