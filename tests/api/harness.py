"""What the behaviour tests of the public API stand on: a real engine, workers on demand, waiting without sleeping.

Everything here goes through the doors that users have. Nothing waits for time to pass: a test awaits results and
events, or asks `eventually` to let the loop turn until something holds.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from tests.turn import turn
from understudy.actors.behaviors.definitions.definition import WORKFLOW_MARK
from understudy.client import Client, WorkflowFailureError, WorkflowHandle
from understudy.common import RetryPolicy
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

__all__ = [
    "AT_ONCE",
    "ONCE",
    "PATIENCE",
    "QUEUE",
    "Harness",
    "Skipping",
    "eventually",
    "failure_of",
    "gone",
    "has",
    "ms",
    "passivate",
    "topics",
]

T = TypeVar("T")

QUEUE = "tests"
PATIENCE = 30.0
"""Seconds after which what is awaited will not happen; a busy machine is slow, not wrong."""


def ms(number: float) -> timedelta:
    """So many milliseconds."""
    return timedelta(milliseconds=number)


AT_ONCE = RetryPolicy(initial_interval=ms(1), maximum_interval=ms(1))
"""Tries again without end, and at once."""
ONCE = RetryPolicy(maximum_attempts=1)
"""Does not try again."""


async def eventually(fn: Callable[[], Any]) -> Any:
    """Return what `fn` returns, or what that resolves to, as soon as it is true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        found = fn()
        value: Any = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if loop.time() > end:
            raise TimeoutError(f"{inspect.getsource(fn).strip()} did not come true in {PATIENCE} s")
        await asyncio.sleep(0)


async def failure_of(result: Awaitable[object]) -> BaseException:
    """Return the cause of the failure that awaiting the result of a workflow ends with."""
    try:
        value = await result
    except WorkflowFailureError as error:
        return error.cause
    raise AssertionError(f"the workflow did not fail, it returned {value!r}")


async def topics(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Return the kinds of the events that a run has on disk, oldest first."""
    return [event.topic for event in (await handle.fetch_history()).events]


async def has(handle: WorkflowHandle[Any, Any], topic: str, times: int = 1) -> bool:
    """Whether a run has so many events of a kind on disk."""
    return (await topics(handle)).count(topic) >= times


class Harness:
    """An engine and its workers; closed by the fixture that made it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: Client | None = None
        self._workers = AsyncExitStack()
        self._ids = count(1)

    @property
    def client(self) -> Client:
        """The client that is open."""
        if self._client is None:
            raise RuntimeError("the harness is not open")
        return self._client

    async def open(self) -> None:
        """Connect."""
        self._client = await Client.connect(self.url)

    async def stop_work(self) -> None:
        """Stop all workers; the client stays open."""
        await self._workers.aclose()

    async def close(self) -> None:
        """Stop all workers and close the client."""
        await self.stop_work()
        await self.client.close()

    async def restart(self) -> None:
        """Do what a restart of the process does to an engine that has a file."""
        await self.close()
        await self.open()

    async def work(self, *definitions: Any, task_queue: str = QUEUE, **options: Any) -> Worker:
        """Run workflows and activities until the harness is closed.

        The deadlock watchdog is off, if not asked for: on a machine that is busy with other tests, a turn may be slow.
        """
        workflows = [d for d in definitions if WORKFLOW_MARK in vars(d)] if definitions else []
        activities = [d for d in definitions if d not in workflows]
        options = {"debug_mode": "deadlock_timeout" not in options, **options}
        worker = Worker(self.client, task_queue=task_queue, workflows=workflows, activities=activities, **options)
        return await self._workers.enter_async_context(worker)

    async def start(self, workflow: Any, *args: Any, **options: Any) -> WorkflowHandle[Any, Any]:
        """Start a workflow on the queue that `work` serves, under an id of its own if none is given."""
        named: Any = {"id": f"workflow-{next(self._ids)}", "task_queue": QUEUE, **options}
        return await self.client.start_workflow(workflow, args=args, **named)

    async def execute(self, workflow: Any, *args: Any, **options: Any) -> Any:
        """Start a workflow and wait for its result."""
        return await (await self.start(workflow, *args, **options)).result()


class Skipping(Harness):
    """An engine whose clock the test turns, so that nothing strikes before it is to.

    It jumps by itself, too, while a result is awaited and only time can bring it.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._env: WorkflowEnvironment | None = None

    @property
    def env(self) -> WorkflowEnvironment:
        """The environment that is open."""
        if self._env is None:
            raise RuntimeError("the harness is not open")
        return self._env

    async def open(self) -> None:
        """Connect; the clock shows the time of the machine again."""
        self._env = await WorkflowEnvironment.start_time_skipping(url=self.url)
        self._client = self._env.client

    def turn(self, time: timedelta) -> None:
        """Let so much time have passed, whatever is under way."""
        turn(self.client, time)

    async def close(self) -> None:
        """Stop all workers and the engine."""
        await self.stop_work()
        await self.env.shutdown()


def passivate(engine: Harness) -> int:
    """Let all runs that are idle leave memory; how many stay."""
    runs = engine.client.engine.runs
    runs.passivate(0)
    return len(runs.live)


async def gone(engine: Harness) -> None:
    """Wait until no run is in memory."""
    await eventually(lambda: passivate(engine) == 0)
