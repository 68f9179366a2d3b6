"""Cron expressions: when the next time is, in UTC and in other zones, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from understudy.events.errors import InvalidArgumentError
from understudy.events.options.cron import checked_cron, next_cron

SECOND = 1_000_000_000


def at(text: str) -> int:
    """A time as ns since the epoch."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("expression", "after", "then"),
    [
        ("* * * * *", "2026-01-01 12:00:00", "2026-01-01 12:01:00"),
        ("* * * * *", "2026-01-01 12:00:59", "2026-01-01 12:01:00"),
        ("*/15 * * * *", "2026-01-01 12:14:59", "2026-01-01 12:15:00"),
        ("0 9 * * 1-5", "2026-01-02 09:00:00", "2026-01-05 09:00:00"),
        ("0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00"),
        ("  0 12 * * *  ", "2026-01-01 00:00:00", "2026-01-01 12:00:00"),
        ("@yearly", "2026-01-01 00:00:00", "2027-01-01 00:00:00"),
        ("@annually", "2026-03-01 00:00:00", "2027-01-01 00:00:00"),
        ("@monthly", "2026-01-01 00:00:00", "2026-02-01 00:00:00"),
        ("@weekly", "2026-01-01 00:00:00", "2026-01-04 00:00:00"),
        ("@daily", "2026-01-01 00:00:00", "2026-01-02 00:00:00"),
        ("@midnight", "2026-01-01 23:59:59", "2026-01-02 00:00:00"),
        ("@hourly", "2026-01-01 00:59:59", "2026-01-01 01:00:00"),
        ("@every 90s", "1970-01-01 00:00:00", "1970-01-01 00:01:30"),
        ("@every 90s", "1970-01-01 00:01:30", "1970-01-01 00:03:00"),
        ("@every 1h30m", "1970-01-01 02:00:00", "1970-01-01 03:00:00"),
        ("@every 1h", "2026-01-01 12:34:56", "2026-01-01 13:00:00"),
        ("CRON_TZ=Europe/Berlin 0 9 * * *", "2026-01-01 00:00:00", "2026-01-01 08:00:00"),
        ("TZ=Europe/Berlin 0 9 * * *", "2026-07-01 00:00:00", "2026-07-01 07:00:00"),
        ("CRON_TZ=Asia/Tokyo @daily", "2026-01-01 00:00:00", "2026-01-01 15:00:00"),
        ("CRON_TZ=Asia/Tokyo @every 1h", "2026-01-01 00:10:00", "2026-01-01 01:00:00"),
    ],
)
def test_the_next_time_is_behind_the_one_that_is_asked_about(expression: str, after: str, then: str) -> None:
    assert next_cron(expression, at(after)) == at(then)


def test_a_part_of_a_second_does_not_make_a_time_come_twice() -> None:
    noon = at("2026-01-01 12:00:00")
    assert next_cron("0 * * * *", noon - 1) == noon
    assert next_cron("0 * * * *", noon) == noon + 3600 * SECOND
    assert next_cron("0 * * * *", noon + 1) == noon + 3600 * SECOND
    assert next_cron("@every 1m", noon - 1) == noon


def test_an_hour_that_a_day_does_not_have_is_run_when_the_clock_has_jumped() -> None:
    after = next_cron("CRON_TZ=Europe/Berlin 30 2 * * *", at("2026-03-28 12:00:00"))
    assert after == at("2026-03-29 01:00:00")
    assert next_cron("CRON_TZ=Europe/Berlin 30 2 * * *", after) == at("2026-03-30 00:30:00")


def test_an_hour_that_a_day_has_twice_is_run_once() -> None:
    first = next_cron("CRON_TZ=Europe/Berlin 30 2 * * *", at("2026-10-24 12:00:00"))
    assert first == at("2026-10-25 00:30:00")
    assert next_cron("CRON_TZ=Europe/Berlin 30 2 * * *", first) == at("2026-10-26 01:30:00")


@pytest.mark.parametrize("expression", ["0 9 * * 1-5", "@daily", "@every 90s", "CRON_TZ=Europe/Berlin 0 9 * * *"])
def test_an_expression_that_can_be_is_taken_as_it_is(expression: str) -> None:
    assert checked_cron(expression) == expression


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "it has 0 fields"),
        ("* * * *", "it has 4 fields"),
        ("0 0 9 * * *", "it has 6 fields; there are minute, hour, day of month, month and day of week"),
        ("61 * * * *", "Bad minute"),
        ("@fortnightly", "there is no '@fortnightly', only @every and @yearly"),
        ("@every", "'@every' has no interval in hours, minutes and seconds"),
        ("@every 5", "'@every' has no interval in hours, minutes and seconds"),
        ("@every 0s", "an interval of 0 s"),
        ("CRON_TZ=Mars/Olympus 0 9 * * *", "Mars/Olympus"),
        ("CRON_TZ=../etc 0 9 * * *", "etc"),
        ("0 0 30 2 *", ""),
    ],
)
def test_an_expression_that_cannot_be_is_refused_and_told_why(expression: str, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cron_schedule") as caught:
        checked_cron(expression)
    assert why in str(caught.value)
    assert "'@every 90s'" in str(caught.value)


def test_what_is_no_text_is_no_expression() -> None:
    with pytest.raises(InvalidArgumentError, match="cron_schedule is 5, where a cron expression is expected"):
        checked_cron(5)
