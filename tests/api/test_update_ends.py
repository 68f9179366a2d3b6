"""How updates end when something goes wrong in a handler, or when their run ends before them."""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import Any

import pytest

from tests.api.booking import Table, accepted, refusal, refuse
from tests.api.harness import Harness, eventually, failure_of, passivate, topics
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.exceptions import ActivityError, ApplicationError, CancelledError

# -- failing ---------------------------------------------------------------------------------------------------------


async def test_a_declared_failure_of_the_handler_fails_the_update_and_not_the_workflow(engine: Harness) -> None:
    await engine.work(Table, refuse)
    handle = await engine.start(Table.run)
    declared = await refusal(handle.execute_update(Table.fail, "declared"))
    assert isinstance(declared, ApplicationError)
    assert (declared.type, declared.message, list(declared.details)) == ("Full", "full", [7])
    listed = await refusal(handle.execute_update(Table.fail, "listed"))
    assert isinstance(listed, ApplicationError)
    assert listed.type == "SoldOutError"
    of_activity = await refusal(handle.execute_update(Table.fail, "activity"))
    assert isinstance(of_activity, ActivityError)
    assert isinstance(of_activity.cause, ApplicationError)
    await handle.execute_update(Table.close)
    assert await handle.result() == []


async def test_a_handler_that_is_cancelled_fails_its_update(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.stoppable)
    await handle.signal(Table.stop)
    assert isinstance(await refusal(update.result()), CancelledError)
    assert await handle.execute_update(Table.book, "kim") == 3


async def test_a_bug_in_a_handler_holds_the_run_until_it_is_mended(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Buggy:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def divide(self, number: int) -> int:
            if broken:
                raise ZeroDivisionError("a bug")
            return 12 // number

    await engine.work(Buggy)
    handle = await engine.start(Buggy.run)
    update = await accepted(handle, Buggy.divide, 3)
    assert await topics(handle) == ["workflow.started", "update.accepted", "turn.deferred"]
    waiting = asyncio.create_task(update.result())

    async def stuck() -> bool:
        return (await handle.describe()).failed_turns > 0

    await eventually(stuck)
    other = asyncio.create_task(handle.execute_update(Buggy.divide, 4))
    broken = False
    assert [await waiting, await other] == [4, 3]
    passivate(engine)
    assert await handle.execute_update(Buggy.divide, 2) == 6


async def test_a_workflow_that_ends_first_fails_the_updates_that_are_not_completed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    update = await accepted(handle, Table.wait, "kim", id="u-1")
    waiting = asyncio.create_task(refusal(update.result()))
    await handle.execute_update(Table.close)
    for cause in (await waiting, await refusal(update.result()), await refusal(accepted_result(handle, "u-1"))):
        assert isinstance(cause, ApplicationError)
        assert cause.type == "AcceptedUpdateCompletedWorkflow"
        assert cause.message == "workflow 'table' ended before its update 'u-1' was completed"


async def accepted_result(handle: WorkflowHandle[Any, Any], id: str) -> Any:  # noqa: A002 - as the handle's
    """The result of an update that is sent again."""
    return await handle.execute_update(Table.wait, "kim", id=id)


async def test_a_termination_fails_the_updates_that_are_not_completed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(refusal(update.result()))
    await handle.terminate()
    assert "ended before" in str(await waiting)


async def test_a_handler_may_continue_the_workflow_as_new(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim")
    cause = await refusal(handle.execute_update(Table.fail, "again"))
    assert "ended before its update" in str(cause)
    again = engine.client.get_workflow_handle("table")
    assert await again.execute_update(Table.book, "lee") == 3
    await again.execute_update(Table.close)
    assert await handle.result() == ["lee"]


# -- the end ---------------------------------------------------------------------------------------------------------


@workflow.defn
class Hasty:
    """Ends when it is told to, whether its handlers have ended or not."""

    @workflow.init
    def __init__(self, waits: int) -> None:
        self.done = False
        self.lingering = 0.02 if waits else 3_600

    @workflow.run
    async def run(self, waits: int) -> bool:
        await workflow.wait_condition(lambda: self.done and (not waits or workflow.all_handlers_finished()))
        return workflow.all_handlers_finished()

    @workflow.signal
    def end(self) -> None:
        self.done = True

    @workflow.update
    async def lingers(self) -> None:
        await workflow.sleep(self.lingering)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def lingers_quietly(self) -> None:
        await workflow.sleep(self.lingering)

    @workflow.signal(name="lingers-on")
    async def signal_lingers(self) -> None:
        await workflow.sleep(self.lingering)


async def test_an_update_that_its_workflow_leaves_behind_is_warned_about(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Hasty)
    handle = await engine.start(Hasty.run, 0)
    update = await accepted(handle, Hasty.lingers)
    quiet = await accepted(handle, Hasty.lingers_quietly)
    await handle.signal("lingers-on")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        await handle.signal(Hasty.end)
        assert await handle.result() is False
    kinds = {warning.category for warning in heard}
    assert kinds == {workflow.UnfinishedUpdateHandlersWarning, workflow.UnfinishedSignalHandlersWarning}
    said = [
        r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and "still running" in r.getMessage()
    ]
    assert len(said) == 2
    assert any("the handler of update 'lingers' was still running" in text for text in said)
    assert "ended before" in str(await refusal(update.result()))
    assert "ended before" in str(await refusal(quiet.result()))


async def test_a_workflow_that_waits_for_its_handlers_leaves_no_update_behind(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Hasty)
    handle = await engine.start(Hasty.run, 1)
    update = await accepted(handle, Hasty.lingers)
    await handle.signal(Hasty.end)
    assert await handle.result() is True
    assert await update.result() is None
    assert not [record for record in caplog.records if "still running" in record.getMessage()]


async def test_a_workflow_that_fails_by_a_signal_fails_the_updates_that_wait(engine: Harness) -> None:
    @workflow.defn
    class Fails(Hasty):
        @workflow.run
        async def run(self, waits: int) -> bool:
            await workflow.wait_condition(lambda: self.done)
            raise ApplicationError("failed")

    await engine.work(Fails)
    handle = await engine.start(Fails.run, 0)
    update = await accepted(handle, Fails.lingers_quietly)
    await handle.signal(Fails.end)
    assert isinstance(await failure_of(handle.result()), ApplicationError)
    assert "ended before" in str(await refusal(update.result()))
