"""Activities that are completed from outside, over time: time-outs go on counting, also behind a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, topics
from tests.api.outside_stage import Desk, Sign, left_outside
from understudy.client import WorkflowHandle
from understudy.exceptions import TimeoutType, WorkflowClosedError

# -- time ------------------------------------------------------------------------------------------------------------


async def test_start_to_close_goes_on_counting_outside(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {"start_to_close_timeout": 60}, 1)
    outside = engine.client.get_async_activity_handle(task_token=await desk.token())
    await outside.heartbeat("page", 1)
    await outside.heartbeat("page", 2)
    assert await handle.result() == ["timed out", "START_TO_CLOSE", ["page", 2]]
    with pytest.raises(WorkflowClosedError):
        await outside.complete("late")


async def test_an_attempt_that_timed_out_outside_is_tried_again(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {"start_to_close_timeout": 40})
    await engine.client.get_async_activity_handle(task_token=await desk.token(2)).complete("kim")
    assert await handle.result() == ["signed", "kim"]


async def test_the_heartbeat_time_out_goes_on_counting_outside(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    assert await engine.execute(Sign.run, {"heartbeat_timeout": 20}, 1) == ["timed out", "HEARTBEAT", []]


async def test_heartbeats_from_outside_keep_it_alive(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {"heartbeat_timeout": 200}, 1)
    outside = engine.client.get_async_activity_handle(task_token=await desk.token())
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.5
    while loop.time() < end:
        await outside.heartbeat()
    await outside.complete("kim")
    assert await handle.result() == ["signed", "kim"]


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
async def test_behind_a_restart_its_time_outs_strike(durable: Harness, limit: str) -> None:
    desk = Desk()
    await durable.work(Sign, desk.sign)
    handle = await durable.start(Sign.run, {limit: 500}, 1, id="w")
    outside = durable.client.get_async_activity_handle(task_token=await desk.token())
    for page in (1, 2):  # the second is not written down before the engine stops
        await outside.heartbeat("page", page)
    await left_outside(handle)
    await durable.restart()
    await durable.work(Sign, desk.sign)
    kind = TimeoutType.START_TO_CLOSE if limit == "start_to_close_timeout" else TimeoutType.HEARTBEAT
    assert await durable.client.get_workflow_handle("w").result() == ["timed out", kind.name, ["page", 2]]
    assert len(desk.tokens) == 1


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
