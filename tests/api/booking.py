"""The table that the tests of updates book: its validators, its handlers, and how to send to it and hear of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from understudy import activity, workflow
from understudy.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateHandle, WorkflowUpdateStage
from understudy.common import RetryPolicy
from understudy.exceptions import ApplicationError

__all__ = ["ACCEPTED", "COMPLETED", "SoldOutError", "Table", "accepted", "confirm", "refusal", "refuse"]

ACCEPTED, COMPLETED = WorkflowUpdateStage.ACCEPTED, WorkflowUpdateStage.COMPLETED


@activity.defn
async def confirm(name: str) -> str:
    return f"confirmed {name}"


@activity.defn
async def refuse() -> None:
    raise ApplicationError("refused", non_retryable=True)


class SoldOutError(Exception):
    """Listed among the failures of `Table`."""


@workflow.defn(failure_exception_types=[SoldOutError])
class Table:
    """Takes bookings until it is closed."""

    def __init__(self) -> None:
        self.room = 4
        self.guests: list[str] = []
        self.closed = False
        self.open = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.closed)
        return self.guests

    @workflow.update
    def book(self, guest: str, seats: int = 1) -> int:
        self.room -= seats
        self.guests.append(guest)
        return self.room

    @book.validator
    def look(self, guest: str, seats: int = 1) -> None:
        if guest == "sneaky":
            self.guests.append("seen")
        if seats > self.room:
            raise ValueError(f"{seats} seats for {guest}")

    @workflow.update(name="book-surely")
    async def confirm(self, guest: str) -> str:
        said = await workflow.execute_activity(confirm, guest)
        self.guests.append(guest)
        return said

    @workflow.update
    async def wait(self, guest: str) -> str:
        await self.open.wait()
        self.guests.append(guest)
        return guest

    @workflow.update
    async def naps(self, seconds: float) -> list[Any]:
        await workflow.sleep(seconds)
        info = workflow.current_update_info()
        return [info.id, info.name] if info is not None else []

    @workflow.update
    async def stoppable(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        await asyncio.Event().wait()

    @workflow.update
    async def fail(self, kind: str) -> None:
        if kind == "listed":
            raise SoldOutError("sold out")
        if kind == "activity":
            await workflow.execute_activity(refuse, retry_policy=RetryPolicy(maximum_attempts=1))
        if kind == "again":
            workflow.continue_as_new()
        raise ApplicationError("full", 7, type="Full")

    @workflow.update
    def close(self) -> None:
        self.closed = True

    @workflow.signal
    def let_in(self) -> None:
        self.open.set()

    @workflow.signal
    def stop(self) -> None:
        for task in self.tasks:
            task.cancel()

    @workflow.query
    def names(self) -> list[str]:
        return self.guests


async def refusal(sent: Any) -> BaseException:
    """The cause of the failure that an update ends with."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await sent
    return caught.value.cause


async def accepted(
    handle: WorkflowHandle[Any, Any], update: Any, *args: Any, **options: Any
) -> WorkflowUpdateHandle[Any]:
    """Send an update and wait until it is accepted."""
    return await handle.start_update(update, args=args, wait_for_stage=ACCEPTED, **options)
