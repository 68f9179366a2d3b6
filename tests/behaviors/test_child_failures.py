"""How children fail their parents, and what becomes of them when their parent is to cancel."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.behaviors.rehearsal import CANCELED, FINAL, Rehearsal, topics
from tests.behaviors.same_again import same_again
from tests.behaviors.shipping import order, ship
from understudy import workflow
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState
from understudy.events.workflow import WorkflowCanceled
from understudy.exceptions import ChildWorkflowError, TimeoutError, WorkflowAlreadyStartedError  # noqa: A004 - the SDK's name

TIMED_OUT: Final = Failure(kind="timeout", message="Workflow timed out")
TERMINATED: Final = Failure(kind="terminated", message="not wanted")


@workflow.defn
async def careful() -> list[Any]:
    """Say how a child failed."""
    try:
        await workflow.execute_child_workflow(ship, "a", id="ship-1")
    except ChildWorkflowError as error:
        return [str(error), error.workflow_id, error.run_id, error.workflow_type, error.namespace, str(error.cause)]
    return []


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_child_that_failed_raises_an_error_that_says_of_whom_and_why() -> None:
    run = Rehearsal(careful)
    assert topics(run.fail_child(1, retry_state=RetryState.RETRY_POLICY_NOT_SET))[1:] == [
        "child.failed",
        "workflow.completed",
    ]
    message, *ids, cause = run.result
    assert message.startswith("Child Workflow execution failed")
    assert ids == ["ship-1", "child-1", "ship", "default"]
    assert cause == "NoStock: no stock"
    same_again(run)


@pytest.mark.parametrize(
    ("failure", "state", "cause"),
    [
        (FINAL, RetryState.MAXIMUM_ATTEMPTS_REACHED, "ApplicationError"),
        (TIMED_OUT, RetryState.TIMEOUT, "TimeoutError"),
        (TERMINATED, None, "TerminatedError"),
        (CANCELED, None, "CancelledError"),
    ],
)
def test_the_cause_and_the_retry_state_say_how_a_child_ended(
    failure: Failure, state: RetryState | None, cause: str
) -> None:
    @workflow.defn
    async def asks() -> list[Any]:
        handle = await workflow.start_child_workflow(ship, "a", id="ship-1")
        try:
            await handle
        except ChildWorkflowError as error:
            return [type(error.cause).__name__, error.retry_state]
        return []

    run = Rehearsal(asks)
    run.child_started(1)
    run.fail_child(1, failure, state)
    assert run.result == [cause, state]
    same_again(run)


def test_the_failure_of_a_child_that_nobody_catches_fails_its_parent_with_it() -> None:
    run = Rehearsal(order, "a")
    run.fail_child(1)
    assert (run.failure.kind, run.failure.workflow_id, run.failure.run_id) == ("child", "ship-1", "child-1")
    assert run.failure.cause is not None
    assert run.failure.cause.message == "no stock"
    same_again(run)


def test_a_time_out_of_a_child_is_no_time_out_of_asyncio() -> None:
    @workflow.defn
    async def asks() -> bool:
        try:
            await workflow.execute_child_workflow(ship, "a")
        except ChildWorkflowError as error:
            return isinstance(error.cause, TimeoutError)
        return False

    run = Rehearsal(asks)
    run.fail_child(1, TIMED_OUT, RetryState.TIMEOUT)
    assert run.result is True


def test_an_id_that_is_taken_is_an_error_that_can_be_caught_and_the_workflow_goes_on() -> None:
    @workflow.defn
    async def finds_another() -> list[Any]:
        try:
            await workflow.start_child_workflow(ship, "a", id="ship-1")
        except WorkflowAlreadyStartedError as error:
            taken = [error.workflow_id, error.workflow_type, error.run_id]
            return [taken, await workflow.execute_child_workflow(ship, "a", id="ship-2")]
        return []

    run = Rehearsal(finds_another)
    assert topics(run.child_refused(1)) == ["child.start_failed", "child.initiated"]
    same_again(run)
    run.complete_child(2, "a")
    assert run.result == [["ship-1", "ship", "other-1"], "a"]
    same_again(run)


def test_an_id_that_is_taken_fails_a_workflow_that_does_not_mind() -> None:
    run = Rehearsal(order, "a")
    run.child_refused(1)
    assert "ship-1" in run.failure.message
    same_again(run)


# -- cancellation of the run -----------------------------------------------------------------------------------------


def test_a_run_that_is_cancelled_asks_the_child_that_it_awaits_and_waits_for_its_end() -> None:
    run = Rehearsal(order, "a")
    run.child_started(1)
    assert topics(run.cancel("no longer wanted")) == ["workflow.cancel_requested", "child.cancel_requested"]
    assert run.execution.children[1].cancel_reason == "no longer wanted"
    same_again(run)
    assert topics(run.fail_child(1, CANCELED)) == ["child.failed", "workflow.canceled"]
    assert isinstance(run.last, WorkflowCanceled)
    same_again(run)


def test_a_run_that_is_cancelled_while_its_child_starts_asks_it_and_waits_for_nothing() -> None:
    run = Rehearsal(order, "a")
    assert topics(run.cancel()) == ["workflow.cancel_requested", "child.cancel_requested", "workflow.canceled"]
    same_again(run)


def test_how_a_child_ends_that_was_cancelled_while_it_started_is_not_overlooked() -> None:
    @workflow.defn
    async def goes_on() -> None:
        try:
            await workflow.execute_child_workflow(ship, "a", id="ship-1")
        except asyncio.CancelledError:
            await workflow.sleep(60)

    run = Rehearsal(goes_on)
    run.cancel()
    run.child_started(1)
    assert topics(run.fail_child(1, CANCELED)) == ["child.failed"]
    assert run.run.warnings == []
    same_again(run)


def test_a_task_that_is_cancelled_while_its_child_starts_waits_for_the_start_and_the_end() -> None:
    @workflow.defn
    async def changes_its_mind() -> None:
        task = asyncio.create_task(workflow.execute_child_workflow(ship, "a", id="ship-1"))
        await workflow.sleep(1)
        task.cancel()
        await task

    run = Rehearsal(changes_its_mind)
    run.fire()
    assert topics(run.child_started(1)) == ["child.started"]
    same_again(run)
    run.fail_child(1, CANCELED)
    assert run.execution.closed is not None
    same_again(run)


def test_a_run_is_complete_though_it_was_to_cancel_when_its_child_completes() -> None:
    run = Rehearsal(order, "a")
    run.child_started(1)
    run.cancel()
    assert topics(run.complete_child(1, "too quick")) == ["child.completed", "workflow.completed"]
    assert run.result == "too quick"
    same_again(run)


def test_a_gather_that_is_cancelled_asks_all_its_children() -> None:
    @workflow.defn
    async def both() -> None:
        await asyncio.gather(*(workflow.execute_child_workflow(ship, name, id=name) for name in "ab"))

    run = Rehearsal(both)
    run.child_started(1)
    run.child_started(2)
    assert topics(run.cancel()) == ["workflow.cancel_requested", *["child.cancel_requested"] * 2]
    run.fail_child(1, CANCELED)
    run.fail_child(2, CANCELED)
    assert isinstance(run.last, WorkflowCanceled)
    same_again(run)


def test_a_shielded_child_is_not_asked() -> None:
    @workflow.defn
    async def keeps() -> str:
        handle = await workflow.start_child_workflow(ship, "a", id="ship-1")
        try:
            await asyncio.shield(handle)
        except asyncio.CancelledError:
            return await handle
        return "never"

    run = Rehearsal(keeps)
    run.child_started(1)
    assert topics(run.cancel()) == ["workflow.cancel_requested"]
    run.complete_child(1, "a")
    assert run.result == "a"
    same_again(run)


def test_a_child_that_was_cancelled_by_somebody_else_fails_its_parent() -> None:
    run = Rehearsal(order, "a")
    run.fail_child(1, CANCELED)
    assert run.failure.kind == "child"
    same_again(run)


def test_cleaning_up_may_start_a_child() -> None:
    @workflow.defn
    async def tidy() -> None:
        try:
            await workflow.sleep(60)
        finally:
            await workflow.execute_child_workflow(ship, "back", id="ship-back")

    run = Rehearsal(tidy)
    assert topics(run.cancel()) == ["workflow.cancel_requested", "timer.canceled", "child.initiated"]
    run.complete_child(1, "back")
    assert isinstance(run.last, WorkflowCanceled)
    same_again(run)
