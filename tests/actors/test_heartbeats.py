"""Heartbeats: the first details are written at once, later ones once an interval, the last always; silence is heard."""

from __future__ import annotations

import pytest

from tests.actors.fake_loop import SECOND, START, FakeLoop
from understudy.actors.activities.heartbeats import Heartbeats, throttle
from understudy.actors.activities.worker_options import WorkerOptions


class Heard:
    """Heartbeats on a clock of the test's, and what they led to."""

    def __init__(self, limit: float = 0.0, interval: float = 8.0) -> None:
        self.loop = FakeLoop()
        self.written: list[float] = []
        self.silent: list[float] = []
        self.beats = Heartbeats(
            self.loop.loop,
            limit=limit,
            interval=interval,
            record=lambda: self.written.append(self.loop.time()),
            on_silence=lambda: self.silent.append(self.loop.time()),
        )

    def at(self, seconds: float) -> Heartbeats:
        """The heartbeats, when it is so late."""
        self.loop.turn_to(START + round(seconds * SECOND))
        return self.beats


# -- the interval ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(0.0, 30.0), (10.0, 8.0), (60.0, 48.0), (100.0, 60.0)],
    ids=["no time-out: the default", "0.8 of it", "0.8 of it, too", "at most the maximum"],
)
def test_the_interval_follows_the_heartbeat_time_out(timeout: float, seconds: float) -> None:
    assert throttle(timeout, WorkerOptions()) == seconds


def test_the_maximum_caps_the_default_too() -> None:
    assert throttle(0.0, WorkerOptions(default_heartbeat_throttle=30.0, max_heartbeat_throttle=5.0)) == 5.0


# -- writing ---------------------------------------------------------------------------------------------------------


def test_the_first_details_are_written_at_once_and_need_no_timer() -> None:
    heard = Heard()
    assert heard.loop.waiting == 0
    heard.at(1).beat(changed=True)
    assert heard.written == [1]
    assert heard.loop.waiting == 0
    assert not heard.beats.is_unwritten


def test_what_comes_within_the_interval_is_written_once_at_its_end() -> None:
    heard = Heard()
    for second in (1, 2, 3, 8):
        heard.at(second).beat(changed=True)
    assert heard.written == [1]
    assert heard.beats.is_unwritten
    assert heard.loop.waiting == 1
    heard.at(9)
    assert heard.written == [1, 9]
    assert heard.loop.waiting == 0


def test_behind_a_quiet_interval_details_are_written_at_once_again() -> None:
    heard = Heard()
    heard.at(1).beat(changed=True)
    heard.at(20).beat(changed=True)
    assert heard.written == [1, 20]


def test_details_that_are_the_same_are_not_written() -> None:
    heard = Heard()
    heard.at(1).beat(changed=False)
    heard.at(2).beat(changed=True)
    heard.at(3).beat(changed=False)
    assert heard.written == [2]
    assert heard.loop.waiting == 0


def test_without_an_interval_everything_is_written_at_once() -> None:
    heard = Heard(interval=0.0)
    for second in (1, 2, 3):
        heard.at(second).beat(changed=True)
    assert heard.written == [1, 2, 3]


def test_what_is_unwritten_can_be_written_early_and_is_not_written_again() -> None:
    heard = Heard()
    heard.at(1).beat(changed=True)
    heard.at(2).beat(changed=True)
    heard.at(3).flush()
    heard.at(4).flush()
    heard.at(60)
    assert heard.written == [1, 3]
    assert repr(heard.beats) == "<heartbeats every 8 s>"


# -- silence ---------------------------------------------------------------------------------------------------------


def test_who_beats_is_not_silent_until_it_stops() -> None:
    heard = Heard(limit=10.0)
    for second in (5, 12, 19):
        heard.at(second).beat(changed=False)
    heard.at(28)
    assert heard.silent == []
    heard.at(29)
    assert heard.silent == [29]
    heard.at(100)
    assert heard.silent == [29]


def test_what_was_stopped_writes_nothing_and_hears_no_silence() -> None:
    heard = Heard(limit=10.0)
    heard.at(1).beat(changed=True)
    heard.at(2).beat(changed=True)
    assert repr(heard.beats) == "<heartbeats every 8 s, one unwritten>"
    heard.beats.stop()
    heard.at(100)
    assert (heard.written, heard.silent, heard.loop.waiting) == ([1], [], 0)
