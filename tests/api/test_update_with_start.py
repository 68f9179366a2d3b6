"""Update-with-start: in one commit with the start, or to the run that stands in its place."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, topics
from tests.api.with_start_stage import FAIL, TERMINATE, USE, Table, end, of_run
from understudy import workflow
from understudy.client import WithStartWorkflowOperation, WorkflowUpdateFailedError, WorkflowUpdateStage
from understudy.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    InvalidArgumentError,
    PayloadEncodeError,
    QueryRefusedError,
    WorkflowAlreadyStartedError,
    WorkflowClosedError,
)


@workflow.defn
async def at_once() -> str:
    """Ends in its first step."""
    return "done"


def operation(
    policy: WorkflowIDConflictPolicy = USE, room: int = 4, **options: Any
) -> WithStartWorkflowOperation[Any, Any]:
    """How to start a table."""
    named: dict[str, Any] = {"id": "table", "task_queue": QUEUE, "id_conflict_policy": policy, **options}
    return WithStartWorkflowOperation(Table.run, room, **named)


async def book(engine: Harness, seats: int, start: WithStartWorkflowOperation[Any, Any], **options: Any) -> Any:
    """Start a table, or not, and book."""
    return await engine.client.execute_update_with_start_workflow(
        Table.book, seats, start_workflow_operation=start, **options
    )


async def test_an_update_starts_the_workflow_that_is_not_there_and_is_handled_before_its_first_step(
    engine: Harness,
) -> None:
    await engine.work(Table)
    start = operation()
    assert await book(engine, 3, start) == [1, None]
    handle = await start.workflow_handle()
    assert await topics(handle) == ["workflow.started", "update.accepted", "update.completed"]
    assert await handle.execute_update(Table.book, 1) == [0, []]
    assert await end(engine) == [[], []]
    assert await handle.result() == [[], []]


async def test_an_update_whose_handler_waits_is_completed_after_the_start(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    update = await engine.client.start_update_with_start_workflow(
        Table.slowly, "soup", start_workflow_operation=start, wait_for_stage=WorkflowUpdateStage.ACCEPTED, id="u-1"
    )
    assert (update.id, update.workflow_id) == ("u-1", "table")
    assert update.workflow_run_id == (await start.workflow_handle()).result_run_id
    assert await update.result() == "soup"
    assert await end(engine) == [[], ["soup"]]


async def test_an_update_goes_to_the_run_that_is_open_if_the_policy_says_so(engine: Harness) -> None:
    await engine.work(Table)
    first = await engine.start(Table.run, id="table")
    start = operation(USE)
    assert await book(engine, 3, start) == [1, []]
    assert (await start.workflow_handle()).result_run_id == first.result_run_id
    engine.client.engine.runs.passivate(0)
    assert await book(engine, 1, operation(USE)) == [0, []]


async def test_an_update_with_a_start_fails_if_the_policy_says_so(engine: Harness) -> None:
    await engine.work(Table)
    await engine.start(Table.run, id="table")
    start = operation(FAIL)
    waiting = asyncio.create_task(start.workflow_handle())
    with pytest.raises(WorkflowAlreadyStartedError):
        await book(engine, 3, start)
    for _ in range(2):
        with pytest.raises(WorkflowAlreadyStartedError):
            await start.workflow_handle()
    with pytest.raises(WorkflowAlreadyStartedError):
        await waiting


async def test_an_update_with_a_start_ends_the_run_that_is_open_if_the_policy_says_so(engine: Harness) -> None:
    await engine.work(Table)
    first = of_run(engine, await engine.start(Table.run, id="table"))
    start = operation(TERMINATE)
    assert await book(engine, 3, start) == [1, None]
    assert (await topics(first))[-1] == "workflow.terminated"
    assert (await start.workflow_handle()).result_run_id != first.result_run_id


@pytest.mark.parametrize("policy", [FAIL, USE])
async def test_an_update_starts_a_new_run_when_the_last_one_is_closed(
    engine: Harness, policy: WorkflowIDConflictPolicy
) -> None:
    await engine.work(Table)
    await engine.start(Table.run, id="table")
    await end(engine)
    assert await book(engine, 3, operation(policy)) == [1, None]


async def test_an_update_that_is_rejected_still_starts_the_workflow(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await book(engine, 5, start)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "Full"
    handle = await start.workflow_handle()
    assert await topics(handle) == ["workflow.started"]
    engine.client.engine.runs.passivate(0)
    assert await handle.execute_update(Table.book, 4) == [0, []]


async def test_an_update_with_a_start_that_nobody_handles_is_rejected(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    with pytest.raises(WorkflowUpdateFailedError, match=r"."):
        await engine.client.execute_update_with_start_workflow("boook", 1, start_workflow_operation=start)
    assert await topics(await start.workflow_handle()) == ["workflow.started"]


async def test_a_validator_that_changes_the_workflow_is_refused_and_the_workflow_has_started(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    with pytest.raises(QueryRefusedError, match="its validator changed the workflow"):
        await book(engine, 0, start)
    assert await (await start.workflow_handle()).execute_update(Table.book, 1) == [3, []]
    assert await end(engine) == [[], []]


async def test_updates_of_many_starts_at_once_go_to_one_run(engine: Harness) -> None:
    await engine.work(Table)
    answers = await asyncio.gather(*(book(engine, 1, operation(room=20)) for _ in range(20)))
    assert sorted(room for room, _ in answers) == list(range(20))


async def test_an_update_with_a_start_is_the_same_update_when_it_is_sent_again(engine: Harness) -> None:
    await engine.work(Table)
    assert await book(engine, 3, operation(), id="u-1") == [1, None]
    assert await book(engine, 3, operation(), id="u-1") == [1, None]
    assert await book(engine, 1, operation(), id="u-2") == [0, []]


async def test_an_update_with_a_start_waits_for_a_worker_and_is_still_ahead_of_the_first_step(engine: Harness) -> None:
    start = operation()
    sent = asyncio.create_task(book(engine, 3, start))
    handle = await start.workflow_handle()
    assert await topics(handle) == ["workflow.started", "turn.deferred"]
    await handle.signal(Table.order, "soup")
    await engine.work(Table)
    assert await sent == [1, None]
    engine.client.engine.runs.passivate(0)
    assert await end(engine) == [["soup"], ["soup"]]


async def test_an_update_with_a_start_that_is_due_later_waits_for_it(engine: Harness) -> None:
    await engine.work(Table)
    assert await book(engine, 3, operation(start_delay=timedelta(milliseconds=20))) == [1, None]
    assert await end(engine) == [[], []]


async def test_a_rejected_update_that_waited_with_its_start_does_not_hold_that_up(engine: Harness) -> None:
    start = operation()
    sent = asyncio.create_task(book(engine, 5, start))
    handle = await start.workflow_handle()
    await engine.work(Table)
    with pytest.raises(WorkflowUpdateFailedError):
        await sent
    assert await handle.execute_update(Table.book, 4) == [0, []]
    engine.client.engine.runs.passivate(0)
    assert await end(engine) == [[], []]


async def test_an_update_that_changes_things_as_it_waits_with_its_start_is_refused(engine: Harness) -> None:
    start = operation()
    sent = asyncio.create_task(book(engine, 0, start))
    handle = await start.workflow_handle()
    await engine.work(Table)
    with pytest.raises(QueryRefusedError):
        await sent
    assert await handle.execute_update(Table.book, 4) == [0, []]
    assert await end(engine) == [[], []]


async def test_an_update_comes_before_the_end_of_a_workflow_that_ends_in_its_first_step(engine: Harness) -> None:
    @workflow.defn
    class Short:
        def __init__(self) -> None:
            self.words: list[str] = []

        @workflow.run
        async def run(self) -> list[str]:
            return self.words

        @workflow.update
        def say(self, word: str) -> str:
            self.words.append(word)
            return word

    def start(name: str) -> WithStartWorkflowOperation[Any, Any]:
        return WithStartWorkflowOperation(Short.run, id=name, task_queue=QUEUE, id_conflict_policy=FAIL)

    client = engine.client
    early = start("early")
    sent = asyncio.create_task(
        client.execute_update_with_start_workflow(Short.say, "hi", start_workflow_operation=early)
    )
    await early.workflow_handle()
    await engine.work(Short, at_once)
    assert await sent == "hi"
    assert await (await early.workflow_handle()).result() == ["hi"]
    live = start("live")
    assert await client.execute_update_with_start_workflow(Short.say, "ho", start_workflow_operation=live) == "ho"
    assert await (await live.workflow_handle()).result() == ["ho"]


async def test_an_instance_that_cannot_be_made_fails_the_workflow_and_its_update(engine: Harness) -> None:
    @workflow.defn
    class Refuses(Table):
        @workflow.init
        def __init__(self, room: int = 4) -> None:
            raise ApplicationError("no room")

        @workflow.run
        async def run(self, room: int = 4) -> list[Any]:
            return []

    await engine.work(Refuses)
    start = WithStartWorkflowOperation(Refuses.run, 4, id="r", task_queue=QUEUE, id_conflict_policy=FAIL)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await engine.client.execute_update_with_start_workflow(Table.book, 1, start_workflow_operation=start)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "AcceptedUpdateCompletedWorkflow"
    assert (await topics(await start.workflow_handle()))[-1] == "workflow.failed"


async def test_a_bug_in_the_instance_holds_both_until_it_is_mended(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Buggy(Table):
        @workflow.init
        def __init__(self, room: int = 4) -> None:
            if broken:
                raise KeyError("a bug")
            super().__init__(room)

        @workflow.run
        async def run(self, room: int = 4) -> list[Any]:
            return await super().run(room)

    await engine.work(Buggy)
    start = WithStartWorkflowOperation(Buggy.run, 4, id="b", task_queue=QUEUE, id_conflict_policy=FAIL)
    sent = asyncio.create_task(
        engine.client.execute_update_with_start_workflow(Buggy.book, 1, start_workflow_operation=start)
    )
    handle = await start.workflow_handle()

    async def stuck() -> bool:
        return (await handle.describe()).failed_turns > 1

    await eventually(stuck)
    broken = False
    assert await sent == [3, None]


async def test_what_an_instance_begins_runs_in_the_same_order_when_its_update_was_rejected(engine: Harness) -> None:
    @workflow.defn
    class Eager:
        @workflow.init
        def __init__(self) -> None:
            self.words: list[str] = []
            self.closed = False
            self.task = asyncio.create_task(self.begin())

        async def begin(self) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            self.words.append("init")
            await workflow.sleep(0.001)

        @workflow.run
        async def run(self) -> list[str]:
            self.words.append("run")
            await workflow.sleep(0.002)
            await workflow.wait_condition(lambda: self.closed)
            return self.words

        @workflow.update
        def close(self) -> list[str]:
            self.closed = True
            return self.words

        @close.validator
        def look(self) -> None:
            if "run" not in self.words:
                raise ApplicationError("too early")

    await engine.work(Eager)
    start = WithStartWorkflowOperation(Eager.run, id="e", task_queue=QUEUE, id_conflict_policy=FAIL)
    with pytest.raises(WorkflowUpdateFailedError):
        await engine.client.execute_update_with_start_workflow(Eager.close, start_workflow_operation=start)
    handle = await start.workflow_handle()
    engine.client.engine.runs.passivate(0)
    said = await handle.execute_update(Eager.close)
    engine.client.engine.runs.passivate(0)
    assert await handle.result() == said


async def test_an_operation_is_used_once_and_says_what_it_is(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    assert repr(start) == "<WithStartWorkflowOperation of 'table'>"
    await book(engine, 1, start)
    assert repr(start) == "<WithStartWorkflowOperation of 'table', used>"
    with pytest.raises(InvalidArgumentError, match="one that was used"):
        await book(engine, 1, start)
    with pytest.raises(ArgumentTypeError, match="a WithStartWorkflowOperation"):
        await book(engine, 1, Table)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="id_conflict_policy is UNSPECIFIED"):
        operation(WorkflowIDConflictPolicy.UNSPECIFIED)


async def test_an_update_with_a_start_that_cannot_be_sent_leaves_the_operation_as_it_is(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    with pytest.raises(PayloadEncodeError):
        await book(engine, "many", start)  # type: ignore[arg-type]  # wrong on purpose
    assert not start.is_used
    bad = operation(execution_timeout=timedelta(-1))
    with pytest.raises(InvalidArgumentError, match="execution_timeout"):
        await book(engine, 1, bad)
    with pytest.raises(InvalidArgumentError, match="execution_timeout"):
        await bad.workflow_handle()


async def test_an_update_that_waits_with_a_start_is_told_when_its_run_is_terminated(engine: Harness) -> None:
    start = operation(FAIL)
    sent = asyncio.create_task(book(engine, 1, start))
    handle = await start.workflow_handle()
    await handle.terminate()
    with pytest.raises(WorkflowClosedError):
        await sent


async def test_an_update_that_is_known_is_not_held_against_the_policies_of_its_start(engine: Harness) -> None:
    await engine.work(Table)
    fail = {"id_conflict_policy": WorkflowIDConflictPolicy.FAIL}
    assert await book(engine, 3, operation(**fail), id="u-1") == [1, None]
    assert await book(engine, 3, operation(**fail), id="u-1") == [1, None]
    with pytest.raises(WorkflowAlreadyStartedError):
        await book(engine, 3, operation(**fail), id="u-2")
    await engine.client.get_workflow_handle("table").terminate()
    assert await book(engine, 3, operation(**fail), id="u-1") == [1, None]


async def test_an_update_that_its_run_left_unfinished_begins_anew_with_the_next(engine: Harness) -> None:
    await engine.work(Table)
    start = operation()
    await engine.client.start_update_with_start_workflow(
        Table.wait_long, start_workflow_operation=start, id="u-1", wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )
    await (await start.workflow_handle()).terminate()
    with pytest.raises(WorkflowAlreadyStartedError):
        await book(engine, 3, operation(id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE), id="u-1")
    assert await book(engine, 3, operation(), id="u-1") == [1, None]
