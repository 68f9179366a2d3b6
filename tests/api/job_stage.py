"""What the tests of jobs share: a few activities, a start, and how to wait for an attempt or a failure."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually
from understudy import activity
from understudy.client import (
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
)
from understudy.exceptions import ApplicationError

__all__ = ["STATUS", "at_work", "double", "fail", "nothing", "outside", "shout", "start", "wait", "why"]

STATUS = ActivityExecutionStatus


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@activity.defn
def shout(text: str, times: int = 1) -> str:
    return text.upper() * times


@activity.defn
async def nothing() -> None: ...


@activity.defn
async def wait() -> None:
    """Goes on until it is cancelled."""
    await activity.wait_for_cancelled()


@activity.defn
async def outside(text: str) -> str:
    """Is completed from outside."""
    del text
    activity.raise_complete_async()


@activity.defn
async def fail(message: str) -> None:
    raise ApplicationError(message, 7, type="NoStock", non_retryable=True)


async def start(engine: Harness, job: Any, *args: Any, **options: Any) -> ActivityHandle[Any]:
    """Start a job called `job`, on the queue that the harness serves."""
    given: Any = {"id": "job", "task_queue": QUEUE, **options}
    return await engine.client.start_activity(job, args=args, **given)


async def why(result: Awaitable[Any]) -> BaseException:
    """Return why a job has no result."""
    with pytest.raises(ActivityFailureError) as caught:
        await result
    return caught.value.cause


async def at_work(handle: ActivityHandle[Any]) -> ActivityExecutionDescription:
    """Wait until an attempt is at work."""

    async def look() -> Any:
        found = await handle.describe()
        return found if found.last_started_time is not None else None

    found: ActivityExecutionDescription = await eventually(look)
    return found
