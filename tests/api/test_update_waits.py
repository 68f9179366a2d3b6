"""Updates that wait: for a worker, for code that works, for a run to come back, or behind a restart."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.api.booking import Table, accepted, confirm, refusal
from tests.api.harness import PATIENCE, Harness, Skipping, eventually, passivate, topics
from understudy import workflow
from understudy.exceptions import ApplicationError, EngineStoppedError, WorkflowClosedError
from understudy.worker import Replayer

# -- waiting for code ------------------------------------------------------------------------------------------------


async def test_an_update_waits_for_a_worker_that_comes_later(engine: Harness) -> None:
    handle = await engine.start(Table.run)
    sent = [asyncio.create_task(handle.execute_update(Table.book, guest)) for guest in ("kim", "lee")]
    rejected = asyncio.create_task(refusal(handle.execute_update(Table.book, args=["max", 9])))
    await handle.signal("unheard-of")
    assert "update.accepted" not in await topics(handle)
    await engine.work(Table)
    assert [await update for update in sent] == [3, 2]
    assert isinstance(await rejected, ApplicationError)


@workflow.defn
class Diary:
    """Notes what comes, in its order, until it is cancelled."""

    @workflow.init
    def __init__(self) -> None:
        self.notes: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        self.notes.append("run")
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            self.notes.append("cancelled")
        return self.notes

    @workflow.signal
    def note(self, text: str) -> None:
        self.notes.append(text)

    @workflow.update
    async def ask(self, text: str) -> list[str]:
        self.notes.append(text)
        return self.notes


async def test_messages_that_wait_for_the_first_turn_go_in_front_of_it_whatever_else_waits(durable: Harness) -> None:
    handle = await durable.start(Diary.run, id="diary")
    await handle.signal(Diary.note, "signal")
    await handle.cancel()
    await handle.signal(Diary.note, "late signal")
    update = asyncio.create_task(handle.execute_update(Diary.ask, "update", id="u-1"))
    run = durable.client.engine.runs.live[handle.first_execution_run_id or ""].run
    await eventually(lambda: run.updates_waiting_for_code)
    await durable.work(Diary)
    assert await update == ["signal", "late signal", "update"]
    assert await handle.result() == ["signal", "late signal", "update", "run", "cancelled"]
    await durable.restart()
    again = durable.client.get_workflow_handle("diary")
    await Replayer(workflows=[Diary]).replay_workflow(await again.fetch_history())


async def test_an_update_waits_for_code_that_fails(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Fails:
        @workflow.run
        async def run(self) -> None:
            if broken:
                raise KeyError("a bug")
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def hello(self) -> str:
            return "hello"

    await engine.work(Fails)
    handle = await engine.start(Fails.run)
    sent = asyncio.create_task(handle.execute_update(Fails.hello))
    await handle.signal("unheard-of")
    assert not sent.done()
    broken = False
    assert await sent == "hello"


@pytest.mark.parametrize("end", ["terminate", "run out"])
async def test_an_update_that_waits_for_code_is_refused_when_its_run_ends_meanwhile(
    skipping: Skipping, end: str
) -> None:
    handle = await skipping.start(Table.run, run_timeout=timedelta(hours=1))
    sent = asyncio.create_task(handle.execute_update(Table.book, "kim"))
    await handle.signal("unheard-of")
    if end == "terminate":
        await handle.terminate()
    else:
        skipping.turn(timedelta(hours=1))
    with pytest.raises(WorkflowClosedError):
        await sent


async def test_an_update_that_waits_for_code_is_told_when_the_client_is_closed(engine: Harness) -> None:
    handle = await engine.start(Table.run)
    sent = asyncio.create_task(handle.execute_update(Table.book, "kim"))
    await handle.signal("unheard-of")
    await engine.close()
    with pytest.raises(EngineStoppedError):
        await asyncio.wait_for(sent, PATIENCE)
    await engine.open()


async def test_whoever_waits_for_an_update_is_told_when_the_client_is_closed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    await engine.close()
    with pytest.raises(EngineStoppedError):
        await asyncio.wait_for(waiting, PATIENCE)
    await engine.open()


async def test_whoever_gives_up_waiting_takes_nothing_with_him(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    waiting.cancel()
    await handle.signal(Table.let_in)
    assert await update.result() == "kim"
    assert await handle.query(Table.names) == ["kim"]


# -- what a run survives ---------------------------------------------------------------------------------------------


async def test_an_update_goes_on_in_a_run_that_left_memory(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    passivate(engine)
    await handle.signal(Table.let_in)
    assert await waiting == "kim"


async def test_updates_are_answered_by_a_worker_that_keeps_no_run_in_memory(engine: Harness) -> None:
    await engine.work(Table, confirm, max_cached_workflows=0)
    handle = await engine.start(Table.run)
    slow = await accepted(handle, Table.wait, "slow")
    for guest in ("kim", "lee"):
        assert await handle.execute_update(Table.confirm, guest) == f"confirmed {guest}"
    assert await handle.execute_update(Table.naps, 0.001, id="u-1") == ["u-1", "naps"]
    assert isinstance(await refusal(handle.execute_update(Table.book, args=["max", 9])), ApplicationError)
    await handle.signal(Table.let_in)
    assert await slow.result() == "slow"
    await handle.execute_update(Table.close)
    assert await handle.result() == ["kim", "lee", "slow"]


async def test_an_update_that_was_accepted_is_finished_after_a_restart(durable: Harness) -> None:
    await durable.work(Table, confirm)
    handle = await durable.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim", id="u-1")
    await accepted(handle, Table.wait, "lee", id="u-2")
    await durable.restart()
    handle = durable.client.get_workflow_handle("table")
    assert await handle.get_update_handle_for(Table.book, "u-1").result() == 3
    waiting = asyncio.create_task(handle.get_update_handle("u-2").result())
    again = asyncio.create_task(handle.execute_update(Table.wait, "again", id="u-2"))
    await durable.work(Table, confirm)
    await handle.signal(Table.let_in)
    assert [await waiting, await again] == ["lee", "lee"]
    await handle.execute_update(Table.close)
    assert await handle.result() == ["kim", "lee"]
