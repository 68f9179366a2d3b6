"""Resetting a run: a new one goes on from an earlier event, with the old one's messages, children and dice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from tests.api.harness import QUEUE, Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy.actors.behaviors.command import ResetWorkflow
from understudy.actors.behaviors.reset import reset
from understudy.actors.row import execution_row
from understudy.client import (
    WorkflowContinuedAsNewError,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateStage,
)
from understudy.events.execution import fold
from understudy.events.policy import ResetChildren
from understudy.events.store import open_store
from understudy.events.store.port import Append, Unit
from understudy.events.workflow import ResetMark, WorkflowStarted, WorkflowTerminated
from understudy.exceptions import (
    ArgumentTypeError,
    ChildWorkflowError,
    InvalidArgumentError,
    ResetRefusedError,
    TerminatedError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Replayer, Worker
from understudy.workflow import ParentClosePolicy

HOUR: Final = timedelta(hours=1)
Status = WorkflowExecutionStatus
ADOPT, ABANDON, TERMINATE = ResetChildren.ADOPT, ResetChildren.ABANDON, ResetChildren.TERMINATE


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Order:
    """Doubles, keeps a token, and waits for words."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, number: int, enough: int) -> list[Any]:
        token = str(workflow.uuid4())
        number = await workflow.execute_activity(double, number)
        await workflow.sleep(0.001)
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return [token, await workflow.execute_activity(double, number), self.words]

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.update
    def ask(self, word: str) -> int:
        self.words.append(word)
        return len(self.words)

    @workflow.query
    def told(self) -> list[str]:
        return self.words

    @workflow.query
    def token(self) -> int:
        return workflow.random_seed()


async def number_of(handle: WorkflowHandle[Any, Any], topic: str) -> int:
    """The number of the first event of a kind, once there is one; 0: there is none yet."""
    told = await topics(handle)
    return told.index(topic) + 1 if topic in told else 0


async def when(handle: WorkflowHandle[Any, Any], topic: str) -> int:
    """The number of the first event of a kind; waits for it."""
    found: int = await eventually(lambda: number_of(handle, topic))
    return found


async def replayed(engine: Harness, handle: WorkflowHandle[Any, Any], *code: Any) -> None:
    """Check SAME-AGAIN of the newest run of a workflow."""
    latest = engine.client.get_workflow_handle(handle.id)
    await Replayer(workflows=code).replay_workflow(await latest.fetch_history())


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


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """An environment in which time jumps."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


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
