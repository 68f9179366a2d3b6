"""Children through the doors: results and failures, ids, trees, runs that leave memory, and five thousand of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.api.family import ALL, CHILD, Waiter, child, fails, is_, note, order, ship, status, until
from tests.api.harness import AT_ONCE, Harness, eventually, failure_of, has, ms, topics
from understudy import workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.common import RetryPolicy
from understudy.common import WorkflowIDReusePolicy as Reuse
from understudy.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError
from understudy.workflow import ChildWorkflowCancellationType as Type

# -- results and failures --------------------------------------------------------------------------------------------


async def test_a_parent_gets_the_result_of_its_child(engine: Harness) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "ship", "a book")
    assert await handle.result() == "shipped a book"
    assert await topics(handle) == [
        "workflow.started",
        "child.initiated",
        "child.started",
        "child.completed",
        "workflow.completed",
    ]
    assert await child(engine).result() == "shipped a book"


async def test_a_child_without_an_id_has_one(engine: Harness) -> None:
    @workflow.defn
    async def anonymous() -> list[str]:
        handle = await workflow.start_child_workflow(ship, "a book")
        return [handle.id, handle.first_execution_run_id or "", await handle]

    await engine.work(anonymous, *ALL)
    name, run_id, result = await engine.execute(anonymous)
    handle = engine.client.get_workflow_handle(name, run_id=run_id)
    assert await handle.result() == result == "shipped a book"


async def test_a_child_on_another_task_queue_is_run_there(engine: Harness) -> None:
    @workflow.defn
    async def elsewhere() -> str:
        return await workflow.execute_child_workflow(ship, "a book", task_queue="ships")

    await engine.work(elsewhere)
    handle = await engine.start(elsewhere)
    await eventually(lambda: has(handle, "child.started"))
    await engine.work(ship, note, task_queue="ships")
    assert await handle.result() == "shipped a book"


async def test_the_error_of_a_child_says_of_whom_and_why(engine: Harness) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "fails", "no stock")
    error = await failure_of(handle.result())
    assert isinstance(error, ChildWorkflowError)
    run_id = (await child(engine).describe()).run_id
    assert (error.workflow_id, error.run_id, error.workflow_type) == (CHILD, run_id, "fails")
    assert error.retry_state is not None
    assert error.retry_state.name == "RETRY_POLICY_NOT_SET"
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.type == "NoStock"


async def test_a_child_that_is_retried_fails_its_parent_with_its_last_run(engine: Harness) -> None:
    @workflow.defn
    async def retries() -> list[Any]:
        policy = RetryPolicy(initial_interval=ms(1), maximum_attempts=3)
        try:
            await workflow.execute_child_workflow(fails, "no stock", id=CHILD, retry_policy=policy)
        except ChildWorkflowError as error:
            return [error.run_id, error.retry_state and error.retry_state.name, str(error.cause)]
        return []

    await engine.work(retries, *ALL)
    run_id, state, cause = await engine.execute(retries)
    runs = engine.client.engine.store.executions(workflow_id=CHILD)
    assert len(runs) == 3
    assert (run_id, state, cause) == (runs[-1].run_id, "MAXIMUM_ATTEMPTS_REACHED", "NoStock: no stock")


async def test_a_child_that_is_retried_and_then_completes_completes(engine: Harness) -> None:
    @workflow.defn
    async def limps() -> int:
        if workflow.info().attempt < 3:
            raise ApplicationError("not yet")
        return workflow.info().attempt

    @workflow.defn
    async def retries() -> int:
        return await workflow.execute_child_workflow(limps, id=CHILD, retry_policy=AT_ONCE)

    await engine.work(retries, limps)
    handle = await engine.start(retries)
    assert await handle.result() == 3
    assert (await topics(handle)).count("child.started") == 1


async def test_a_child_that_continues_as_new_is_waited_for_to_its_last_run(engine: Harness) -> None:
    @workflow.defn
    async def counts(left: int) -> str:
        if left:
            workflow.continue_as_new(left - 1)
        return "there"

    await engine.work(counts, *ALL)
    handle = await engine.start(order, "counts", 5)
    assert await handle.result() == "there"
    assert len(engine.client.engine.store.executions(workflow_id=CHILD)) == 6
    assert len(await topics(handle)) == 5


async def test_a_child_whose_time_runs_out_fails_its_parent(engine: Harness) -> None:
    @workflow.defn
    async def impatient() -> list[Any]:
        try:
            await workflow.execute_child_workflow(Waiter.run, id=CHILD, run_timeout=ms(5))
        except ChildWorkflowError as error:
            return [type(error.cause).__name__, error.retry_state and error.retry_state.name]
        return []

    await engine.work(impatient, *ALL)
    assert await engine.execute(impatient) == ["TimeoutError", "TIMEOUT"]
    await until(engine, Status.TIMED_OUT)


@pytest.mark.parametrize(("how", "cause"), [("terminate", "TerminatedError"), ("cancel", "CancelledError")])
async def test_a_child_that_somebody_else_ends_fails_its_parent(engine: Harness, how: str, cause: str) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "Waiter")
    await eventually(lambda: has(handle, "child.started"))
    await getattr(child(engine), how)(reason="not wanted")
    error = await failure_of(handle.result())
    assert isinstance(error, ChildWorkflowError)
    assert type(error.cause).__name__ == cause


# -- ids -------------------------------------------------------------------------------------------------------------


@workflow.defn
async def insists(policy: int) -> str:
    """Start a child under an id that may be taken, and go on if it is."""
    try:
        return await workflow.execute_child_workflow(ship, "a book", id=CHILD, id_reuse_policy=Reuse(policy))
    except WorkflowAlreadyStartedError as error:
        return f"taken: {error.workflow_id} by {error.run_id}"


@pytest.mark.parametrize(
    ("before", "policy", "goes"),
    [
        ("ship", Reuse.ALLOW_DUPLICATE, True),
        ("ship", Reuse.ALLOW_DUPLICATE_FAILED_ONLY, False),
        ("fails", Reuse.ALLOW_DUPLICATE_FAILED_ONLY, True),
        ("ship", Reuse.REJECT_DUPLICATE, False),
        ("fails", Reuse.REJECT_DUPLICATE, False),
    ],
)
async def test_the_id_policy_says_what_a_closed_run_with_the_id_means(
    engine: Harness, before: str, policy: Reuse, *, goes: bool
) -> None:
    await engine.work(insists, *ALL)
    first = await engine.start(before, "x", id=CHILD)
    await until(engine, Status.COMPLETED if before == "ship" else Status.FAILED)
    handle = await engine.start(insists, policy)
    assert await handle.result() == ("shipped a book" if goes else f"taken: {CHILD} by {first.result_run_id}")
    assert ("child.start_failed" in await topics(handle)) is not goes


@pytest.mark.parametrize("policy", [Reuse.ALLOW_DUPLICATE, Reuse.REJECT_DUPLICATE])
async def test_an_open_run_with_the_id_is_always_in_the_way(engine: Harness, policy: Reuse) -> None:
    await engine.work(insists, *ALL)
    other = await engine.start(Waiter.run, id=CHILD)
    assert await engine.execute(insists, policy) == f"taken: {CHILD} by {other.result_run_id}"
    assert await status(engine) is Status.RUNNING


# -- trees -----------------------------------------------------------------------------------------------------------


@workflow.defn
async def tree(depth: int) -> list[list[str]]:
    """Say who the ancestors are, from here down to the leaf."""
    info = workflow.info()
    here = [
        info.workflow_id,
        info.run_id,
        info.parent.run_id if info.parent else "",
        info.parent.workflow_id if info.parent else "",
        info.root.run_id if info.root else "",
        info.root.workflow_id if info.root else "",
    ]
    if not depth:
        return [here]
    below: list[list[str]] = await workflow.execute_child_workflow(tree, depth - 1, id=f"{info.workflow_id}.1")
    return [here, *below]


async def test_children_know_their_parent_and_the_root_of_their_tree(engine: Harness) -> None:
    await engine.work(tree)
    found = await engine.execute(tree, 3, id="tree")
    root = found[0]
    assert [each[0] for each in found] == ["tree", "tree.1", "tree.1.1", "tree.1.1.1"]
    for above, below in pairwise(found):
        assert below[2:] == [above[1], above[0], root[1], "tree"]
    assert root[2:] == ["", "", "", ""]


async def test_the_end_of_a_tree_reaches_its_leaves(engine: Harness) -> None:
    @workflow.defn
    async def branch(depth: int) -> None:
        if depth:
            await workflow.execute_child_workflow("branch", depth - 1, id=f"branch-{depth - 1}")
        else:
            await workflow.wait_condition(lambda: False)

    await engine.work(branch)
    handle = await engine.start(branch, 3, id="branch-3")
    await eventually(lambda: is_(engine, Status.RUNNING, "branch-0"))
    await handle.terminate()
    for depth in range(4):
        await until(engine, Status.TERMINATED, f"branch-{depth}")


async def test_cancelling_a_tree_ends_it_from_its_leaves(engine: Harness) -> None:
    @workflow.defn
    async def branch(depth: int) -> None:
        if depth:
            await workflow.execute_child_workflow("branch", depth - 1, id=f"branch-{depth - 1}")
        else:
            await workflow.wait_condition(lambda: False)

    await engine.work(branch)
    handle = await engine.start(branch, 3, id="branch-3")
    await eventually(lambda: is_(engine, Status.RUNNING, "branch-0"))
    await handle.cancel()
    await until(engine, Status.CANCELED, "branch-3")
    ends = [engine.client.engine.store.latest(f"branch-{depth}") for depth in range(4)]
    assert [row and row.status for row in ends] == ["Canceled"] * 4
    closed = [row.closed_at or 0 for row in ends if row is not None]
    assert closed == sorted(closed)


# -- in memory or not ------------------------------------------------------------------------------------------------


async def test_a_parent_that_has_left_memory_hears_of_the_end_of_its_child(engine: Harness) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "Waiter")
    await eventually(lambda: has(handle, "child.started"))
    await eventually(lambda: engine.client.engine.runs.passivate(0) and not engine.client.engine.runs.live)
    await child(engine).signal(Waiter.tell, "go")
    assert await handle.result() == ["go"]


async def test_coming_back_asks_a_child_to_cancel_once(engine: Harness) -> None:
    @workflow.defn
    class Slow:
        @workflow.run
        async def run(self) -> None:
            try:
                await workflow.wait_condition(lambda: False)
            except asyncio.CancelledError:
                await workflow.wait_condition(lambda: self.may_go)

        @workflow.init
        def __init__(self) -> None:
            self.may_go = False

        @workflow.signal
        def go(self) -> None:
            self.may_go = True

    @workflow.defn
    async def patient() -> str:
        kind = Type.WAIT_CANCELLATION_REQUESTED
        handle = await workflow.start_child_workflow(Slow.run, id=CHILD, cancellation_type=kind)
        handle.cancel()
        try:
            await handle
        except ChildWorkflowError:
            await workflow.wait_condition(lambda: False)
        return ""

    await engine.work(patient, Slow)
    handle = await engine.start(patient)
    await eventually(lambda: has(handle, "child.cancel_delivered"))
    system = engine.client.engine
    for _ in range(3):
        await eventually(lambda: system.runs.passivate(0) and not system.runs.live)
        system.runs.wake(handle.result_run_id or "")
        await eventually(lambda: system.is_quiet)
    assert (await topics(handle)).count("child.cancel_delivered") == 1
    assert (await topics(child(engine))).count("workflow.cancel_requested") == 1


# -- many ------------------------------------------------------------------------------------------------------------


WIDTH: Final = 5_000


@workflow.defn
async def leaf(number: int) -> int:
    return number


@workflow.defn
async def fan_out(width: int) -> int:
    return sum(await asyncio.gather(*(workflow.execute_child_workflow(leaf, n) for n in range(width))))


@pytest.mark.slow
async def test_one_parent_has_five_thousand_children(engine: Harness) -> None:
    await engine.work(fan_out, leaf)
    handle = await engine.start(fan_out, WIDTH)
    assert await handle.result() == sum(range(WIDTH))
    recorded = await topics(handle)
    assert len(recorded) == 2 + 3 * WIDTH
