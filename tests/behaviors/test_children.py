"""Children, as the code of their parent sees them: each of these histories can be cut anywhere (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.behaviors.rehearsal import CANCELED, FINAL, Rehearsal, payload, same_again, topics
from understudy import workflow
from understudy.actors.behaviors.run import Phase
from understudy.common import Priority, RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.common import WorkflowIDReusePolicy as Reuse
from understudy.events.child import ChildInitiated
from understudy.events.errors import (
    ArgumentTypeError,
    InvalidArgumentError,
    NondeterminismError,
    PayloadEncodeError,
    QueryRefusedError,
)
from understudy.events.failure import Failure
from understudy.events.policy import RetryState, StoredRetryPolicy
from understudy.events.workflow import WorkflowCanceled
from understudy.exceptions import ChildWorkflowError, TimeoutError, WorkflowAlreadyStartedError  # noqa: A004 - the SDK's name
from understudy.workflow import ParentClosePolicy

CITY: Final = SearchAttributeKey.for_keyword("City")
TIMED_OUT: Final = Failure(kind="timeout", message="Workflow timed out")
TERMINATED: Final = Failure(kind="terminated", message="not wanted")


@workflow.defn(name="Ship")
class Ship:
    """A child."""

    @workflow.run
    async def run(self, parcel: str, weight: float = 1.0) -> str:
        return f"{parcel} of {weight}"


@workflow.defn
async def ship(parcel: str) -> str:
    """A child that is a function."""
    return parcel


@workflow.defn
async def order(parcel: str) -> str:
    """Wait for one child."""
    return await workflow.execute_child_workflow(Ship.run, parcel, id="ship-1")


@workflow.defn
async def careful() -> list[Any]:
    """Say how a child failed."""
    try:
        await workflow.execute_child_workflow(ship, "a", id="ship-1")
    except ChildWorkflowError as error:
        return [str(error), error.workflow_id, error.run_id, error.workflow_type, error.namespace, str(error.cause)]
    return []


def asked(run: Rehearsal, seq: int = 1) -> ChildInitiated:
    """What was asked of the engine."""
    return run.execution.children[seq].initiated


# -- three histories -------------------------------------------------------------------------------------------------


def test_a_start_of_a_child_suspends() -> None:
    run = Rehearsal(order, "a")
    assert run.topics == ["workflow.started", "child.initiated"]
    assert run.run.phase is Phase.RUNNING
    same_again(run)


def test_a_child_that_runs_lets_its_starter_go_on_and_its_result_is_still_awaited() -> None:
    @workflow.defn
    async def two_steps() -> str:
        handle = await workflow.start_child_workflow(Ship.run, "a", id="ship-1")
        await workflow.sleep(1)
        return f"{handle.id} {handle.first_execution_run_id}: {await handle}"

    run = Rehearsal(two_steps)
    assert topics(run.child_started(1)) == ["child.started", "timer.started"]
    same_again(run)
    run.fire()
    assert run.run.phase is Phase.RUNNING
    same_again(run)
    assert topics(run.complete_child(1, "a of 1.0")) == ["child.completed", "workflow.completed"]
    assert run.result == "ship-1 child-1: a of 1.0"
    same_again(run)


def test_a_child_that_completed_gives_its_result() -> None:
    run = Rehearsal(order, "a")
    run.child_started(1)
    run.complete_child(1, "a of 1.0")
    assert run.result == "a of 1.0"
    assert run.execution.children == {}
    same_again(run)


def test_a_result_that_was_there_before_the_handle_is_awaited_is_kept() -> None:
    @workflow.defn
    async def slow() -> str:
        handle = await workflow.start_child_workflow(ship, "a")
        await workflow.sleep(1)
        return await handle

    run = Rehearsal(slow)
    run.child_started(1)
    run.complete_child(1, "a")
    same_again(run)
    run.fire()
    assert run.result == "a"
    same_again(run)


def test_an_end_that_comes_before_the_news_of_the_start_brings_that_along() -> None:
    run = Rehearsal(order, "a")
    assert topics(run.complete_child(1, "a")) == ["child.started", "child.completed", "workflow.completed"]
    same_again(run)


# -- how a child is asked for ----------------------------------------------------------------------------------------


def test_every_option_is_recorded() -> None:
    @workflow.defn
    async def full() -> None:
        await workflow.start_child_workflow(
            Ship.run,
            args=["a", 2.5],
            id="ship-1",
            task_queue="ships",
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
            execution_timeout=timedelta(seconds=3),
            run_timeout=timedelta(seconds=2),
            task_timeout=timedelta(seconds=1),
            id_reuse_policy=Reuse.REJECT_DUPLICATE,
            retry_policy=RetryPolicy(maximum_attempts=2),
            cron_schedule="@daily",
            memo={"note": 1},
            search_attributes=TypedSearchAttributes([SearchAttributePair(CITY, "Ulm")]),
            static_summary="a parcel",
            static_details="of two items",
            priority=Priority(priority_key=2, fairness_key="tenant", fairness_weight=1.5),
        )

    run = Rehearsal(full)
    found = asked(run)
    assert found.source.startswith("test_children.py:")
    assert found == ChildInitiated(
        at=run.now,
        seq=1,
        workflow_id="ship-1",
        workflow_type="Ship",
        task_queue="ships",
        input=(payload("a"), payload(2.5)),
        execution_timeout=3_000_000_000,
        run_timeout=2_000_000_000,
        task_timeout=1_000_000_000,
        retry_policy=StoredRetryPolicy(initial_interval=1_000_000_000, maximum_attempts=2),
        id_reuse_policy=Reuse.REJECT_DUPLICATE,
        cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
        parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
        cron_schedule="@daily",
        memo={"note": payload(1)},
        search_attributes=found.search_attributes,
        summary="a parcel",
        details="of two items",
        priority=2,
        fairness_key="tenant",
        fairness_weight=1.5,
        source=found.source,
    )
    assert list(found.search_attributes) == ["City"]
    same_again(run)


@pytest.mark.parametrize("target", [Ship.run, Ship, "Ship"], ids=["the run method", "the class", "the name"])
def test_a_child_is_given_by_its_run_method_its_class_or_its_name(target: Any) -> None:
    @workflow.defn
    async def by() -> Any:
        return await workflow.execute_child_workflow(target, "a")

    run = Rehearsal(by)
    found = asked(run)
    assert (found.workflow_type, found.input, found.task_queue) == ("Ship", (payload("a"),), "orders")
    run.complete_child(1, "there")
    assert run.result == "there"
    same_again(run)


def test_a_child_by_name_may_say_what_its_result_is() -> None:
    @workflow.defn
    async def by_name() -> str:
        handle = await workflow.start_child_workflow("Wait", result_type=timedelta)
        return type(await handle).__name__

    run = Rehearsal(by_name)
    run.complete_child(1, timedelta(seconds=1))
    assert run.result == "timedelta"
    same_again(run)


def test_a_child_without_an_id_gets_a_random_one_that_is_the_same_at_every_replay() -> None:
    @workflow.defn
    async def anonymous() -> list[str]:
        handles = [await workflow.start_child_workflow(ship, "a") for _ in range(2)]
        return [handle.id for handle in handles]

    runs = [Rehearsal(anonymous, run_id=run_id) for run_id in ("run-1", "run-1", "run-2")]
    for run in runs:
        run.child_started(1)
        run.child_started(2)
        same_again(run)
    first, again, other = (run.result for run in runs)
    assert first == again
    assert len({*first, *other}) == 4


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"id": ""}, InvalidArgumentError),
        ({"args": []}, ArgumentTypeError),
        ({"args": [object()]}, PayloadEncodeError),
        ({"arg": "a", "args": ["b"]}, InvalidArgumentError),
        ({"arg": "a", "cancellation_type": 7}, ArgumentTypeError),
        ({"arg": "a", "parent_close_policy": "TERMINATE"}, ArgumentTypeError),
        ({"arg": "a", "id_reuse_policy": None}, ArgumentTypeError),
        ({"arg": "a", "run_timeout": timedelta(seconds=-1)}, InvalidArgumentError),
    ],
)
def test_a_child_that_cannot_be_is_refused_at_the_call(options: Any, error: type[Exception]) -> None:
    @workflow.defn
    async def wrong() -> str:
        try:
            await workflow.execute_child_workflow(ship, **options)
        except error as refused:
            return str(refused)
        return "taken"

    run = Rehearsal(wrong)
    assert run.result != "taken"
    assert "child.initiated" not in run.topics


def test_another_child_at_the_same_place_is_another_workflow() -> None:
    @workflow.defn(name="order")
    async def changed(_parcel: str) -> str:
        return await workflow.execute_child_workflow(Ship.run, "a", id="ship-2")

    run = Rehearsal(order, "a")
    with pytest.raises(NondeterminismError, match=r"child\.initiated"):
        run.rebuild(changed)


# -- many at once ----------------------------------------------------------------------------------------------------


def test_handles_go_into_gather_wait_and_shield() -> None:
    @workflow.defn
    async def many() -> list[Any]:
        handles = [await workflow.start_child_workflow(ship, name, id=name) for name in "abcd"]
        done, waiting = await workflow.wait(handles[:2], return_when=asyncio.FIRST_COMPLETED)
        first = [await handle for handle in done]
        both = await asyncio.gather(handles[2], asyncio.shield(handles[3]))
        return [first, len(waiting), both]

    run = Rehearsal(many)
    for seq in (1, 2, 3, 4):
        run.child_started(seq)
    run.complete_child(2, "b")
    same_again(run)
    run.complete_child(4, "d")
    run.complete_child(3, "c")
    assert run.result == [["b"], 1, ["c", "d"]]
    same_again(run)


def test_children_of_a_gather_are_started_at_once() -> None:
    @workflow.defn
    async def fan_out(width: int) -> int:
        return sum(await asyncio.gather(*(workflow.execute_child_workflow("Leaf", n) for n in range(width))))

    run = Rehearsal(fan_out, 50)
    assert run.topics == ["workflow.started", *["child.initiated"] * 50]
    for seq in range(50, 0, -1):
        run.complete_child(seq, seq)
    assert run.result == 50 * 51 // 2
    same_again(run, most=10)


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


# -- reading only ----------------------------------------------------------------------------------------------------


def test_a_query_starts_no_child() -> None:
    @workflow.defn
    class Asked:
        @workflow.run
        async def run(self) -> None:
            await workflow.sleep(60)

        @workflow.query
        def look(self) -> str:
            step = workflow.execute_child_workflow(ship, "a", id="ship-1")
            try:
                step.send(None)
            except StopIteration:
                return "ended"
            return "started"

    run = Rehearsal(Asked)
    with pytest.raises((QueryRefusedError, RuntimeError)):
        run.query("look")
    assert "child.initiated" not in run.topics


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


def test_a_run_that_is_cancelled_while_its_child_starts_waits_for_the_start_and_the_end() -> None:
    run = Rehearsal(order, "a")
    run.cancel()
    assert topics(run.child_started(1)) == ["child.started"]
    same_again(run)
    assert topics(run.fail_child(1, CANCELED)) == ["child.failed", "workflow.canceled"]
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


def test_a_pending_child_says_what_it_is() -> None:
    run = Rehearsal(order, "a")
    assert repr(run.execution.children[1]) == "<child 'Ship' #1 'ship-1' initiated>"
    run.child_started(1)
    assert repr(run.execution.children[1]) == "<child 'Ship' #1 'ship-1' started>"
