"""Cancellation: the run's main task gets it once; activities end in the way of their cancellation type (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.behaviors.plays import charge, nap, pack, step, waiting_for
from tests.behaviors.rehearsal import FINAL, Rehearsal, payload, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ActivityCancellationType as Type
from understudy.events.workflow import WorkflowCanceled
from understudy.exceptions import ActivityError, ApplicationError, CancelledError

CANCELED: Final = Failure(kind="canceled", message="Cancelled")


# -- of the run ------------------------------------------------------------------------------------------------------


def test_a_run_that_does_not_mind_is_cancelled_where_it_waits() -> None:
    run = Rehearsal(nap, 60)
    assert topics(run.cancel("no longer wanted")) == [
        "workflow.cancel_requested",
        "timer.canceled",
        "workflow.canceled",
    ]
    assert run.last == WorkflowCanceled(at=run.now)
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_a_run_that_waits_for_an_activity_asks_it_to_stop() -> None:
    run = Rehearsal(step, 3)
    assert topics(run.cancel()) == ["workflow.cancel_requested", "activity.cancel_requested", "workflow.canceled"]
    same_again(run)


def test_the_code_sees_the_cancellation_once_with_its_reason_and_may_clean_up() -> None:
    @workflow.defn
    async def tidy() -> None:
        try:
            await workflow.sleep(60)
        except asyncio.CancelledError as error:
            await workflow.execute_activity(pack, f"{error} because {workflow.cancellation_reason()}")
            raise

    run = Rehearsal(tidy)
    assert topics(run.cancel("late")) == ["workflow.cancel_requested", "timer.canceled", "activity.scheduled"]
    assert run.pending(1).scheduled.input == (payload("late because late"),)
    same_again(run)
    assert topics(run.complete(1, "box")) == ["activity.completed", "workflow.canceled"]
    same_again(run)


def test_code_that_swallows_the_cancellation_goes_on_and_may_return() -> None:
    @workflow.defn
    async def stubborn() -> str:
        try:
            await workflow.sleep(60)
        except asyncio.CancelledError:
            return "not now"
        return "slept"

    run = Rehearsal(stubborn)
    run.cancel()
    assert run.result == "not now"
    same_again(run)


@pytest.mark.parametrize("asked", [True, False])
def test_an_activity_that_ends_as_cancelled_cancels_a_run_that_was_asked_to_and_fails_another(*, asked: bool) -> None:
    @workflow.defn
    async def patient() -> None:
        handle = workflow.start_activity(charge, 1, cancellation_type=Type.WAIT_CANCELLATION_COMPLETED)
        try:
            await asyncio.shield(handle)
        except asyncio.CancelledError:
            handle.cancel()
            await handle

    run = Rehearsal(patient)
    if asked:
        run.cancel()
        run.end_canceled(1)
        assert isinstance(run.last, WorkflowCanceled)
        assert run.last.failure is not None
        assert run.last.failure.kind == "activity"
    else:
        run.fail(1, Failure(kind="application", message="stopped", non_retryable=True))
        assert run.failure.cause is not None
    same_again(run)


def test_a_run_that_is_asked_to_cancel_may_still_fail() -> None:
    @workflow.defn
    async def sore() -> None:
        try:
            await workflow.sleep(60)
        finally:
            raise ApplicationError("sore")

    run = Rehearsal(sore)
    run.cancel()
    assert run.failure.message == "sore"
    same_again(run)


def test_a_cancellation_that_the_code_raises_unasked_fails_the_run() -> None:
    @workflow.defn
    async def odd() -> None:
        await workflow.sleep(1)
        raise asyncio.CancelledError

    run = Rehearsal(odd)
    run.fire()
    assert (run.failure.kind, run.failure.message) == ("canceled", "Workflow cancelled itself")
    same_again(run)


def test_a_replay_of_a_run_that_was_cancelled_later_does_not_know_it_earlier() -> None:
    @workflow.defn
    async def asks() -> list[Any]:
        seen = [workflow.cancellation_reason()]
        try:
            await workflow.sleep(60)
        except asyncio.CancelledError:
            seen.append(workflow.cancellation_reason())
        return seen

    run = Rehearsal(asks)
    run.cancel("late")
    assert run.result == [None, "late"]
    same_again(run)


# -- of an activity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Type.TRY_CANCEL, Type.ABANDON])
def test_who_does_not_wait_goes_on_at_once_and_what_the_activity_does_then_comes_too_late(kind: Type) -> None:
    run = Rehearsal(waiting_for, kind)
    asked = ["activity.cancel_requested"] if kind is Type.TRY_CANCEL else []
    assert topics(run.fire()) == ["timer.fired", *asked, "workflow.completed"]
    assert run.result == "CancelledError: Cancelled"
    same_again(run)


@pytest.mark.parametrize("kind", [Type.TRY_CANCEL, Type.ABANDON])
@pytest.mark.parametrize("end", ["complete", "fail", "end_canceled"])
def test_the_outcome_of_an_activity_that_nobody_waits_for_any_more_is_recorded_and_changes_nothing(
    kind: Type, end: str
) -> None:
    @workflow.defn
    async def goes_on() -> str:
        handle = workflow.start_activity(charge, 1, cancellation_type=kind)
        handle.cancel()
        await workflow.sleep(60)
        return "done"

    run = Rehearsal(goes_on)
    if end == "end_canceled" and kind is Type.ABANDON:
        end = "fail"  # an abandoned activity was never asked
    assert len(getattr(run, end)(1)) == 1
    assert run.execution.activities == {}
    run.fire()
    assert run.result == "done"
    same_again(run)


def test_who_waits_for_the_cancellation_sees_how_the_activity_ended() -> None:
    run = Rehearsal(waiting_for, Type.WAIT_CANCELLATION_COMPLETED)
    assert topics(run.fire()) == ["timer.fired", "activity.cancel_requested"]
    same_again(run)
    assert topics(run.end_canceled(1)) == ["activity.canceled", "workflow.completed"]
    assert run.result == "CancelledError: Cancelled"
    same_again(run)


@pytest.mark.parametrize(
    ("end", "args", "result"),
    [("complete", (1, 7), "returned 7"), ("fail", (1, FINAL), "ApplicationError: NoStock: no stock")],
)
def test_who_waits_for_the_cancellation_may_get_another_end(end: str, args: tuple[Any, ...], result: str) -> None:
    run = Rehearsal(waiting_for, Type.WAIT_CANCELLATION_COMPLETED)
    run.fire()
    getattr(run, end)(*args)
    assert run.result == result
    same_again(run)


@pytest.mark.parametrize("kind", list(Type))
def test_a_limit_of_asyncio_around_an_activity_is_a_time_out_whatever_its_cancellation_type(kind: Type) -> None:
    @workflow.defn
    async def limited() -> str:
        try:
            async with asyncio.timeout(5):
                await workflow.execute_activity(charge, 1, cancellation_type=kind)
        except TimeoutError:
            return "too late"
        return "in time"

    run = Rehearsal(limited)
    run.fire()
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        run.end_canceled(1)
    assert run.result == "too late"
    same_again(run)


def test_a_task_group_cancels_the_activities_of_its_other_tasks() -> None:
    @workflow.defn
    async def group() -> str:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(workflow.execute_activity(charge, 1))
                tasks.create_task(workflow.execute_activity(charge, 2))
        except ExceptionGroup as errors:
            return f"{len(errors.exceptions)} failed"
        return "none failed"

    run = Rehearsal(group)
    assert topics(run.fail(2)) == ["activity.failed", "activity.cancel_requested", "workflow.completed"]
    assert run.result == "1 failed"
    same_again(run)


def test_an_activity_that_is_cancelled_before_its_outcome_of_the_same_turn_is_asked_to_stop_once() -> None:
    @workflow.defn
    async def twice() -> str:
        handle = workflow.start_activity(charge, 1, cancellation_type=Type.WAIT_CANCELLATION_COMPLETED)
        handle.cancel()
        handle.cancel()
        try:
            await handle
        except ActivityError as error:
            return str(isinstance(error.cause, CancelledError))
        return ""

    run = Rehearsal(twice)
    assert run.topics == ["workflow.started", "activity.scheduled", "activity.cancel_requested"]
    run.end_canceled(1)
    assert run.result == "True"
    same_again(run)
