"""What a run says about itself: set by its code, seen from outside, there after a restart and in the next run."""

from __future__ import annotations

from typing import Any

from tests.api.harness import Harness, eventually, topics
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.events.state.evolve import fold
from understudy.worker import Replayer


@workflow.defn
class Journey:
    """Says where it is."""

    def __init__(self) -> None:
        self.stops: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        workflow.set_current_details("at home")
        await workflow.wait_condition(lambda: "end" in self.stops)
        return [*self.stops, workflow.get_current_details()]

    @workflow.signal
    def go(self, where: str) -> None:
        self.stops.append(where)
        workflow.set_current_details(f"at the {where}")

    @workflow.query
    def where(self) -> str:
        return workflow.get_current_details()


def known(engine: Harness, handle: WorkflowHandle[Any, Any]) -> str:
    """What is on disk of what a run says about itself."""
    run_id = engine.client.engine.service.run_of(handle.id)
    return fold(run_id, engine.client.engine.store.load(run_id)).current_details


async def test_details_are_on_disk_with_the_turn_that_changed_them(engine: Harness) -> None:
    await engine.work(Journey)
    handle = await engine.start(Journey.run)
    await eventually(lambda: known(engine, handle) == "at home")
    await handle.signal(Journey.go, "sea")
    assert known(engine, handle) == "at the sea"
    await handle.signal(Journey.go, "end")
    assert await handle.result() == ["sea", "end", "at the end"]
    assert (await topics(handle)).count("current_details.upserted") == 3


async def test_details_are_there_after_a_restart(durable: Harness) -> None:
    await durable.work(Journey)
    handle = await durable.start(Journey.run, id="journey")
    await handle.signal(Journey.go, "sea")
    await durable.restart()
    await durable.work(Journey)
    handle = durable.client.get_workflow_handle_for(Journey.run, "journey")
    assert await handle.query(Journey.where) == "at the sea"
    await handle.signal(Journey.go, "end")
    assert (await handle.result())[-1] == "at the end"
    await Replayer(workflows=[Journey]).replay_workflow(await handle.fetch_history())


async def test_details_of_a_paused_run_are_those_of_its_last_turn(engine: Harness) -> None:
    await engine.work(Journey)
    handle = await engine.start(Journey.run)
    await handle.signal(Journey.go, "sea")
    await handle.pause()
    await handle.signal(Journey.go, "end")
    assert known(engine, handle) == await handle.query(Journey.where) == "at the sea"
    await handle.unpause()
    assert (await handle.result())[-1] == "at the end"


async def test_a_reset_run_says_what_the_kept_part_said(engine: Harness) -> None:
    await engine.work(Journey)
    handle = await engine.start(Journey.run)
    for where in ("sea", "hill"):
        await handle.signal(Journey.go, where)
    await handle.reset((await topics(handle)).index("signal.received") + 1, reapply_signals=False)
    again = engine.client.get_workflow_handle_for(Journey.run, handle.id)
    assert await again.query(Journey.where) == "at the sea"
