"""Conditions: looked at once each, in the order in which they were made, and nobody is woken before all were seen."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.behaviors.stage import Stage
from understudy.actors.behaviors.code.conditions import Condition, settle


@pytest.fixture(name="stage")
def a_stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.loop.close_run()


def condition(stage: Stage, fn: Callable[[], bool]) -> Condition:
    """A condition with somebody who waits for it."""
    return fn, stage.loop.create_future()


def waiter(made: Condition) -> Future[None]:
    """Who waits."""
    return made[1]


def test_a_condition_that_holds_wakes_who_waits_for_it(stage: Stage) -> None:
    made = condition(stage, lambda: True)
    assert settle([made]) == []
    assert waiter(made).result() is None


def test_a_condition_that_does_not_hold_is_still_waited_for(stage: Stage) -> None:
    made = condition(stage, lambda: False)
    assert settle([made]) == [made]
    assert not waiter(made).done()


def test_conditions_are_looked_at_in_order_and_keep_it(stage: Stage) -> None:
    seen: list[int] = []

    def look(number: int, *, holds: bool) -> bool:
        seen.append(number)
        return holds

    answers = [False, True, False, True, False]
    made = [condition(stage, partial(look, number, holds=holds)) for number, holds in enumerate(answers)]
    assert settle(made) == [made[0], made[2], made[4]]
    assert seen == [0, 1, 2, 3, 4]


def test_nobody_is_woken_before_all_conditions_were_seen(stage: Stage) -> None:
    first = condition(stage, lambda: True)
    second = condition(stage, lambda: not waiter(first).done())
    assert settle([first, second]) == []


def test_a_condition_that_raises_gives_its_error_to_who_waits_for_it(stage: Stage) -> None:
    error = ValueError("no such order")

    def fail() -> bool:
        raise error

    failing, holding = condition(stage, fail), condition(stage, lambda: True)
    assert settle([failing, holding]) == []
    assert waiter(failing).exception() is error
    assert waiter(holding).done()


def test_a_condition_that_nobody_waits_for_any_more_is_not_looked_at(stage: Stage) -> None:
    made = condition(stage, lambda: pytest.fail("it was looked at"))
    waiter(made).cancel()
    assert settle([made]) == []
