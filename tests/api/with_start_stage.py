"""What the tests of messages that go with a start share: a table that says what it knew when it began."""

from __future__ import annotations

from typing import Any

from tests.api.harness import Harness
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.common import WorkflowIDConflictPolicy
from understudy.exceptions import ApplicationError

__all__ = ["FAIL", "TERMINATE", "USE", "Table", "end", "of_run"]

FAIL, USE, TERMINATE = (
    WorkflowIDConflictPolicy.FAIL,
    WorkflowIDConflictPolicy.USE_EXISTING,
    WorkflowIDConflictPolicy.TERMINATE_EXISTING,
)


@workflow.defn
class Table:
    """Says what was ordered by the time it began, and what came later."""

    @workflow.init
    def __init__(self, room: int = 4) -> None:
        self.room = room
        self.orders: list[str] = []
        self.at_first: list[str] | None = None
        self.closed = False

    @workflow.run
    async def run(self, room: int = 4) -> list[Any]:
        self.at_first = list(self.orders)
        await workflow.wait_condition(lambda: self.closed)
        return [self.at_first, self.orders]

    @workflow.signal
    def order(self, dish: str, count: int = 1) -> None:
        self.orders.extend([dish] * count)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.update
    def book(self, seats: int) -> list[Any]:
        self.room -= seats
        return [self.room, self.at_first]

    @book.validator
    def look(self, seats: int) -> None:
        if not seats:
            self.orders.append("changed by a validator")
        if seats > self.room:
            raise ApplicationError("full", type="Full")

    @workflow.update
    async def wait_long(self) -> None:
        await workflow.wait_condition(lambda: self.closed)

    @workflow.update
    async def slowly(self, dish: str) -> str:
        await workflow.sleep(0.001)
        self.orders.append(dish)
        return dish


async def end(engine: Harness, id: str = "table") -> list[Any]:  # noqa: A002 - as the client's
    """Close the open run, and return what it says."""
    handle = engine.client.get_workflow_handle_for(Table.run, id)
    await handle.signal(Table.close)
    found: list[Any] = await handle.result()
    return found


def of_run(engine: Harness, handle: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    """A handle to the run that was started, and to no other."""
    return engine.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
