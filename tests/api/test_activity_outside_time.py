"""Activities that are completed from outside, over time: time-outs go on counting, also behind a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.api.harness import Harness, eventually, topics
from tests.api.outside_stage import Desk, Sign, left_outside
from tests.api.turned import Turned, on_turned_time
from understudy.client import WorkflowHandle
from understudy.exceptions import TimeoutType, WorkflowClosedError

HOUR: Final = timedelta(hours=1)
HOUR_MS: Final = 3_600_000

# -- time ------------------------------------------------------------------------------------------------------------


def test_start_to_close_goes_on_counting_outside(url: str) -> None:
    async def script(engine: Turned) -> None:
        desk = Desk()
        await engine.work(Sign, desk.sign)
        handle = await engine.start(Sign.run, {"start_to_close_timeout": HOUR_MS}, 1)
        outside = engine.client.get_async_activity_handle(task_token=await desk.token())
        await outside.heartbeat("page", 1)
        await outside.heartbeat("page", 2)
        await left_outside(handle)
        engine.turn(HOUR)
        assert await handle.result() == ["timed out", "START_TO_CLOSE", ["page", 2]]
        with pytest.raises(WorkflowClosedError):
            await outside.complete("late")

    on_turned_time(url, script)


def test_an_attempt_that_timed_out_outside_is_tried_again(url: str) -> None:
    async def script(engine: Turned) -> None:
        desk = Desk()
        await engine.work(Sign, desk.sign)
        handle = await engine.start(Sign.run, {"start_to_close_timeout": HOUR_MS})
        await left_outside(handle)
        engine.turn(HOUR)
        await engine.client.get_async_activity_handle(task_token=await desk.token(2)).complete("kim")
        assert await handle.result() == ["signed", "kim"]

    on_turned_time(url, script)


async def test_the_heartbeat_time_out_goes_on_counting_outside(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    assert await engine.execute(Sign.run, {"heartbeat_timeout": 20}, 1) == ["timed out", "HEARTBEAT", []]


def test_heartbeats_from_outside_keep_it_alive(url: str) -> None:
    async def script(engine: Turned) -> None:
        desk = Desk()
        await engine.work(Sign, desk.sign)
        handle = await engine.start(Sign.run, {"heartbeat_timeout": HOUR_MS, "start_to_close_timeout": 9 * HOUR_MS}, 1)
        outside = engine.client.get_async_activity_handle(task_token=await desk.token())
        for _ in range(3):
            engine.turn(0.75 * HOUR)
            await outside.heartbeat()
        await outside.complete("kim")
        assert await handle.result() == ["signed", "kim"]

    on_turned_time(url, script)


# -- restarts --------------------------------------------------------------------------------------------------------


async def test_behind_a_restart_it_is_waited_for_and_its_code_does_not_run_again(durable: Harness) -> None:
    desk = Desk()
    await durable.work(Sign, desk.sign)
    handle = await durable.start(Sign.run, {}, id="w")
    token = await desk.token()
    await left_outside(handle)
    await durable.restart()
    await durable.work(Sign, desk.sign)
    outside = durable.client.get_async_activity_handle(task_token=token)
    await outside.heartbeat("half")
    await outside.complete("kim")
    assert await durable.client.get_workflow_handle("w").result() == ["signed", "kim"]
    assert len(desk.tokens) == 1


async def test_behind_a_restart_it_is_completed_without_any_worker(durable: Harness) -> None:
    desk = Desk()
    await durable.work(Sign, desk.sign)
    handle = await durable.start(Sign.run, {}, id="w")
    token = await desk.token()
    await left_outside(handle)
    await durable.restart()
    await durable.client.get_async_activity_handle(task_token=token).complete("kim")
    handle = durable.client.get_workflow_handle("w")
    assert "activity.completed" in await topics(handle)
    await durable.work(Sign, desk.sign)
    assert await handle.result() == ["signed", "kim"]


@pytest.mark.parametrize("limit", ["start_to_close_timeout", "heartbeat_timeout"])
def test_behind_a_restart_its_time_outs_strike(tmp_path: Path, limit: str) -> None:
    async def script(engine: Turned) -> None:
        desk = Desk()
        await engine.work(Sign, desk.sign)
        handle = await engine.start(Sign.run, {"start_to_close_timeout": 9 * HOUR_MS, limit: HOUR_MS}, 1, id="w")
        outside = engine.client.get_async_activity_handle(task_token=await desk.token())
        for page in (1, 2):  # the second is not written down before the engine stops
            await outside.heartbeat("page", page)
        await left_outside(handle)
        await engine.restart()
        await engine.work(Sign, desk.sign)
        if limit == "heartbeat_timeout":  # it counts from when it is watched again; the other one sleeps in the store
            await eventually(lambda: engine.client.engine.activities.is_running)
        engine.turn(HOUR)
        kind = TimeoutType.START_TO_CLOSE if limit == "start_to_close_timeout" else TimeoutType.HEARTBEAT
        assert await engine.client.get_workflow_handle("w").result() == ["timed out", kind.name, ["page", 2]]
        assert len(desk.tokens) == 1

    on_turned_time(f"sqlite:///{tmp_path}/engine.db", script)


async def test_a_run_that_left_memory_comes_back_for_it(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign, max_cached_workflows=0)
    handle = await engine.start(Sign.run, {})
    token = await desk.token()
    await left_outside(handle)
    await eventually(lambda: _passivated(handle))
    await engine.client.get_async_activity_handle(task_token=token).complete("kim")
    assert await handle.result() == ["signed", "kim"]
    assert len(desk.tokens) == 1


async def _passivated(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await handle.describe()).phase == "passivated"
