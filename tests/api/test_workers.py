"""Workers: slots, cache, graceful stop, several on one queue, several clients on one engine."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, ms
from understudy import Client, Worker, activity, workflow
from understudy.client import WorkflowExecutionStatus
from understudy.common import WorkerDeploymentVersion
from understudy.exceptions import ClosedClientError, DefinitionError, EngineStoppedError, InvalidArgumentError
from understudy.worker import (
    PollerBehaviorAutoscaling,
    SharedStateManager,
    UnsandboxedWorkflowRunner,
    WorkerDeploymentConfig,
)
from understudy.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from understudy.worker_config import checked_options

DEPLOYMENT = WorkerDeploymentConfig(version=WorkerDeploymentVersion("shop", "b1"), use_worker_versioning=True)


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


@workflow.defn
class Sleeper:
    """Sleeps until it is woken."""

    def __init__(self) -> None:
        self.awake = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.awake)
        return "awake"

    @workflow.signal
    def wake(self) -> None:
        self.awake = True


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


async def test_a_timer_brings_a_passivated_run_back(engine: Harness) -> None:
    @workflow.defn
    async def naps() -> str:
        await workflow.sleep(0.3)
        return "rested"

    await engine.work(naps)
    handle = await engine.start(naps)
    assert engine.client.engine.workflows.passivate(0) == 1
    assert await handle.result() == "rested"


async def test_a_run_that_left_memory_comes_back_for_the_outcome_of_its_activity(engine: Harness) -> None:
    gate = Gate()
    await engine.work(Fan, gate)
    handle = await engine.start(Fan.run, 2)
    await eventually(lambda: gate.inside == 2)
    assert engine.client.engine.workflows.passivate(0) == 1
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task_queue": ""}, "task_queue is ''"),
        ({"workflows": []}, "at least one definition"),
        ({"max_concurrent_activities": 0}, "max_concurrent_activities is 0"),
        ({"max_cached_workflows": -1}, "max_cached_workflows is -1"),
        ({"max_concurrent_activities": "3"}, "max_concurrent_activities is '3'"),
        ({"graceful_shutdown_timeout": timedelta(seconds=-1)}, "graceful_shutdown_timeout"),
        ({"activity_executor": "threads"}, "activity_executor is 'threads'"),
        ({"max_concurrent_workflow_tasks": 0}, "max_concurrent_workflow_tasks is 0"),
        ({"max_activities_per_second": 0}, "max_activities_per_second is 0"),
        ({"max_task_queue_activities_per_second": "2"}, "max_task_queue_activities_per_second is '2'"),
        ({"max_heartbeat_throttle_interval": timedelta(-1)}, "max_heartbeat_throttle_interval"),
        ({"workflow_runner": "none"}, "workflow_runner is 'none'"),
        ({"plugins": [object()]}, "plugins is .* not applied"),
        ({"tuner": object()}, "tuner is .*Pass max_concurrent_activities"),
        ({"nexus_service_handlers": [object()]}, "nexus_service_handlers is"),
        ({"patch_activation_callback": bool}, "patch_activation_callback is"),
        ({"use_worker_versioning": True}, "build_id is None"),
        ({"deployment_config": DEPLOYMENT, "build_id": "b"}, "deployment_config is given beside"),
    ],
)
async def test_a_worker_refuses_options_that_cannot_be(engine: Harness, options: dict[str, Any], message: str) -> None:
    given: Any = {"task_queue": QUEUE, "workflows": [Sleeper], **options}
    with pytest.raises(InvalidArgumentError, match=message):
        Worker(engine.client, **given)


async def test_a_worker_takes_every_parameter_that_programs_bring_with_them(engine: Harness) -> None:
    brought: Any = {
        "workflow_task_executor": None,
        "workflow_runner": SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules("httpx")
        ),
        "unsandboxed_workflow_runner": UnsandboxedWorkflowRunner(),
        "max_concurrent_workflow_tasks": 5,
        "max_concurrent_local_activities": 5,
        "max_activities_per_second": 2.5,
        "no_remote_activities": True,
        "shared_state_manager": SharedStateManager.create_from_multiprocessing(None),
        "disable_eager_activity_execution": True,
        "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
        "deployment_config": DEPLOYMENT,
    }
    worker = Worker(engine.client, task_queue=QUEUE, workflows=[Sleeper], **brought)
    async with worker:
        handle = await engine.start(Sleeper.run)
        await handle.signal(Sleeper.wake)
        assert await handle.result() == "awake"


@pytest.mark.parametrize(
    ("turns", "error"), [(0, InvalidArgumentError), (-1, InvalidArgumentError), ("3", TypeError), (True, TypeError)]
)
async def test_the_turns_after_which_a_run_is_paused_are_a_number(
    engine: Harness, turns: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="pause_after_failed_turns"):
        Worker(engine.client, task_queue=QUEUE, workflows=[Sleeper], pause_after_failed_turns=turns)


async def test_a_worker_tells_its_workflows_when_to_pause(engine: Harness) -> None:
    workers = engine.client.engine.workflows.workers
    for turns, limit in [(None, 0), (3, 3)]:
        worker = Worker(engine.client, task_queue=f"q{limit}", workflows=[Sleeper], pause_after_failed_turns=turns)
        async with worker:
            [slots] = workers[f"q{limit}"]
            assert slots.workflows["Sleeper"].pause_after_failures == limit


async def test_a_worker_tells_what_it_was_made_with(engine: Harness) -> None:
    worker = Worker(engine.client, task_queue=QUEUE, workflows=[Sleeper], max_cached_workflows=7)
    config = worker.config()
    assert config.get("task_queue") == QUEUE
    assert config.get("workflows") == [Sleeper]
    assert config.get("max_cached_workflows") == 7
    config["task_queue"] = "another"
    assert worker.config(active_config=True).get("task_queue") == QUEUE, "it is a copy"
    Worker(**worker.config())  # type: ignore[misc]  # pyright: ignore[reportCallIssue]  # all keys are there


async def test_the_heartbeat_throttle_of_a_worker_reaches_its_slots(engine: Harness) -> None:
    worker = Worker(
        engine.client,
        task_queue=QUEUE,
        workflows=[Sleeper],
        default_heartbeat_throttle_interval=ms(20),
        max_heartbeat_throttle_interval=ms(50),
    )
    options = checked_options(worker.config())
    assert (options.default_heartbeat_throttle, options.max_heartbeat_throttle) == (0.02, 0.05)


async def test_without_a_sandbox_there_are_no_guards_and_no_lint(engine: Harness) -> None:
    @workflow.defn
    async def knows_better() -> bool:
        return time.time() > 0

    with pytest.raises(DefinitionError, match=r"calls time\.time\(\)"):
        Worker(engine.client, task_queue=QUEUE, workflows=[knows_better])
    worker = Worker(
        engine.client, task_queue=QUEUE, workflows=[knows_better], workflow_runner=UnsandboxedWorkflowRunner()
    )
    async with worker:
        assert await (await engine.start(knows_better)).result()


# -- several clients -------------------------------------------------------------------------------------------------


async def test_a_worker_warns_once_of_what_may_differ_in_a_replay(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow.defn
    async def region() -> str:
        return os.environ["REGION"]

    @workflow.defn(sandboxed=False)
    async def knows_better() -> str:
        return os.environ["REGION"]

    for queue in ["a", "b"]:
        Worker(engine.client, task_queue=queue, workflows=[region, knows_better])
    [record] = caplog.records
    assert (record.name, record.levelname) == ("understudy.lint", "WARNING")
    place = f"{__file__}:{region.__code__.co_firstlineno + 2}"
    assert record.getMessage() == (
        f"{place}: os.environ in workflow 'region' may differ in a replay; "
        "use an argument of the workflow, or an activity that reads it"
    )


async def test_a_worker_does_not_warn_of_a_workflow_that_it_refuses(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow.defn
    async def stamped() -> str:
        return f"{os.environ['REGION']} {time.time()}"

    with pytest.raises(DefinitionError, match=r"test_workers\.py:\d+ calls time\.time\(\)"):
        Worker(engine.client, task_queue=QUEUE, workflows=[stamped])
    assert caplog.records == []


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
    await asyncio.to_thread(thread.join, 20)
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
            await asyncio.to_thread(stop.wait, 20)

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await asyncio.to_thread(begun.wait, 20)
    handle = await durable.start(Sleeper.run)
    await handle.signal(Sleeper.wake)
    assert await handle.result() == "awake"
    stop.set()
    await asyncio.to_thread(thread.join, 20)


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
