"""Who waits for the end of a run is told once, whoever else waits, also by an engine that stops."""

from __future__ import annotations

import asyncio

import pytest

from understudy.actors.outcomes import Outcomes
from understudy.events.errors import EngineStoppedError
from understudy.events.workflow import WorkflowCompleted

END = WorkflowCompleted(at=1)
STOPPED = EngineStoppedError(reason="the client was closed")


@pytest.fixture(name="outcomes")
async def some_outcomes() -> Outcomes:
    return Outcomes(asyncio.get_running_loop())


async def test_all_who_wait_for_a_run_are_told_its_closing_event(outcomes: Outcomes) -> None:
    one, other = outcomes.wait("a"), outcomes.wait("a")
    outcomes.closed("a", END)
    assert [await one, await other] == [END, END]


async def test_who_waits_for_another_run_goes_on_waiting(outcomes: Outcomes) -> None:
    waiting = outcomes.wait("b")
    outcomes.closed("a", END)
    assert not waiting.done()
    outcomes.closed("b", END)
    assert await waiting is END


async def test_an_end_that_nobody_waits_for_is_no_trouble(outcomes: Outcomes) -> None:
    outcomes.closed("a", END)
    assert not outcomes.wait("a").done()


async def test_who_gave_up_is_not_told(outcomes: Outcomes) -> None:
    gone, stays = outcomes.wait("a"), outcomes.wait("a")
    gone.cancel()
    outcomes.closed("a", END)
    assert gone.cancelled()
    assert await stays is END


async def test_all_who_wait_are_told_when_nothing_more_will_come(outcomes: Outcomes) -> None:
    one, gone, other = outcomes.wait("a"), outcomes.wait("a"), outcomes.wait("b")
    gone.cancel()
    outcomes.fail(STOPPED)
    outcomes.fail(STOPPED)
    for future in (one, other):
        with pytest.raises(EngineStoppedError):
            await future
