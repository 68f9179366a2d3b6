"""Queries: they read and return; whatever else a handler tries is refused and undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import Cart, add, charge, step
from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import (
    ArgumentTypeError,
    PayloadDecodeError,
    PayloadEncodeError,
    QueryRefusedError,
    ReadOnlyContextError,
    UnknownQueryError,
)


@workflow.defn
class Nosy:
    """Queries that do more than read."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.gate = asyncio.Event()

    @workflow.run
    async def run(self) -> str:
        await self.gate.wait()
        return "woken"

    @workflow.query
    def ask(self, call: str) -> Any:
        calls: dict[str, Any] = {
            "activity": lambda: workflow.start_activity(charge, 1),
            "local": lambda: workflow.start_local_activity(add, args=[1, 2]),
            "timer": lambda: asyncio.get_running_loop().call_later(1, print),
            "random": workflow.random,
            "side effect": lambda: workflow.side_effect(lambda: 1),
        }
        return calls[call]()

    @workflow.query
    def swallow(self) -> str:
        try:
            _ = workflow.start_activity(charge, 1)
        except Exception:  # noqa: BLE001 - that is the test
            return "nothing happened"
        return "an activity was asked for"

    @workflow.query
    def change(self) -> int:
        self.items.append("changed")
        return len(self.items)

    @workflow.query
    def wake(self) -> None:
        self.gate.set()

    @workflow.query
    def bug(self) -> None:
        raise KeyError("sku")

    @workflow.query
    def odd(self) -> Any:
        return object()

    @workflow.query
    def later(self) -> Any:
        return self.run()

    @workflow.query
    def facts(self) -> list[Any]:
        return [workflow.info().workflow_id, workflow.time_ns(), workflow.all_handlers_finished(), len(self.items)]


def test_a_query_is_answered_by_the_handler_of_its_name() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a", 2)
    assert run.query("count") == 2
    assert run.query("count", "b") == 0
    same_again(run)


def test_the_dynamic_handler_answers_what_no_other_does() -> None:
    assert Rehearsal(Cart).query("anything", 1, 2) == ["anything", 2]


def test_an_answer_of_none_is_no_payload() -> None:
    @workflow.defn
    class Empty(Cart):
        @workflow.query
        def nothing(self) -> None: ...

    assert Rehearsal(Empty).run.query("nothing", ()) is None


def test_a_query_may_read_facts_about_the_run() -> None:
    run = Rehearsal(Nosy)
    assert run.query("facts") == ["order-1", run.now, True, 0]


def test_a_query_nobody_answers_names_those_that_are_answered() -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(UnknownQueryError) as caught:
        run.query("fact")
    assert caught.value.name == "fact"
    assert caught.value.nearest == "facts"
    assert "facts" in caught.value.known
    with pytest.raises(UnknownQueryError, match="none is known"):
        Rehearsal(step, 3).query("facts")


@pytest.mark.parametrize("call", ["activity", "local", "timer", "random", "side effect"])
def test_a_query_that_asks_for_something_is_refused_and_nothing_is_asked_for(call: str) -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(QueryRefusedError) as caught:
        run.query("ask", call)
    assert caught.value.query == "ask"
    assert caught.value.workflow_id == "order-1"
    assert isinstance(caught.value.__cause__, ReadOnlyContextError)
    assert caught.value.__cause__.handler == "query 'ask'"
    assert run.run.phase is Phase.RUNNING
    assert not run.run.has_local
    run.signal("nobody")
    assert run.topics == ["workflow.started", "signal.received"]


def test_a_query_that_swallows_the_refusal_has_asked_for_nothing() -> None:
    run = Rehearsal(Nosy)
    assert run.query("swallow") == "nothing happened"
    run.signal("nobody")
    assert run.topics == ["workflow.started", "signal.received"]


@pytest.mark.parametrize("query", ["change", "wake"])
def test_a_query_that_changed_something_is_refused_and_the_code_is_to_be_built_anew(query: str) -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(QueryRefusedError, match="changed the workflow"):
        run.query(query)
    assert run.run.is_broken
    run.rebuild()
    assert run.query("facts")[-1] == 0
    assert run.run.phase is Phase.RUNNING


def test_a_coroutine_answers_no_query() -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(QueryRefusedError, match="coroutine"):
        run.query("later")
    assert run.run.phase is Phase.RUNNING


def test_what_a_query_handler_raises_is_the_answer() -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(KeyError, match="sku"):
        run.query("bug")
    assert run.run.phase is Phase.RUNNING
    assert run.query("facts")[-1] == 0


@pytest.mark.parametrize(
    ("query", "args", "error"),
    [("count", (1, 2), ArgumentTypeError), ("count", (1,), PayloadDecodeError), ("odd", (), PayloadEncodeError)],
    ids=["too many", "wrong type", "not to be stored"],
)
def test_what_does_not_fit_is_told_to_the_one_who_asks(
    query: str, args: tuple[Any, ...], error: type[Exception]
) -> None:
    run = Rehearsal(Nosy if query == "odd" else Cart)
    with pytest.raises(error, match=f"query '{query}' of workflow"):
        run.query(query, *args)
    assert run.run.phase is Phase.RUNNING


def test_a_run_that_ended_still_answers_queries() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.signal("close")
    assert run.query("count") == 1
    run.rebuild()
    assert run.query("count") == 1
    assert run.run.phase is Phase.CLOSED


def test_a_query_leaves_no_trace_in_the_events_that_follow() -> None:
    run = Rehearsal(Cart)
    run.query("count")
    run.signal("fetch", "a")
    run.query("count")
    run.complete(1, "A")
    run.query("count")
    run.signal("close")
    same_again(run)
