"""`workflow.select`: a race with names, the same at each replay (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from tests.behaviors.plays import charge, pack
from tests.behaviors.rehearsal import FINAL, Rehearsal
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import ActivityScheduled
from understudy.exceptions import ActivityError, ArgumentTypeError, InvalidArgumentError, NotInWorkflowError
from understudy.workflow import Winner


@workflow.defn
async def pays_or_gives_up() -> list[Any]:
    """An activity against a timer."""
    payment = workflow.start_activity(charge, 3)
    winner = await workflow.select(payment=payment, timeout=workflow.sleep(60))
    return [winner.name, winner.value]


@workflow.defn
async def three(kind: str) -> str:
    """Two handles and a coroutine, of which the first is told; then it waits, so that one can look at it."""
    one, two = workflow.start_activity(pack, "one"), workflow.start_activity(pack, "two")
    winner = await workflow.select(
        {"one": one}, two=asyncio.ensure_future(two), three=workflow.sleep(9), cancel_losers=kind == "cancel"
    )
    await workflow.sleep(1)
    return f"{winner.name} {winner.value} {one.done()} {two.done()}"


# -- three histories -------------------------------------------------------------------------------------------------


def test_a_race_that_suspends() -> None:
    run = Rehearsal(pays_or_gives_up)
    assert run.topics == ["workflow.started", "activity.scheduled", "timer.started"]
    same_again(run)


@pytest.mark.parametrize("told", ["payment", "timeout"])
def test_a_race_that_completed(told: str) -> None:
    run = Rehearsal(pays_or_gives_up)
    if told == "payment":
        run.complete(1, 3)
        assert run.topics[3:] == ["activity.completed", "timer.canceled", "workflow.completed"]
        assert run.result == ["payment", 3]
    else:
        run.fire()
        assert run.topics[3:] == ["timer.fired", "activity.cancel_requested", "workflow.completed"]
        assert run.result == ["timeout", None]
    same_again(run)


def test_a_race_that_still_waits_after_a_restart() -> None:
    run = Rehearsal(pays_or_gives_up)
    run.rebuild()
    assert run.run.phase is Phase.RUNNING
    run.fire()
    assert run.result == ["timeout", None]
    same_again(run)


# -- who wins --------------------------------------------------------------------------------------------------------


def test_of_what_is_ready_at_once_the_first_that_was_given_wins() -> None:
    @workflow.defn
    async def races() -> list[str]:
        one, two = workflow.start_activity(pack, "one"), workflow.start_activity(pack, "two")
        await workflow.wait([one, two])
        first = await workflow.select(one=one, two=two)
        second = await workflow.select(two=two, one=one)
        third = await workflow.select({"two": two}, never=workflow.sleep(3), one=one)
        return [first.name, second.name, third.name]

    run = Rehearsal(races)
    run.complete(2, "b")
    run.complete(1, "a")
    assert run.result == ["one", "two", "two"]
    assert "timer.started" not in run.topics
    same_again(run)


def test_a_winner_is_matched_by_name_and_value() -> None:
    @workflow.defn
    async def races() -> str:
        match await workflow.select(payment=workflow.execute_activity(charge, 3), timeout=workflow.sleep(60)):
            case Winner("payment", value):
                return f"paid {value}"
            case _:
                return "too late"

    run = Rehearsal(races)
    run.complete(1, 3)
    assert run.result == "paid 3"
    same_again(run)


def test_what_the_winner_raised_is_raised_and_the_losers_are_cancelled() -> None:
    @workflow.defn
    async def races() -> str:
        try:
            await workflow.select(payment=workflow.start_activity(charge, 3), timeout=workflow.sleep(60))
        except ActivityError as error:
            return str(error.cause)
        return "paid"

    run = Rehearsal(races)
    run.fail(1, FINAL)
    assert run.result == "NoStock: no stock"
    assert "timer.canceled" in run.topics
    same_again(run)


def test_anything_that_can_be_awaited_may_race() -> None:
    class Later:
        def __await__(self) -> Generator[Any, Any, str]:
            yield from asyncio.ensure_future(workflow.sleep(1)).__await__()
            return "later"

    @workflow.defn
    async def races() -> list[Any]:
        winner: Winner[Any] = await workflow.select(later=Later(), late=workflow.sleep(2))
        return [winner.name, winner.value]

    run = Rehearsal(races)
    run.fire()
    assert run.result == ["later", "later"]
    same_again(run)


# -- the losers ------------------------------------------------------------------------------------------------------


def test_losers_are_cancelled() -> None:
    run = Rehearsal(three, "cancel")
    run.complete(1, "x")
    assert run.topics[4:] == [
        "activity.completed",
        "activity.cancel_requested",
        "timer.canceled",
        "timer.started",
    ]
    run.fire()
    assert run.result == "one x True True"
    assert run.run.warnings == []
    same_again(run)


def test_losers_may_go_on() -> None:
    run = Rehearsal(three, "go on")
    run.complete(2, "y")
    assert run.topics[4:] == ["activity.completed", "timer.started"]
    run.fire()
    assert run.result == "two y False True"
    same_again(run)


def test_a_handle_that_lost_ends_as_a_cancelled_activity_and_nobody_is_warned() -> None:
    @workflow.defn
    async def races(what: str) -> str:
        slow = workflow.start_activity(pack, "slow")
        await workflow.select(quick=workflow.sleep(1), slow=slow)
        if what == "drop it":
            del slow
            await workflow.sleep(1)
            return ""
        try:
            return await slow
        except ActivityError as error:
            return type(error.cause).__name__

    run = Rehearsal(races, "keep it")
    run.fire()
    assert run.result == "CancelledError"
    same_again(run)
    run = Rehearsal(races, "drop it")
    run.fire()
    run.fire()
    assert run.run.warnings == []
    same_again(run)


def test_a_race_waits_for_the_cleanup_of_what_it_started() -> None:
    @workflow.defn
    async def races() -> str:
        async def slow() -> None:
            try:
                await workflow.sleep(60)
            finally:
                await workflow.execute_activity(pack, "cleanup")

        return (await workflow.select(slow=slow(), quick=workflow.sleep(1))).name

    run = Rehearsal(races)
    run.fire()
    assert run.topics[-1] == "activity.scheduled"
    same_again(run)
    run.complete(1, "clean")
    assert run.result == "quick"
    same_again(run)


# -- cancellation ----------------------------------------------------------------------------------------------------


def test_the_cancellation_of_the_caller_cancels_what_the_race_started_and_leaves_what_it_was_given() -> None:
    @workflow.defn
    async def races() -> str:
        given = workflow.start_activity(charge, 3)
        try:
            async with asyncio.timeout(5):
                await workflow.select(given=given, started=workflow.execute_activity(pack, "x"))
        except TimeoutError:
            return f"{given.done()} {await given}"
        return "never"

    run = Rehearsal(races)
    run.fire()
    asked = [event for event in run.events if isinstance(event, ActivityScheduled)]
    assert [event.activity_type for event in asked] == ["charge", "pack"]
    assert run.topics[-2:] == ["timer.fired", "activity.cancel_requested"]
    same_again(run)
    run.complete(1, 3)
    assert run.result == "False 3"
    same_again(run)


def test_a_run_that_is_cancelled_ends_its_race() -> None:
    run = Rehearsal(pays_or_gives_up)
    run.cancel()
    assert run.topics[3:] == ["workflow.cancel_requested", "timer.canceled", "workflow.canceled"]
    same_again(run)


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "said"),
    [
        ((), {}, InvalidArgumentError, r"select\(\) is given nothing, where at least one awaitable"),
        (({},), {}, InvalidArgumentError, r"select\(\) is given nothing"),
        ((), {"a": 3}, ArgumentTypeError, r"'a' of select\(\) is 3, where a coroutine, handle, task or future"),
        ((), {"cancel_losers": 3}, ArgumentTypeError, r"cancel_losers is 3.*select\(\{'cancel_losers': \.\.\.\}\)"),
        (({"a": 3},), {"a": 4}, InvalidArgumentError, "'a' is the name of two awaitables"),
    ],
)
def test_what_cannot_race_is_refused(args: Any, kwargs: Any, error: type[Exception], said: str) -> None:
    @workflow.defn
    async def races() -> None:
        racers: Any = {"sleep": workflow.sleep(3), **kwargs} if kwargs else {}
        await workflow.select(*args, **racers)

    with pytest.raises(error, match=said):
        Rehearsal(races)


async def test_there_are_no_races_outside_of_a_workflow() -> None:
    async def nothing() -> None: ...

    with pytest.raises(NotInWorkflowError, match=r"workflow\.select\(\)"):
        await workflow.select(nothing=nothing())
