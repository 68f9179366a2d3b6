"""Workers at work: slots, cache, a graceful stop, several on one queue, several clients on one engine."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import PATIENCE, QUEUE, Harness, Skipping, eventually, ms
from tests.api.workers_stage import Sleeper
from understudy import Client, Worker, activity, workflow
from understudy.client import WorkflowExecutionStatus
from understudy.exceptions import ClosedClientError, EngineStoppedError, InvalidArgumentError


class Gate:
    """An activity that counts who is inside, and lets everybody out at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.done = 0
        self.open = asyncio.Event()

    @activity.defn(name="gate")
    async def __call__(self, number: int) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        self.done += 1
        return number


@workflow.defn
class Fan:
    """Starts as many activities at once as it is told."""

    @workflow.run
    async def run(self, width: int) -> list[Any]:
        return await asyncio.gather(*(workflow.start_activity("gate", number) for number in range(width)))


# -- slots and cache -------------------------------------------------------------------------------------------------


async def test_a_worker_runs_no_more_activities_at_a_time_than_it_has_slots(engine: Harness) -> None:
    gate = Gate()
    await engine.work(Fan, gate, max_concurrent_activities=3)
    handle = await engine.start(Fan.run, 10)
    await eventually(lambda: gate.inside == 3)
    gate.open.set()
    assert await handle.result() == list(range(10))
    assert gate.most == 3


async def test_two_workers_share_a_queue(engine: Harness) -> None:
    gate = Gate()
    await engine.work(Fan, gate, max_concurrent_activities=2)
    await engine.work(gate, max_concurrent_activities=2)
    handle = await engine.start(Fan.run, 6)
    await eventually(lambda: gate.inside == 4)
    gate.open.set()
    assert await handle.result() == list(range(6))
    assert gate.most == 4


async def test_workflows_and_activities_may_have_different_workers(engine: Harness) -> None:
    gate = Gate()
    gate.open.set()
    await engine.work(Fan)
    await engine.work(gate)
    handle = await engine.start(Fan.run, 3)
    assert await handle.result() == [0, 1, 2]
    assert all(e.attempt == 1 for e in _completed(await handle.fetch_history()))


def _completed(history: Any) -> list[Any]:
    return [event for event in history.events if event.topic == "activity.completed"]


async def test_runs_leave_memory_when_more_are_live_than_the_cache_holds(engine: Harness) -> None:
    await engine.work(Sleeper, max_cached_workflows=5)
    handles = [await engine.start(Sleeper.run) for _ in range(20)]

    async def phases() -> list[str]:
        return [(await handle.describe()).phase for handle in handles]

    async def few_are_live() -> bool:
        return (await phases()).count("passivated") >= 15

    await eventually(few_are_live)
    for handle in handles:
        await handle.signal(Sleeper.wake)
    assert await asyncio.gather(*(handle.result() for handle in handles)) == ["awake"] * 20


async def test_a_cache_of_zero_keeps_no_idle_run(engine: Harness) -> None:
    await engine.work(Sleeper, max_cached_workflows=0)
    handle = await engine.start(Sleeper.run)

    async def gone() -> bool:
        return (await handle.describe()).phase == "passivated"

    await eventually(gone)
    await handle.signal(Sleeper.wake)
    assert await handle.result() == "awake"


async def test_a_run_that_was_idle_for_long_leaves_memory(engine: Harness) -> None:
    await engine.work(Sleeper, workflow_idle_timeout=ms(20))
    handle = await engine.start(Sleeper.run)

    async def gone() -> bool:
        return (await handle.describe()).phase == "passivated"

    await eventually(gone)
    await handle.signal(Sleeper.wake)
    assert await handle.result() == "awake"


async def test_a_timer_brings_a_passivated_run_back(skipping: Skipping) -> None:
    @workflow.defn
    async def naps() -> str:
        await workflow.sleep(3_600)
        return "rested"

    await skipping.work(naps)
    handle = await skipping.start(naps)
    assert skipping.client.engine.runs.passivate(0) == 1
    assert await handle.result() == "rested"


async def test_a_run_that_left_memory_comes_back_for_the_outcome_of_its_activity(engine: Harness) -> None:
    gate = Gate()
    await engine.work(Fan, gate)
    handle = await engine.start(Fan.run, 2)
    await eventually(lambda: gate.inside == 2)
    assert engine.client.engine.runs.passivate(0) == 1
    assert (await handle.describe()).phase == "passivated"
    gate.open.set()
    assert await handle.result() == [0, 1]
    assert gate.done == 2


# -- stopping --------------------------------------------------------------------------------------------------------


async def test_a_graceful_stop_lets_running_attempts_finish(engine: Harness) -> None:
    gate = Gate()
    worker = await engine.work(Fan, gate, max_concurrent_activities=2)
    handle = await engine.start(Fan.run, 4)
    await eventually(lambda: gate.inside == 2)
    stopping = asyncio.create_task(worker.shutdown())
    gate.open.set()
    await stopping
    assert gate.done == 2, "two ran, and no new one began"
    assert worker.is_shutdown
    assert not worker.is_running
    await engine.work(Fan, gate)
    assert await handle.result() == [0, 1, 2, 3]


async def test_what_does_not_finish_in_time_is_cancelled_and_runs_again_elsewhere(engine: Harness) -> None:
    gate = Gate()
    worker = await engine.work(Fan, gate, graceful_shutdown_timeout=ms(5))
    handle = await engine.start(Fan.run, 2)
    await eventually(lambda: gate.inside == 2)
    await worker.shutdown()
    await eventually(lambda: gate.inside == 0)
    gate.open.set()
    await engine.work(Fan, gate)
    assert await handle.result() == [0, 1]
    assert all(event.attempt == 1 for event in _completed(await handle.fetch_history()))


@pytest.mark.parametrize("value", [None, "done"])
async def test_an_attempt_that_finishes_while_it_is_cancelled_counts(engine: Harness, value: str | None) -> None:
    begun: list[int] = []

    @activity.defn(name="gate")
    async def polite(number: int) -> str | None:
        begun.append(number)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return value
        return "never"

    worker = await engine.work(Fan, polite, graceful_shutdown_timeout=ms(1))
    handle = await engine.start(Fan.run, 1)
    await eventually(lambda: begun)
    await worker.shutdown()
    await engine.work(Fan, polite)
    assert await handle.result() == [value]
    assert begun == [0]


async def test_run_works_until_it_is_told_to_stop(engine: Harness) -> None:
    gate = Gate()
    gate.open.set()
    worker = Worker(engine.client, task_queue=QUEUE, workflows=[Fan], activities=[gate])
    assert "not started" in repr(worker)
    running = asyncio.create_task(worker.run())
    assert await engine.execute(Fan.run, 2) == [0, 1]
    assert worker.is_running
    await worker.shutdown()
    await running
    assert repr(worker) == "<Worker of 'tests', 1 workflows, 1 activities, stopped>"


async def test_cancelling_run_stops_the_worker(engine: Harness) -> None:
    worker = Worker(engine.client, task_queue=QUEUE, workflows=[Sleeper])
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.is_running)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert worker.is_shutdown


async def test_a_worker_is_started_once(engine: Harness) -> None:
    worker = await engine.work(Sleeper)
    with pytest.raises(RuntimeError, match="make a new one"):
        await worker.run()


async def test_a_worker_may_be_left_after_its_client_was_closed(durable: Harness) -> None:
    async with Worker(durable.client, task_queue=QUEUE, workflows=[Sleeper]):
        await durable.close()
    await durable.open()


async def test_a_worker_needs_a_client_that_is_open(durable: Harness) -> None:
    client = durable.client
    worker = Worker(client, task_queue=QUEUE, workflows=[Sleeper])
    await durable.close()
    with pytest.raises(ClosedClientError, match="is closed"):
        await worker.run()
    await durable.open()


# -- several clients -------------------------------------------------------------------------------------------------


async def test_two_clients_of_one_url_share_the_engine(durable: Harness) -> None:
    async with await Client.connect(durable.url) as other:
        assert other.engine is durable.client.engine
        await durable.work(Sleeper)
        handle = await other.start_workflow(Sleeper.run, id="s", task_queue=QUEUE)
        await durable.client.get_workflow_handle("s").signal(Sleeper.wake)
        assert await handle.result() == "awake"
    assert (await durable.client.get_workflow_handle("s").describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_worker_gives_activities_the_client_that_it_was_given_last(durable: Harness) -> None:
    @activity.defn(name="gate")
    async def whose(number: int) -> bool:
        return activity.client() is clients[number]

    clients = [durable.client]
    worker = await durable.work(Fan, whose)
    assert await (await durable.start(Fan.run, 1)).result() == [True]
    async with await Client.connect(durable.url) as other, await Client.connect("memory://") as stranger:
        clients = [other]
        worker.client = other
        assert worker.client is other
        assert await (await durable.start(Fan.run, 1)).result() == [True]
        with pytest.raises(InvalidArgumentError, match="another client of the same engine"):
            worker.client = stranger
        worker.client = durable.client


async def test_two_spellings_of_one_file_are_one_engine(durable: Harness) -> None:
    folder, _, name = durable.url.rpartition("/")
    async with await Client.connect(f"{folder}/../{folder.rpartition('/')[2]}/{name}") as other:
        assert other.engine is durable.client.engine


async def test_clients_on_two_event_loops_share_the_engine(durable: Harness) -> None:
    results: list[str] = []

    async def elsewhere() -> None:
        async with await Client.connect(durable.url) as other:
            assert other.engine is durable.client.engine
            handle = await other.start_workflow(Sleeper.run, id="s", task_queue=QUEUE)
            await handle.signal(Sleeper.wake)
            results.append(await handle.result())

    await durable.work(Sleeper)
    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await asyncio.to_thread(thread.join, PATIENCE)
    assert results == ["awake"]
    assert (await durable.client.get_workflow_handle("s").describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_each_store_in_memory_is_its_own() -> None:
    async with await Client.connect("memory://") as one, await Client.connect("memory://") as other:
        assert one.engine is not other.engine


async def test_a_worker_may_live_on_another_event_loop_than_the_client(durable: Harness) -> None:
    begun, stop = threading.Event(), threading.Event()

    async def elsewhere() -> None:
        async with await Client.connect(durable.url) as other, Worker(other, task_queue=QUEUE, workflows=[Sleeper]):
            begun.set()
            await asyncio.to_thread(stop.wait, PATIENCE)

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await asyncio.to_thread(begun.wait, PATIENCE)
    handle = await durable.start(Sleeper.run)
    await handle.signal(Sleeper.wake)
    assert await handle.result() == "awake"
    stop.set()
    await asyncio.to_thread(thread.join, PATIENCE)


def test_a_client_that_was_not_closed_lets_go_of_its_file_when_its_loop_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"

    async def careless() -> Client:
        client = await Client.connect(url)
        await client.start_workflow(Sleeper.run, id="s", task_queue=QUEUE)
        return client

    async def careful() -> str:
        async with await Client.connect(url) as client, Worker(client, task_queue=QUEUE, workflows=[Sleeper]):
            handle = client.get_workflow_handle_for(Sleeper.run, "s")
            await handle.signal(Sleeper.wake)
            return await handle.result()

    async def use(client: Client) -> None:
        with pytest.raises(EngineStoppedError):
            await client.get_workflow_handle("s").describe()

    left = asyncio.run(careless())
    asyncio.run(use(left))
    assert asyncio.run(careful()) == "awake"
