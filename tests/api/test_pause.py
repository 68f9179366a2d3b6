"""Pausing a run: what comes meanwhile waits, what is under way goes on, and the code takes it all up later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, Harness, Skipping, eventually, failure_of, gone, has, topics
from tests.api.pause_stage import MINUTE, Desk, nap
from understudy import activity, workflow
from understudy._client.handles.control import Operator
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    CancelledError,
    TerminatedError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)
from understudy.worker import Replayer


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


async def test_a_run_that_waits_for_its_first_turn_can_be_paused(skipping: Skipping) -> None:
    await skipping.work(Desk)
    handle = await skipping.start(Desk.run, 1, start_delay=MINUTE)
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
    store, runs = durable.client.engine.store, durable.client.engine.runs
    for handle in (desk, frozen):
        row = store.execution(handle.result_run_id or "")
        assert row is not None
        assert row.wake_at is None
    await durable.work(Desk, nap)
    assert len(runs.live) == 0
    again = durable.client.get_workflow_handle(desk.id)
    await again.unpause()
    assert await again.result() == ["a"]


@workflow.defn
class Guestbook:
    """Ends when it is told, once all that is asked of it is done."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.is_over = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.is_over)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.names

    @workflow.signal
    def end(self) -> None:
        self.is_over = True

    @workflow.signal
    def sign(self, name: str) -> None:
        self.names.append(name)

    @workflow.update
    async def enter(self, name: str) -> str:
        await workflow.sleep(0)
        self.names.append(name)
        return name


async def test_nothing_that_was_acknowledged_meanwhile_is_lost_behind_an_end(engine: Harness) -> None:
    await engine.work(Guestbook)
    handle = await engine.start(Guestbook.run)
    await handle.pause()
    await handle.signal(Guestbook.end)
    await handle.signal(Guestbook.sign, "Kim")
    entering = await handle.start_update(Guestbook.enter, "Lee", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await handle.unpause()
    assert await handle.result() == ["Kim", "Lee"]
    assert await entering.result() == "Lee"
