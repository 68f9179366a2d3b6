"""A reset run and others: its children are adopted, left alone or ended, and what it told others is not told twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api.harness import Harness, eventually, failure_of, topics
from tests.api.reset_stage import Order, Status, double, number_of, replayed, when
from understudy import workflow
from understudy.actors.runs.execution_row import execution_row
from understudy.client import WorkflowHandle
from understudy.events.options.policies import ResetChildren
from understudy.events.state.evolve import fold
from understudy.events.store import open_store
from understudy.events.store.port import Append, Unit
from understudy.events.workflow import ResetMark, WorkflowStarted
from understudy.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError
from understudy.workflow import ParentClosePolicy

ADOPT, ABANDON, TERMINATE = ResetChildren.ADOPT, ResetChildren.ABANDON, ResetChildren.TERMINATE


# -- children --------------------------------------------------------------------------------------------------------


@workflow.defn
class Parcel:
    """Waits for its stamp."""

    def __init__(self) -> None:
        self.stamp = ""

    @workflow.run
    async def run(self, name: str) -> str:
        await workflow.wait_condition(lambda: bool(self.stamp))
        return f"{name} {self.stamp}"

    @workflow.signal
    def put(self, stamp: str) -> None:
        self.stamp = stamp


def shop(names: str = "ab", policy: ParentClosePolicy = ParentClosePolicy.TERMINATE) -> Any:
    """A workflow that sends a parcel before a timer, one behind it, and waits for both."""

    @workflow.defn(name="Shop")
    async def code() -> list[str]:
        first = await workflow.start_child_workflow(Parcel.run, "1", id=names[0], parent_close_policy=policy)
        await workflow.sleep(0.001)
        second = await workflow.start_child_workflow(Parcel.run, "2", id=names[1], parent_close_policy=policy)
        results: list[str] = []
        for child in (first, second):
            try:
                results.append(await child)
            except ChildWorkflowError as error:
                results.append(type(error.cause).__name__)
        return results

    return code


async def sent(engine: Harness) -> WorkflowHandle[Any, Any]:
    """A shop that has sent both of its parcels."""
    handle = await engine.start("Shop", id="shop")
    await eventually(lambda: both_started(handle))
    return handle


async def both_started(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await topics(handle)).count("child.started") == 2


async def stamp(engine: Harness, *names: str) -> None:
    """Let parcels be done."""
    for name in names:
        await engine.client.get_workflow_handle(name).signal("put", "stamped")


async def status(engine: Harness, name: str, run_id: str | None = None) -> Any:
    """How a child stands."""
    return (await engine.client.get_workflow_handle(name, run_id=run_id).describe()).status


async def test_open_children_are_adopted_whether_they_were_started_in_front_or_behind(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    runs = {name: engine.client.engine.service.run_of(name) for name in "ab"}
    await handle.reset(await number_of(handle, "timer.fired"))
    await stamp(engine, "a", "b")
    assert await handle.result() == ["1 stamped", "2 stamped"]
    assert {name: engine.client.engine.service.run_of(name) for name in "ab"} == runs
    await replayed(engine, handle, shop())


async def test_children_that_have_ended_are_adopted_with_their_results(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    await stamp(engine, "b")
    await eventually(lambda: is_(engine, "b", Status.COMPLETED))
    await handle.reset(await number_of(handle, "timer.fired"))
    await stamp(engine, "a")
    assert await handle.result() == ["1 stamped", "2 stamped"]
    await replayed(engine, handle, shop())


async def is_(engine: Harness, name: str, wanted: Any) -> bool:
    return await status(engine, name) is wanted


async def test_abandoned_children_go_on_and_new_ones_take_their_place_under_other_ids(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    await engine.stop_work()
    await engine.work(shop("ac"), Parcel)
    await handle.reset(await number_of(handle, "timer.fired"), children=ABANDON)
    await eventually(lambda: both_started(engine.client.get_workflow_handle("shop")))
    assert await status(engine, "b") is Status.RUNNING
    await stamp(engine, "a", "c")
    assert await handle.result() == ["1 stamped", "2 stamped"]
    assert await status(engine, "b") is Status.RUNNING


async def test_an_abandoned_child_still_holds_its_id(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    await handle.reset(await number_of(handle, "timer.fired"), children=ABANDON)
    again = engine.client.get_workflow_handle("shop")
    assert await when(again, "child.start_failed")
    assert isinstance(await failure_of(handle.result()), WorkflowAlreadyStartedError)
    assert await status(engine, "b") is Status.RUNNING


async def test_terminated_children_make_room_for_new_ones_with_the_same_ids(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    old = engine.client.engine.service.run_of("b")
    await handle.reset(await number_of(handle, "timer.fired"), children=TERMINATE)
    await eventually(lambda: both_started(engine.client.get_workflow_handle("shop")))
    assert await status(engine, "b", old) is Status.TERMINATED
    assert await status(engine, "a") is Status.RUNNING
    await stamp(engine, "a", "b")
    assert await handle.result() == ["1 stamped", "2 stamped"]
    assert engine.client.engine.service.run_of("b") != old


@pytest.mark.parametrize("children", ResetChildren, ids=lambda each: each.name)
async def test_children_that_were_started_in_front_stay_whatever_becomes_of_the_others(
    engine: Harness, children: ResetChildren
) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    run = engine.client.engine.service.run_of("a")
    await handle.reset(await number_of(handle, "timer.fired"), children=children)
    await eventually(lambda: still_open(engine, "shop"))
    await stamp(engine, "a")
    assert await engine.client.get_workflow_handle("a", run_id=run).result() == "1 stamped"


async def still_open(engine: Harness, name: str) -> bool:
    return await status(engine, name) is Status.RUNNING


async def test_code_that_asks_for_another_child_in_its_place_gets_another_one(engine: Harness) -> None:
    await engine.work(shop(), Parcel)
    handle = await sent(engine)
    await engine.stop_work()
    await engine.work(shop("ac"), Parcel)
    await handle.reset(await number_of(handle, "timer.fired"))
    await eventually(lambda: both_started(engine.client.get_workflow_handle("shop")))
    await stamp(engine, "a", "b", "c")
    assert await handle.result() == ["1 stamped", "2 stamped"]


@workflow.defn
async def hasty() -> str:
    """Leaves its child behind."""
    await workflow.start_child_workflow(Parcel.run, "1", id="a")
    return "gone"


async def test_a_closed_run_that_is_reset_does_not_see_to_its_children_again(engine: Harness) -> None:
    await engine.work(hasty, Parcel)
    handle = await engine.start(hasty)
    await handle.result()
    await eventually(lambda: is_(engine, "a", Status.TERMINATED))
    await eventually(lambda: needs_no_care(engine, handle))
    await handle.reset(1, children=ABANDON)
    await engine.client.get_workflow_handle(handle.id).result()
    assert needs_no_care(engine, handle)


def needs_no_care(engine: Harness, handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether a restart has nothing to do for the run that a handle was made for."""
    row = engine.client.engine.store.execution(handle.result_run_id or "")
    assert row is not None
    return row.wake_at is None


@workflow.defn
async def gift(number: int) -> str:
    """A parent of a child that is reset."""
    result: list[Any] = await workflow.execute_child_workflow(Order.run, args=[number, 1], id="order")
    return f"{result[1]} for {result[2][0]}"


async def test_a_parent_waits_for_what_its_child_is_reset_to(engine: Harness) -> None:
    await engine.work(gift, Order, double)
    handle = await engine.start(gift, 1)
    child = engine.client.get_workflow_handle_for(Order.run, "order")
    await eventually(lambda: started_at_all(engine, "order"))
    await child.reset(await when(child, "timer.fired"))
    await child.signal(Order.tell, "kim")
    assert await handle.result() == "4 for kim"


async def started_at_all(engine: Harness, name: str) -> bool:
    return engine.client.engine.store.latest(name) is not None


async def test_a_parent_that_was_reset_hears_of_the_end_of_its_child(engine: Harness) -> None:
    await engine.work(gift, Order, double)
    handle = await engine.start(gift, 1)
    child = engine.client.get_workflow_handle_for(Order.run, "order")
    await when(handle, "child.started")
    await handle.reset(await number_of(handle, "child.started"))
    await child.signal(Order.tell, "kim")
    assert await handle.result() == "4 for kim"


# -- messages to others ----------------------------------------------------------------------------------------------


@workflow.defn
async def gossip(first: str, second: str) -> str:
    """Tells another workflow two things, one before and one behind a timer."""
    other = workflow.get_external_workflow_handle("listener")
    await other.signal(Order.tell, first)
    await workflow.sleep(0.001)
    await other.signal(Order.tell, second)
    return "told"


async def test_what_was_told_in_front_is_not_told_again_and_what_is_told_anew_arrives(engine: Harness) -> None:
    await engine.work(gossip, Order, double)
    listener = await engine.start(Order.run, 1, 9, id="listener")
    handle = await engine.start(gossip, "one", "two")
    await handle.result()
    await handle.reset(await number_of(handle, "timer.fired"))
    await engine.client.get_workflow_handle(handle.id).result()
    assert await listener.query(Order.told) == ["one", "two", "two"]


async def test_a_message_that_was_on_its_way_is_delivered_once(durable: Harness) -> None:
    await durable.work(gossip, Order, double)
    listener = await durable.start(Order.run, 1, 9, id="listener")
    handle = await durable.start(gossip, "one", "two", id="gossip")
    await handle.result()
    await durable.close()
    await crash_in_front_of(durable, handle, "message.delivered")
    await durable.open()
    await durable.work(gossip, Order, double)
    assert await durable.client.get_workflow_handle("gossip").result() == "told"
    listener = durable.client.get_workflow_handle_for(Order.run, "listener")
    assert await listener.query(Order.told) == ["one", "two", "two"]


async def crash_in_front_of(durable: Harness, handle: WorkflowHandle[Any, Any], topic: str) -> None:
    """Make, on the disk alone, a new run that has not heard of the first event of a kind, nor of anything behind it."""
    store = open_store(durable.url)
    run_id = handle.result_run_id or ""
    events = store.load(run_id)
    cut = next(at for at, event in enumerate(events) if event.topic == topic)
    new_id = "11111111-1111-4111-8111-111111111111"
    mark = ResetMark(run_id=new_id, messages_after=1)
    start = events[0]
    assert isinstance(start, WorkflowStarted)
    start = msgspec.structs.replace(start, seed=run_id, resets=(mark,), first_run_id=run_id)
    stream = (start, *events[1:cut])
    row = execution_row(fold(new_id, stream), 0)
    assert store.commit([Unit((Append(new_id, 0, stream),), (row,))]) == [None]
    store.close()


# -- crashes, time-outs ----------------------------------------------------------------------------------------------


async def test_a_reset_run_goes_on_after_a_restart(durable: Harness) -> None:
    await durable.work(shop(), Parcel)
    handle = await sent(durable)
    await handle.reset(await number_of(handle, "timer.fired"))
    await durable.restart()
    await durable.work(shop(), Parcel)
    await stamp(durable, "a", "b")
    assert await durable.client.get_workflow_handle("shop").result() == ["1 stamped", "2 stamped"]


async def test_terminated_children_are_so_after_a_restart(durable: Harness) -> None:
    await durable.work(shop(), Parcel)
    handle = await sent(durable)
    old = durable.client.engine.service.run_of("b")
    await handle.reset(await number_of(handle, "timer.fired"), children=TERMINATE)
    await durable.restart()
    await durable.work(shop(), Parcel)
    await eventually(lambda: both_started(durable.client.get_workflow_handle("shop")))
    assert await status(durable, "b", old) is Status.TERMINATED
    await stamp(durable, "a", "b")
    assert await durable.client.get_workflow_handle("shop").result() == ["1 stamped", "2 stamped"]
