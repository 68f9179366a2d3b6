"""Cancelling a child, by each cancellation type, before it runs and after."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.behaviors.rehearsal import CANCELED, FINAL, Rehearsal, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.events.child import ChildCancelRequested, ChildCompleted
from understudy.events.timer import TimerFired
from understudy.exceptions import ChildWorkflowError
from understudy.workflow import ChildWorkflowCancellationType as Type

WAITING: Final = (Type.WAIT_CANCELLATION_COMPLETED, Type.WAIT_CANCELLATION_REQUESTED)


@workflow.defn
async def cancels(kind: int) -> str:
    """Cancel a child after a second, in the way of `kind`, and say how that ended."""
    handle = await workflow.start_child_workflow("Ship", id="ship-1", cancellation_type=Type(kind))
    await workflow.sleep(1)
    assert handle.cancel()
    try:
        return f"returned {await handle}"
    except ChildWorkflowError as error:
        return f"{error.run_id}: {type(error.cause).__name__}"


@workflow.defn
async def limited(kind: int) -> str:
    """Give a child a minute."""
    try:
        async with asyncio.timeout(60):
            return f"returned {await workflow.execute_child_workflow('Ship', id='s', cancellation_type=Type(kind))}"
    except TimeoutError:
        return "too late"


def canceling(kind: Type) -> Rehearsal:
    """A run that has cancelled its child, which runs."""
    run = Rehearsal(cancels, kind)
    run.child_started(1)
    run.fire()
    return run


# -- after it has started --------------------------------------------------------------------------------------------


def test_abandon_goes_on_at_once_and_the_child_is_not_asked() -> None:
    run = canceling(Type.ABANDON)
    assert run.result == "child-1: CancelledError"
    assert "child.cancel_requested" not in run.topics
    same_again(run)


def test_try_cancel_asks_the_child_and_goes_on_at_once() -> None:
    run = canceling(Type.TRY_CANCEL)
    assert run.topics[-2:] == ["child.cancel_requested", "workflow.completed"]
    assert run.result == "child-1: CancelledError"
    same_again(run)


def test_wait_requested_goes_on_when_the_child_has_the_request() -> None:
    run = canceling(Type.WAIT_CANCELLATION_REQUESTED)
    assert run.topics[-1] == "child.cancel_requested"
    same_again(run)
    assert topics(run.child_canceling(1)) == ["child.cancel_delivered", "workflow.completed"]
    assert run.result == "child-1: CancelledError"
    same_again(run)


def test_wait_completed_goes_on_when_the_child_has_ended_as_cancelled() -> None:
    run = canceling(Type.WAIT_CANCELLATION_COMPLETED)
    assert run.child_canceling(1) == []
    same_again(run)
    run.fail_child(1, CANCELED)
    assert run.result == "child-1: CancelledError"
    same_again(run)


@pytest.mark.parametrize("kind", WAITING)
def test_who_waits_may_get_another_end(kind: Type) -> None:
    run = canceling(kind)
    run.complete_child(1, 7)
    assert run.result == "returned 7"
    same_again(run)
    failed = canceling(kind)
    failed.fail_child(1)
    assert failed.result == "child-1: ApplicationError"
    same_again(failed)


@pytest.mark.parametrize("kind", Type)
@pytest.mark.parametrize("end", ["complete", "cancel", "fail"])
def test_the_end_of_a_child_that_nobody_waits_for_any_more_is_recorded_and_changes_nothing(
    kind: Type, end: str
) -> None:
    @workflow.defn
    async def goes_on() -> str:
        handle = await workflow.start_child_workflow("Ship", id="ship-1", cancellation_type=kind)
        handle.cancel()
        handle.cancel()
        await workflow.sleep(60)
        try:
            await handle
        except ChildWorkflowError:
            return "cancelled"
        return "completed"

    run = Rehearsal(goes_on)
    run.child_started(1)
    assert run.topics.count("child.cancel_requested") == (kind is not Type.ABANDON)
    delivered = run.child_canceling(1)
    assert topics(delivered) == ["child.cancel_delivered"] * (kind is Type.WAIT_CANCELLATION_REQUESTED)
    assert run.child_canceling(1) == []
    if end == "complete":
        run.complete_child(1)
    else:
        run.fail_child(1, CANCELED if end == "cancel" else FINAL)
    assert run.execution.children == {}
    run.fire()
    waited = kind is Type.WAIT_CANCELLATION_COMPLETED and end == "complete"
    assert run.result == ("completed" if waited else "cancelled")
    same_again(run)


@pytest.mark.parametrize("kind", Type)
def test_a_limit_of_asyncio_around_a_child_is_a_time_out_whatever_its_cancellation_type(kind: Type) -> None:
    run = Rehearsal(limited, kind)
    run.child_started(1)
    run.fire()
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        run.fail_child(1, CANCELED)
    elif kind is Type.WAIT_CANCELLATION_REQUESTED:
        run.child_canceling(1)
    assert run.result == "too late"
    same_again(run)


def test_a_child_that_ended_cannot_be_cancelled() -> None:
    @workflow.defn
    async def late() -> bool:
        handle = await workflow.start_child_workflow("Ship", id="ship-1")
        await workflow.sleep(1)
        return handle.cancel()

    run = Rehearsal(late)
    run.child_started(1)
    run.complete_child(1)
    run.fire()
    assert run.result is False
    same_again(run)


def test_a_child_whose_end_waits_behind_a_deferred_turn_is_not_asked() -> None:
    run = Rehearsal(cancels, Type.WAIT_CANCELLATION_COMPLETED)
    run.child_started(1)
    run.now += 1_000_000_000
    run.defer(TimerFired(at=run.now, seq=1), ChildCompleted(at=run.now, seq=1))
    run.rebuild()
    assert "child.cancel_requested" not in topics(run.resume(2))
    assert run.result == "returned None"
    same_again(run)


def test_the_request_says_why_the_run_itself_was_asked() -> None:
    @workflow.defn
    async def passes_on() -> None:
        await workflow.execute_child_workflow("Ship", id="ship-1")

    run = Rehearsal(passes_on)
    run.child_started(1)
    run.cancel("out of stock")
    (asked,) = (event for event in run.events if isinstance(event, ChildCancelRequested))
    assert asked.reason == "out of stock"


# -- before it has started -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Type.ABANDON, Type.TRY_CANCEL])
@pytest.mark.parametrize("start", ["child_started", "child_refused"])
def test_who_does_not_wait_is_cancelled_before_the_child_has_started(kind: Type, start: str) -> None:
    @workflow.defn
    async def gives_up() -> str:
        try:
            async with asyncio.timeout(1):
                await workflow.start_child_workflow("Ship", id="ship-1", cancellation_type=kind)
        except TimeoutError:
            await workflow.sleep(60)
            return "gave up"
        return "started"

    run = Rehearsal(gives_up)
    run.fire()
    assert run.topics.count("child.cancel_requested") == (kind is Type.TRY_CANCEL)
    same_again(run)
    assert len(getattr(run, start)(1)) == 1
    run.fire()
    assert run.result == "gave up"
    assert run.run.warnings == []
    same_again(run)


@pytest.mark.parametrize("kind", WAITING)
def test_who_waits_sees_the_start_first_and_then_the_cancellation(kind: Type) -> None:
    run = Rehearsal(limited, kind)
    assert topics(run.fire()) == ["timer.fired", "child.cancel_requested"]
    same_again(run)
    assert topics(run.child_started(1)) == ["child.started"]
    same_again(run)
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        run.fail_child(1, CANCELED)
    else:
        run.child_canceling(1)
    assert run.result == "too late"
    same_again(run)


@pytest.mark.parametrize("kind", WAITING)
def test_who_waits_is_told_that_the_child_could_not_start(kind: Type) -> None:
    run = Rehearsal(limited, kind)
    run.fire()
    run.child_refused(1)
    assert "ship" not in run.failure.message
    assert "'s'" in run.failure.message
    assert run.run.warnings == []
    same_again(run)


@pytest.mark.parametrize("kind", WAITING)
def test_a_start_that_is_cancelled_twice_asks_once(kind: Type) -> None:
    @workflow.defn
    async def twice() -> str:
        task = asyncio.create_task(workflow.execute_child_workflow("Ship", id="s", cancellation_type=kind))
        for _ in range(2):
            await workflow.sleep(1)
            task.cancel()
        try:
            return f"returned {await task}"
        except asyncio.CancelledError:
            return "cancelled"

    run = Rehearsal(twice)
    run.fire()
    run.fire()
    assert run.topics.count("child.cancel_requested") == 1
    run.fail_child(1, CANCELED)
    assert run.result == "cancelled"
    same_again(run)


def test_a_start_whose_news_and_cancellation_come_in_one_turn_is_cancelled() -> None:
    @workflow.defn
    async def at_once() -> str:
        task = asyncio.create_task(workflow.start_child_workflow("Ship", id="s"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        try:
            return (await task).id
        except asyncio.CancelledError:
            return "cancelled"

    run = Rehearsal(at_once)
    assert run.topics == ["workflow.started", "child.initiated", "child.cancel_requested"]
    run.child_started(1)
    assert run.result == "s"
    same_again(run)
