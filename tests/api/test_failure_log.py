"""What the log says of code that failed: attempts of activities, turns of workflows, with the ids of whose they are."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, failure_of, ms
from tests.api.test_trouble import stuck
from tests.api.turned import Turned, on_turned_time
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory

NAME = "understudy.activity"
TWICE = RetryPolicy(initial_interval=ms(1), maximum_attempts=2)
IDENTIFIER = "__temporal_error_identifier"


@workflow.defn
class Calls:
    """Calls an activity, as a local one if it is told so."""

    @workflow.run
    async def run(self, name: str, local: bool = False) -> Any:  # noqa: FBT001, FBT002 - arguments come by position
        if local:
            return await workflow.execute_local_activity(name, retry_policy=TWICE)
        return await workflow.execute_activity(name, retry_policy=TWICE, start_to_close_timeout=timedelta(hours=1))


@activity.defn
async def stumble() -> None:
    raise LookupError("nothing there")


@activity.defn
async def shrug() -> None:
    raise ApplicationError("as expected", category=ApplicationErrorCategory.BENIGN)


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged of activities."""
    return [record for record in caplog.records if record.name == NAME]


@pytest.mark.parametrize("local", [False, True], ids=["activity", "local"])
async def test_each_attempt_that_fails_is_a_warning_with_its_traceback_and_its_ids(
    engine: Harness, caplog: pytest.LogCaptureFixture, *, local: bool
) -> None:
    await engine.work(Calls, stumble)
    await failure_of(engine.execute(Calls.run, "stumble", local, id="w"))
    first, second = records(caplog)
    assert first.levelno == logging.WARNING
    assert first.getMessage() == "attempt 1 of activity 'stumble' of workflow 'w' failed"
    assert second.getMessage().startswith("attempt 2 of")
    assert first.exc_info is not None
    assert isinstance(first.exc_info[1], LookupError)
    told = vars(first)
    assert told["activity"] == told["temporal_activity"]
    assert (told["activity"]["workflow_id"], told["activity"]["activity_type"]) == ("w", "stumble")
    assert [vars(record)["activity"]["attempt"] for record in (first, second)] == [1, 2]
    assert told[IDENTIFIER] == "ActivityFailure"


async def test_the_ids_are_those_of_the_activitys_own_records(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @activity.defn
    async def speaks() -> None:
        activity.logger.warning("about to fail")
        raise LookupError

    await engine.work(Calls, speaks)
    await failure_of(engine.execute(Calls.run, "speaks"))
    own, engines = records(caplog)[:2]
    assert vars(own)["activity"] == vars(engines)["activity"]


async def test_a_benign_failure_is_for_those_who_debug(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await engine.work(Calls, shrug)
    await failure_of(engine.execute(Calls.run, "shrug"))
    assert records(caplog) == []
    caplog.set_level(logging.DEBUG, NAME)
    await failure_of(engine.execute(Calls.run, "shrug"))
    assert [record.levelno for record in records(caplog)] == [logging.DEBUG, logging.DEBUG]


async def test_an_activity_that_nobody_knows_is_logged(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await engine.work(Calls, stumble)
    await failure_of(engine.execute(Calls.run, "tumble", id="w"))
    assert "attempt 1 of activity 'tumble' of workflow 'w' failed: task queue" in records(caplog)[0].getMessage()


async def test_a_job_that_fails_is_logged_by_its_id(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await engine.work(Calls, stumble)
    handle = await engine.client.start_activity(
        stumble, id="j", task_queue="tests", retry_policy=TWICE, start_to_close_timeout=timedelta(hours=1)
    )
    with pytest.raises(Exception, match="failed"):
        await handle.result()
    first = records(caplog)[0]
    assert first.getMessage() == "attempt 1 of activity 'stumble' with the id 'j' failed"
    assert (vars(first)["activity"]["activity_id"], vars(first)["activity"]["workflow_id"]) == ("j", None)


@pytest.mark.parametrize("local", [False, True], ids=["activity", "local"])
async def test_a_log_that_fails_costs_no_attempt_its_outcome(engine: Harness, *, local: bool) -> None:
    asked = 0

    def breaks(record: logging.LogRecord) -> bool:
        nonlocal asked
        asked += 1
        raise OSError("the disk of the log is full")

    log = logging.getLogger(NAME)
    log.addFilter(breaks)
    try:
        await engine.work(Calls, stumble)
        error = await failure_of(engine.execute(Calls.run, "stumble", local))
    finally:
        log.removeFilter(breaks)
    assert isinstance(error, ActivityError)
    assert asked == 2


async def test_what_was_cancelled_has_not_failed(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    @activity.defn
    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    await engine.work(Calls, hang)
    handle = await engine.start(Calls.run, "hang")
    await begun.wait()
    await handle.cancel()
    await failure_of(handle.result())
    await engine.stop_work()
    assert records(caplog) == []


def test_a_late_attempt_is_logged_with_the_limit_that_it_missed(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def script(engine: Turned) -> None:
        begun = asyncio.Event()

        @activity.defn
        async def hang() -> None:
            begun.set()
            await asyncio.Event().wait()

        @workflow.defn
        async def waits() -> None:
            await workflow.execute_activity(
                hang, start_to_close_timeout=timedelta(hours=1), retry_policy=RetryPolicy(maximum_attempts=1)
            )

        await engine.work(waits, hang)
        handle = await engine.start(waits, id="w")
        await begun.wait()
        engine.turn(timedelta(hours=1))
        await failure_of(handle.result())

    on_turned_time(url, script)
    (record,) = records(caplog)
    assert record.getMessage() == "attempt 1 of activity 'hang' of workflow 'w' failed: activity StartToClose timeout"


async def test_a_turn_that_fails_is_logged_with_the_ids_of_its_run(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow.defn
    async def buggy() -> None:
        raise LookupError("a bug")

    await engine.work(buggy)
    handle = await engine.start(buggy, id="w")
    await stuck(handle)
    record = next(record for record in caplog.records if record.name == "understudy.workflows")
    told = vars(record)
    assert told["workflow"] == told["temporal_workflow"]
    assert (told["workflow"]["workflow_id"], told["workflow"]["workflow_type"]) == ("w", "buggy")
    assert told[IDENTIFIER] == "WorkflowTaskFailure"
