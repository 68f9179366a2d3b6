"""Queries that are refused, since they do more than look, do not fit, or find nobody who can answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness
from tests.api.query_stage import CHANGES, REQUESTS, Shop
from understudy import workflow
from understudy.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from understudy.common import QueryRejectCondition
from understudy.exceptions import (
    ArgumentTypeError,
    DeterminismError,
    PayloadEncodeError,
    QueryRefusedError,
    StuckWorkflowError,
    UnknownQueryError,
    UnknownWorkflowTypeError,
    WorkflowNotFoundError,
)


@pytest.mark.parametrize("what", CHANGES)
async def test_a_query_that_changes_the_workflow_is_refused_and_the_change_is_gone(engine: Harness, what: str) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run, id="shop")
    await handle.signal(Shop.put, "milk")
    with pytest.raises(QueryRefusedError, match="'changes' of workflow 'shop' was refused: its handler changed"):
        await handle.query(Shop.changes, what)
    await handle.signal(Shop.put, "honey")
    assert await handle.query(Shop.items) == ["tea", "milk", "honey"]
    await handle.signal(Shop.close)
    assert await handle.result() == "closed"


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_query_that_asks_for_something_is_refused(engine: Harness, what: str) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run, id="shop")
    before = len((await handle.fetch_history()).events)
    with pytest.raises(QueryRefusedError, match="'asks' of workflow 'shop' was refused"):
        await handle.query(Shop.asks, what)
    assert await handle.query(Shop.items) == ["tea"]
    assert len((await handle.fetch_history()).events) == before
    await handle.signal(Shop.close)
    assert await handle.result() == "closed"


async def test_a_value_that_is_computed_once_from_the_rest_is_no_change(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    assert await handle.query(Shop.count) == 1
    assert await handle.query(Shop.count) == 1


async def test_a_closed_run_is_not_changed_by_a_query_either(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    await handle.signal(Shop.close)
    await handle.result()
    with pytest.raises(QueryRefusedError):
        await handle.query(Shop.changes, "a list")
    assert await handle.query(Shop.items) == ["tea"]


async def test_a_query_handler_that_returns_a_coroutine_is_refused(engine: Harness) -> None:
    @workflow.defn
    class Lazy:
        @workflow.run
        async def run(self) -> None:
            await workflow.sleep(timedelta(hours=1))

        @workflow.query
        def wait(self) -> Any:
            return self.run()

    await engine.work(Lazy)
    handle = await engine.start(Lazy.run)
    with pytest.raises(QueryRefusedError, match="coroutine"):
        await handle.query(Lazy.wait)


async def test_a_query_that_looks_outside_is_refused_as_workflow_code_is(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    with pytest.raises(DeterminismError, match=r"time\.time"):
        await handle.query(Shop.clock)
    assert await handle.query(Shop.items) == ["tea"]


async def test_what_a_handler_raises_is_the_cause_of_the_failed_query(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run, id="shop")
    with pytest.raises(WorkflowQueryFailedError, match="'fail' of workflow 'shop' failed: KeyError") as caught:
        await handle.query(Shop.fail)
    assert isinstance(caught.value.__cause__, KeyError)
    assert await handle.query(Shop.items) == ["tea"]


async def test_an_answer_that_cannot_be_stored_names_the_query_and_the_workflow(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    with pytest.raises(PayloadEncodeError, match=r"query 'odd' of workflow 'Shop'.* type object"):
        await handle.query(Shop.odd)


async def test_an_unknown_query_is_told_the_nearest_name(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    with pytest.raises(UnknownQueryError, match="perhaps 'items' was meant"):
        await handle.query("itens")


async def test_wrong_arguments_of_a_query_are_refused_before_it_is_asked(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    with pytest.raises(ArgumentTypeError, match="query 'find'"):
        await handle.query(Shop.find)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(PayloadEncodeError, match="query 'find'"):
        await handle.query(Shop.find, 7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ArgumentTypeError, match="query 'find'"):
        await handle.query("find")


async def test_a_query_is_not_asked_in_a_state_that_the_caller_rejects(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    not_open, unclean = QueryRejectCondition.NOT_OPEN, QueryRejectCondition.NOT_COMPLETED_CLEANLY
    assert await handle.query(Shop.items, reject_condition=not_open) == ["tea"]
    await handle.signal(Shop.close)
    await handle.result()
    assert await handle.query(Shop.items, reject_condition=unclean) == ["tea"]
    with pytest.raises(WorkflowQueryRejectedError, match="COMPLETED"):
        await handle.query(Shop.items, reject_condition=not_open)


async def test_a_query_needs_a_worker_that_knows_the_type(engine: Harness) -> None:
    handle = await engine.start(Shop.run)
    with pytest.raises(UnknownWorkflowTypeError, match="'Shop'"):
        await handle.query(Shop.items)
    await engine.work(Shop)
    assert await handle.query(Shop.items) == ["tea"]


async def test_a_query_of_a_workflow_that_there_is_not_says_so(engine: Harness) -> None:
    handle = engine.client.get_workflow_handle("nobody")
    with pytest.raises(WorkflowNotFoundError, match="'nobody'"):
        await handle.query("items")


async def test_a_stuck_run_says_why_it_cannot_answer(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Stuck:
        @workflow.run
        async def run(self) -> str:
            if broken:
                raise ValueError("a bug")
            return "mended"

        @workflow.query
        def state(self) -> str:
            return "well"

    await engine.work(Stuck)
    handle = await engine.start(Stuck.run)
    for _ in range(2):  # how often its turn was tried again meanwhile is the machine's to say
        with pytest.raises(StuckWorkflowError, match=r"turn failed [1-9]\d* times, last with ValueError\('a bug'\)"):
            await handle.query(Stuck.state)
    broken = False
    assert await handle.result() == "mended"
