"""Handles of a chain of runs that has ended do nothing to another chain with the same workflow id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness
from understudy import Client, workflow
from understudy.client import Interceptor, WorkflowExecutionStatus, WorkflowHandle
from understudy.exceptions import WorkflowNotFoundError


@workflow.defn
class Turnstile:
    """Ends when it is told to, goes on as another run first if it is told so."""

    def __init__(self) -> None:
        self.ends = False

    @workflow.run
    async def run(self, again: bool = False) -> str:  # noqa: FBT001, FBT002 - an argument of a workflow
        if again:
            workflow.continue_as_new(False)  # noqa: FBT003 - the same
        await workflow.wait_condition(lambda: self.ends)
        return "done"

    @workflow.signal
    def end(self) -> None:
        self.ends = True

    @workflow.update
    def look(self) -> str:
        return "seen"


ASKING: dict[str, Callable[[WorkflowHandle[Any, Any]], Awaitable[Any]]] = {
    "cancel": lambda handle: handle.cancel(),
    "terminate": lambda handle: handle.terminate(),
    "update": lambda handle: handle.execute_update(Turnstile.look),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize("intercepted", [False, True])
async def test_a_handle_of_a_chain_that_has_ended_does_nothing_to_the_next(
    engine: Harness, ask: Callable[[WorkflowHandle[Any, Any]], Awaitable[Any]], *, intercepted: bool
) -> None:
    config = engine.client.config()
    config["interceptors"] = [Interceptor()] if intercepted else []
    client = Client(**config)
    await engine.work(Turnstile)
    old = await client.start_workflow(Turnstile.run, id="w", task_queue=QUEUE)
    await old.signal(Turnstile.end)
    await old.result()
    new = await client.start_workflow(Turnstile.run, id="w", task_queue=QUEUE)
    with pytest.raises(WorkflowNotFoundError) as refused:
        await ask(old)
    assert str(old.first_execution_run_id) in str(refused.value)
    assert (await new.describe()).status is WorkflowExecutionStatus.RUNNING
    await old.signal(Turnstile.end)  # a signal goes to the workflow id, as in Temporal
    assert await new.result() == "done"


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
async def test_a_handle_reaches_the_runs_that_follow_its_first_one(
    engine: Harness, ask: Callable[[WorkflowHandle[Any, Any]], Awaitable[Any]]
) -> None:
    await engine.work(Turnstile)
    handle = await engine.start(Turnstile.run, True)  # noqa: FBT003 - an argument of a workflow
    await ask(handle)
    assert (await handle.describe()).run_id != handle.first_execution_run_id
