"""Handlers that are set at run time, and signals that are received without one, in a whole engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, has
from understudy import workflow
from understudy.common import RawValue
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker


@dataclass
class Coin:
    value: int


@workflow.defn
class Switchboard:
    """Gets its handlers when `go` comes."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.receive("go")
        workflow.set_signal_handler("note", self.note)
        workflow.set_query_handler("so-far", lambda: self.heard)
        workflow.set_update_handler("add", self.add, validator=self.look)
        await workflow.receive("any")
        workflow.set_dynamic_signal_handler(self.other)
        await workflow.wait_condition(lambda: "end" in self.heard)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.heard

    async def note(self, text: str) -> None:
        await workflow.sleep(0.001)
        self.heard.append(text)

    def other(self, name: str, args: Sequence[RawValue]) -> None:
        self.heard.append(name)

    def add(self, text: str) -> int:
        self.heard.append(text)
        return len(self.heard)

    def look(self, text: str) -> None:
        if not text:
            raise ValueError("empty")


async def test_handlers_that_are_set_take_what_waited_for_them_in_order(engine: Harness) -> None:
    await engine.work(Switchboard)
    handle = await engine.start(Switchboard.run)
    for text in "abc":
        await handle.signal("note", text)
    await handle.signal("go")
    await eventually(lambda: has(handle, "timer.fired", 3))
    assert await handle.execute_update("add", "d") == 4
    assert await handle.query("so-far") == ["a", "b", "c", "d"]
    engine.client.engine.runs.passivate(0)
    await handle.signal("early", 1)
    await handle.signal("any")
    await handle.signal("end")
    assert await handle.result() == ["a", "b", "c", "d", "early", "end"]


async def test_handlers_that_are_set_are_there_after_a_restart(durable: Harness) -> None:
    await durable.work(Switchboard)
    handle = await durable.start(Switchboard.run, id="board")
    await handle.signal("go")
    assert await handle.execute_update("add", "d") == 1
    await durable.restart()
    await durable.work(Switchboard)
    handle = durable.client.get_workflow_handle("board")
    assert await handle.query("so-far") == ["d"]
    await handle.signal("any")
    await handle.signal("end")
    assert await handle.result() == ["d", "end"]


# -- receive ---------------------------------------------------------------------------------------------------------


@workflow.defn
class Till:
    """Counts two coins a run, in so many runs, and says what is left."""

    @workflow.run
    async def run(self, runs: int, total: int = 0) -> list[Any]:
        for _ in range(2):
            total += (await workflow.receive("coin", type=Coin)).value
        if runs > 1:
            workflow.continue_as_new(args=[runs - 1, total])
        left = await workflow.receive("coin", type=Coin)  # which may still be on its way
        return [total, left.value, workflow.receive_nowait("word")]


@pytest.mark.parametrize("cached", [100, 0])
@pytest.mark.parametrize("early", [True, False], ids=["before the worker", "after it"])
async def test_signals_that_nobody_received_are_carried_to_the_run_that_follows(
    engine: Harness, cached: int, *, early: bool
) -> None:
    if not early:
        await engine.work(Till, max_cached_workflows=cached)
    handle = await engine.start(Till.run, 3, id="till")
    await handle.signal("word", "stop")
    coins = [1, 2, 4, 8, 16, 32, 64]
    for value in coins if early else (64, 32):
        await handle.signal("coin", Coin(value))
    if early:
        await engine.work(Till, max_cached_workflows=cached)
        assert await handle.result() == [63, 64, "stop"]
    else:
        await asyncio.gather(*(handle.signal("coin", Coin(value)) for value in (16, 8, 4, 2, 1)))
        assert await handle.result() == [126, 1, "stop"]


async def test_a_receiver_waits_in_a_run_that_left_memory(engine: Harness) -> None:
    @workflow.defn
    async def waits() -> Any:
        first = await workflow.receive("coin", type=Coin, timeout=timedelta(hours=1))
        return [first.value, (await workflow.receive("coin", type=Coin)).value]

    await engine.work(waits)
    handle = await engine.start(waits)
    for value in (1, 2):
        assert engine.client.engine.runs.passivate(0) == 1
        await handle.signal("coin", Coin(value))
    assert await handle.result() == [1, 2]


@pytest.fixture(params=["memory", "sqlite"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping environment on each kind of store."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/engine.db"
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env:
        yield env


async def test_a_receiver_gives_up_when_its_time_is_over(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def patient() -> list[Any]:
        begun, found = workflow.now(), list[Any]()
        for timeout in (timedelta(days=30), 60.0):
            try:
                found.append(await workflow.receive("coin", timeout=timeout))
            except TimeoutError:
                found.append((workflow.now() - begun) / timedelta(days=1))
        return found

    async with Worker(env.client, task_queue=QUEUE, workflows=[patient], debug_mode=True):
        handle = await env.client.start_workflow(patient, id="p", task_queue=QUEUE)
        first, second = await handle.result()
        assert first == pytest.approx(30, abs=0.001)
        assert second == pytest.approx(30 + 1 / 1440, abs=0.001)
        other = await env.client.start_workflow(
            patient, id="q", task_queue=QUEUE, start_signal="coin", start_signal_args=[5]
        )
        assert (await other.result())[0] == 5
