"""Continuing as new through the doors: results follow the runs, messages go on, nothing of a run is left behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.harness import Harness, eventually
from understudy import activity, workflow
from understudy.client import WorkflowContinuedAsNewError, WorkflowExecutionStatus
from understudy.exceptions import WorkflowClosedError


@activity.defn
async def step(number: int) -> int:
    return number


@workflow.defn
class Count:
    """Counts down to nothing, a run for each number."""

    @workflow.run
    async def run(self, left: int, total: int = 0) -> int:
        total += await workflow.execute_activity(step, left)
        if left:
            workflow.continue_as_new(args=[left - 1, total])
        return total


@workflow.defn(name="hasty")
async def hasty(left: int) -> str:
    """Continues before it has awaited anything."""
    if left:
        workflow.continue_as_new(left - 1)
    return "there"


@workflow.defn(name="old")
class Old:
    """Has no handler for what comes, and waits for the word to go on."""

    def __init__(self) -> None:
        self.going = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.going)
        workflow.continue_as_new(workflow=New.run)

    @workflow.signal
    def go(self) -> None:
        self.going = True


@workflow.defn(name="new")
class New:
    """Takes what the old one left."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) >= 3)
        return self.words

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)


async def test_the_result_is_that_of_the_last_run_and_each_run_has_a_history_of_its_own(engine: Harness) -> None:
    await engine.work(Count, step)
    handle = await engine.start(Count.run, 20, id="count")
    assert await handle.result() == sum(range(21))
    runs = engine.client.engine.store.executions(workflow_id="count")
    assert [row.status for row in runs] == ["Completed", *["ContinuedAsNew"] * 20]
    assert {row.first_run_id for row in runs} == {handle.result_run_id}
    for row in runs:
        history = await engine.client.get_workflow_handle("count", run_id=row.run_id).fetch_history()
        assert len(history.events) <= 8


async def test_who_does_not_follow_is_told_the_next_run(engine: Harness) -> None:
    await engine.work(Count, step)
    handle = await engine.start(Count.run, 1, id="count")
    with pytest.raises(WorkflowContinuedAsNewError) as caught:
        await handle.result(follow_runs=False)
    following = engine.client.get_workflow_handle("count", run_id=caught.value.new_execution_run_id)
    assert await following.result() == 1
    first = engine.client.get_workflow_handle("count", run_id=handle.result_run_id)
    assert (await first.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW


async def test_a_workflow_that_continues_at_once_lets_others_have_their_turn(engine: Harness) -> None:
    await engine.work(hasty, Count, step)
    handle = await engine.start(hasty, 50, id="hasty")
    assert await engine.execute(Count.run, 0, id="count") == 0
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert await handle.result() == "there"


async def test_signals_that_the_old_run_had_no_handler_for_are_taken_by_the_new_one_in_order(engine: Harness) -> None:
    await engine.work(Old, New)
    handle = await engine.start(Old.run, id="words")
    for word in ("one", "two"):
        await handle.signal("say", word)
    await handle.signal(Old.go)
    await handle.signal("say", "three")
    assert await handle.result() == ["one", "two", "three"]


async def test_signals_by_workflow_id_are_never_lost_while_runs_change(engine: Harness) -> None:
    await engine.work(Old, New)
    for number in range(10):
        handle = await engine.start(Old.run, id=f"words-{number}")
        await asyncio.gather(handle.signal(Old.go), *(handle.signal("say", word) for word in "abc"))
        assert sorted(await handle.result()) == ["a", "b", "c"]


async def test_a_signal_to_a_run_by_its_id_is_refused_once_it_has_continued(engine: Harness) -> None:
    await engine.work(Old, New)
    handle = await engine.start(Old.run, id="words")
    first = engine.client.get_workflow_handle("words", run_id=handle.result_run_id)
    await handle.signal(Old.go)

    async def continued() -> bool:
        return (await first.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW

    await eventually(continued)
    with pytest.raises(WorkflowClosedError):
        await first.signal("say", "late")
