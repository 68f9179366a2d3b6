"""Pausing a run: what comes meanwhile waits, what is under way goes on, and the code takes it all up later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.api.harness import AT_ONCE, QUEUE, Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    CancelledError,
    NondeterminismError,
    TerminatedError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Replayer, Worker
from understudy.workflow_control import Operator

MINUTE: Final = timedelta(minutes=1)


@workflow.defn
class Desk:
    """Takes things until it has enough."""

    def __init__(self) -> None:
        self.things: list[str] = []

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.things) >= enough)
        return self.things

    @workflow.signal
    def put(self, thing: str) -> None:
        self.things.append(thing)

    @workflow.query
    def seen(self) -> list[str]:
        return self.things

    @workflow.update
    def hand(self, thing: str) -> int:
        self.things.append(thing)
        return len(self.things)

    @hand.validator
    def check(self, thing: str) -> None:
        if not thing:
            raise ApplicationError("an empty hand")


@workflow.defn
async def nap(seconds: float) -> float:
    """How long a sleep was."""
    before = workflow.time()
    await workflow.sleep(seconds)
    return workflow.time() - before


class Gate:
    """Activities that wait to be let through, and are counted."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = 0

    @activity.defn
    async def work(self) -> str:
        self.begun += 1
        await self.open.wait()
        return "done"


@workflow.defn
class Working:
    """One activity, near or far."""

    @workflow.run
    async def run(self, near: bool) -> str:  # noqa: FBT001 - an argument of a workflow
        call = workflow.execute_local_activity if near else workflow.execute_activity
        result: str = await call("work", start_to_close_timeout=MINUTE)  # type: ignore[operator]  # a union of overloads
        await workflow.sleep(0.001)
        return result

    @workflow.query
    def answers(self) -> bool:
        return True


async def has(handle: WorkflowHandle[Any, Any], topic: str, times: int = 1) -> bool:
    """Whether something is recorded of a run, so many times."""
    return (await topics(handle)).count(topic) >= times


def passivate(engine: Harness) -> int:
    """Let all runs that are idle leave memory; how many stay."""
    workflows = engine.client.engine.workflows
    workflows.passivate(0)
    return len(workflows.live)


async def gone(engine: Harness) -> None:
    """Wait until no run is in memory."""
    await eventually(lambda: passivate(engine) == 0)


# -- messages --------------------------------------------------------------------------------------------------------


async def test_signals_that_come_to_a_paused_run_wait_and_are_then_taken_in_order(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 3)
    await handle.signal(Desk.put, "a")
    await handle.pause(note="lunch")
    paused = (await handle.describe()).paused
    assert paused is not None
    assert paused.note == "lunch"
    await handle.signal(Desk.put, "b")
    await handle.signal(Desk.put, "c")
    assert await handle.query(Desk.seen) == ["a"]
    await handle.unpause(note="back")
    assert await handle.result() == ["a", "b", "c"]
    history = await handle.fetch_history()
    assert [getattr(event, "note", "") for event in history.events if event.topic.endswith("paused")] == [
        "lunch",
        "back",
    ]
    await Replayer(workflows=[Desk]).replay_workflow(history)


async def test_a_paused_run_goes_on_at_once_with_what_comes_behind_the_unpause(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 2)
    await handle.pause()
    await handle.signal(Desk.put, "a")
    await asyncio.gather(handle.unpause(), handle.signal(Desk.put, "b"))
    assert await handle.result() == ["a", "b"]


async def test_a_paused_run_that_left_memory_answers_queries_as_it_stood(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 3)
    await handle.signal(Desk.put, "a")
    await handle.pause()
    await handle.signal(Desk.put, "b")
    await gone(engine)
    assert await handle.query(Desk.seen) == ["a"]
    await gone(engine)
    _, seen = await asyncio.gather(handle.signal(Desk.put, "c"), handle.query(Desk.seen))
    assert seen == ["a"]
    await handle.unpause()
    assert await handle.result() == ["a", "b", "c"]


async def test_a_paused_run_answers_queries_and_takes_messages_after_a_restart(durable: Harness) -> None:
    await durable.work(Desk)
    handle = await durable.start(Desk.run, 3, id="desk")
    await handle.signal(Desk.put, "a")
    await handle.pause()
    await handle.signal(Desk.put, "b")
    await durable.restart()
    await durable.work(Desk)
    handle = durable.client.get_workflow_handle_for(Desk.run, "desk")
    assert await handle.query(Desk.seen) == ["a"]
    await handle.signal(Desk.put, "c")
    assert await handle.query(Desk.seen) == ["a"]
    await handle.unpause()
    assert await handle.result() == ["a", "b", "c"]


async def test_an_update_is_accepted_by_a_paused_run_and_completed_later(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 2)
    await handle.pause()
    update = await handle.start_update(Desk.hand, "a", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await gone(engine)
    other = await handle.start_update(Desk.hand, "b", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    assert not await has(handle, "update.completed")
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(Desk.hand, "")
    await handle.unpause()
    assert [await update.result(), await other.result()] == [1, 2]
    assert await handle.result() == ["a", "b"]


async def test_an_update_to_a_paused_run_that_no_worker_knows_waits_for_one(engine: Harness) -> None:
    handle = await engine.start(Desk.run, 2)
    await handle.pause()
    asked = asyncio.create_task(handle.execute_update(Desk.hand, "a"))
    await handle.signal(Desk.put, "b")
    await handle.unpause()
    await engine.work(Desk)
    assert sorted(await handle.result()) == ["a", "b"]
    assert await asked in {1, 2}


# -- again, and in all states ----------------------------------------------------------------------------------------


async def test_pausing_twice_and_unpausing_twice_is_done_once(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 1)
    await handle.unpause()
    await handle.pause(note="first")
    await handle.pause(note="second")
    await handle.unpause()
    await handle.unpause()
    await handle.signal(Desk.put, "a")
    assert await handle.result() == ["a"]
    told = await topics(handle)
    assert (told.count("workflow.paused"), told.count("workflow.unpaused")) == (1, 1)


async def test_a_run_that_waits_for_a_worker_can_be_paused_and_stays_so_when_one_comes(engine: Harness) -> None:
    handle = await engine.start(Desk.run, 1)
    await handle.pause()
    await handle.signal(Desk.put, "a")
    await engine.work(Desk)
    other = await engine.start(Desk.run, 1)
    await other.signal(Desk.put, "b")
    assert await other.result() == ["b"]
    assert not await has(handle, "turn.resumed")
    await handle.unpause()
    assert await handle.result() == ["a"]


async def test_a_run_that_is_unpaused_without_a_worker_goes_on_when_one_comes(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 1)
    await handle.pause()
    await handle.signal(Desk.put, "a")
    await engine.stop_work()
    await handle.unpause()
    await engine.work(Desk)
    assert await handle.result() == ["a"]


async def test_a_run_that_waits_for_its_first_turn_can_be_paused(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 1, start_delay=timedelta(milliseconds=20))
    await handle.pause()
    await handle.signal(Desk.put, "a")
    await handle.unpause()
    assert await handle.result() == ["a"]


async def test_a_paused_run_can_be_terminated(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 1)
    await handle.pause()
    await handle.terminate(reason="enough")
    assert isinstance(await failure_of(handle.result()), TerminatedError)


async def test_a_cancellation_waits_for_the_end_of_the_pause(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 1)
    await handle.pause()
    await handle.cancel()
    assert (await handle.describe()).status is Status.RUNNING
    await handle.unpause()
    assert isinstance(await failure_of(handle.result()), CancelledError)


async def test_a_closed_run_is_neither_paused_nor_unpaused(engine: Harness) -> None:
    await engine.work(Desk)
    handle = await engine.start(Desk.run, 0)
    await handle.result()
    for operate in (handle.pause, handle.unpause):
        with pytest.raises(WorkflowClosedError, match="COMPLETED"):
            await operate()
        with pytest.raises(WorkflowNotFoundError, match="nobody"):
            await getattr(engine.client.get_workflow_handle("nobody"), operate.__name__)()


@pytest.mark.parametrize("method", [Operator.pause, Operator.unpause], ids=lambda method: method.__name__)
async def test_a_note_is_a_text(engine: Harness, method: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="note"):
        await method(engine.client.get_workflow_handle("w"), note=7)


# -- activities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("near", [False, True], ids=["far", "local"])
async def test_an_activity_under_way_goes_on_and_its_outcome_waits(engine: Harness, near: bool) -> None:  # noqa: FBT001
    gate = Gate()
    await engine.work(Working, gate.work)
    handle = await engine.start(Working.run, near)
    await eventually(lambda: gate.begun)
    await handle.pause()
    gate.open.set()
    await eventually(lambda: has(handle, "local_activity.completed" if near else "activity.completed"))
    assert not await has(handle, "timer.started")
    await gone(engine)
    assert await handle.query(Working.answers)
    assert await handle.query(Working.answers)
    await handle.unpause()
    assert await handle.result() == "done"
    assert gate.begun == 1


@pytest.mark.parametrize("near", [False, True], ids=["far", "local"])
async def test_an_activity_is_under_way_once_whatever_pauses_there_are(engine: Harness, near: bool) -> None:  # noqa: FBT001
    gate = Gate()
    await engine.work(Working, gate.work)
    handle = await engine.start(Working.run, near)
    await eventually(lambda: gate.begun)
    for _ in range(2):
        await handle.pause()
        await handle.unpause()
        assert await handle.query(Working.answers)
    gate.open.set()
    assert await handle.result() == "done"
    assert gate.begun == 1


async def test_retries_go_on_while_a_run_is_paused(engine: Harness) -> None:
    gate = asyncio.Event()
    tries: list[int] = []

    @activity.defn
    async def limps() -> int:
        tries.append(1)
        if len(tries) == 1:
            await gate.wait()
        if len(tries) < 3:
            raise ApplicationError("not yet")
        return len(tries)

    @workflow.defn
    async def insists() -> int:
        return await workflow.execute_activity(limps, retry_policy=AT_ONCE)

    await engine.work(insists, limps)
    handle = await engine.start(insists)
    await eventually(lambda: tries)
    await handle.pause()
    gate.set()
    await eventually(lambda: has(handle, "activity.completed"))
    await handle.unpause()
    assert await handle.result() == 3


# -- what it costs ---------------------------------------------------------------------------------------------------


async def test_a_paused_run_costs_nothing_at_the_next_start(durable: Harness) -> None:
    await durable.work(Desk, nap)
    desk = await durable.start(Desk.run, 1)
    frozen = await durable.start(nap, 3600)
    await desk.pause()
    await desk.signal(Desk.put, "a")
    await frozen.pause(freeze_timers=True)
    await durable.restart()
    store, workflows = durable.client.engine.store, durable.client.engine.workflows
    for handle in (desk, frozen):
        row = store.execution(handle.result_run_id or "")
        assert row is not None
        assert row.wake_at is None
    await durable.work(Desk, nap)
    assert len(workflows.live) == 0
    again = durable.client.get_workflow_handle(desk.id)
    await again.unpause()
    assert await again.result() == ["a"]


# -- time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """An environment in which time jumps."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


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
    assert note == "paused after 2 failed turns in a row: ValueError('no a')"
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
