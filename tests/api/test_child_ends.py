"""What ends children: their parent cancels them, is cancelled, or closes in one of six ways."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.api.family import ALL, CHILD, HOUR, Waiter, child, is_, note, order, status, until
from tests.api.harness import Harness, Skipping, eventually, has, topics
from understudy import workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowHandle
from understudy.exceptions import ApplicationError, ChildWorkflowError
from understudy.workflow import ChildWorkflowCancellationType as Type
from understudy.workflow import ParentClosePolicy as Policy

# -- cancellation ----------------------------------------------------------------------------------------------------


@workflow.defn
async def drops(kind: int, child_type: str = "Waiter") -> str:
    """Cancel a child that runs, and say how that looked."""
    args = ["word"] if child_type == "stubborn" else []
    handle = await workflow.start_child_workflow(child_type, args=args, id=CHILD, cancellation_type=Type(kind))
    await workflow.sleep(0.001)
    handle.cancel()
    try:
        return f"returned {await handle}"
    except ChildWorkflowError as error:
        return type(error.cause).__name__


@pytest.mark.parametrize("kind", Type)
async def test_each_cancellation_type_ends_the_wait_and_all_but_one_end_the_child(engine: Harness, kind: Type) -> None:
    @workflow.defn
    async def stays() -> str:
        how = await drops(kind)
        await workflow.execute_activity(note, how)
        await workflow.wait_condition(lambda: False, timeout=3600)
        return how

    await engine.work(stays, *ALL)
    handle = await engine.start(stays)
    await eventually(lambda: has(handle, "activity.completed"))
    recorded = await topics(handle)
    assert ("child.cancel_requested" in recorded) is (kind is not Type.ABANDON)
    assert ("child.cancel_delivered" in recorded) is (kind is Type.WAIT_CANCELLATION_REQUESTED)
    if kind is Type.ABANDON:
        assert await status(engine) is Status.RUNNING
    else:
        await until(engine, Status.CANCELED)
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        assert recorded.index("child.failed") < recorded.index("activity.scheduled")


@pytest.mark.parametrize("kind", Type)
async def test_a_child_may_be_cancelled_before_it_has_started(engine: Harness, kind: Type) -> None:
    @workflow.defn
    async def hasty() -> str:
        task = asyncio.create_task(
            workflow.execute_child_workflow(Waiter.run, id=CHILD, cancellation_type=kind, parent_close_policy=ABANDON)
        )
        await asyncio.sleep(0)
        task.cancel()
        try:
            return f"returned {await task}"
        except asyncio.CancelledError:
            return "cancelled"

    await engine.work(hasty, *ALL)
    handle = await engine.start(hasty)
    assert await handle.result() == "cancelled"
    recorded = await topics(handle)
    assert ("child.cancel_requested" in recorded) is (kind is not Type.ABANDON)
    assert ("child.started" in recorded) is (kind.name.startswith("WAIT"))
    await until(engine, Status.RUNNING if kind is Type.ABANDON else Status.CANCELED)


ABANDON: Final = Policy.ABANDON


@pytest.mark.parametrize("kind", [Type.WAIT_CANCELLATION_COMPLETED, Type.WAIT_CANCELLATION_REQUESTED])
async def test_a_child_may_refuse_to_be_cancelled_and_only_who_waits_for_its_end_hears_of_it(
    engine: Harness, kind: Type
) -> None:
    await engine.work(drops, *ALL)
    result = await engine.execute(drops, kind, "stubborn")
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        assert result == "returned word because cancelled by its parent"
    else:
        assert result == "CancelledError"
    await eventually(lambda: is_(engine, Status.COMPLETED))


async def test_cancelling_a_parent_cancels_all_its_children_and_says_why(engine: Harness) -> None:
    @workflow.defn
    async def family() -> None:
        await asyncio.gather(*(workflow.execute_child_workflow(Waiter.run, id=f"child-{n}") for n in (1, 2)))

    await engine.work(family, *ALL)
    handle = await engine.start(family, id="family")
    await eventually(lambda: is_(engine, Status.RUNNING, "child-2"))
    await handle.cancel(reason="no longer wanted")
    await until(engine, Status.CANCELED, "family")
    for name in ("child-1", "child-2"):
        assert await status(engine, name) is Status.CANCELED
        history = await child(engine, name).fetch_history()
        (asked,) = (e for e in history.events if e.topic == "workflow.cancel_requested")
        assert getattr(asked, "reason", "") == "no longer wanted"


async def test_a_parent_is_complete_though_it_was_to_cancel_when_its_child_completes(engine: Harness) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "stubborn", "word", id="order")
    await eventually(lambda: is_(engine, Status.RUNNING))
    await handle.cancel(reason="late")
    assert await handle.result() == "word because late"
    assert await status(engine, "order") is Status.COMPLETED


# -- the end of a parent ---------------------------------------------------------------------------------------------


@workflow.defn
class Parent:
    """Has a child that waits, and ends in the way that it is told."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, policy: int, cancellation: int = Type.ABANDON, again: bool = False) -> str:  # noqa: FBT001, FBT002 - an argument of a workflow
        if again:
            return "again"
        handle = await workflow.start_child_workflow(
            Waiter.run, id=CHILD, parent_close_policy=Policy(policy), cancellation_type=Type(cancellation)
        )
        await workflow.wait_condition(lambda: bool(self.how))
        if self.how == "fail":
            raise ApplicationError(f"failed beside {handle.id}")
        if self.how == "continue":
            workflow.continue_as_new(args=[policy, cancellation, True])
        return "done"

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how


WAYS: Final = {
    "complete": Status.COMPLETED,
    "fail": Status.FAILED,
    "cancel": Status.CANCELED,
    "terminate": Status.TERMINATED,
    "time out": Status.TIMED_OUT,
    "continue": Status.CONTINUED_AS_NEW,
}


async def close(handle: WorkflowHandle[Any, Any], how: str) -> None:
    """End a parent."""
    if how in {"cancel", "terminate"}:
        await getattr(handle, how)()
    elif how != "time out":
        await handle.signal(Parent.end, how)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("policy", Policy)
async def test_the_close_policy_of_a_child_holds_however_its_parent_closes(
    skipping: Skipping, how: str, policy: Policy
) -> None:
    engine = skipping
    await engine.work(Parent, *ALL)
    options = {"run_timeout": HOUR} if how == "time out" else {}
    handle = await engine.start(Parent.run, policy, id="parent", **options)
    first = engine.client.get_workflow_handle("parent", run_id=handle.result_run_id)
    await eventually(lambda: has(first, "child.started"))
    await close(handle, how)
    if how == "time out":
        engine.turn(HOUR)

    async def closed() -> bool:
        return (await first.describe()).status is WAYS[how]

    await eventually(closed)
    store = engine.client.engine.store

    def is_left() -> bool:
        row = store.execution(first.run_id or "")
        return row is not None and row.wake_at is None

    await eventually(is_left)
    if policy is Policy.ABANDON:
        await child(engine).signal(Waiter.tell, "on your own")
        assert await child(engine).result() == ["on your own"]
    elif policy is Policy.REQUEST_CANCEL:
        await until(engine, Status.CANCELED)
    else:
        assert await status(engine) is Status.TERMINATED


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.ABANDON])
async def test_a_child_that_is_asked_for_in_the_last_turn_of_its_parent_is_treated_as_the_others(
    engine: Harness, policy: Policy
) -> None:
    @workflow.defn
    async def hasty() -> str:
        task = asyncio.create_task(workflow.start_child_workflow(Waiter.run, id=CHILD, parent_close_policy=policy))
        await asyncio.sleep(0)
        return str(task.done())

    await engine.work(hasty, *ALL)
    assert await engine.execute(hasty) == "False"
    await until(engine, Status.RUNNING if policy is Policy.ABANDON else Status.TERMINATED)


async def test_the_end_of_a_child_that_was_abandoned_means_nothing_to_its_closed_parent(engine: Harness) -> None:
    await engine.work(Parent, *ALL)
    handle = await engine.start(Parent.run, Policy.ABANDON, id="parent")
    await eventually(lambda: is_(engine, Status.RUNNING))
    await close(handle, "complete")
    await handle.result()
    before = await topics(handle)
    await child(engine).signal(Waiter.tell, "late")
    await child(engine).result()
    assert await topics(handle) == before
