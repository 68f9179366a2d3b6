"""Children, as the code of their parent sees them: each of these histories can be cut anywhere (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.behaviors.rehearsal import Rehearsal, payload, topics
from tests.behaviors.same_again import same_again
from tests.behaviors.shipping import Ship, order, ship
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
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
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.workflow import ParentClosePolicy

CITY: Final = SearchAttributeKey.for_keyword("City")


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


def test_a_pending_child_says_what_it_is() -> None:
    run = Rehearsal(order, "a")
    assert repr(run.execution.children[1]) == "<child 'Ship' #1 'ship-1' initiated>"
    run.child_started(1)
    assert repr(run.execution.children[1]) == "<child 'Ship' #1 'ship-1' started>"
