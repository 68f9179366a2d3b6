"""Handlers of queries and updates that are set at run time; which handlers there are, and which cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.common import RawValue
from understudy.events.errors import (
    ArgumentTypeError,
    DefinitionError,
    InvalidArgumentError,
    QueryRefusedError,
    ReadOnlyContextError,
    UnknownQueryError,
)
from understudy.exceptions import NotInWorkflowError


@workflow.defn
class Notice:
    """A query and an update that are there for a second."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def show(self, number: int = 0) -> str:
        return self.texts[number]

    def pin(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts)

    def look(self, text: str) -> None:
        if not text:
            raise ValueError("empty")

    def anything(self, name: str, args: Sequence[RawValue]) -> str:
        return f"{name}{len(args)}"

    def nothing(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "none":
            raise ValueError("none")

    @workflow.run
    async def run(self) -> None:
        workflow.set_query_handler("show", self.show)
        workflow.set_dynamic_query_handler(self.anything)
        workflow.set_update_handler("pin", self.pin, validator=self.look)
        workflow.set_dynamic_update_handler(self.anything, validator=self.nothing)
        await workflow.sleep(1)
        workflow.set_query_handler("show", None)
        workflow.set_dynamic_query_handler(None)
        workflow.set_update_handler("pin", None)
        workflow.set_dynamic_update_handler(None)
        await workflow.sleep(1)


def test_queries_and_updates_are_answered_by_handlers_that_were_set() -> None:
    run = Rehearsal(Notice)
    run.update("pin", "hello")
    assert run.outcome() == 1
    assert run.query("show") == "hello"
    assert run.query("what", 1, 2) == "what2"
    run.update("what", update_id="u-2")
    assert run.outcome("u-2") == "what0"
    for name, args in (("pin", [""]), ("none", [])):
        refused = run.validate(name, *args)
        assert refused is not None
        assert refused.type == "ValueError"
    same_again(run)
    run.fire()
    with pytest.raises(UnknownQueryError):
        run.query("show")
    refused = run.validate("pin", "late")
    assert refused is not None
    assert refused.type == "UnknownUpdateError"
    same_again(run)


@workflow.defn
class Listed:
    """Tells which handlers it has."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.run
    async def run(self) -> list[Any]:
        before = self.found()
        bound = workflow.get_signal_handler("note")
        assert bound is not None
        bound("by hand")
        for setter in (workflow.set_signal_handler, workflow.set_query_handler, workflow.set_update_handler):
            setter("extra", self.extra)
        workflow.set_dynamic_signal_handler(self.extra)
        workflow.set_dynamic_query_handler(self.extra)
        workflow.set_dynamic_update_handler(self.extra)
        same = [handler == self.extra for handler in self.handlers("extra")]
        return [before, self.log, same]

    def handlers(self, name: str) -> list[Callable[..., Any] | None]:
        return [
            workflow.get_signal_handler(name),
            workflow.get_query_handler(name),
            workflow.get_update_handler(name),
            workflow.get_dynamic_signal_handler(),
            workflow.get_dynamic_query_handler(),
            workflow.get_dynamic_update_handler(),
        ]

    def found(self) -> list[bool]:
        return [handler is not None for handler in self.handlers("note")]

    def extra(self, *args: Any) -> None:
        """Do nothing."""

    @workflow.signal(name="note")
    def signal_note(self, text: str) -> None:
        self.log.append(text)

    @workflow.update(name="note")
    def update_note(self) -> None:
        """Do nothing."""


def test_the_code_sees_which_handlers_there_are_and_can_call_them() -> None:
    run = Rehearsal(Listed)
    assert run.result == [[True, False, True, False, False, False], ["by hand"], [True] * 6]
    same_again(run)


def tried(call: Callable[[], Any]) -> Exception | None:
    """What a call in a workflow raises."""

    @workflow.defn
    class Tries:
        @workflow.run
        async def run(self) -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - it is what the test wants to see
                caught.append(error)

    caught: list[Exception] = []
    assert Rehearsal(Tries).result is None
    return caught[0] if caught else None


async def in_time() -> None:
    """Do nothing, later."""


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: workflow.set_signal_handler("", print), InvalidArgumentError, "name"),
        (lambda: workflow.set_update_handler(7, print), InvalidArgumentError, "name"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: workflow.set_query_handler("a", 7), ArgumentTypeError, "query handler is 7"),  # type: ignore[arg-type]  # the same
        (lambda: workflow.set_update_handler("a", print, validator=7), ArgumentTypeError, "update validator is 7"),  # type: ignore[arg-type]  # the same
        (
            lambda: workflow.set_update_handler("a", print, validator=in_time),
            DefinitionError,
            "the validator of an update cannot be a coroutine",
        ),
        (
            lambda: workflow.set_update_handler("a", lambda word: None, validator=lambda: None),
            DefinitionError,
            "it takes (), and the update that it looks at ('word',)",
        ),
        (
            lambda: workflow.set_dynamic_signal_handler(lambda name: None),
            DefinitionError,
            "called with (name: str, args: Sequence[RawValue])",
        ),
        (lambda: workflow.receive_nowait(""), InvalidArgumentError, "name"),
    ],
    ids=[
        "no name",
        "number as name",
        "no query",
        "no validator",
        "async validator",
        "other validator",
        "too few",
        "no topic",
    ],
)
def test_a_handler_that_cannot_be_is_refused_where_it_is_set(
    call: Callable[[], Any], error: type[Exception], text: str
) -> None:
    caught = tried(call)
    assert isinstance(caught, error)
    assert text in str(caught)


def test_handlers_belong_to_workflow_code() -> None:
    with pytest.raises(NotInWorkflowError):
        workflow.set_signal_handler("a", print)
    assert workflow.current_update_info() is None


def test_a_query_or_a_condition_sets_no_handler() -> None:
    @workflow.defn
    class Sets:
        def __init__(self) -> None:
            self.by_condition = False

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(self.condition)

        def condition(self) -> bool:
            if self.by_condition:
                workflow.set_query_handler("a", print)
            return False

        @workflow.signal
        def let(self) -> None:
            self.by_condition = True

        @workflow.query
        def sets(self) -> None:
            workflow.set_update_handler("a", print)

    run = Rehearsal(Sets)
    with pytest.raises(QueryRefusedError, match=r"workflow\.set_update_handler"):
        run.query("sets")
    with pytest.raises(ReadOnlyContextError, match=r"workflow\.set_query_handler"):
        run.signal("let")
