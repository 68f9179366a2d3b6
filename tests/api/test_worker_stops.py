"""A run belongs to no worker: when the one whose code it has stops, it waits for the next, and goes on by its code."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.api.harness import Harness, Skipping, eventually, has, ms, topics
from tests.api.workers_stage import Sleeper
from understudy import activity, workflow
from understudy.exceptions import UnknownWorkflowTypeError


@workflow.defn(name="Collector")
class Collector:
    def __init__(self) -> None:
        self.got: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.got) > 1)
        return self.got

    @workflow.signal
    def put(self, what: str) -> None:
        self.got.append(what)

    @workflow.query
    def count(self) -> int:
        return len(self.got)


@workflow.defn(name="Collector")
class LoudCollector(Collector):
    @workflow.run
    async def run(self) -> list[str]:
        return await super().run()

    @workflow.signal
    def put(self, what: str) -> None:
        self.got.append(what.upper())


async def test_a_run_goes_on_by_the_code_of_the_next_worker(engine: Harness) -> None:
    worker = await engine.work(Collector)
    handle = await engine.start(Collector.run)
    await handle.signal(Collector.put, "one")
    assert await handle.query(Collector.count) == 1
    await worker.shutdown()
    await handle.signal(Collector.put, "two")
    await engine.work(LoudCollector)
    assert await handle.result() == ["ONE", "TWO"]


async def test_a_run_without_a_worker_says_so_and_answers_no_query(engine: Harness) -> None:
    worker = await engine.work(Collector)
    handle = await engine.start(Collector.run)
    await worker.shutdown()
    assert "has no worker with a workflow 'Collector'" in str((await handle.describe()).waiting_for)
    with pytest.raises(UnknownWorkflowTypeError):
        await handle.query(Collector.count)
    await engine.work(Collector)
    assert await handle.query(Collector.count) == 0
    assert await topics(handle) == ["workflow.started"]


async def test_a_run_keeps_its_code_while_another_worker_has_it(engine: Harness) -> None:
    worker = await engine.work(Sleeper)
    await engine.work(Sleeper)
    handle = await engine.start(Sleeper.run)
    await worker.shutdown()
    await handle.signal(Sleeper.wake)
    assert await handle.result() == "awake"
    assert "turn.deferred" not in await topics(handle)


async def test_a_timer_fires_without_a_worker_and_is_taken_by_the_next(skipping: Skipping) -> None:
    @workflow.defn
    async def sleeps() -> str:
        await workflow.sleep(timedelta(hours=1))
        return "slept"

    worker = await skipping.work(sleeps)
    handle = await skipping.start(sleeps)
    await eventually(lambda: has(handle, "timer.started"))
    await worker.shutdown()
    skipping.turn(timedelta(hours=2))
    await eventually(lambda: has(handle, "turn.deferred"))
    await skipping.work(sleeps)
    assert await handle.result() == "slept"


async def test_a_local_activity_is_made_once_more_by_the_next_worker(engine: Harness) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    @activity.defn
    async def slow() -> int:
        begun.append(activity.info().attempt)
        await go_on.wait()
        return len(begun)

    @workflow.defn
    async def calls() -> int:
        return await workflow.execute_local_activity(slow)

    worker = await engine.work(calls, slow, graceful_shutdown_timeout=ms(1))
    handle = await engine.start(calls)
    await eventually(lambda: begun)
    await worker.shutdown()
    go_on.set()
    await engine.work(calls, slow)
    assert await handle.result() == 2
