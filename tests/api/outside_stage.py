"""An activity that is left to somebody outside, and a workflow that waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.harness import AT_ONCE, ONCE, eventually, ms, topics
from understudy import activity, workflow
from understudy.client import WorkflowHandle
from understudy.exceptions import ActivityError
from understudy.exceptions import TimeoutError as ActivityTimeout
from understudy.workflow import ActivityCancellationType

__all__ = ["WAIT", "Desk", "Sign", "left_outside"]

WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


class Desk:
    """Where tokens of activities are left for whoever completes them."""

    def __init__(self) -> None:
        self.tokens: list[bytes] = []
        self.details: list[list[Any]] = []

    @activity.defn(name="sign")
    async def sign(self) -> str:
        info = activity.info()
        self.tokens.append(info.task_token)
        self.details.append(list(info.heartbeat_details))
        activity.raise_complete_async()

    async def token(self, number: int = 1) -> bytes:
        await eventually(lambda: len(self.tokens) >= number)
        return self.tokens[number - 1]


@workflow.defn
class Sign:
    """Has something signed, with options in ms, and tells how that ended."""

    @workflow.run
    async def run(self, limits: dict[str, int], attempts: int = 0) -> list[Any]:
        options: Any = {name: ms(limit) for name, limit in limits.items()}
        retry = AT_ONCE if attempts == 0 else ONCE
        try:
            signed = await workflow.execute_activity(
                "sign", activity_id="signature", retry_policy=retry, cancellation_type=WAIT, **options
            )
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ActivityTimeout)
            return ["timed out", cause.type and cause.type.name, list(cause.last_heartbeat_details)]
        except asyncio.CancelledError:
            return ["cancelled"]
        return ["signed", signed]


async def left_outside(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until it is on disk that somebody outside completes the activity."""

    async def known() -> bool:
        return "activity.completion_deferred" in await topics(handle)

    await eventually(known)
