"""asyncio's queues: Queue, PriorityQueue, LifoQueue."""

from __future__ import annotations

import asyncio

import pytest

from tests.behaviors.stage import Stage, elapsed, play


def test_a_queue_hands_over_in_order_and_to_those_who_wait_in_theirs() -> None:
    trace = list[str]()

    async def consume(queue: asyncio.Queue[int], name: str) -> None:
        for _ in range(3):
            trace.append(f"{name} got {await queue.get()} at {elapsed():g}")
            queue.task_done()

    async def program() -> None:
        queue = asyncio.Queue[int]()
        async with asyncio.TaskGroup() as group:
            group.create_task(consume(queue, "a"))
            group.create_task(consume(queue, "b"))
            for number in range(6):
                await asyncio.sleep(1)
                await queue.put(number)
            await queue.join()

    play(program())
    assert trace == [f"{'ab'[number % 2]} got {number} at {number + 1}" for number in range(6)]


def test_a_full_queue_makes_producers_wait_in_their_order() -> None:
    trace = list[str]()

    async def produce(queue: asyncio.Queue[str], name: str) -> None:
        await queue.put(name)
        trace.append(f"{name} at {elapsed():g}")

    async def program() -> list[str]:
        queue = asyncio.Queue[str](maxsize=1)
        producers = [asyncio.create_task(produce(queue, name)) for name in "abc"]
        got = list[str]()
        for _ in producers:
            await asyncio.sleep(1)
            got.append(await queue.get())
        await asyncio.gather(*producers)
        return got

    assert play(program()) == ["a", "b", "c"]
    assert trace == ["a at 0", "b at 1", "c at 2"]


def test_waiting_for_a_queue_times_out_in_both_directions() -> None:
    async def program() -> list[float]:
        queue = asyncio.Queue[int](maxsize=1)
        at = list[float]()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 2)
        at.append(elapsed())
        queue.put_nowait(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await queue.put(2)
        at.append(elapsed())
        with pytest.raises(asyncio.QueueFull):
            queue.put_nowait(2)
        assert queue.get_nowait() == 1
        with pytest.raises(asyncio.QueueEmpty):
            queue.get_nowait()
        return at

    assert play(program()) == [2.0, 5.0]


def test_a_cancelled_consumer_loses_nothing() -> None:
    stage = Stage()

    async def program() -> list[int]:
        queue = asyncio.Queue[int]()
        first, second = (asyncio.create_task(queue.get()) for _ in range(2))
        await asyncio.sleep(0)
        queue.put_nowait(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        queue.put_nowait(2)
        return [await second, queue.get_nowait()]

    assert stage.play(program()) == [1, 2]


def test_a_priority_queue_hands_over_the_least_first() -> None:
    async def program() -> list[tuple[int, str]]:
        queue = asyncio.PriorityQueue[tuple[int, str]]()
        for item in ((3, "c"), (1, "a"), (2, "b")):
            await queue.put(item)
        got = [await queue.get() for _ in range(3)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 1)
        return got

    assert play(program()) == [(1, "a"), (2, "b"), (3, "c")]


def test_a_last_in_first_out_queue_hands_over_the_last_first() -> None:
    async def program() -> list[str]:
        queue = asyncio.LifoQueue[str]()
        for item in "abc":
            await queue.put(item)
        got = [await queue.get() for _ in range(3)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 1)
        return got

    assert play(program()) == ["c", "b", "a"]


@pytest.mark.skipif(not hasattr(asyncio, "QueueShutDown"), reason="queues can be shut down since Python 3.13")
def test_a_queue_that_is_shut_down_lets_everyone_go() -> None:
    async def program() -> int:
        queue = asyncio.Queue[int]()
        waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(1)
        queue.shutdown()  # type: ignore[attr-defined]  # the hints are those of Python 3.11
        results = await asyncio.gather(*waiting, return_exceptions=True)
        return sum(type(result).__name__ == "QueueShutDown" for result in results)

    assert play(program()) == 3
