"""What has ended leaves no cycles: the collector, which costs what is alive, has nothing to do."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tests.api.harness import Harness, ms
from understudy import activity, workflow

RUNS = 50


@activity.defn
async def double(number: int) -> int:
    return number * 2


@activity.defn
def triple(number: int) -> int:
    return number * 3


@workflow.defn
class Mixed:
    """A signal, a timer, activities of both kinds, one after the other and at once."""

    def __init__(self) -> None:
        self.number = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.number > 0)
        await workflow.sleep(ms(1))
        both = await asyncio.gather(
            workflow.execute_activity(double, self.number), workflow.execute_activity(triple, self.number)
        )
        return await workflow.execute_local_activity(double, sum(both))

    @workflow.signal
    def begin(self, number: int) -> None:
        self.number = number


@pytest.fixture(autouse=True)
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_a_run_that_has_ended_leaves_nothing_to_the_collector(engine: Harness) -> None:
    await engine.work(Mixed, double, triple)

    async def one(name: str) -> None:
        handle = await engine.start(Mixed.run, id=name)
        await handle.signal(Mixed.begin, 1)
        assert await handle.result() == 10

    await one("warm-up")
    gc.collect()
    await asyncio.gather(*(one(f"run-{number}") for number in range(RUNS)))
    assert gc.collect() < RUNS
