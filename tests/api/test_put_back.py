"""Code that does not replay keeps its run waiting; code that does takes up what came meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from understudy import Client, Worker, activity, workflow
from understudy.exceptions import NondeterminismError


@activity.defn
async def by_train() -> None: ...


@activity.defn
async def by_plane() -> None: ...


def trip(travel: Any) -> type:
    """One version of a workflow."""

    @workflow.defn(name="Trip")
    class Trip:
        def __init__(self) -> None:
            self.left = False

        @workflow.run
        async def run(self) -> str:
            await workflow.execute_activity(travel)
            await workflow.wait_condition(lambda: self.left)
            return "arrived"

        @workflow.signal
        def leave(self) -> None:
            self.left = True

        @workflow.query
        def where(self) -> str:
            return "away" if self.left else "at home"

    return Trip


async def test_a_run_whose_code_did_not_replay_goes_on_when_the_code_is_put_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trips.db"

    async def with_code(travel: Any, *, start: bool = False, signal: bool = False) -> str:
        activities = [by_train, by_plane]
        async with (
            await Client.connect(url) as client,
            Worker(client, task_queue="trips", workflows=[trip(travel)], activities=activities),
        ):
            if start:
                await client.start_workflow("Trip", id="trip", task_queue="trips")
            handle = client.get_workflow_handle("trip", result_type=str)
            if signal:
                await handle.signal("leave")
                return str(await handle.result())
            return str(await handle.query("where"))

    assert await with_code(by_train, start=True) == "at home"
    with pytest.raises(NondeterminismError) as refused:
        await with_code(by_plane)
    assert refused.value.recorded == "activity.scheduled seq=1 activity_type='by_train'"
    assert refused.value.produced == "activity.scheduled seq=1 activity_type='by_plane'"
    assert await with_code(by_train, signal=True) == "arrived"
