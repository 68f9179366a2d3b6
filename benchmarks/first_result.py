"""A program as a user would write it, with a look at the clock; `benchmarks/imports.py` runs it in a new process.

It stands alone: everything that it imported beside `understudy` would make that import look cheaper.
"""

from __future__ import annotations

import sys
import time

began = time.perf_counter()

from understudy import Client, Worker, activity, workflow  # noqa: E402 - the clock is read before

imported = time.perf_counter()

import asyncio  # noqa: E402 - understudy has imported it by now


@activity.defn
async def greet(name: str) -> str:
    """Greet."""
    return f"Hello, {name}!"


@workflow.defn
class Greeting:
    """A workflow of one step."""

    @workflow.run
    async def run(self, name: str) -> str:
        """Greet."""
        return await workflow.execute_activity(greet, name)


async def main(store: str) -> None:
    """Run one workflow, and say the seconds that the import took, and the import with the result."""
    async with (
        await Client.connect(f"sqlite:///{store}") as client,
        Worker(client, task_queue="first", workflows=[Greeting], activities=[greet]),
    ):
        await client.execute_workflow(Greeting.run, "world", id="first", task_queue="first")
        print(imported - began, time.perf_counter() - began)


asyncio.run(main(sys.argv[1]))
