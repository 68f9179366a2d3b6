"""Code that fails is tried again wherever its run is: in memory, or out of it for a small cache or short idleness."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, gone, has, ms
from tests.api.turned import Turned, on_turned_time
from understudy import workflow
from understudy.client import WorkflowExecutionDescription, WorkflowHandle

SMALL: list[dict[str, Any]] = [
    {"max_cached_workflows": 0},
    {"max_cached_workflows": 1},
    {"workflow_idle_timeout": ms(1)},
]
"""Options of workers that let runs leave memory soon."""


def failing(times: int) -> type:
    """A workflow each of whose runs fails so often before it completes."""
    tries: dict[str, int] = {}

    @workflow.defn(name="Flaky", sandboxed=False)
    class Flaky:
        @workflow.run
        async def run(self) -> int:
            key = workflow.info().workflow_id
            tries[key] = tries.get(key, 0) + 1
            if tries[key] <= times:
                raise ValueError("a bug")
            return tries[key]

        @workflow.signal
        def note(self) -> None: ...

    return Flaky


async def left(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    """Wait until a run whose code has failed is not in memory."""

    async def look() -> WorkflowExecutionDescription | None:
        found = await handle.describe()
        return found if found.phase == "passivated" and found.next_turn_at else None

    found: WorkflowExecutionDescription = await eventually(look)
    return found


async def failed_so_often(handle: WorkflowHandle[Any, Any], times: int) -> WorkflowExecutionDescription:
    """Wait until the code of a run has failed so often."""

    async def look() -> WorkflowExecutionDescription | None:
        found = await handle.describe()
        return found if found.failed_turns == times else None

    found: WorkflowExecutionDescription = await eventually(look)
    return found


@pytest.mark.parametrize("options", SMALL, ids=" ".join)
async def test_failed_code_is_tried_again_until_it_succeeds_in_runs_that_left_memory(
    engine: Harness, options: dict[str, Any]
) -> None:
    await engine.work(failing(2), **options)
    handles = [await engine.start("Flaky") for _ in range(4)]
    assert await asyncio.gather(*(handle.result() for handle in handles)) == [3] * 4
    assert not engine.client.engine.runs.stuck_runs


@pytest.mark.parametrize("options", SMALL, ids=" ".join)
async def test_failed_turns_are_counted_up_to_the_pause_in_runs_that_left_memory(
    engine: Harness, options: dict[str, Any]
) -> None:
    await engine.work(failing(99), pause_after_failed_turns=3, **options)
    handles = [await engine.start("Flaky") for _ in range(2)]
    for handle in handles:
        await eventually(partial(has, handle, "workflow.paused"))
        found = await handle.describe()
        assert found.paused is not None
        assert found.paused.note == "paused after 3 failed turns in a row: ValueError: a bug"
        assert (found.waiting_for, found.failed_turns) == ("ValueError: a bug", 3)


async def test_a_description_of_a_run_that_left_memory_says_why_its_code_fails_and_when_it_is_tried_again(
    engine: Harness,
) -> None:
    await engine.work(failing(99), max_cached_workflows=0)
    handle = await engine.start("Flaky")
    found = await left(handle)
    assert found.waiting_for == "ValueError: a bug"
    assert found.failed_turns >= 1
    assert found.next_turn_at is not None
    assert found.next_turn_at > found.start_time


def test_a_message_to_a_run_that_left_memory_does_not_shorten_the_back_off_of_its_code(url: str) -> None:
    async def script(engine: Turned) -> None:
        await engine.work(failing(99))
        handle = await engine.start("Flaky")
        for failed in range(1, 9):
            await failed_so_often(handle, failed)
            engine.turn(timedelta(seconds=30))
        planned = (await failed_so_often(handle, 9)).next_turn_at
        await gone(engine)
        await handle.signal("note")
        found = await handle.describe()
        assert (found.failed_turns, found.next_turn_at) == (9, planned)

    on_turned_time(url, script)


async def test_a_new_worker_tries_failed_code_of_runs_that_left_memory_at_once(engine: Harness) -> None:
    await engine.work(failing(99), max_cached_workflows=0)
    handle = await engine.start("Flaky")
    await left(handle)
    await engine.stop_work()
    await engine.work(failing(0), max_cached_workflows=0)
    assert await handle.result() == 1
