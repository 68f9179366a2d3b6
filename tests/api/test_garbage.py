"""What has ended leaves no cycles: the collector, which costs what is alive, has nothing to do."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tests.api.harness import Harness, eventually, ms
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


@workflow.defn
async def hasty() -> None:
    """Ends while things of all kinds are under way."""
    handles = [workflow.start_activity(double, 1, schedule_to_start_timeout=ms(60_000), task_queue="nobody")]
    handles.append(workflow.start_local_activity(double, 2))
    workflow.upsert_memo({"stage": 1})
    workflow.patched("new")
    await workflow.start_child_workflow(idle, parent_close_policy=workflow.ParentClosePolicy.TERMINATE)
    tasks = [asyncio.create_task(asyncio.sleep(3_600)), asyncio.create_task(workflow.receive("nothing"))]
    await asyncio.sleep(0)
    assert handles
    assert tasks


@workflow.defn
async def idle() -> None:
    """Waits for ever."""
    await asyncio.Event().wait()


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


async def test_a_run_that_ends_in_the_middle_of_things_leaves_nothing_to_the_collector(engine: Harness) -> None:
    await engine.work(hasty, idle, double)

    async def one(name: str) -> None:
        await (await engine.start(hasty, id=name)).result()

    await one("warm-up")
    gc.collect()
    await asyncio.gather(*(one(f"run-{number}") for number in range(RUNS)))
    await eventually(lambda: not engine.client.engine.tasks_between_runs)
    assert gc.collect() < RUNS
