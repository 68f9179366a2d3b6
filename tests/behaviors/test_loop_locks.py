"""asyncio's locks: Event, Lock, Semaphore, Condition, Barrier; each with success, time-out and cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.behaviors.stage import Stage, elapsed, play


def in_turn(
    trace: list[str], lock: asyncio.Lock | asyncio.Semaphore
) -> Callable[[str, float], Coroutine[Any, Any, None]]:
    """A coroutine function that holds a lock for some seconds and says when it got it."""

    async def hold(name: str, seconds: float) -> None:
        async with lock:
            trace.append(f"{name} at {elapsed():g}")
            await asyncio.sleep(seconds)

    return hold


async def times_out(awaitable: Awaitable[Any], seconds: float) -> float:
    """Wait for something that does not come in time, and say when it was given up."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(awaitable, seconds)
    return elapsed()


def test_an_event_wakes_all_that_wait_in_their_order() -> None:
    trace = list[str]()

    async def wait(event: asyncio.Event, name: str) -> None:
        await event.wait()
        trace.append(f"{name} at {elapsed():g}")

    async def program() -> bool:
        event = asyncio.Event()
        waiting = [asyncio.create_task(wait(event, name)) for name in "abc"]
        await asyncio.sleep(5)
        event.set()
        await asyncio.gather(*waiting)
        await event.wait()
        event.clear()
        return event.is_set()

    assert play(program()) is False
    assert trace == ["a at 5", "b at 5", "c at 5"]


def test_waiting_for_an_event_times_out_and_is_cancelled() -> None:
    async def program() -> float:
        event = asyncio.Event()
        waiting = asyncio.create_task(event.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await times_out(event.wait(), 3)

    assert play(program()) == 3.0


def test_a_lock_is_given_in_the_order_in_which_it_was_asked_for() -> None:
    trace = list[str]()

    async def program() -> bool:
        lock = asyncio.Lock()
        hold = in_turn(trace, lock)
        await asyncio.gather(hold("a", 3), hold("b", 1), hold("c", 2))
        return lock.locked()

    assert play(program()) is False
    assert trace == ["a at 0", "b at 3", "c at 4"]


def test_who_gives_up_on_a_lock_does_not_get_it() -> None:
    trace = list[str]()

    async def program() -> float:
        lock = asyncio.Lock()
        hold = in_turn(trace, lock)
        async with asyncio.TaskGroup() as group:
            group.create_task(hold("a", 10))
            await asyncio.sleep(0)
            cancelled = group.create_task(hold("b", 1))
            group.create_task(hold("c", 1))
            await asyncio.sleep(0)
            cancelled.cancel()
            return await times_out(lock.acquire(), 5)

    assert play(program()) == 5.0
    assert trace == ["a at 0", "c at 10"]


def test_a_semaphore_lets_so_many_in_at_a_time_in_their_order() -> None:
    trace = list[str]()

    async def program() -> bool:
        semaphore = asyncio.Semaphore(2)
        hold = in_turn(trace, semaphore)
        await asyncio.gather(*[hold(name, 4 - number) for number, name in enumerate("abcde")])
        return semaphore.locked()

    assert play(program()) is False
    assert trace == ["a at 0", "b at 0", "c at 3", "d at 4", "e at 5"]


def test_who_gives_up_on_a_semaphore_leaves_the_place_to_the_next() -> None:
    trace = list[str]()

    async def program() -> float:
        semaphore = asyncio.Semaphore(1)
        hold = in_turn(trace, semaphore)
        async with asyncio.TaskGroup() as group:
            group.create_task(hold("a", 6))
            await asyncio.sleep(0)
            cancelled = group.create_task(hold("b", 1))
            group.create_task(hold("c", 1))
            await asyncio.sleep(0)
            cancelled.cancel()
            return await times_out(semaphore.acquire(), 2)

    assert play(program()) == 2.0
    assert trace == ["a at 0", "c at 6"]


def test_a_bounded_semaphore_is_not_released_more_often_than_taken() -> None:
    trace = list[str]()

    async def program() -> float:
        semaphore = asyncio.BoundedSemaphore(1)
        hold = in_turn(trace, semaphore)
        await asyncio.gather(hold("a", 2), hold("b", 2))
        with pytest.raises(ValueError, match="released"):
            semaphore.release()
        async with semaphore:
            return await times_out(semaphore.acquire(), 3)

    assert play(program()) == 7.0
    assert trace == ["a at 0", "b at 2"]


def test_a_condition_wakes_as_many_as_it_is_told_in_their_order() -> None:
    trace = list[str]()

    async def wait(condition: asyncio.Condition, name: str) -> None:
        async with condition:
            await condition.wait()
            trace.append(f"{name} at {elapsed():g}")

    async def program() -> None:
        condition = asyncio.Condition()
        waiting = [asyncio.create_task(wait(condition, name)) for name in "abcd"]
        for count in (1, 2, 9):
            await asyncio.sleep(1)
            async with condition:
                condition.notify(count)
        await asyncio.gather(*waiting)

    play(program())
    assert trace == ["a at 1", "b at 2", "c at 2", "d at 3"]


def test_a_condition_waits_until_something_holds() -> None:
    stock, trace = list[int](), list[str]()

    async def take(condition: asyncio.Condition, count: int) -> None:
        async with condition:
            await condition.wait_for(lambda: len(stock) >= count)
            del stock[:count]
            trace.append(f"{count} at {elapsed():g}")

    async def program() -> list[int]:
        condition = asyncio.Condition()
        taking = [asyncio.create_task(take(condition, count)) for count in (3, 1, 2)]
        for number in range(7):
            await asyncio.sleep(1)
            async with condition:
                stock.append(number)
                condition.notify_all()
        await asyncio.gather(*taking)
        return stock

    assert play(program()) == [6]
    assert trace == ["1 at 1", "2 at 3", "3 at 6"]


def test_waiting_for_a_condition_times_out_and_is_cancelled_with_the_lock_held_again() -> None:
    async def program() -> tuple[float, bool, bool]:
        condition = asyncio.Condition()
        async with condition:
            at = await times_out(condition.wait_for(lambda: False), 4)
            locked = condition.locked()

        async def wait() -> None:
            async with condition:
                await condition.wait()

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return at, locked, condition.locked()

    assert play(program()) == (4.0, True, False)


def test_a_barrier_lets_its_parties_go_together_again_and_again() -> None:
    trace = list[str]()

    async def party(barrier: asyncio.Barrier, name: str, seconds: float) -> None:
        for _ in range(2):
            await asyncio.sleep(seconds)
            place = await barrier.wait()
            trace.append(f"{name} {place} at {elapsed():g}")

    async def program() -> None:
        barrier = asyncio.Barrier(3)
        await asyncio.gather(party(barrier, "a", 1), party(barrier, "b", 3), party(barrier, "c", 2))

    play(program())
    assert sorted(trace[:3]) == ["a 0 at 3", "b 2 at 3", "c 1 at 3"]
    assert sorted(trace[3:]) == ["a 0 at 6", "b 2 at 6", "c 1 at 6"]


def test_a_barrier_times_out_and_breaks_for_all() -> None:
    async def program() -> tuple[float, bool]:
        barrier = asyncio.Barrier(3)
        waiting = asyncio.create_task(barrier.wait())
        at = await times_out(barrier.wait(), 5)
        await barrier.abort()
        with pytest.raises(asyncio.BrokenBarrierError):
            await waiting
        broken = barrier.broken
        await barrier.reset()
        return at, broken and not barrier.broken

    assert play(program()) == (5.0, True)


def test_a_cancelled_party_leaves_the_barrier() -> None:
    async def program() -> int:
        barrier = asyncio.Barrier(2)
        waiting = asyncio.create_task(barrier.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        places = await asyncio.gather(barrier.wait(), barrier.wait())
        return sum(places)

    assert play(program()) == 1


def test_locks_survive_many_turns() -> None:
    stage = Stage()

    async def program() -> int:
        lock, total = asyncio.Lock(), 0

        async def add(number: int) -> None:
            nonlocal total
            async with lock:
                before = total
                await asyncio.sleep(1)
                total = before + number

        await asyncio.gather(*[add(number) for number in range(20)])
        return total

    assert stage.play(program()) == 190
    assert len(stage.host.started) == 20
