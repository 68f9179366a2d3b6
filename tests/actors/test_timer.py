"""When runs are woken: one wake-up a run, in order, by one loop timer; the clock is the test's."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.actors.fake_loop import SECOND, START, FakeLoop
from understudy.actors.clock import SkippableClock
from understudy.actors.timers import HORIZON_NS, Timers

HOUR = 3_600 * SECOND


class Bell:
    """Timers on a loop of their own, and whom they woke."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.woken: list[str] = []
        self.timers = Timers(self.loop.loop, self.loop.clock, self.woken.append)


@pytest.fixture(name="bell")
def a_bell() -> Bell:
    return Bell()


def test_nobody_is_woken_who_did_not_ask(bell: Bell) -> None:
    assert len(bell.timers) == 0
    assert bell.loop.waiting == 0


def test_a_run_is_woken_at_its_time_and_not_before(bell: Bell) -> None:
    bell.timers.set("a", START + 5 * SECOND)
    bell.loop.turn_to(START + 5 * SECOND - 1)
    assert bell.woken == []
    bell.loop.turn_to(START + 5 * SECOND)
    assert bell.woken == ["a"]
    assert len(bell.timers) == 0
    assert bell.loop.waiting == 0


def test_runs_are_woken_in_the_order_of_their_times_whatever_the_order_of_asking(bell: Bell) -> None:
    for run_id, seconds in (("c", 3), ("a", 1), ("d", 4), ("b", 2)):
        bell.timers.set(run_id, START + seconds * SECOND)
    bell.loop.turn_to(START + 3 * SECOND)
    assert bell.woken == ["a", "b", "c"]
    assert len(bell.timers) == 1
    bell.loop.turn_to(START + 4 * SECOND)
    assert bell.woken == ["a", "b", "c", "d"]


def test_one_loop_timer_stands_behind_them_all(bell: Bell) -> None:
    for number in range(100):
        bell.timers.set(f"run-{number}", START + (100 - number) * SECOND)
        assert bell.loop.waiting == 1


def test_a_later_wish_takes_the_place_of_an_earlier_one(bell: Bell) -> None:
    bell.timers.set("a", START + 5 * SECOND)
    bell.timers.set("a", START + 9 * SECOND)
    bell.loop.turn_to(START + 8 * SECOND)
    assert bell.woken == []
    bell.loop.turn_to(START + 9 * SECOND)
    assert bell.woken == ["a"]


def test_an_earlier_wish_takes_the_place_of_a_later_one_and_wakes_once(bell: Bell) -> None:
    bell.timers.set("a", START + 9 * SECOND)
    bell.timers.set("a", START + 5 * SECOND)
    bell.loop.turn_to(START + 5 * SECOND)
    bell.loop.turn_to(START + 9 * SECOND)
    assert bell.woken == ["a"]


def test_the_same_wish_again_changes_nothing(bell: Bell) -> None:
    bell.timers.set("a", START + 5 * SECOND)
    bell.timers.set("a", START + 5 * SECOND)
    assert bell.loop.delays == [5.0]


def test_who_no_longer_wants_to_be_woken_is_not(bell: Bell) -> None:
    bell.timers.set("a", START + 5 * SECOND)
    bell.timers.set("a", None)
    bell.timers.set("a", None)
    bell.timers.set("b", START + 5 * SECOND)
    bell.timers.forget("b")
    bell.timers.forget("b")
    bell.loop.turn_to(START + 9 * SECOND)
    assert bell.woken == []
    assert len(bell.timers) == 0


def test_what_is_overdue_is_woken_at_once(bell: Bell) -> None:
    bell.timers.set("a", START - HOUR)
    assert bell.loop.delays == [0.0]
    bell.loop.turn_to(START)
    assert bell.woken == ["a"]


def test_a_loop_timer_is_set_an_hour_ahead_at_most_so_that_a_jump_of_the_clock_is_noticed(bell: Bell) -> None:
    bell.timers.set("a", START + 30 * HOUR)
    assert bell.loop.delays == [3_600.0]
    bell.loop.turn_to(START + HOUR)
    assert bell.woken == []
    assert bell.loop.delays == [3_600.0, 3_600.0]
    bell.loop.turn_to(START + 30 * HOUR)
    assert bell.woken == ["a"]


def test_a_loop_that_rings_before_the_clock_says_so_waits_on() -> None:
    loop = FakeLoop()
    woken: list[str] = []
    timers = Timers(loop.loop, lambda: min(loop.now, START + 4 * SECOND), woken.append)
    timers.set("a", START + 5 * SECOND)
    loop.turn_to(START + 5 * SECOND)
    assert woken == []
    assert loop.delays == [5.0, 1.0]


def test_who_is_woken_may_ask_for_the_next_time_at_once() -> None:
    loop = FakeLoop()
    woken: list[int] = []

    def wake(run_id: str) -> None:
        woken.append(loop.now - START)
        timers.set(run_id, loop.now + SECOND)

    timers = Timers(loop.loop, loop.clock, wake)
    timers.set("a", START + SECOND)
    timers.set("b", START + SECOND)
    for seconds in (1, 2, 3):
        loop.turn_to(START + seconds * SECOND)
    assert woken == [SECOND, SECOND, 2 * SECOND, 2 * SECOND, 3 * SECOND, 3 * SECOND]


def test_a_far_wake_up_is_released_to_the_store_and_a_near_one_is_kept(bell: Bell) -> None:
    bell.timers.set("near", START + HORIZON_NS)
    bell.timers.set("far", START + HORIZON_NS + 1)
    for run_id in ("near", "far", "unknown"):
        bell.timers.release(run_id, beyond=START + HORIZON_NS)
    assert len(bell.timers) == 1
    bell.loop.turn_to(START + HOUR)
    assert bell.woken == ["near"]


def test_wishes_that_were_given_up_take_no_room_for_long(bell: Bell) -> None:
    bell.timers.set("stays", START + 10_000 * SECOND)
    for number in range(1_000):
        bell.timers.set("moves", START + (5_000 - number) * SECOND)
    assert len(bell.timers._heap) <= 2 * 2 + 65  # noqa: SLF001 - that it is let go of is the matter
    bell.loop.turn_to(START + 10_000 * SECOND)
    assert bell.woken == ["moves", "stays"]


def test_nobody_is_woken_behind_the_end(bell: Bell) -> None:
    bell.timers.set("a", START + SECOND)
    bell.timers.close()
    bell.timers.close()
    bell.loop.turn_to(START + HOUR)
    assert bell.woken == []
    assert len(bell.timers) == 0


class Waking(RuleBasedStateMachine):
    """The heap against a dict of wishes."""

    def __init__(self) -> None:
        super().__init__()
        self.bell = Bell()
        self.wishes: dict[str, int] = {}
        self.due: list[tuple[int, str]] = []

    runs = st.sampled_from("abcdefgh")

    @rule(run_id=runs, seconds=st.none() | st.integers(-5, 20_000))
    def somebody_wishes(self, run_id: str, seconds: int | None) -> None:
        at = None if seconds is None else self.bell.loop.now + seconds * SECOND
        self.bell.timers.set(run_id, at)
        if at is None:
            self.wishes.pop(run_id, None)
        else:
            self.wishes[run_id] = at

    @rule(run_id=runs)
    def a_run_closes(self, run_id: str) -> None:
        self.bell.timers.forget(run_id)
        self.wishes.pop(run_id, None)

    @rule(run_id=runs, seconds=st.integers(0, 20_000))
    def a_run_leaves_memory(self, run_id: str, seconds: int) -> None:
        beyond = self.bell.loop.now + seconds * SECOND
        self.bell.timers.release(run_id, beyond=beyond)
        if self.wishes.get(run_id, 0) > beyond:
            del self.wishes[run_id]

    @rule(seconds=st.integers(0, 9_000))
    def time_passes(self, seconds: int) -> None:
        now = self.bell.loop.now + seconds * SECOND
        expected = sorted((at, run_id) for run_id, at in self.wishes.items() if at <= now)
        self.bell.woken.clear()
        self.bell.loop.turn_to(now)
        assert self.bell.woken == [run_id for _, run_id in expected]
        for _, run_id in expected:
            del self.wishes[run_id]

    @precondition(lambda self: self.wishes)
    @invariant()
    def the_loop_rings_in_time(self) -> None:
        assert self.bell.loop.waiting == 1

    @invariant()
    def every_wish_is_counted(self) -> None:
        assert len(self.bell.timers) == len(self.wishes)


TestWaking = Waking.TestCase
TestWaking.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


# -- a clock that jumps ----------------------------------------------------------------------------------------------


def test_it_says_who_is_woken_next(bell: Bell) -> None:
    assert bell.timers.next_at is None
    bell.timers.set("a", START + 5 * SECOND)
    bell.timers.set("b", START + 9 * SECOND)
    assert bell.timers.next_at == START + 5 * SECOND
    bell.timers.set("a", None)
    assert bell.timers.next_at == START + 9 * SECOND
    bell.timers.forget("b")
    assert bell.timers.next_at is None


def test_after_a_jump_it_wakes_at_once_whoever_is_due(bell: Bell) -> None:
    clock = SkippableClock(bell.loop.clock)
    timers = Timers(bell.loop.loop, clock, bell.woken.append)
    timers.look()
    assert bell.loop.waiting == 0
    timers.set("a", START + HOUR)
    timers.set("b", START + 3 * HOUR)
    clock.skip_to(START + 2 * HOUR)
    timers.look()
    assert bell.woken == ["a"]
    assert bell.loop.waiting == 1
    bell.loop.turn_to(START + HOUR)
    assert bell.woken == ["a", "b"]


def test_a_clock_that_jumps_goes_on_as_before_and_never_back(bell: Bell) -> None:
    clock = SkippableClock(bell.loop.clock)
    clock.skip_to(START + HOUR)
    bell.loop.turn_to(START + SECOND)
    assert clock() == START + HOUR + SECOND
    clock.skip_to(START)
    assert clock() == START + HOUR + SECOND
