"""What `describe` says of activities without an outcome: where each stands, and whose turn it is."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.harness import Harness, eventually
from understudy import activity, workflow
from understudy.exceptions import ActivityError
from understudy.workflow import ActivityCancellationType

WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


@activity.defn
async def sign() -> str:
    activity.raise_complete_async()


@activity.defn
async def linger() -> str:
    await asyncio.Event().wait()
    return "never"


@workflow.defn
class Office:
    """Waits for two activities, and cancels one of them when it is told to."""

    def __init__(self) -> None:
        self.canceled = False

    @workflow.run
    async def run(self) -> list[str]:
        signed = workflow.start_activity(sign, activity_id="signature", cancellation_type=WAIT)
        lingers = workflow.start_activity(linger, activity_id="visitor")
        await workflow.wait_condition(lambda: self.canceled)
        signed.cancel()
        lingers.cancel()
        try:
            return [await signed]
        except ActivityError:
            return ["not signed"]

    @workflow.signal
    def cancel(self) -> None:
        self.canceled = True


async def phases(engine: Harness) -> dict[str, tuple[str, bool]]:
    """Where each activity stands, and whether an attempt is planned."""
    found: Any = await engine.client.get_workflow_handle("office").describe()
    return {p.activity_id: (p.phase, p.next_attempt_at is not None) for p in found.pending_activities}


async def shows(engine: Harness, phase: str) -> bool:
    """Whether the signature is shown as being there."""
    return (await phases(engine)).get("signature", ("", False))[0] == phase


async def test_an_activity_that_somebody_outside_completes_is_shown_as_such(engine: Harness) -> None:
    await engine.work(Office, sign, linger)
    handle = await engine.start(Office.run, id="office")
    await eventually(lambda: shows(engine, "outside"))
    assert await phases(engine) == {"signature": ("outside", False), "visitor": ("scheduled", True)}
    await handle.signal(Office.cancel)
    await eventually(lambda: shows(engine, "canceling"))
    outside = engine.client.get_async_activity_handle(workflow_id="office", run_id=None, activity_id="signature")
    await outside.complete("kim")
    assert await handle.result() == ["kim"]


async def test_it_is_shown_so_behind_a_restart_too(durable: Harness) -> None:
    await durable.work(Office, sign, linger)
    await durable.start(Office.run, id="office")
    await eventually(lambda: shows(durable, "outside"))
    await durable.restart()
    assert await shows(durable, "outside")
