"""Timers of a paused run, which run on or stand still; and runs that are paused since their code fails."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, failure_of, gone, has
from tests.api.pause_stage import MINUTE, Desk, nap
from understudy import workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowFailureError, WorkflowHandle
from understudy.exceptions import NondeterminismError
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Replayer, Worker

# -- time ------------------------------------------------------------------------------------------------------------


def worker(env: WorkflowEnvironment) -> Worker:
    """A worker of what is needed here."""
    return Worker(env.client, task_queue=QUEUE, workflows=[nap, Desk], debug_mode=True)


async def start(env: WorkflowEnvironment, code: Any, arg: Any, **options: Any) -> WorkflowHandle[Any, Any]:
    """Start a workflow there, and wait until it waits."""
    handle = await env.client.start_workflow(code, arg, id="w", task_queue=QUEUE, **options)
    if code is nap:
        await eventually(lambda: has(handle, "timer.started"))
    return handle


async def test_a_timer_that_runs_on_fires_while_its_run_is_paused_and_is_taken_at_once_later(
    env: WorkflowEnvironment,
) -> None:
    async with worker(env):
        handle = await start(env, nap, 60)
        await handle.pause()
        await env.sleep(90)
        assert await has(handle, "timer.fired")
        await handle.unpause()
        assert await handle.result() == pytest.approx(90, abs=5)


async def test_a_timer_that_stands_still_goes_on_with_the_rest_of_its_time(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, nap, 60)
        await env.sleep(20)
        await handle.pause(freeze_timers=True)
        await env.sleep(1_000)
        assert not await has(handle, "timer.fired")
        await handle.unpause()
        await env.sleep(30)
        assert not await has(handle, "timer.fired")
        assert await handle.result() == pytest.approx(1_060, abs=5)


async def test_a_timer_stands_still_over_two_pauses_and_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env, worker(env):
        handle = await start(env, nap, 60)
        await handle.pause(freeze_timers=True)
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env, worker(env):
        handle = env.client.get_workflow_handle("w")
        await env.sleep(500)
        await handle.unpause()
        await env.sleep(20)
        await handle.pause(freeze_timers=True)
        await env.sleep(300)
        await handle.unpause()
        await env.sleep(30)
        assert not await has(handle, "timer.fired")
        assert await handle.result() == pytest.approx(860, abs=10)
        await Replayer(workflows=[nap]).replay_workflow(await handle.fetch_history())


async def test_the_time_out_of_a_paused_run_strikes_all_the_same(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Desk.run, 1, run_timeout=MINUTE)
        await handle.pause(freeze_timers=True)
        assert isinstance(await failure_of(handle.result()), WorkflowTimeoutError)


# -- code that fails -------------------------------------------------------------------------------------------------


def counter(*, bad: bool, waits: bool = False) -> Any:
    """A workflow whose code has a bug in its second turn, or none."""

    @workflow.defn(name="Counter")
    class Counter:
        def __init__(self) -> None:
            self.words: list[str] = []

        @workflow.run
        async def run(self) -> list[str]:
            if waits:
                await workflow.sleep(3600)
            await workflow.wait_condition(lambda: len(self.words) == 2)
            return self.words

        @workflow.signal
        def tell(self, word: str) -> None:
            if bad:
                raise ValueError(f"no {word}")
            self.words.append(word)

        @workflow.query
        def told(self) -> list[str]:
            return self.words

    return Counter


async def note_of(handle: WorkflowHandle[Any, Any]) -> str:
    """Why a run is paused; empty: it is not."""
    notes = [getattr(event, "note", "") for event in (await handle.fetch_history()).events]
    return next((note for note in notes if note), "")


async def test_a_run_whose_code_fails_is_paused_with_a_note_and_goes_on_with_mended_code(engine: Harness) -> None:
    await engine.work(counter(bad=True), pause_after_failed_turns=2)
    handle = await engine.start("Counter")
    await handle.signal("tell", "a")
    note = await eventually(lambda: note_of(handle))
    assert note == "paused after 2 failed turns in a row: ValueError: no a"
    await handle.signal("tell", "b")
    await engine.stop_work()
    await engine.work(counter(bad=False))
    assert not await has(handle, "turn.resumed")
    await handle.unpause()
    assert await handle.result() == ["a", "b"]
    await Replayer(workflows=[counter(bad=False)]).replay_workflow(await handle.fetch_history())


async def test_a_run_that_is_unpaused_with_code_that_still_fails_is_paused_again(engine: Harness) -> None:
    await engine.work(counter(bad=True), pause_after_failed_turns=1)
    handle = await engine.start("Counter")
    await handle.signal("tell", "a")
    await eventually(lambda: has(handle, "workflow.paused"))
    await handle.unpause()
    await eventually(lambda: has(handle, "workflow.paused", 2))


async def test_a_run_that_was_paused_since_it_cannot_be_replayed_takes_nothing_before_it_is_unpaused(
    engine: Harness,
) -> None:
    await engine.work(counter(bad=False))
    handle = await engine.start("Counter")
    await gone(engine)
    await engine.stop_work()
    await engine.work(counter(bad=False, waits=True), pause_after_failed_turns=1)
    with suppress(NondeterminismError):
        await handle.query("told")
    await handle.signal("tell", "a")
    assert "NondeterminismError" in await eventually(lambda: note_of(handle))
    await engine.stop_work()
    await engine.work(counter(bad=False))
    await gone(engine)
    assert await handle.query("told") == []
    await handle.signal("tell", "b")
    assert await handle.query("told") == []
    await handle.unpause()
    assert await handle.result() == ["a", "b"]
    await Replayer(workflows=[counter(bad=False)]).replay_workflow(await handle.fetch_history())


async def test_a_closed_run_that_cannot_be_replayed_is_not_paused(engine: Harness) -> None:
    await engine.work(counter(bad=False))
    handle = await engine.start("Counter")
    for word in "ab":
        await handle.signal("tell", word)
    await handle.result()
    await gone(engine)
    await engine.stop_work()
    await engine.work(counter(bad=False, waits=True), pause_after_failed_turns=1)
    with pytest.raises(NondeterminismError):
        await handle.query("told")
    with pytest.raises(WorkflowFailureError):
        await (await engine.start("Counter", run_timeout=timedelta(milliseconds=1))).result()
    assert (await handle.describe()).status is Status.COMPLETED
