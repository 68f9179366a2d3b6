"""Small things that programs for Temporal's SDK rely on: limits of zero, reasons to cancel, names in log records."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from tests.api.harness import Harness, failure_of
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus
from understudy.exceptions import CancelledError

ZERO = timedelta(0)


@activity.defn
async def logs() -> str:
    activity.logger.warning("from the activity")
    return "done"


@workflow.defn
class Unlimited:
    """Asks for an activity with limits of zero."""

    @workflow.run
    async def run(self) -> str:
        workflow.logger.warning("from the workflow")
        return await workflow.execute_activity(
            logs,
            start_to_close_timeout=timedelta(seconds=10),
            schedule_to_close_timeout=ZERO,
            schedule_to_start_timeout=ZERO,
            heartbeat_timeout=ZERO,
        )


@workflow.defn
class Why:
    """Tells why it was cancelled."""

    before: str | None = "unset"

    @workflow.run
    async def run(self) -> str:
        self.before = workflow.cancellation_reason()
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return f"{self.before!r}, then {workflow.cancellation_reason()!r}"
        return "never"


@workflow.defn
class TellsWhy:
    """Cancels its child, and says why."""

    @workflow.run
    async def run(self) -> str:
        child = await workflow.start_child_workflow(Why.run, id="child")
        child.cancel("too late")
        return await child


async def test_a_limit_of_zero_is_none(engine: Harness) -> None:
    await engine.work(Unlimited, logs)
    limits = {"execution_timeout": ZERO, "run_timeout": ZERO, "task_timeout": ZERO}
    assert await engine.execute(Unlimited.run, **limits) == "done"


async def test_a_cancellation_without_a_reason_has_an_empty_one(engine: Harness) -> None:
    await engine.work(Why)
    handle = await engine.start(Why.run)
    await handle.cancel()
    assert await handle.result() == "None, then ''"


async def test_a_child_is_told_why_it_is_cancelled(engine: Harness) -> None:
    await engine.work(TellsWhy, Why)
    assert await engine.execute(TellsWhy.run) == "None, then 'too late'"


async def test_to_cancel_what_has_ended_changes_nothing(engine: Harness) -> None:
    await engine.work(Why)
    handle = await engine.start(Why.run)
    await handle.terminate()
    await handle.cancel()
    assert not isinstance(await failure_of(handle.result()), CancelledError)
    assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED


async def test_records_have_the_facts_under_temporals_names_too(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Unlimited, logs)
    with caplog.at_level(logging.WARNING):
        await engine.execute(Unlimited.run, id="logged")
    said = {record.getMessage().partition(" (")[0]: vars(record) for record in caplog.records}
    assert said["from the workflow"]["temporal_workflow"] == said["from the workflow"]["workflow"]
    assert said["from the workflow"]["temporal_workflow"]["workflow_id"] == "logged"
    assert said["from the activity"]["temporal_activity"]["activity_type"] == "logs"
