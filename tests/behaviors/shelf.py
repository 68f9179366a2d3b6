"""A shelf that is filled by updates, for the tests of updates without an engine."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.behaviors.plays import charge, pack
from understudy import workflow
from understudy.exceptions import ApplicationError

__all__ = ["OutOfRangeError", "Shelf"]


class OutOfRangeError(Exception):
    """Listed among the failures of `Shelf`."""


@workflow.defn(failure_exception_types=[OutOfRangeError])
class Shelf:
    """Holds so many things; everything about it is an update."""

    def __init__(self) -> None:
        self.things: list[str] = []
        self.seen: list[Any] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.lock = asyncio.Lock()
        self.closed = False

    @workflow.run
    async def run(self, room: int = 3) -> list[str]:
        self.room = room
        await workflow.wait_condition(lambda: self.closed)
        return self.things

    @workflow.update
    def put(self, thing: str, count: int = 1) -> int:
        self.things.extend([thing] * count)
        return len(self.things)

    @put.validator
    def look(self, thing: str, count: int = 1) -> None:
        if count < 1:
            raise ValueError(f"{count} times {thing}")

    @workflow.update(name="fetch-one")
    async def fetch(self, thing: str) -> str:
        found: str = await workflow.execute_activity(pack, thing)
        self.things.append(found)
        return f"{found} in place {len(self.things)}"

    @workflow.update
    async def one_by_one(self, thing: str) -> int:
        async with self.lock:
            await workflow.execute_activity(pack, thing)
            self.things.append(thing)
            return len(self.things)

    @workflow.update
    async def nap(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @workflow.update
    async def stoppable(self, activity: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        if activity:
            await workflow.execute_activity(activity, "x")
        await asyncio.Event().wait()

    @workflow.update
    def stop(self) -> None:
        for task in self.tasks:
            task.cancel("no longer wanted")

    @workflow.update
    async def who(self) -> list[Any]:
        before = workflow.current_update_info()
        await workflow.execute_activity(pack, "x")
        after = workflow.current_update_info()
        inner = await asyncio.create_task(self.in_a_task())
        assert before is not None
        return [before.id, before.name, after == before, inner]

    async def in_a_task(self) -> str:
        info = workflow.current_update_info()
        return info.id if info is not None else ""

    @workflow.update
    def close(self) -> str:
        self.closed = True
        return "closed"

    @workflow.update
    async def fail(self, kind: str) -> None:
        if kind == "bug":
            raise KeyError(kind)
        if kind == "listed":
            raise OutOfRangeError(kind)
        if kind == "time":
            async with asyncio.timeout(1):
                await workflow.execute_activity(pack, "x")
        if kind == "activity":
            await workflow.execute_activity(charge, 1)
        if kind == "again":
            workflow.continue_as_new(7)
        raise ApplicationError("refused", type="Refused")

    @workflow.update
    def fail_at_once(self, kind: str) -> None:
        raise KeyError(kind) if kind == "bug" else ApplicationError("refused", type="Refused")

    @workflow.update
    def unstorable(self) -> Any:
        return object()

    @workflow.query
    def count(self) -> int:
        return len(self.things)

    @workflow.query
    def updating(self) -> bool:
        return workflow.current_update_info() is not None
