"""Errors of clients that programs catch as an `RPCError`, by its status."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.harness import Harness
from understudy import workflow
from understudy.client import RPCError, RPCStatusCode
from understudy.exceptions import MailboxFullError, UsageError, WorkflowClosedError


@workflow.defn
class Done:
    """Ends at once."""

    @workflow.run
    async def run(self) -> None: ...

    @workflow.signal
    def late(self) -> None: ...

    @workflow.update
    def later(self) -> None: ...


Call = Callable[[Harness], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "an unknown workflow": lambda engine: engine.client.get_workflow_handle("nobody").describe(),
    "its result": lambda engine: engine.client.get_workflow_handle("nobody").result(),
    "a signal to a closed run": lambda engine: engine.client.get_workflow_handle("done").signal("late"),
    "an update of a closed run": lambda engine: engine.client.get_workflow_handle("done").execute_update("later"),
    "the end of a closed run": lambda engine: engine.client.get_workflow_handle("done").terminate(),
    "an unknown update": lambda engine: engine.client.get_workflow_handle("done").get_update_handle("u").result(),
    "an unknown job": lambda engine: engine.client.get_activity_handle("nobody").describe(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
async def test_what_is_not_there_is_caught_as_not_found(engine: Harness, call: Call) -> None:
    await engine.work(Done)
    await engine.execute(Done.run, id="done")
    with pytest.raises(RPCError) as caught:
        await call(engine)
    assert caught.value.status is RPCStatusCode.NOT_FOUND
    assert isinstance(caught.value, UsageError)
    assert caught.value.message == str(caught.value)
    assert caught.value.raw_grpc_status == b""


def test_an_error_with_a_status_pickles_by_its_fields() -> None:
    closed = WorkflowClosedError(workflow_id="w", run_id="r", outcome="COMPLETED")
    again = pickle.loads(pickle.dumps(closed))  # noqa: S301 - our own
    assert (again.status, again.outcome, str(again)) == (RPCStatusCode.NOT_FOUND, "COMPLETED", str(closed))


def test_a_full_mailbox_says_that_there_is_no_room() -> None:
    assert MailboxFullError(workflow_id="w", limit=3).status is RPCStatusCode.RESOURCE_EXHAUSTED
