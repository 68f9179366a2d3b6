"""Asynchronous generators: those that are left in the middle end as they do in asyncio, and none ends elsewhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.behaviors.stage import Stage, elapsed, play


def counting(trace: list[str], name: str = "") -> AsyncGenerator[int, str | None]:
    """A generator that waits in between and at its end, and says when it ends."""

    async def count() -> AsyncGenerator[int, str | None]:
        try:
            for number in range(100):
                sent = yield number
                await asyncio.sleep(1)
                if sent:
                    trace.append(sent)
        finally:
            trace.append(f"{name}ending at {elapsed():g}")
            await asyncio.sleep(1)
            trace.append(f"{name}ended at {elapsed():g}")

    return count()


def test_a_generator_is_iterated_and_closed() -> None:
    trace = list[str]()

    async def program() -> list[int]:
        generator = counting(trace)
        got = [await anext(generator), await generator.asend("sent"), await anext(generator)]
        await generator.aclose()
        return got

    assert play(program()) == [0, 1, 2]
    assert trace == ["sent", "ending at 2", "ended at 3"]


def test_an_error_thrown_into_a_generator_comes_out_of_it() -> None:
    trace = list[str]()

    async def program() -> None:
        generator = counting(trace)
        await anext(generator)
        with pytest.raises(ValueError, match="thrown"):
            await generator.athrow(ValueError("thrown"))

    play(program())
    assert trace == ["ending at 0", "ended at 1"]


def test_a_generator_that_a_loop_breaks_out_of_ends_in_a_task_of_its_own() -> None:
    trace = list[str]()

    async def program() -> float:
        async for number in counting(trace):
            if number == 2:
                break
        trace.append("broke out")
        await asyncio.sleep(5)
        return elapsed()

    assert play(program()) == 7.0
    assert trace == ["broke out", "ending at 2", "ended at 3"]


def test_a_context_manager_of_a_generator_holds_over_turns() -> None:
    trace = list[str]()

    @asynccontextmanager
    async def resource() -> AsyncGenerator[str, None]:
        await asyncio.sleep(1)
        try:
            yield "resource"
        finally:
            trace.append(f"released at {elapsed():g}")
            await asyncio.sleep(1)

    async def program() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5), resource():
                await asyncio.sleep(60)
        return elapsed()

    assert play(program()) == 6.0
    assert trace == ["released at 5"]


def test_a_generator_in_a_turn_inside_an_outer_loop_never_ends_there() -> None:
    trace = list[str]()

    async def program() -> None:
        async for _ in counting(trace):
            break
        await asyncio.sleep(5)

    async def outer() -> int:
        stage = Stage()
        stage.play(program())
        for _ in range(5):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(outer()) == 1
    assert trace == ["ending at 0", "ended at 1"]


def test_a_generator_that_the_collector_finds_between_turns_ends_with_the_run() -> None:
    stage, trace = Stage(), list[str]()
    kept = list[AsyncGenerator[int, str | None]]()

    async def program() -> None:
        kept.append(counting(trace))
        await anext(kept[0])
        await asyncio.get_running_loop().create_future()

    stage.begin(program())
    kept.clear()
    gc.collect()
    assert stage.turn() == 0
    assert trace == []
    stage.loop.close_run()
    assert trace == ["ending at 0"]


def test_a_generator_of_a_dropped_run_ends_with_what_holds_it() -> None:
    stage, trace = Stage(), list[str]()

    async def program() -> None:
        held = counting(trace)
        await anext(held)
        async for _ in counting(trace, "awaited "):
            await asyncio.get_running_loop().create_future()

    stage.begin(program())
    stage.loop.close_run()
    assert sorted(trace) == ["awaited ending at 0", "ending at 0"]


def test_a_generator_that_outlives_its_run_is_freed_without_running() -> None:
    stage, trace = Stage(), list[str]()
    kept = list[AsyncGenerator[int, str | None]]()

    async def program() -> None:
        kept.append(counting(trace))
        await anext(kept[0])
        await asyncio.get_running_loop().create_future()

    stage.begin(program())
    stage.loop.close_run()
    kept.clear()
    gc.collect()
    assert trace == []


def test_a_generator_that_ends_without_waiting_ends_at_once_with_its_run() -> None:
    stage, trace = Stage(), list[str]()

    async def short() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            trace.append("ended")

    async def program() -> None:
        held = short()
        await anext(held)
        await asyncio.get_running_loop().create_future()

    stage.begin(program())
    stage.loop.close_run()
    assert trace == ["ended"]
