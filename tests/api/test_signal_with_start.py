"""Signal-with-start: in one commit with the start, or to the run that stands in its place."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, Skipping, topics
from tests.api.with_start_stage import FAIL, TERMINATE, Table, end, of_run
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.common import WorkflowIDReusePolicy
from understudy.exceptions import (
    ArgumentTypeError,
    InvalidArgumentError,
    PayloadEncodeError,
    WorkflowAlreadyStartedError,
)


async def order(engine: Harness, dish: str, **options: Any) -> WorkflowHandle[Any, Any]:
    """Start a table, or not, and order."""
    return await engine.start(Table.run, id="table", start_signal="order", start_signal_args=[dish], **options)


async def test_a_signal_starts_the_workflow_that_is_not_there_and_is_handled_before_its_first_step(
    engine: Harness,
) -> None:
    await engine.work(Table)
    handle = await order(engine, "soup")
    assert await topics(handle) == ["workflow.started", "signal.received"]
    await handle.signal(Table.order, "wine")
    assert await end(engine) == [["soup"], ["soup", "wine"]]


async def test_a_signal_goes_to_the_run_that_is_open(engine: Harness) -> None:
    await engine.work(Table)
    first = await engine.start(Table.run, id="table")
    second = await order(engine, "soup")
    assert second.result_run_id == first.result_run_id
    assert await end(engine) == [[], ["soup"]]


@pytest.mark.parametrize("passivated", [False, True])
async def test_a_signal_starts_a_new_run_when_the_last_one_is_closed(engine: Harness, *, passivated: bool) -> None:
    await engine.work(Table)
    first = await engine.start(Table.run, id="table")
    await end(engine)
    if passivated:
        engine.client.engine.runs.passivate(0)
    second = await order(engine, "soup")
    assert second.result_run_id != first.result_run_id
    assert await end(engine) == [["soup"], ["soup"]]


async def test_what_the_policies_say_about_the_id_holds_for_a_signal_with_a_start(engine: Harness) -> None:
    await engine.work(Table)
    first = of_run(engine, await order(engine, "soup"))
    with pytest.raises(WorkflowAlreadyStartedError):
        await order(engine, "wine", id_conflict_policy=FAIL)
    second = await order(engine, "bread", id_conflict_policy=TERMINATE)
    assert second.result_run_id != first.result_run_id
    assert (await topics(first))[-1] == "workflow.terminated"
    assert await end(engine) == [["bread"], ["bread"]]
    with pytest.raises(WorkflowAlreadyStartedError):
        await order(engine, "cake", id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE)


async def test_a_signal_with_a_start_that_is_sent_again_by_its_request_id_is_delivered_once(engine: Harness) -> None:
    await engine.work(Table)
    sent = [order(engine, "soup", request_id="r-1") for _ in range(3)]
    runs = {handle.result_run_id for handle in await asyncio.gather(*sent)}
    assert len(runs) == 1
    engine.client.engine.runs.passivate(0)
    assert (await order(engine, "soup", request_id="r-1")).result_run_id in runs
    assert (await order(engine, "wine", request_id="r-2")).result_run_id in runs
    assert (await order(engine, "wine", request_id="r-2")).result_run_id in runs
    assert await end(engine) == [["soup"], ["soup", "wine"]]
    assert (await order(engine, "soup", request_id="r-1")).result_run_id in runs


async def test_signals_of_many_starts_at_once_go_to_one_run_and_none_is_lost(engine: Harness) -> None:
    await engine.work(Table)
    dishes = [str(n) for n in range(20)]
    handles = await asyncio.gather(*(order(engine, dish) for dish in dishes))
    assert len({handle.result_run_id for handle in handles}) == 1
    assert sorted((await end(engine))[1]) == sorted(dishes)


async def test_a_signal_with_a_start_waits_for_a_worker_and_is_still_ahead_of_the_first_step(engine: Harness) -> None:
    handle = await order(engine, "soup")
    assert await topics(handle) == ["workflow.started", "turn.deferred", "signal.received"]
    await order(engine, "wine")
    await engine.work(Table)
    assert await end(engine) == [["soup", "wine"], ["soup", "wine"]]
    assert (await topics(handle))[3:5] == ["signal.received", "turn.resumed"]


async def test_a_signal_with_a_start_that_is_due_later_waits_for_it(skipping: Skipping) -> None:
    await skipping.work(Table)
    await order(skipping, "soup", start_delay=timedelta(hours=1))
    await order(skipping, "wine")
    assert await end(skipping) == [["soup", "wine"], ["soup", "wine"]]


async def test_a_run_that_began_with_a_signal_is_the_same_after_a_restart(durable: Harness) -> None:
    await durable.work(Table)
    await order(durable, "soup")
    await durable.restart()
    await durable.work(Table)
    assert await end(durable) == [["soup"], ["soup"]]


async def test_code_that_fails_with_the_signal_of_its_start_takes_both_up_again(engine: Harness) -> None:
    broken = True

    @workflow.defn(name="Table")
    class Mended(Table):
        @workflow.init
        def __init__(self, room: int = 4) -> None:
            super().__init__(room)

        @workflow.run
        async def run(self, room: int = 4) -> list[Any]:
            if broken:
                raise KeyError("a bug")
            return await super().run(room)

    await engine.work(Mended)
    handle = await order(engine, "soup")
    assert (await topics(handle))[:3] == ["workflow.started", "signal.received", "turn.deferred"]
    broken = False
    assert await end(engine) == [["soup"], ["soup"]]


async def test_a_signal_with_a_start_that_cannot_be_is_refused_before_anything_is_stored(engine: Harness) -> None:
    await engine.work(Table)
    with pytest.raises(ArgumentTypeError, match="signal 'order' of workflow 'table'"):
        await engine.start(Table.run, id="table", start_signal="order")
    with pytest.raises(PayloadEncodeError, match="signal 'order' of workflow 'table'"):
        await engine.start(Table.run, id="table", start_signal="order", start_signal_args=[7])
    with pytest.raises(InvalidArgumentError, match="start_signal_args"):
        await engine.start(Table.run, id="table", start_signal_args=["soup"])
    with pytest.raises(InvalidArgumentError, match="start_signal"):
        await engine.start(Table.run, id="table", start_signal="")
    handle = await engine.start(Table.run, id="table", start_signal="unheard-of", start_signal_args=[1, 2])
    assert await topics(handle) == ["workflow.started", "signal.received"]
