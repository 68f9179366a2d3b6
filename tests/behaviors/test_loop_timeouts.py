"""asyncio.timeout, timeout_at and wait_for: success, time-out and cancellation, each with its durable timer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.behaviors.stage import Stage, elapsed, play


def test_a_timeout_that_is_not_needed_cancels_its_timer() -> None:
    stage = Stage()

    async def program() -> bool:
        async with asyncio.timeout(10) as scope:
            await asyncio.sleep(1)
        return scope.expired()

    assert stage.play(program()) is False
    assert stage.host.started == [10_000_000_000, 1_000_000_000]
    assert stage.host.cancelled == [1]


def test_a_timeout_that_is_over_raises_and_cancels_what_was_awaited() -> None:
    stage = Stage()

    async def program() -> tuple[bool, float]:
        scope = asyncio.timeout(10)
        with pytest.raises(TimeoutError):
            async with scope:
                await asyncio.sleep(60)
        return scope.expired(), elapsed()

    assert stage.play(program()) == (True, 10.0)
    assert stage.host.cancelled == [2]


def test_a_timeout_of_nothing_needs_no_timer_and_is_over_at_the_first_await() -> None:
    stage, reached = Stage(), list[str]()

    async def program() -> float:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                reached.append("begun")
                await asyncio.get_running_loop().create_future()
        return elapsed()

    assert stage.play(program()) == 0
    assert (reached, stage.host.started) == (["begun"], [])


def test_a_timeout_of_none_never_comes() -> None:
    async def program() -> float:
        async with asyncio.timeout(None):
            await asyncio.sleep(1e6)
        return elapsed()

    assert play(program()) == 1e6


def test_a_cancellation_from_outside_goes_through_a_timeout_as_a_cancellation() -> None:
    stage = Stage()

    async def program() -> None:
        async with asyncio.timeout(10):
            await asyncio.sleep(60)

    task = stage.start(program())
    task.cancel("from outside")
    stage.turn()
    assert task.cancelled()
    assert sorted(stage.host.cancelled) == [1, 2]


def test_timeout_at_is_over_at_its_time() -> None:
    async def program() -> float:
        when = asyncio.get_running_loop().time() + 7
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(when):
                await asyncio.sleep(60)
        return elapsed()

    assert play(program()) == 7.0


def test_a_timeout_at_a_time_that_has_passed_is_over_at_the_first_await() -> None:
    async def program() -> float:
        when = asyncio.get_running_loop().time() - 7
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(when):
                await asyncio.sleep(60)
        return elapsed()

    assert play(program()) == 0


def test_a_rescheduled_timeout_has_a_new_timer() -> None:
    stage = Stage()

    async def program() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        scope = asyncio.timeout(10)
        with suppress(TimeoutError):
            async with scope:
                await asyncio.sleep(5)
                scope.reschedule(loop.time() + 20)
                await asyncio.sleep(60)
        return elapsed(), scope.when() == loop.time()

    assert stage.play(program()) == (25.0, True)
    assert stage.host.started == [10_000_000_000, 5_000_000_000, 20_000_000_000, 60_000_000_000]
    assert stage.host.cancelled == [1, 4]


def test_a_timeout_rescheduled_to_never_does_not_come() -> None:
    async def program() -> float:
        async with asyncio.timeout(10) as scope:
            scope.reschedule(None)
            await asyncio.sleep(60)
        return elapsed()

    assert play(program()) == 60.0


def test_of_nested_timeouts_the_one_that_is_over_raises() -> None:
    async def program() -> list[str]:
        trace = list[str]()
        try:
            async with asyncio.timeout(5):
                try:
                    async with asyncio.timeout(50):
                        await asyncio.sleep(60)
                except TimeoutError:
                    trace.append("inner")
        except TimeoutError:
            trace.append("outer")
        return trace

    assert play(program()) == ["outer"]


def test_wait_for_gives_the_result_that_comes_in_time() -> None:
    stage = Stage()

    async def work() -> str:
        await asyncio.sleep(1)
        return "done"

    async def program() -> tuple[str, float]:
        return await asyncio.wait_for(work(), 10), elapsed()

    assert stage.play(program()) == ("done", 1.0)
    assert len(stage.host.cancelled) == 1


def test_wait_for_raises_when_the_time_is_over_and_waits_for_the_end_of_what_it_cancelled() -> None:
    trace = list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            trace.append("cleaning")
            await asyncio.sleep(5)
            trace.append("cleaned")

    async def program() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work(), 10)
        trace.append("timed out")
        return elapsed()

    assert play(program()) == 15.0
    assert trace == ["cleaning", "cleaned", "timed out"]


def test_wait_for_passes_an_error_on() -> None:
    async def work() -> None:
        await asyncio.sleep(1)
        raise ValueError("broken")

    async def program() -> None:
        with pytest.raises(ValueError, match="broken"):
            await asyncio.wait_for(work(), 10)

    play(program())


def test_wait_for_of_no_time_cancels_what_is_not_done() -> None:
    stage, begun = Stage(), list[str]()

    async def work() -> None:
        begun.append("work")
        await asyncio.sleep(60)

    async def program() -> str:
        done = asyncio.get_running_loop().create_future()
        done.set_result("done")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work(), 0)
        return str(await asyncio.wait_for(done, 0))

    assert stage.play(program()) == "done"
    assert (begun, stage.host.started) == ([], [])


def test_a_cancelled_wait_for_cancels_what_it_waits_for() -> None:
    stage, trace = Stage(), list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            trace.append("cancelled")
            raise

    async def program() -> None:
        await asyncio.wait_for(work(), 10)

    task = stage.start(program())
    task.cancel()
    stage.turn()
    assert task.cancelled()
    assert trace == ["cancelled"]
    assert stage.host.timers == {}


def test_a_result_and_a_time_out_in_the_same_turn_are_the_result_if_it_came_first() -> None:
    stage = Stage()
    future = stage.loop.create_future()

    async def program() -> str:
        return str(await asyncio.wait_for(future, 10))

    task = stage.start(program())
    future.set_result("in time")
    stage.turn()
    assert task.result() == "in time"
    assert stage.host.cancelled == [1]


def test_shield_keeps_a_cancellation_from_what_it_shields() -> None:
    stage, trace = Stage(), list[str]()

    async def work() -> str:
        await asyncio.sleep(5)
        trace.append("work")
        return "result"

    async def program() -> str:
        inner = asyncio.ensure_future(work())
        try:
            await asyncio.shield(inner)
        except asyncio.CancelledError:
            trace.append("cancelled")
            return await inner
        return "not cancelled"

    task = stage.start(program())
    task.cancel()
    stage.turn()
    stage.fire()
    assert task.result() == "result"
    assert trace == ["cancelled", "work"]


def test_shield_passes_results_errors_and_cancellations_of_the_inside_on() -> None:
    async def fail() -> None:
        raise ValueError("inside")

    async def program() -> int:
        with pytest.raises(ValueError, match="inside"):
            await asyncio.shield(fail())
        inner = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(inner.cancel)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.shield(inner)
        return await asyncio.shield(asyncio.sleep(1, 7))

    assert play(program()) == 7


def test_shield_with_a_time_out_leaves_the_inside_running() -> None:
    async def program() -> tuple[float, str]:
        inner = asyncio.ensure_future(asyncio.sleep(30, "late"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(inner), 10)
        at = elapsed()
        return at, await inner

    assert play(program()) == (10.0, "late")
