"""`rpc_timeout`: how long a caller waits for a result; what is waited for goes on."""

from __future__ import annotations

import asyncio
import pickle
from datetime import timedelta

import pytest

from tests.api.harness import QUEUE, Harness, ms
from understudy import workflow
from understudy.client import (
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from understudy.common import WorkflowIDConflictPolicy
from understudy.exceptions import InvalidArgumentError

DAY = timedelta(days=1)


@workflow.defn
class Slow:
    """Waits to be told."""

    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.done)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return "done"

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.update
    async def wait(self) -> str:
        await workflow.wait_condition(lambda: self.done)
        return "waited"


async def test_a_result_that_does_not_come_in_time_can_be_waited_for_again(engine: Harness) -> None:
    await engine.work(Slow)
    handle = await engine.start(Slow.run, id="slow")
    with pytest.raises(RPCTimeoutOrCancelledError, match="'slow' has passed") as caught:
        await handle.result(rpc_timeout=ms(1))
    assert not isinstance(caught.value, WorkflowUpdateRPCTimeoutOrCancelledError)
    assert isinstance(caught.value.__cause__, TimeoutError)
    await handle.signal(Slow.finish)
    assert await handle.result(rpc_timeout=DAY) == "done"


async def test_an_update_that_is_not_answered_in_time_goes_on(engine: Harness) -> None:
    await engine.work(Slow)
    handle = await engine.start(Slow.run)
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await handle.execute_update(Slow.wait, id="u", rpc_timeout=ms(1))
    update = handle.get_update_handle_for(Slow.wait, "u")
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await update.result(rpc_timeout=ms(1))
    await handle.signal(Slow.finish)
    assert await update.result(rpc_timeout=DAY) == "waited"


async def test_an_update_that_no_worker_takes_is_given_up_in_time(engine: Harness) -> None:
    handle = await engine.start("Slow")
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await handle.start_update("wait", wait_for_stage=WorkflowUpdateStage.ACCEPTED, rpc_timeout=ms(1))


async def test_an_update_with_start_is_given_up_in_time(engine: Harness) -> None:
    await engine.work(Slow)
    handle = await engine.start(Slow.run, id="slow")
    policy = WorkflowIDConflictPolicy.USE_EXISTING
    start = WithStartWorkflowOperation(Slow.run, id="slow", task_queue=QUEUE, id_conflict_policy=policy)
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await engine.client.execute_update_with_start_workflow(
            Slow.wait, start_workflow_operation=start, rpc_timeout=ms(1)
        )
    await handle.signal(Slow.finish)
    assert await handle.result() == "done"


async def test_a_time_out_of_the_callers_own_stays_what_it_is(engine: Harness) -> None:
    await engine.work(Slow)
    handle = await engine.start(Slow.run)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await handle.result(rpc_timeout=DAY)


async def test_a_time_out_of_nothing_is_refused(engine: Harness) -> None:
    with pytest.raises(InvalidArgumentError, match="rpc_timeout"):
        await engine.client.get_workflow_handle("anybody").result(rpc_timeout=timedelta(0))


@pytest.mark.parametrize("error", [RPCTimeoutOrCancelledError("late"), WorkflowUpdateRPCTimeoutOrCancelledError()])
def test_the_errors_can_be_pickled(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), str(again)) == (type(error), str(error))
