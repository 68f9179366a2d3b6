"""Options of workers: what is refused, what is taken, and what a worker warns of."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, ms
from tests.api.workers_stage import Sleeper
from understudy import Worker, workflow
from understudy.common import WorkerDeploymentVersion
from understudy.exceptions import DefinitionError, InvalidArgumentError
from understudy.worker import (
    PollerBehaviorAutoscaling,
    SharedStateManager,
    UnsandboxedWorkflowRunner,
    WorkerDeploymentConfig,
)
from understudy.worker.checks import checked_options
from understudy.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

DEPLOYMENT = WorkerDeploymentConfig(version=WorkerDeploymentVersion("shop", "b1"), use_worker_versioning=True)


# -- stopping --------------------------------------------------------------------------------------------------------


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
    workers = engine.client.engine.definitions.workers
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

    with pytest.raises(DefinitionError, match=r"test_worker_options\.py:\d+ calls time\.time\(\)"):
        Worker(engine.client, task_queue=QUEUE, workflows=[stamped])
    assert caplog.records == []
