"""Timers: a positive delay is a durable timer of the host, all else is ready at once."""

from __future__ import annotations

import asyncio
import contextvars
import math

import pytest

from tests.behaviors.stage import START_NS, Stage, elapsed, play

SECOND = 1_000_000_000
YEAR_2262 = 2**63 - START_NS
"""How far off the last time is that a store can hold, ns."""


def test_time_is_the_time_of_the_host() -> None:
    stage = Stage()
    assert stage.loop.time() == START_NS / SECOND
    stage.host.now += 90 * SECOND
    assert stage.loop.time() == START_NS / SECOND + 90


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"),
    [(10, 10 * SECOND), (0.1, SECOND // 10), (1e-9, 1), (0.6e-9, 1), (86400.000001, 86_400_000_001_000)],
)
def test_a_delay_is_rounded_to_nanoseconds(seconds: float, nanoseconds: int) -> None:
    stage = Stage()
    timer = stage.loop.call_later(seconds, lambda: None)
    assert stage.host.started == [nanoseconds]
    assert timer.when() == stage.loop.time() + seconds


@pytest.mark.parametrize("seconds", [10, 0.1, 1e-6, 3600.5, 31_536_000])
def test_a_point_of_time_is_exact_to_the_microsecond(seconds: float) -> None:
    stage = Stage()
    when = stage.loop.time() + seconds
    timer = stage.loop.call_at(when, lambda: None)
    assert stage.host.started == [round(seconds * SECOND)]
    assert timer.when() == when


@pytest.mark.parametrize("seconds", [0, 0.0, -1, 0.4e-9])
def test_no_delay_needs_no_timer(seconds: float) -> None:
    stage, ran = Stage(), list[str]()
    stage.loop.call_later(seconds, ran.append, "later")
    stage.loop.call_at(stage.loop.time() + seconds, ran.append, "at")
    stage.loop.call_soon(ran.append, "soon")
    stage.turn()
    assert (ran, stage.host.started) == (["later", "at", "soon"], [])


@pytest.mark.parametrize("seconds", [math.inf, YEAR_2262 / SECOND + 1, 1e30])
def test_a_time_that_no_store_can_hold_never_comes(seconds: float) -> None:
    stage = Stage()
    timers = [
        stage.loop.call_later(seconds, lambda: None),
        stage.loop.call_at(stage.loop.time() + seconds, lambda: None),
    ]
    stage.turn()
    assert stage.host.started == []
    for timer in timers:
        timer.cancel()
    assert stage.host.cancelled == []


def test_what_is_not_a_number_is_refused() -> None:
    loop = Stage().loop
    with pytest.raises(ValueError, match="NaN"):
        loop.call_later(math.nan, lambda: None)
    with pytest.raises(ValueError, match="NaN"):
        loop.call_at(math.nan, lambda: None)


def test_a_timer_runs_its_callback_in_its_context_when_the_host_fires_it() -> None:
    stage, seen = Stage(), list[str]()
    variable = contextvars.ContextVar("variable", default="unset")
    context = contextvars.Context()
    context.run(variable.set, "given")
    stage.loop.call_later(5, lambda: seen.append(variable.get()), context=context)
    variable.set("ambient")
    stage.loop.call_later(6, lambda: seen.append(variable.get()))
    variable.set("changed")
    stage.turn()
    assert seen == []
    stage.fire()
    stage.fire()
    assert seen == ["given", "ambient"]


def test_timers_for_the_same_time_run_in_the_order_in_which_they_fire() -> None:
    stage, ran = Stage(), list[int]()
    for number in range(3):
        stage.loop.call_later(5, ran.append, number)
    for _ in range(3):
        stage.host.fire_next()
    stage.turn()
    assert ran == [0, 1, 2]


def test_a_cancelled_timer_is_cancelled_at_the_host_once() -> None:
    stage, ran = Stage(), list[str]()
    timer = stage.loop.call_later(5, ran.append, "no")
    timer.cancel()
    timer.cancel()
    assert timer.cancelled()
    assert (stage.host.cancelled, stage.host.timers) == ([1], {})
    assert stage.turn() == 0


def test_a_timer_that_fired_is_not_cancelled_at_the_host_but_its_callback_is() -> None:
    stage, ran = Stage(), list[str]()
    timer = stage.loop.call_later(5, ran.append, "no")
    stage.host.fire_next()
    timer.cancel()
    stage.turn()
    assert (ran, stage.host.cancelled) == ([], [])


def test_a_second_firing_does_nothing() -> None:
    stage, ran = Stage(), list[str]()
    timer = stage.loop.call_later(5, ran.append, "once")
    stage.host.fire_next()
    timer.fire()
    stage.turn()
    assert ran == ["once"]


def test_a_sleep_is_one_durable_timer() -> None:
    stage = Stage()

    async def program() -> tuple[str, float]:
        return await asyncio.sleep(3.5, "result"), elapsed()

    assert stage.play(program()) == ("result", 3.5)
    assert stage.host.started == [3_500_000_000]


def test_a_cancelled_sleep_cancels_its_timer() -> None:
    stage = Stage()
    task = stage.start(asyncio.sleep(3.5))
    task.cancel()
    stage.turn()
    assert task.cancelled()
    assert stage.host.cancelled == [1]


def test_a_sleep_of_nothing_lets_the_others_go_first_and_needs_no_timer() -> None:
    stage, trace = Stage(), list[str]()

    async def steps(name: str) -> None:
        for number in range(3):
            trace.append(f"{name}{number}")
            await asyncio.sleep(0)

    async def program() -> None:
        await asyncio.gather(steps("a"), steps("b"), steps("c"))

    stage.play(program())
    assert trace == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]
    assert stage.host.started == []


def test_sleeps_end_in_the_order_of_their_times() -> None:
    trace = list[tuple[int, float]]()

    async def nap(seconds: int) -> None:
        await asyncio.sleep(seconds)
        trace.append((seconds, elapsed()))

    async def program() -> None:
        await asyncio.gather(nap(3), nap(1), nap(2))

    play(program())
    assert trace == [(1, 1.0), (2, 2.0), (3, 3.0)]
