"""Who waits for the end of a run or of an update is told once, whoever else waits, also by an engine that stops."""

from __future__ import annotations

import asyncio

import pytest

from understudy.actors.runs.waiters import Waiters
from understudy.events.errors import EngineStoppedError
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.workflow import WorkflowCompleted

END = WorkflowCompleted(at=1)
ANSWER = UpdateCompleted(at=1, update_id="u")
STOPPED = EngineStoppedError(reason="the client was closed")


@pytest.fixture(name="waiters")
async def some_waiters() -> Waiters:
    return Waiters(asyncio.get_running_loop())


async def test_all_who_wait_for_a_run_are_told_its_closing_event(waiters: Waiters) -> None:
    one, other = waiters.wait("a"), waiters.wait("a")
    waiters.closed("a", END)
    assert [await one, await other] == [END, END]


async def test_who_waits_for_another_run_goes_on_waiting(waiters: Waiters) -> None:
    waiting = waiters.wait("b")
    waiters.closed("a", END)
    assert not waiting.done()
    waiters.closed("b", END)
    assert await waiting is END


async def test_an_end_that_nobody_waits_for_is_no_trouble(waiters: Waiters) -> None:
    waiters.closed("a", END)
    assert not waiters.wait("a").done()


async def test_who_gave_up_is_not_told(waiters: Waiters) -> None:
    gone, stays = waiters.wait("a"), waiters.wait("a")
    gone.cancel()
    waiters.closed("a", END)
    assert gone.cancelled()
    assert await stays is END


async def test_all_who_wait_are_told_when_nothing_more_will_come(waiters: Waiters) -> None:
    one, gone, other = waiters.wait("a"), waiters.wait("a"), waiters.wait("b")
    gone.cancel()
    waiters.fail(STOPPED)
    waiters.fail(STOPPED)
    for future in (one, other):
        with pytest.raises(EngineStoppedError):
            await future


# -- updates ---------------------------------------------------------------------------------------------------------


async def test_all_who_wait_for_an_update_are_told_its_outcome_and_nobody_else_is(waiters: Waiters) -> None:
    one, again = waiters.wait_update("a", "u"), waiters.wait_update("a", "u")
    other, elsewhere = waiters.wait_update("a", "v"), waiters.wait_update("b", "u")
    waiters.updated("a", ANSWER)
    waiters.updated("a", ANSWER)
    waiters.updated("c", ANSWER)
    assert [await one, await again] == [ANSWER, ANSWER]
    assert not other.done()
    assert not elsewhere.done()


async def test_who_waits_for_an_update_is_told_that_its_run_has_ended_before(waiters: Waiters) -> None:
    late, done, gone = (waiters.wait_update("a", update_id) for update_id in ("v", "u", "w"))
    elsewhere, end = waiters.wait_update("b", "v"), waiters.wait("a")
    waiters.updated("a", ANSWER)
    gone.cancel()
    waiters.closed("a", END)
    assert [await late, await done, await end] == [None, ANSWER, END]
    assert not elsewhere.done()


async def test_who_waits_for_an_update_no_more_is_forgotten_once(waiters: Waiters) -> None:
    one, other = waiters.wait_update("a", "u"), waiters.wait_update("a", "u")
    for _ in range(2):
        waiters.forget_update("a", "u", one)
    waiters.updated("a", ANSWER)
    assert not one.done()
    assert await other is ANSWER
    waiters.forget_update("a", "u", other)
    waiters.forget_update("a", "u", other)
    waiters.closed("a", END)
    assert not one.done()


async def test_who_waits_for_an_update_is_told_when_nothing_more_will_come(waiters: Waiters) -> None:
    waiting, gone = waiters.wait_update("a", "u"), waiters.wait_update("a", "v")
    gone.cancel()
    waiters.fail(STOPPED)
    waiters.fail(STOPPED)
    with pytest.raises(EngineStoppedError):
        await waiting


# -- more events -----------------------------------------------------------------------------------------------------


async def test_all_who_wait_for_more_of_a_run_are_told_once_and_nobody_else_is(waiters: Waiters) -> None:
    one, again, gone, elsewhere = (waiters.wait_more(run_id) for run_id in ("a", "a", "a", "b"))
    gone.cancel()
    waiters.grew("a")
    waiters.grew("a")
    assert [await one, await again] == [None, None]
    assert not elsewhere.done()


async def test_who_waits_for_more_no_longer_is_forgotten_once(waiters: Waiters) -> None:
    one, other = waiters.wait_more("a"), waiters.wait_more("a")
    for _ in range(2):
        waiters.forget_more("a", one)
    waiters.grew("a")
    assert not one.done()
    assert other.done()
    last = waiters.wait_more("a")
    waiters.forget_more("a", last)
    waiters.forget_more("a", last)
    assert waiters.tails == {}


async def test_who_waits_for_more_is_told_when_nothing_will_come(waiters: Waiters) -> None:
    waiting = waiters.wait_more("a")
    waiters.fail(STOPPED)
    with pytest.raises(EngineStoppedError):
        await waiting


async def test_who_waits_for_an_update_of_a_run_that_came_back_is_told_what_is_on_disk() -> None:
    waiters = Waiters(asyncio.get_running_loop())
    done, other = waiters.wait_update("run-1", "one"), waiters.wait_update("run-1", "two")
    completed = UpdateCompleted(at=1, update_id="one")
    waiters.back("run-1", {"one": completed, "two": UpdateAccepted(at=1, update_id="two", name="add")})
    waiters.back("run-2", {})
    assert done.result() is completed
    assert not other.done()
