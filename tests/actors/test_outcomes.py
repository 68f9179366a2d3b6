"""Who waits for the end of a run or of an update is told once, whoever else waits, also by an engine that stops."""

from __future__ import annotations

import asyncio

import pytest

from understudy.actors.runs.waiters import Outcomes
from understudy.events.errors import EngineStoppedError
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.workflow import WorkflowCompleted

END = WorkflowCompleted(at=1)
ANSWER = UpdateCompleted(at=1, update_id="u")
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


# -- updates ---------------------------------------------------------------------------------------------------------


async def test_all_who_wait_for_an_update_are_told_its_outcome_and_nobody_else_is(outcomes: Outcomes) -> None:
    one, again = outcomes.wait_update("a", "u"), outcomes.wait_update("a", "u")
    other, elsewhere = outcomes.wait_update("a", "v"), outcomes.wait_update("b", "u")
    outcomes.updated("a", ANSWER)
    outcomes.updated("a", ANSWER)
    outcomes.updated("c", ANSWER)
    assert [await one, await again] == [ANSWER, ANSWER]
    assert not other.done()
    assert not elsewhere.done()


async def test_who_waits_for_an_update_is_told_that_its_run_has_ended_before(outcomes: Outcomes) -> None:
    late, done, gone = (outcomes.wait_update("a", update_id) for update_id in ("v", "u", "w"))
    elsewhere, end = outcomes.wait_update("b", "v"), outcomes.wait("a")
    outcomes.updated("a", ANSWER)
    gone.cancel()
    outcomes.closed("a", END)
    assert [await late, await done, await end] == [None, ANSWER, END]
    assert not elsewhere.done()


async def test_who_waits_for_an_update_no_more_is_forgotten_once(outcomes: Outcomes) -> None:
    one, other = outcomes.wait_update("a", "u"), outcomes.wait_update("a", "u")
    for _ in range(2):
        outcomes.forget_update("a", "u", one)
    outcomes.updated("a", ANSWER)
    assert not one.done()
    assert await other is ANSWER
    outcomes.forget_update("a", "u", other)
    outcomes.forget_update("a", "u", other)
    outcomes.closed("a", END)
    assert not one.done()


async def test_who_waits_for_an_update_is_told_when_nothing_more_will_come(outcomes: Outcomes) -> None:
    waiting, gone = outcomes.wait_update("a", "u"), outcomes.wait_update("a", "v")
    gone.cancel()
    outcomes.fail(STOPPED)
    outcomes.fail(STOPPED)
    with pytest.raises(EngineStoppedError):
        await waiting


# -- more events -----------------------------------------------------------------------------------------------------


async def test_all_who_wait_for_more_of_a_run_are_told_once_and_nobody_else_is(outcomes: Outcomes) -> None:
    one, again, gone, elsewhere = (outcomes.wait_more(run_id) for run_id in ("a", "a", "a", "b"))
    gone.cancel()
    outcomes.grew("a")
    outcomes.grew("a")
    assert [await one, await again] == [None, None]
    assert not elsewhere.done()


async def test_who_waits_for_more_no_longer_is_forgotten_once(outcomes: Outcomes) -> None:
    one, other = outcomes.wait_more("a"), outcomes.wait_more("a")
    for _ in range(2):
        outcomes.forget_more("a", one)
    outcomes.grew("a")
    assert not one.done()
    assert other.done()
    last = outcomes.wait_more("a")
    outcomes.forget_more("a", last)
    outcomes.forget_more("a", last)
    assert outcomes.tails == {}


async def test_who_waits_for_more_is_told_when_nothing_will_come(outcomes: Outcomes) -> None:
    waiting = outcomes.wait_more("a")
    outcomes.fail(STOPPED)
    with pytest.raises(EngineStoppedError):
        await waiting


async def test_who_waits_for_an_update_of_a_run_that_came_back_is_told_what_is_on_disk() -> None:
    outcomes = Outcomes(asyncio.get_running_loop())
    done, other = outcomes.wait_update("run-1", "one"), outcomes.wait_update("run-1", "two")
    completed = UpdateCompleted(at=1, update_id="one")
    outcomes.back("run-1", {"one": completed, "two": UpdateAccepted(at=1, update_id="two", name="add")})
    outcomes.back("run-2", {})
    assert done.result() is completed
    assert not other.done()
