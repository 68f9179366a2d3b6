"""Children through the doors: results and failures, ids, cancellation, close policies, trees, and five thousand."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.api.harness import AT_ONCE, Harness, eventually, failure_of, ms, topics
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowHandle
from understudy.common import RetryPolicy
from understudy.common import WorkflowIDReusePolicy as Reuse
from understudy.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError
from understudy.workflow import ChildWorkflowCancellationType as Type
from understudy.workflow import ParentClosePolicy as Policy

HOUR: Final = timedelta(hours=1)
CHILD: Final = "child-1"


@activity.defn
async def note(text: str) -> str:
    return text


@workflow.defn
class Waiter:
    """Waits to be told, or cancelled."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, enough: int = 1) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return self.words

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn
async def ship(parcel: str) -> str:
    return await workflow.execute_activity(note, f"shipped {parcel}")


@workflow.defn
async def fails(message: str) -> None:
    raise ApplicationError(message, type="NoStock")


@workflow.defn
async def stubborn(word: str) -> str:
    """Does not mind a cancellation."""
    try:
        await workflow.sleep(HOUR)
    except asyncio.CancelledError:
        return f"{word} because {workflow.cancellation_reason()}"
    return "slept"


@workflow.defn
async def order(child: str, *args: Any) -> Any:
    """Execute one child."""
    return await workflow.execute_child_workflow(child, args=args, id=CHILD)


ALL: Final[tuple[Any, ...]] = (Waiter, ship, fails, stubborn, order, note)


def child(engine: Harness, workflow_id: str = CHILD) -> WorkflowHandle[Any, Any]:
    """A handle to a child."""
    return engine.client.get_workflow_handle(workflow_id)


async def status(engine: Harness, workflow_id: str = CHILD) -> Status | None:
    """How a workflow stands; None: there is none."""
    if engine.client.engine.store.latest(workflow_id) is None:
        return None
    return (await child(engine, workflow_id).describe()).status


async def is_(engine: Harness, wanted: Status | None, workflow_id: str = CHILD) -> bool:
    """Whether a workflow stands so."""
    return await status(engine, workflow_id) is wanted


async def until(engine: Harness, wanted: Status | None, workflow_id: str = CHILD) -> None:
    """Wait until a workflow stands so."""
    await eventually(lambda: is_(engine, wanted, workflow_id))


async def has(handle: WorkflowHandle[Any, Any], topic: str) -> bool:
    """Whether something is recorded of a run."""
    return topic in await topics(handle)


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


# -- cancellation ----------------------------------------------------------------------------------------------------


@workflow.defn
async def drops(kind: int, child_type: str = "Waiter") -> str:
    """Cancel a child that runs, and say how that looked."""
    args = ["word"] if child_type == "stubborn" else []
    handle = await workflow.start_child_workflow(child_type, args=args, id=CHILD, cancellation_type=Type(kind))
    await workflow.sleep(0.001)
    handle.cancel()
    try:
        return f"returned {await handle}"
    except ChildWorkflowError as error:
        return type(error.cause).__name__


@pytest.mark.parametrize("kind", Type)
async def test_each_cancellation_type_ends_the_wait_and_all_but_one_end_the_child(engine: Harness, kind: Type) -> None:
    @workflow.defn
    async def stays() -> str:
        how = await drops(kind)
        await workflow.execute_activity(note, how)
        await workflow.wait_condition(lambda: False, timeout=3600)
        return how

    await engine.work(stays, *ALL)
    handle = await engine.start(stays)
    await eventually(lambda: has(handle, "activity.completed"))
    recorded = await topics(handle)
    assert ("child.cancel_requested" in recorded) is (kind is not Type.ABANDON)
    assert ("child.cancel_delivered" in recorded) is (kind is Type.WAIT_CANCELLATION_REQUESTED)
    if kind is Type.ABANDON:
        assert await status(engine) is Status.RUNNING
    else:
        await until(engine, Status.CANCELED)
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        assert recorded.index("child.failed") < recorded.index("activity.scheduled")


@pytest.mark.parametrize("kind", Type)
async def test_a_child_may_be_cancelled_before_it_has_started(engine: Harness, kind: Type) -> None:
    @workflow.defn
    async def hasty() -> str:
        task = asyncio.create_task(
            workflow.execute_child_workflow(Waiter.run, id=CHILD, cancellation_type=kind, parent_close_policy=ABANDON)
        )
        await asyncio.sleep(0)
        task.cancel()
        try:
            return f"returned {await task}"
        except asyncio.CancelledError:
            return "cancelled"

    await engine.work(hasty, *ALL)
    handle = await engine.start(hasty)
    assert await handle.result() == "cancelled"
    recorded = await topics(handle)
    assert ("child.cancel_requested" in recorded) is (kind is not Type.ABANDON)
    assert ("child.started" in recorded) is (kind.name.startswith("WAIT"))
    await until(engine, Status.RUNNING if kind is Type.ABANDON else Status.CANCELED)


ABANDON: Final = Policy.ABANDON


@pytest.mark.parametrize("kind", [Type.WAIT_CANCELLATION_COMPLETED, Type.WAIT_CANCELLATION_REQUESTED])
async def test_a_child_may_refuse_to_be_cancelled_and_only_who_waits_for_its_end_hears_of_it(
    engine: Harness, kind: Type
) -> None:
    await engine.work(drops, *ALL)
    result = await engine.execute(drops, kind, "stubborn")
    if kind is Type.WAIT_CANCELLATION_COMPLETED:
        assert result == "returned word because cancelled by its parent"
    else:
        assert result == "CancelledError"
    await eventually(lambda: is_(engine, Status.COMPLETED))


async def test_cancelling_a_parent_cancels_all_its_children_and_says_why(engine: Harness) -> None:
    @workflow.defn
    async def family() -> None:
        await asyncio.gather(*(workflow.execute_child_workflow(Waiter.run, id=f"child-{n}") for n in (1, 2)))

    await engine.work(family, *ALL)
    handle = await engine.start(family, id="family")
    await eventually(lambda: is_(engine, Status.RUNNING, "child-2"))
    await handle.cancel(reason="no longer wanted")
    await until(engine, Status.CANCELED, "family")
    for name in ("child-1", "child-2"):
        assert await status(engine, name) is Status.CANCELED
        history = await child(engine, name).fetch_history()
        (asked,) = (e for e in history.events if e.topic == "workflow.cancel_requested")
        assert getattr(asked, "reason", "") == "no longer wanted"


async def test_a_parent_is_complete_though_it_was_to_cancel_when_its_child_completes(engine: Harness) -> None:
    await engine.work(*ALL)
    handle = await engine.start(order, "stubborn", "word", id="order")
    await eventually(lambda: is_(engine, Status.RUNNING))
    await handle.cancel(reason="late")
    assert await handle.result() == "word because late"
    assert await status(engine, "order") is Status.COMPLETED


# -- the end of a parent ---------------------------------------------------------------------------------------------


@workflow.defn
class Parent:
    """Has a child that waits, and ends in the way that it is told."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, policy: int, cancellation: int = Type.ABANDON, again: bool = False) -> str:  # noqa: FBT001, FBT002 - an argument of a workflow
        if again:
            return "again"
        handle = await workflow.start_child_workflow(
            Waiter.run, id=CHILD, parent_close_policy=Policy(policy), cancellation_type=Type(cancellation)
        )
        await workflow.wait_condition(lambda: bool(self.how))
        if self.how == "fail":
            raise ApplicationError(f"failed beside {handle.id}")
        if self.how == "continue":
            workflow.continue_as_new(args=[policy, cancellation, True])
        return "done"

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how


WAYS: Final = {
    "complete": Status.COMPLETED,
    "fail": Status.FAILED,
    "cancel": Status.CANCELED,
    "terminate": Status.TERMINATED,
    "time out": Status.TIMED_OUT,
    "continue": Status.CONTINUED_AS_NEW,
}


async def close(handle: WorkflowHandle[Any, Any], how: str) -> None:
    """End a parent."""
    if how in {"cancel", "terminate"}:
        await getattr(handle, how)()
    elif how != "time out":
        await handle.signal(Parent.end, how)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("policy", Policy)
async def test_the_close_policy_of_a_child_holds_however_its_parent_closes(
    engine: Harness, how: str, policy: Policy
) -> None:
    await engine.work(Parent, *ALL)
    options = {"run_timeout": ms(60)} if how == "time out" else {}
    handle = await engine.start(Parent.run, policy, id="parent", **options)
    first = engine.client.get_workflow_handle("parent", run_id=handle.result_run_id)
    await eventually(lambda: has(first, "child.started"))
    await close(handle, how)

    async def closed() -> bool:
        return (await first.describe()).status is WAYS[how]

    await eventually(closed)
    store = engine.client.engine.store

    def is_left() -> bool:
        row = store.execution(first.run_id or "")
        return row is not None and row.wake_at is None

    await eventually(is_left)
    if policy is Policy.ABANDON:
        await child(engine).signal(Waiter.tell, "on your own")
        assert await child(engine).result() == ["on your own"]
    elif policy is Policy.REQUEST_CANCEL:
        await until(engine, Status.CANCELED)
    else:
        assert await status(engine) is Status.TERMINATED


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.ABANDON])
async def test_a_child_that_is_asked_for_in_the_last_turn_of_its_parent_is_treated_as_the_others(
    engine: Harness, policy: Policy
) -> None:
    @workflow.defn
    async def hasty() -> str:
        task = asyncio.create_task(workflow.start_child_workflow(Waiter.run, id=CHILD, parent_close_policy=policy))
        await asyncio.sleep(0)
        return str(task.done())

    await engine.work(hasty, *ALL)
    assert await engine.execute(hasty) == "False"
    await until(engine, Status.RUNNING if policy is Policy.ABANDON else Status.TERMINATED)


async def test_the_end_of_a_child_that_was_abandoned_means_nothing_to_its_closed_parent(engine: Harness) -> None:
    await engine.work(Parent, *ALL)
    handle = await engine.start(Parent.run, Policy.ABANDON, id="parent")
    await eventually(lambda: is_(engine, Status.RUNNING))
    await close(handle, "complete")
    await handle.result()
    before = await topics(handle)
    await child(engine).signal(Waiter.tell, "late")
    await child(engine).result()
    assert await topics(handle) == before


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
    await eventually(lambda: engine.client.engine.workflows.passivate(0) and not engine.client.engine.workflows.live)
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
        await eventually(lambda: system.workflows.passivate(0) and not system.workflows.live)
        system.workflows.wake(handle.result_run_id or "")
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
