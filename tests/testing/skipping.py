"""What the tests of environments run: a worker, workflows that wait for a long time, and activities."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from understudy import activity, workflow
from understudy.exceptions import ApplicationError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

__all__ = ["ACTIVITIES", "MONTH", "QUEUE", "Sleeper", "Waiter", "execute", "limp", "worker", "yields"]

MONTH = timedelta(days=30)
QUEUE = "tests"


def worker(env: WorkflowEnvironment, *definitions: Any, **options: Any) -> Worker:
    """A worker of workflows, and of the activities among the definitions."""
    activities = [known for known in definitions if known in ACTIVITIES]
    workflows = [known for known in definitions if known not in ACTIVITIES]
    return Worker(env.client, task_queue=QUEUE, workflows=workflows, activities=activities, debug_mode=True, **options)


async def execute(env: WorkflowEnvironment, code: Any, *args: Any, id: str = "w", **options: Any) -> Any:  # noqa: A002 - as the client's
    return await env.client.execute_workflow(code, args=args, id=id, task_queue=QUEUE, **options)


@activity.defn
async def limp(failures: int) -> int:
    number = activity.info().attempt
    if number <= failures:
        raise ApplicationError("not yet")
    return number


@activity.defn
async def yields(turns: int) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return "done"


ACTIVITIES = [limp, yields]


@workflow.defn
class Sleeper:
    """Sleeps, however often it is told to, and says how long that was."""

    def __init__(self) -> None:
        self.woken = False

    @workflow.run
    async def run(self, days: int, times: int = 1) -> float:
        begun = workflow.now()
        for _ in range(times):
            await workflow.sleep(timedelta(days=days))
        return (workflow.now() - begun) / timedelta(days=1)

    @workflow.query
    def nothing(self) -> None:
        """Say nothing."""


@workflow.defn
class Waiter:
    """Waits for a word, for a month."""

    def __init__(self) -> None:
        self.word = ""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: bool(self.word), timeout=MONTH)
        except TimeoutError:
            return "nobody said anything"
        return self.word

    @workflow.signal
    def say(self, word: str) -> None:
        self.word = word
