"""Queries: with arguments, on runs in every state, and never more than a look."""

from __future__ import annotations

import asyncio
import operator
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import Any

import pytest

from tests.api.harness import Harness
from understudy import activity, workflow
from understudy.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from understudy.common import QueryRejectCondition, RawValue
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


@dataclass
class Cart:
    items: list[str]
    limits: dict[str, int]

    @cached_property
    def size(self) -> int:
        return len(self.items)


@activity.defn
async def noop() -> None:
    pass


class Shelf:
    """An object of the user's own, with slots instead of a dict."""

    __slots__ = ("books",)

    def __init__(self) -> None:
        self.books = deque(["a", "b"])


@workflow.defn
class Shop:
    """Holds state of all kinds until it is closed."""

    def __init__(self) -> None:
        self.cart = Cart(["tea"], {"tea": 3})
        self.open = True
        self.visits = 0
        self.seen = {"kim"}
        self.shelf = Shelf()
        self.dice = Random(7)  # noqa: S311 - an object with hidden state
        self.bell = asyncio.Event()
        self.wish: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: not self.open)
        return "closed"

    @workflow.signal
    def put(self, item: str) -> None:
        self.cart.items.append(item)

    @workflow.signal
    def close(self) -> None:
        self.open = False

    @workflow.query
    def items(self) -> list[str]:
        return self.cart.items

    @workflow.query
    def find(self, item: str, default: str = "nothing") -> str:
        return item if item in self.cart.items else default

    @workflow.query
    def whole(self) -> Cart:
        return self.cart

    @workflow.query(name="how-many", description="Counts them.")
    def count(self) -> int:
        return self.cart.size

    @workflow.query
    def fail(self) -> None:
        raise KeyError("no such thing")

    @workflow.query
    def clock(self) -> float:
        return float(operator.methodcaller("time")(__import__("time")))

    @workflow.query
    def odd(self) -> Any:
        return object()

    @workflow.query
    def reads(self, what: str) -> Any:
        return {
            "now": workflow.now,
            "info": lambda: workflow.info().workflow_id,
            "memo": workflow.memo,
            "logs": lambda: workflow.logger.info("looked at"),
        }[what]()

    @workflow.query
    def changes(self, what: str) -> str:
        return str(CHANGES[what](self))

    @workflow.query
    def asks(self, what: str) -> str:
        return str(REQUESTS[what](self))


CHANGES: dict[str, Callable[[Shop], object]] = {
    "an attribute": lambda shop: setattr(shop, "visits", 1),
    "a new attribute": lambda shop: setattr(shop, "note", "new"),
    "a list": lambda shop: shop.cart.items.append("coffee"),
    "a dict": lambda shop: shop.cart.limits.update(tea=4),
    "a set": lambda shop: shop.seen.add("lee"),
    "a deque": lambda shop: shop.shelf.books.rotate(),
    "slots": lambda shop: setattr(shop.shelf, "books", deque()),
    "a generator of numbers": lambda shop: shop.dice.random(),
    "an event": lambda shop: shop.bell.set(),
    "a future": lambda shop: shop.wish.set_result("more tea"),
    "a change that is followed by an error": lambda shop: [shop.seen.clear(), shop.cart.items.pop(9)],
}

REQUESTS: dict[str, Callable[[Shop], object]] = {
    "an activity": lambda _: workflow.start_activity(noop),
    "a local activity": lambda _: workflow.start_local_activity(noop),
    "a random number": lambda _: workflow.random().random(),
    "a side effect": lambda _: workflow.side_effect(lambda: 1),
    "a timer": lambda _: asyncio.get_running_loop().call_later(1, print),
    "a task": lambda shop: asyncio.ensure_future(shop.bell.wait()),
}


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
    assert engine.client.engine.workflows.passivate(0) == 1
    assert (await handle.describe()).phase == "passivated"
    assert await handle.query(Shop.items) == ["tea", "milk"]


async def test_a_closed_run_answers_queries(engine: Harness) -> None:
    await engine.work(Shop)
    handle = await engine.start(Shop.run)
    await handle.signal(Shop.put, "milk")
    await handle.signal(Shop.close)
    assert await handle.result() == "closed"
    assert await handle.query(Shop.items) == ["tea", "milk"]
    engine.client.engine.workflows.passivate(0)
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


# -- refused ---------------------------------------------------------------------------------------------------------


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
    for _ in range(2):
        with pytest.raises(StuckWorkflowError, match=r"its turn failed 1 times, last with ValueError\('a bug'\)"):
            await handle.query(Stuck.state)
    broken = False
    assert await handle.result() == "mended"
