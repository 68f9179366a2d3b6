"""Queries: with arguments, and on runs in every state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness
from tests.api.query_stage import Cart, Shop
from understudy import workflow
from understudy.common import RawValue


async def test_a_query_asks_a_running_workflow(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    assert await handle.query(Shop.items) == ["tea"]
    await handle.signal(Shop.put, "milk")
    assert await handle.query(Shop.items) == ["tea", "milk"]


async def test_a_query_takes_arguments(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    assert await handle.query(Shop.find, "tea") == "tea"
    assert await handle.query(Shop.find, "beer") == "nothing"
    assert await handle.query(Shop.find, args=["beer", "sorry"]) == "sorry"


async def test_a_query_is_asked_by_its_name(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    assert await handle.query("how-many") == 1
    assert await handle.query("find", args=["tea", ""]) == "tea"


async def test_the_answer_has_the_type_of_the_hint(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    assert await handle.query(Shop.whole) == Cart(["tea"], {"tea": 3})
    assert await handle.query("whole", result_type=Cart) == Cart(["tea"], {"tea": 3})
    assert await handle.query("whole") == {"items": ["tea"], "limits": {"tea": 3}}


async def test_a_query_may_look_at_clock_facts_and_memo_and_log(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run, id="s", memo={"who": "kim"})
    assert await handle.query(Shop.reads, "info") == "s"
    assert await handle.query(Shop.reads, "memo") == {"who": "kim"}
    assert await handle.query(Shop.reads, "logs") is None
    assert await handle.query(Shop.reads, "now")


async def test_a_passivated_run_comes_back_for_a_query(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    await handle.signal(Shop.put, "milk")
    assert engine.client.engine.runs.passivate(0) == 1
    assert (await handle.describe()).phase == "passivated"
    assert await handle.query(Shop.items) == ["tea", "milk"]


async def test_a_closed_run_answers_queries(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    await handle.signal(Shop.put, "milk")
    await handle.signal(Shop.close)
    assert await handle.result() == "closed"
    assert await handle.query(Shop.items) == ["tea", "milk"]
    engine.client.engine.runs.passivate(0)
    assert await handle.query(Shop.items) == ["tea", "milk"]


@pytest.mark.parametrize("how", ["terminated", "cancelled", "timed out"])
async def test_a_run_that_did_not_end_well_answers_queries(engine: Harness, how: str) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run, run_timeout=timedelta(milliseconds=5 if how == "timed out" else 60_000))
    if how == "terminated":
        await handle.terminate()
    if how == "cancelled":
        await handle.cancel()
    with pytest.raises(Exception, match="Workflow execution failed"):
        await handle.result()
    assert await handle.query(Shop.items) == ["tea"]


async def test_a_dynamic_query_takes_every_other_name(engine: Harness) -> None:
    @workflow.defn
    class Oracle:
        @workflow.run
        async def run(self) -> None:
            await workflow.sleep(timedelta(hours=1))

        @workflow.query(dynamic=True)
        def anything(self, name: str, args: Sequence[RawValue]) -> list[Any]:
            return [name, *(workflow.payload_converter().decode(arg.payload, Any) for arg in args)]

        @workflow.query
        def known(self) -> str:
            return "known"

    await engine.work(Oracle)
    handle = await engine.start(Oracle.run)
    assert await handle.query("future", args=[1, "x"]) == ["future", 1, "x"]
    assert await handle.query("known") == "known"
