"""Resetting a run that is closed while children of it are still open: they are adopted, abandoned, or in the way."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.api.harness import Harness, eventually, topics
from understudy import workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowHandle
from understudy.events.options.policies import ResetChildren
from understudy.exceptions import InvalidArgumentError, WorkflowAlreadyStartedError
from understudy.workflow import ParentClosePolicy

SHIP: Final = "ship"


@workflow.defn
class Parcel:
    """Arrives when it is told so; perhaps after another leg."""

    def __init__(self) -> None:
        self.where = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.where))
        if self.where == "half way":
            workflow.continue_as_new()
        return f"in {self.where}"

    @workflow.signal
    def arrive(self, where: str) -> None:
        self.where = where


def shop(*, patient: bool) -> Any:
    """A shop that leaves its parcel behind, or one that waits for it."""

    @workflow.defn(name="Shop")
    class Shop:
        @workflow.run
        async def run(self) -> str:
            await workflow.sleep(0.001)
            try:
                parcel = await workflow.start_child_workflow(
                    Parcel.run, id=SHIP, parent_close_policy=ParentClosePolicy.ABANDON
                )
            except WorkflowAlreadyStartedError:
                return "there is one on its way"
            return await parcel if patient else "sent"

    return Shop


async def closed(engine: Harness) -> WorkflowHandle[Any, Any]:
    """A shop that is closed while its parcel is under way, and then a worker with patient shops."""
    await engine.work(shop(patient=False), Parcel)
    handle = await engine.start("Shop")
    assert await handle.result() == "sent"
    await engine.stop_work()
    await engine.work(shop(patient=True), Parcel)
    return handle


def latest(engine: Harness, name: str) -> WorkflowHandle[Any, Any]:
    """The newest run of a workflow."""
    return engine.client.get_workflow_handle(name)


async def waits(engine: Harness, handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether the newest run of a shop has a child of which it awaits the outcome."""
    told = await topics(latest(engine, handle.id))
    return "child.started" in told and "child.completed" not in told


async def before(handle: WorkflowHandle[Any, Any], topic: str) -> int:
    """The number of the first event of a kind."""
    return (await topics(handle)).index(topic) + 1


@pytest.mark.parametrize("topic", ["timer.fired", "child.started"], ids=["cut off", "kept"])
@pytest.mark.parametrize("legs", [1, 2])
async def test_a_child_that_is_still_open_is_adopted_with_the_outcome_that_it_comes_to(
    engine: Harness, topic: str, legs: int
) -> None:
    handle = await closed(engine)
    await handle.reset(await before(handle, topic), children=ResetChildren.ADOPT)
    await eventually(lambda: waits(engine, handle))
    if legs == 2:
        await latest(engine, SHIP).signal(Parcel.arrive, "half way")
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, handle.id).result() == "in Ulm"


async def test_a_child_that_is_adopted_by_a_run_that_is_reset_again_tells_the_last_of_them(engine: Harness) -> None:
    handle = await closed(engine)
    for _ in range(2):
        await latest(engine, handle.id).reset(await before(handle, "timer.fired"))
        await eventually(lambda: waits(engine, handle))
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, handle.id).result() == "in Ulm"


async def test_a_child_that_is_still_open_is_abandoned(engine: Harness) -> None:
    handle = await closed(engine)
    await handle.reset(await before(handle, "timer.fired"), children=ResetChildren.ABANDON)
    assert await latest(engine, handle.id).result() == "there is one on its way"
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, SHIP).result() == "in Ulm"


async def test_a_child_of_a_run_that_was_followed_by_a_stranger_tells_nobody(engine: Harness) -> None:
    handle = await closed(engine)
    stranger = await engine.start(Parcel.run, id=handle.id)
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, SHIP).result() == "in Ulm"
    await stranger.signal(Parcel.arrive, "Bonn")
    assert await stranger.result() == "in Bonn"


async def test_that_children_which_are_still_open_be_terminated_is_refused_with_their_names(engine: Harness) -> None:
    handle = await closed(engine)
    at = await before(handle, "timer.fired")
    with pytest.raises(InvalidArgumentError, match=r"reset of run .* It is closed, and .* open: 'ship'\."):
        await handle.reset(at, children=ResetChildren.TERMINATE)
    assert latest(engine, handle.id).run_id is None
    assert (await latest(engine, handle.id).describe()).run_id == handle.result_run_id
    await latest(engine, SHIP).terminate()
    await handle.reset(at, children=ResetChildren.TERMINATE)
    await eventually(lambda: waits(engine, handle))
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, handle.id).result() == "in Ulm"


async def test_children_of_the_part_that_is_kept_are_in_nobodys_way(engine: Harness) -> None:
    handle = await closed(engine)
    await handle.reset(await before(handle, "child.started"), children=ResetChildren.TERMINATE)
    await eventually(lambda: waits(engine, handle))
    await latest(engine, SHIP).signal(Parcel.arrive, "Ulm")
    assert await latest(engine, handle.id).result() == "in Ulm"
    assert (await latest(engine, SHIP).describe()).status is Status.COMPLETED
