"""A start delay ends with the first message that comes behind the start; other waits for a first turn do not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Skipping, eventually, gone, topics
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.exceptions import WorkflowNotBegunError
from understudy.worker import Replayer

HOUR = timedelta(hours=1)


@workflow.defn
class Table:
    """Ends with the second dish."""

    def __init__(self) -> None:
        self.dishes: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.dishes) > 1)
        return self.dishes

    @workflow.signal
    def order(self, dish: str) -> None:
        self.dishes.append(dish)

    @workflow.update
    def ask(self, dish: str) -> int:
        self.dishes.append(dish)
        return len(self.dishes)

    @workflow.query
    def ordered(self) -> list[str]:
        return self.dishes


async def ends_at_once(engine: Skipping, handle: WorkflowHandle[Any, Any]) -> None:
    """Check that a run ends with two dishes without any time that passes, and can be replayed."""
    with engine.env.auto_time_skipping_disabled():
        assert await handle.result() == ["soup", "wine"]
    await Replayer(workflows=[Table]).replay_workflow(await handle.fetch_history())


@pytest.mark.parametrize("cached", [1000, 0], ids=["in memory", "out of memory"])
async def test_a_signal_ends_a_start_delay(skipping: Skipping, cached: int) -> None:
    await skipping.work(Table, max_cached_workflows=cached)
    handle = await skipping.start(Table.run, start_delay=HOUR)
    await handle.signal(Table.order, "soup")
    await handle.signal(Table.order, "wine")
    await ends_at_once(skipping, handle)


async def test_the_signal_of_a_start_does_not_end_its_delay_and_that_of_a_second_start_does(
    skipping: Skipping,
) -> None:
    await skipping.work(Table)
    options: dict[str, Any] = {"id": "table", "start_delay": HOUR, "start_signal": "order"}
    handle = await skipping.start(Table.run, **options, start_signal_args=["soup"])
    assert await topics(handle) == ["workflow.started", "turn.deferred", "signal.received"]
    with pytest.raises(WorkflowNotBegunError):
        await handle.query(Table.ordered)
    await skipping.start(Table.run, **options, start_signal_args=["wine"])
    await ends_at_once(skipping, handle)


async def test_an_update_ends_a_start_delay(skipping: Skipping) -> None:
    await skipping.work(Table)
    handle = await skipping.start(Table.run, start_delay=HOUR)
    await gone(skipping)
    with skipping.env.auto_time_skipping_disabled():
        assert await handle.execute_update(Table.ask, "soup") == 1
        assert await handle.execute_update(Table.ask, "wine") == 2
    await ends_at_once(skipping, handle)


async def test_updates_that_come_together_end_a_start_delay_and_are_all_taken(skipping: Skipping) -> None:
    await skipping.work(Table)
    handle = await skipping.start(Table.run, start_delay=HOUR)
    with skipping.env.auto_time_skipping_disabled():
        asked = (handle.execute_update(Table.ask, dish) for dish in ("soup", "wine"))
        assert await asyncio.gather(*asked) == [1, 2]
    await ends_at_once(skipping, handle)


async def test_a_start_delay_that_a_signal_ended_while_no_worker_was_there_is_over_after_a_restart(
    durable_skipping: Skipping,
) -> None:
    handle = await durable_skipping.start(Table.run, id="table", start_delay=HOUR)
    for dish in ("soup", "wine"):
        await handle.signal(Table.order, dish)
    await durable_skipping.restart()
    await durable_skipping.work(Table)
    await ends_at_once(durable_skipping, durable_skipping.client.get_workflow_handle("table"))


async def test_a_query_before_the_first_turn_is_told_when_that_is_due(skipping: Skipping) -> None:
    await skipping.work(Table)
    for options in ({"start_delay": HOUR}, {"cron_schedule": "@hourly"}):
        handle = await skipping.start(Table.run, **options)
        due = (await handle.describe()).execution_time.isoformat(timespec="seconds")
        with pytest.raises(WorkflowNotBegunError) as caught:
            await handle.query(Table.ordered)
        assert due in str(caught.value)


async def test_a_signal_does_not_bring_the_time_of_a_cron_schedule_nearer(skipping: Skipping) -> None:
    await skipping.work(Table)
    handle = await skipping.start(Table.run, cron_schedule="@hourly")
    await handle.signal(Table.order, "soup")
    await gone(skipping)
    with pytest.raises(WorkflowNotBegunError):
        await handle.query(Table.ordered)


async def test_an_update_waits_for_the_time_of_a_cron_schedule(skipping: Skipping) -> None:
    await skipping.work(Table)
    handle = await skipping.start(Table.run, cron_schedule="@hourly")
    asked = asyncio.create_task(handle.execute_update(Table.ask, "soup"))
    run = skipping.client.engine.runs.live[handle.first_execution_run_id or ""].run
    await eventually(lambda: run.updates_waiting_for_code)
    assert await topics(handle) == ["workflow.started", "turn.deferred"]
    skipping.turn(HOUR)
    assert await asked == 1
