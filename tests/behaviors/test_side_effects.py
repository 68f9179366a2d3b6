"""Side effects: what is computed in them is recorded, and all that a replay would miss is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.behaviors.plays import add, charge
from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.events.errors import PayloadEncodeError, ReadOnlyContextError

ASKS: dict[str, Callable[[], Any]] = {
    "an activity": lambda: workflow.start_activity(charge, 1),
    "a local activity": lambda: workflow.start_local_activity(add, args=[1, 2]),
    "a timer": lambda: asyncio.get_running_loop().call_later(1, print),
    "a future": lambda: str(asyncio.get_running_loop().create_future()),
    "a callback": lambda: str(asyncio.get_running_loop().call_soon(print)),
    "another side effect": lambda: workflow.side_effect(lambda: 1),
    "a patch": lambda: workflow.patched("new"),
    "a version": lambda: workflow.get_version("new", 1, 2),
    "the dice": lambda: workflow.random().random(),
    "a uuid4": lambda: str(workflow.uuid4()),
    "a uuid7": lambda: str(workflow.uuid7()),
    "a memo": lambda: workflow.upsert_memo({"a": 1}),
    "details": lambda: workflow.set_current_details("here"),
    "continue as new": workflow.continue_as_new,
    "a promise": lambda: workflow.promise().token,
    "a handler": lambda: workflow.set_signal_handler("x", None),
    "a signal": lambda: workflow.receive_nowait("x", default=None),
}


@workflow.defn
class Asking:
    """Asks for something inside a side effect, and survives what comes of it."""

    @workflow.run
    async def run(self, what: str) -> Any:
        with suppress(Exception):
            workflow.side_effect(ASKS[what])
        return "survived"


@pytest.mark.parametrize("what", ASKS)
def test_what_a_side_effect_asks_for_is_a_bug_that_no_code_survives(what: str) -> None:
    with pytest.raises(ReadOnlyContextError, match="was called in a side_effect, which may only read") as caught:
        Rehearsal(Asking, what)
    assert caught.value.handler == "a side_effect"


def test_a_generator_of_the_run_that_was_made_before_is_not_used_in_a_side_effect_either() -> None:
    @workflow.defn
    async def rolling() -> float:
        dice = workflow.random()
        return workflow.side_effect(dice.random)

    with pytest.raises(ReadOnlyContextError, match=r"workflow\.random\(\) was called in a side_effect"):
        Rehearsal(rolling)


def test_a_side_effect_may_read_what_the_workflow_knows() -> None:
    @workflow.defn
    async def reading() -> list[Any]:
        first = workflow.random().randrange(1000)
        read = workflow.side_effect(
            lambda: [
                workflow.time_ns(),
                workflow.now().year,
                workflow.info().workflow_id,
                workflow.unsafe.is_read_only(),
            ]
        )
        return [*read, workflow.unsafe.is_read_only(), first, workflow.random().randrange(1000)]

    run = Rehearsal(reading)
    assert run.result[:5] == [run.now, 2025, "order-1", True, False]
    same_again(run)


@pytest.mark.parametrize("error", [KeyError, asyncio.CancelledError, SystemExit, GeneratorExit])
def test_what_a_side_effect_raises_is_a_bug_even_if_the_code_survives_it(error: type[BaseException]) -> None:
    @workflow.defn
    async def failing() -> str:
        def fail() -> None:
            raise error

        with suppress(BaseException):
            workflow.side_effect(fail)
        return "survived"

    with pytest.raises(error):
        Rehearsal(failing)


def test_so_is_a_value_that_cannot_be_stored() -> None:
    @workflow.defn
    async def odd() -> str:
        with suppress(Exception):
            workflow.side_effect(object)
        return "survived"

    with pytest.raises(PayloadEncodeError, match="the value of a side effect"):
        Rehearsal(odd)
