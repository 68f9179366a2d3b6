"""Resetting a run: a new one goes on from an earlier event, with the old one's messages, time-outs and dice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.api.harness import QUEUE, Harness, failure_of, topics
from tests.api.reset_stage import Order, Status, double, number_of, replayed, when
from understudy import workflow
from understudy.actors.behaviors.decisions.commands import ResetWorkflow
from understudy.actors.behaviors.decisions.reset import reset
from understudy.actors.runs.execution_row import execution_row
from understudy.client import WorkflowContinuedAsNewError, WorkflowUpdateStage
from understudy.events.state.evolve import fold
from understudy.events.store import open_store
from understudy.events.store.port import Append, Unit
from understudy.events.workflow import WorkflowStarted, WorkflowTerminated
from understudy.exceptions import (
    ArgumentTypeError,
    InvalidArgumentError,
    ResetRefusedError,
    TerminatedError,
    WorkflowNotFoundError,
)
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Replayer, Worker

HOUR: Final = timedelta(hours=1)


# -- where to, and what follows --------------------------------------------------------------------------------------


async def test_an_open_run_is_terminated_and_its_result_is_that_of_the_new_one(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 1)
    waiting = asyncio.create_task(handle.result())
    fired = await when(handle, "timer.fired")
    new_id = await handle.reset(fired, reason="try again")
    assert new_id != handle.result_run_id
    await handle.signal(Order.tell, "a")
    token, number, words = await waiting
    assert (number, words) == (4, ["a"])
    old = engine.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
    assert (await old.describe()).status is Status.TERMINATED
    closed = (await old.fetch_history()).events[-1]
    assert isinstance(closed, WorkflowTerminated)
    assert (closed.reason, closed.new_run_id) == ("try again", new_id)
    assert await handle.result() == [token, number, words]
    await replayed(engine, handle, Order)


async def test_who_does_not_follow_runs_is_told_that_another_one_follows(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 1)
    new_id = await handle.reset(1)
    with pytest.raises(WorkflowContinuedAsNewError, match=new_id):
        await handle.result(follow_runs=False)


async def test_a_closed_run_stays_as_it_is_and_the_new_one_has_a_result_of_its_own(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 1)
    await handle.signal(Order.tell, "a")
    result = await handle.result()
    length = len(await topics(handle))
    for event_id in range(1, length + 1):
        new_id = await engine.client.get_workflow_handle(handle.id, run_id=handle.result_run_id).reset(event_id)
        again = engine.client.get_workflow_handle(handle.id, run_id=new_id)
        assert await again.result() == result
        await Replayer(workflows=[Order]).replay_workflow(await again.fetch_history())
    assert await handle.result() == result
    assert len(await topics(engine.client.get_workflow_handle(handle.id, run_id=handle.result_run_id))) == length


async def test_mended_code_takes_the_new_way_in_the_new_run(engine: Harness) -> None:
    def bill(factor: int) -> Any:
        @workflow.defn(name="Bill")
        async def code() -> int:
            return factor * await workflow.execute_activity(double, 1)

        return code

    await engine.work(bill(10), double)
    handle = await engine.start("Bill")
    assert await handle.result() == 20
    await engine.stop_work()
    await engine.work(bill(100), double)
    await handle.reset(await number_of(handle, "activity.completed"))
    assert await engine.client.get_workflow_handle(handle.id).result() == 200


async def test_a_reset_of_a_run_that_was_reset_keeps_its_dice_and_its_first_run(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 1)
    seed = await handle.query(Order.token)
    fired = await when(handle, "timer.fired")
    first = await handle.reset(fired)
    again = engine.client.get_workflow_handle_for(Order.run, handle.id)
    second = await again.reset(await when(again, "activity.completed"))
    start = (await again.fetch_history()).events[0]
    assert isinstance(start, WorkflowStarted)
    assert start.first_run_id == start.seed == handle.result_run_id
    assert [mark.run_id for mark in start.resets] == [first, second]
    assert await again.query(Order.token) == seed
    await again.signal(Order.tell, "a")
    assert (await handle.result())[1:] == [4, ["a"]]
    await replayed(engine, handle, Order)


async def test_a_run_whose_code_fails_can_be_reset_and_goes_on_with_mended_code(engine: Harness) -> None:
    def code(*, bad: bool) -> Any:
        @workflow.defn(name="Fragile")
        async def fragile() -> int:
            number = await workflow.execute_activity(double, 1)
            if bad:
                raise ValueError("a bug")
            return number

        return fragile

    await engine.work(code(bad=True), double)
    handle = await engine.start("Fragile")
    deferred = await when(handle, "turn.deferred")
    await engine.stop_work()
    await handle.reset(deferred)
    await engine.work(code(bad=False), double)
    assert await handle.result() == 2
    await replayed(engine, handle, code(bad=False))


async def test_the_new_run_of_a_paused_one_is_not_paused_and_has_what_came_meanwhile(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 2)
    await handle.signal(Order.tell, "a")
    await when(handle, "timer.fired")
    await handle.pause()
    await handle.signal(Order.tell, "b")
    await handle.reset(await number_of(handle, "workflow.paused"))
    assert (await handle.result())[1:] == [4, ["a", "b"]]
    await replayed(engine, handle, Order)


async def test_a_run_can_be_reset_in_the_same_breath_as_it_is_told_something(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 2)
    await when(handle, "timer.fired")
    await asyncio.gather(handle.signal(Order.tell, "a"), handle.reset(1), handle.signal(Order.tell, "b"))
    assert (await handle.result())[1:] == [4, ["a", "b"]]


# -- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signals", "updates", "left"),
    [(True, True, ["s", "u"]), (True, False, ["s"]), (False, True, ["u"]), (False, False, [])],
)
async def test_messages_that_came_later_are_sent_again_as_is_wanted(
    engine: Harness,
    signals: bool,  # noqa: FBT001 - a parameter of the test
    updates: bool,  # noqa: FBT001 - the same
    left: list[str],
) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 3)
    await when(handle, "timer.fired")
    await handle.signal(Order.tell, "s")
    assert await handle.execute_update(Order.ask, "u", id="u-1") == 2
    await handle.reset(3, reapply_signals=signals, reapply_updates=updates)
    again = engine.client.get_workflow_handle_for(Order.run, handle.id)
    assert await again.query(Order.told) == left
    if updates:
        assert await again.get_update_handle("u-1").result() == len(left)
    for word in "abc"[len(left) :]:
        await again.signal(Order.tell, word)
    await handle.result()
    await replayed(engine, handle, Order)


async def test_an_update_that_is_sent_again_is_the_same_one(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 2)
    await when(handle, "timer.fired")
    await handle.start_update(Order.ask, "u", id="u-1", wait_for_stage=WorkflowUpdateStage.COMPLETED)
    await handle.reset(3)
    again = engine.client.get_workflow_handle_for(Order.run, handle.id)
    assert await again.execute_update(Order.ask, "u", id="u-1") == 1
    assert await again.query(Order.told) == ["u"]


# -- crashes, time-outs ----------------------------------------------------------------------------------------------


async def test_acked_a_reset_that_is_on_disk_and_no_more_goes_on_at_the_next_start(durable: Harness) -> None:
    await durable.work(Order, double)
    handle = await durable.start(Order.run, 1, 1, id="order")
    fired = await when(handle, "timer.fired")
    run_id = handle.result_run_id or ""
    await durable.close()
    store = open_store(durable.url)
    events, new_id, now = store.load(run_id), "11111111-1111-4111-8111-111111111111", 1
    made = reset(run_id, events, ResetWorkflow(event_id=fired), new_id, max(event.at for event in events) + now)
    end = WorkflowTerminated(at=events[-1].at, new_run_id=new_id, reset_after=made.last_child)
    old, new = execution_row(fold(run_id, [*events, end]), None), execution_row(made.state, 0)
    unit = Unit((Append(run_id, len(events), (end,)), Append(new_id, 0, tuple(made.events))), (old, new))
    assert store.commit([unit]) == [None]
    store.close()
    await durable.open()
    await durable.work(Order, double)
    handle = durable.client.get_workflow_handle_for(Order.run, "order")
    await handle.signal(Order.tell, "a")
    assert (await handle.result())[1:] == [4, ["a"]]
    assert handle.run_id is None
    await replayed(durable, handle, Order)


async def test_the_time_out_of_a_run_begins_anew(env: WorkflowEnvironment) -> None:
    async with Worker(env.client, task_queue=QUEUE, workflows=[Order], activities=[double], debug_mode=True):
        start = env.client.start_workflow
        handle = await start(Order.run, args=[1, 1], id="order", task_queue=QUEUE, run_timeout=HOUR)
        await env.sleep(50 * 60)
        await handle.reset(1)
        await env.sleep(50 * 60)
        again = env.client.get_workflow_handle_for(Order.run, "order")
        assert (await again.describe()).status is Status.RUNNING
        assert isinstance(await failure_of(again.result()), WorkflowTimeoutError)


# -- refused ---------------------------------------------------------------------------------------------------------


async def test_an_event_that_there_is_not_is_refused_and_the_run_goes_on(engine: Harness) -> None:
    await engine.work(Order, double)
    handle = await engine.start(Order.run, 1, 1)
    with pytest.raises(InvalidArgumentError, match="event_id"):
        await handle.reset(1_000)
    await handle.signal(Order.tell, "a")
    assert (await handle.result())[2] == ["a"]


@pytest.mark.parametrize(("event_id", "error"), [(0, InvalidArgumentError), ("3", ArgumentTypeError)])
async def test_what_is_no_number_of_an_event_is_refused(engine: Harness, event_id: Any, error: Any) -> None:
    with pytest.raises(error, match="event_id"):
        await engine.client.get_workflow_handle("w").reset(event_id)
    with pytest.raises(ArgumentTypeError, match="event_id"):
        await engine.client.get_workflow_handle("w").reset(True)  # noqa: FBT003 - that is the point


async def test_what_is_to_become_of_children_has_to_be_said_in_its_own_words(engine: Harness) -> None:
    with pytest.raises(ArgumentTypeError, match="children"):
        await engine.client.get_workflow_handle("w").reset(1, children="adopt")  # type: ignore[arg-type]  # the point


async def test_a_closed_run_is_not_reset_while_another_one_is_open(engine: Harness) -> None:
    await engine.work(Order, double)
    first = await engine.start(Order.run, 1, 0, id="order")
    await first.result()
    second = await engine.start(Order.run, 1, 1, id="order")
    old = engine.client.get_workflow_handle("order", run_id=first.result_run_id)
    with pytest.raises(ResetRefusedError, match=second.result_run_id or "?"):
        await old.reset(1)
    await second.terminate()
    assert isinstance(await failure_of(second.result()), TerminatedError)
    new_id = await old.reset(1)
    assert (await engine.client.get_workflow_handle("order", run_id=new_id).result())[1:] == [4, []]


async def test_a_workflow_that_there_is_not_cannot_be_reset(engine: Harness) -> None:
    with pytest.raises(WorkflowNotFoundError, match="nobody"):
        await engine.client.get_workflow_handle("nobody").reset(1)
