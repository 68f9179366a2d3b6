"""Workflows that do things again: by the hour, in another run of themselves, by local attempts beside each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from understudy import workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError

__all__ = ["AGAIN", "Mended", "hourly", "stubborn"]

SOON: Final = RetryPolicy(initial_interval=timedelta(milliseconds=1), backoff_coefficient=1.0)
TWICE: Final = RetryPolicy(initial_interval=timedelta(milliseconds=1), maximum_attempts=2)


@workflow.defn
async def hourly() -> int:
    """Count the hours, with an hour in between that fails."""
    before = workflow.get_last_completion_result(int) if workflow.has_last_completion_result() else 0
    number = int(await workflow.execute_activity("flaky", 1, retry_policy=SOON, result_type=int))
    if before == 1 and workflow.get_last_failure() is None:
        raise ApplicationError("the hour was lost", type="Lost")
    return int(before or 0) + number - 1


@workflow.defn
class Mended:
    """Is told two words, and has a child that is told one; what it does is reset in between, and once it is over."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.run
    async def run(self) -> list[Any]:
        told: list[Any] = [await workflow.execute_activity("say", "begun", result_type=str)]
        child: Any = await workflow.start_child_workflow("Kin", 1, id="adopted")
        told.append(await workflow.execute_local_activity("mumble", 1, retry_policy=SOON))
        await workflow.wait_condition(lambda: bool(self.words))
        told.append(await workflow.execute_activity("flaky", 1, retry_policy=SOON))
        await workflow.wait_condition(lambda: len(self.words) == 2)
        await workflow.sleep(0.001)
        return [*told, *self.words, await child]


@workflow.defn
async def stubborn() -> list[Any]:
    """Try local activities again and again, while other things are recorded, until one gives up."""
    told: list[Any] = [*await asyncio.gather(_local(4), _local(2), _steps(3), workflow.sleep(0.002))]
    try:
        await workflow.execute_local_activity("mumble", 9, retry_policy=TWICE)
    except ActivityError as error:
        return [*told, str(error.cause)]
    return told


async def _local(failures: int) -> Any:
    return await workflow.execute_local_activity("mumble", failures, retry_policy=SOON)


async def _steps(count: int) -> list[str]:
    return [await workflow.execute_activity("say", f"step {number}", result_type=str) for number in range(count)]


AGAIN = [hourly, Mended, stubborn]
"""In the order of this file."""
