"""Validators of updates in the code: what they keep out, what they see, and what they may not do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import charge, step
from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from tests.behaviors.shelf import Shelf
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import QueryRefusedError
from understudy.events.failures.failure import Failure
from understudy.exceptions import ApplicationError


def rejected(run: Rehearsal, name: str, *args: Any) -> Failure:
    """Why an update is not let in; nothing is recorded of it."""
    before = list(run.events)
    refused = run.validate(name, *args)
    assert refused is not None
    assert (run.events, run.run.phase) == (before, Phase.RUNNING)
    return refused


def test_a_validator_keeps_an_update_out_and_leaves_no_trace() -> None:
    run = Rehearsal(Shelf)
    refused = rejected(run, "put", "box", 0)
    assert (refused.kind, refused.type, refused.message) == ("application", "ValueError", "0 times box")
    assert run.query("count") == 0
    same_again(run)


@pytest.mark.parametrize(
    ("args", "reason"),
    [((), "is 0, where 1 to 2"), (("a", 1, 2), "is 3, where"), (("a", "many"), "of type string")],
    ids=["too few", "too many", "does not decode"],
)
def test_an_update_whose_arguments_do_not_fit_is_rejected(args: tuple[Any, ...], reason: str) -> None:
    refused = rejected(Rehearsal(Shelf), "put", *args)
    assert "update 'put' of workflow 'Shelf'" in refused.message
    assert reason in refused.message


def test_an_update_that_no_handler_takes_is_rejected_and_told_which_there_are() -> None:
    refused = rejected(Rehearsal(Shelf), "putt", "box")
    assert refused.type == "UnknownUpdateError"
    assert "perhaps 'put' was meant" in refused.message
    assert "none is known" in rejected(Rehearsal(step, 3), "put").message


@workflow.defn
class Nosy:
    """Validators that do more than look."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.gate = asyncio.Event()
        self.known: list[Any] = []

    @workflow.run
    async def run(self) -> str:
        await self.gate.wait()
        return "woken"

    @workflow.update
    def ask(self, call: str) -> str:
        return call

    @ask.validator
    def look(self, call: str) -> None:
        calls: dict[str, Any] = {
            "activity": lambda: workflow.start_activity(charge, 1),
            "random": workflow.random,
            "handler": lambda: workflow.set_signal_handler("x", None),
            "receive": lambda: workflow.receive_nowait("x", default=None),
            "change": lambda: self.items.append("x"),
            "wake": self.gate.set,
            "info": self.check_info,
        }
        calls[call]()

    def check_info(self) -> None:
        info = workflow.current_update_info()
        assert info is not None
        raise ApplicationError(f"{info.id} {info.name}")


@pytest.mark.parametrize("call", ["activity", "random", "handler", "receive"])
def test_what_a_validator_asks_for_keeps_its_update_out(call: str) -> None:
    run = Rehearsal(Nosy)
    assert rejected(run, "ask", call).type == "ReadOnlyContextError"
    same_again(run)


@pytest.mark.parametrize("call", ["change", "wake"])
def test_a_validator_that_changes_the_workflow_is_refused_and_the_run_is_to_be_built_anew(call: str) -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(QueryRefusedError, match="its validator changed the workflow") as caught:
        run.validate("ask", call)
    assert caught.value.fields()["query"] == "ask"
    assert run.run.is_broken
    assert run.rebuild().phase is Phase.RUNNING
    assert run.validate("ask", "info") is not None


def test_a_validator_knows_which_update_it_looks_at_and_nobody_behind_it_does() -> None:
    run = Rehearsal(Nosy)
    refused = run.validate("ask", "info", update_id="u-7")
    assert refused is not None
    assert refused.message == "u-7 ask"
    assert run.run.phase is Phase.RUNNING


def test_a_validator_sees_what_the_updates_before_it_did() -> None:
    @workflow.defn
    class Once:
        def __init__(self) -> None:
            self.taken = False

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def take(self) -> None:
            self.taken = True

        @take.validator
        def look(self) -> None:
            if self.taken:
                raise ApplicationError("taken")

    run = Rehearsal(Once)
    run.update("take")
    refused = run.validate("take", update_id="u-2")
    assert refused is not None
    assert refused.message == "taken"
