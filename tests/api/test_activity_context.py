"""Activities: where they run, and what they can reach: facts, logger, client, the stop of their worker."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, PATIENCE, QUEUE, Harness, eventually
from understudy import activity, workflow
from understudy.common import MetricMeter, Priority, RetryPolicy
from understudy.exceptions import NotInActivityError


@activity.defn
def shout(text: str) -> str:
    return text.upper()


@workflow.defn
class Call:
    """Calls one activity by its name, with what it is given."""

    @workflow.run
    async def run(self, name: str, args: list[Any]) -> Any:
        return await workflow.execute_activity(name, args=args, retry_policy=AT_ONCE)


# -- where it runs ---------------------------------------------------------------------------------------------------


async def test_async_activities_run_on_the_event_loop_of_the_worker(engine: Harness) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @activity.defn
    async def look() -> None:
        loops.append(asyncio.get_running_loop())

    await engine.work(Call, look)
    await engine.execute(Call.run, "look", [])
    assert loops == [asyncio.get_running_loop()]


async def test_plain_activities_run_in_threads_and_do_not_hold_up_the_loop(engine: Harness) -> None:
    met = threading.Barrier(2, timeout=PATIENCE)

    @activity.defn
    def meet() -> str:
        met.wait()
        return threading.current_thread().name

    @workflow.defn
    async def meets() -> list[str]:
        return await asyncio.gather(*(workflow.start_activity(meet) for _ in range(2)))

    await engine.work(meets, meet)
    names = await engine.execute(meets)
    assert len(set(names)) == 2
    assert threading.current_thread().name not in names


async def test_plain_activities_run_in_the_executor_that_the_worker_is_given(engine: Harness) -> None:
    @activity.defn
    def name() -> str:
        return threading.current_thread().name

    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        await engine.work(Call, name, activity_executor=executor)
        assert (await engine.execute(Call.run, "name", [])).startswith("mine")
        await engine.stop_work()


# -- what it can reach -----------------------------------------------------------------------------------------------


async def test_info_tells_the_facts_of_the_attempt(engine: Harness) -> None:
    @activity.defn
    async def facts() -> dict[str, Any]:
        info = activity.info()
        assert info.retry_policy is not None
        return {
            "activity": [info.activity_id, info.activity_type, info.attempt, info.is_local],
            "workflow": [info.workflow_id, info.workflow_run_id, info.workflow_type],
            "queue": info.task_queue,
            "times": [info.schedule_to_close_timeout, info.start_to_close_timeout, info.heartbeat_timeout],
            "retries": info.retry_policy.maximum_attempts,
            "in order": info.scheduled_time
            <= info.current_attempt_scheduled_time
            <= info.started_time
            <= datetime.now(UTC),
            "details": list(info.heartbeat_details),
            "key": info.idempotency_key,
            "token": info.task_token.decode(),
            "alone": [info.in_workflow, info.activity_run_id],
            "priority": [info.priority.priority_key, info.priority.fairness_key, info.priority.fairness_weight],
        }

    @workflow.defn(name="Asks")
    async def asks() -> dict[str, Any]:
        return await workflow.execute_activity(
            facts,
            activity_id="f-1",
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=timedelta(seconds=20),
            priority=Priority(priority_key=2, fairness_key="kim", fairness_weight=1.5),
            retry_policy=RetryPolicy(maximum_attempts=5),
        )

    await engine.work(asks, facts)
    handle = await engine.start(asks, id="w")
    result = await handle.result()
    run_id = handle.result_run_id
    assert result == {
        "activity": ["f-1", "facts", 1, False],
        "workflow": ["w", run_id, "Asks"],
        "queue": QUEUE,
        "times": [None, "PT60S", "PT20S"],
        "retries": 5,
        "in order": True,
        "details": [],
        "key": f"{run_id}/f-1",
        "token": f"{run_id}/1/1",
        "alone": [True, None],
        "priority": [2, "kim", 1.5],
    }


async def test_the_context_is_there_in_threads_too(engine: Harness) -> None:
    @activity.defn
    def plain(text: str) -> list[Any]:
        return [
            text,
            activity.in_activity(),
            activity.info().workflow_id,
            activity.is_cancelled(),
            activity.is_worker_shutdown(),
        ]

    await engine.work(Call, plain)
    assert await engine.execute(Call.run, "plain", ["x"], id="w") == ["x", True, "w", False, False]


async def test_an_activity_uses_the_client_of_its_worker(engine: Harness) -> None:
    @activity.defn
    async def delegate(name: str) -> str:
        client = activity.client()
        assert client is engine.client
        return str(await client.execute_workflow(Call.run, args=["shout", [name]], id="inner", task_queue=QUEUE))

    await engine.work(Call, delegate, shout)
    assert await engine.execute(Call.run, "delegate", ["kim"]) == "KIM"


async def test_the_logger_names_the_attempt(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    @activity.defn
    def speaks() -> None:
        activity.logger.info("working")

    caplog.set_level(logging.INFO, "understudy.activity")
    await engine.work(Call, speaks)
    await engine.execute(Call.run, "speaks", [], id="w")
    (record,) = [record for record in caplog.records if record.name == "understudy.activity"]
    details = vars(record)["activity"]
    assert (details["workflow_id"], details["activity_type"], details["attempt"]) == ("w", "speaks", 1)
    assert record.getMessage().startswith("working (")


async def test_the_logger_adds_as_much_as_it_is_told_to(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    speaker = activity.LoggerAdapter(logging.getLogger("shop"), {"shop": "Ulm"})
    speaker.activity_info_on_message = speaker.activity_info_on_extra = False
    speaker.full_activity_info_on_extra = True
    facts: list[activity.Info] = []

    @activity.defn
    def speaks() -> None:
        facts.append(activity.info())
        speaker.info("working", extra={"page": 7})

    caplog.set_level(logging.INFO, "shop")
    await engine.work(Call, speaks)
    await engine.execute(Call.run, "speaks", [])
    speaker.warning("outside")
    inside, outside = (record for record in caplog.records if record.name == "shop")
    assert speaker.base_logger is logging.getLogger("shop")
    assert (inside.getMessage(), inside.funcName) == ("working", "speaks")
    told = vars(inside)
    assert (told["activity_info"], told["page"], told["shop"]) == (facts[0], 7, "Ulm")
    assert "activity" not in told
    assert ("activity_info" in vars(outside), vars(outside)["shop"]) == (False, "Ulm")


async def test_the_details_of_the_attempt_before_stay_as_they_were(engine: Harness) -> None:
    @activity.defn
    async def crawl() -> list[Any]:
        activity.heartbeat("mine")
        return list(activity.info().heartbeat_details)

    await engine.work(Call, crawl)
    assert await engine.execute(Call.run, "crawl", []) == []


async def test_metrics_of_an_activity_count_nothing_unless_somebody_counts(engine: Harness) -> None:
    @activity.defn
    async def counts() -> bool:
        activity.metric_meter().create_counter("pages").add(1)
        return activity.metric_meter() is MetricMeter.noop

    await engine.work(Call, counts)
    assert await engine.execute(Call.run, "counts", [])


def test_outside_of_an_activity_its_functions_say_so() -> None:
    assert not activity.in_activity()
    for function in (
        activity.info,
        activity.heartbeat,
        activity.is_cancelled,
        activity.client,
        activity.cancellation_details,
        activity.shield_thread_cancel_exception,
        activity.metric_meter,
    ):
        with pytest.raises(NotInActivityError, match="called outside of an activity"):
            function()


async def test_an_activity_hears_that_its_worker_stops(engine: Harness) -> None:
    begun: list[str] = []

    @activity.defn
    async def waits() -> str:
        begun.append("async")
        await activity.wait_for_worker_shutdown()
        return f"async {activity.is_worker_shutdown()} {activity.is_cancelled()}"

    @activity.defn
    def waits_in_a_thread() -> str:
        begun.append("thread")
        activity.wait_for_worker_shutdown_sync(timeout=PATIENCE)
        return f"thread {activity.is_worker_shutdown()} {activity.is_cancelled()}"

    @workflow.defn
    async def calls() -> Any:
        return await asyncio.gather(workflow.start_activity(waits), workflow.start_activity(waits_in_a_thread))

    worker = await engine.work(calls, waits, waits_in_a_thread)
    handle = await engine.start(calls)
    await eventually(lambda: len(begun) == 2)
    await worker.shutdown()
    assert await handle.result() == ["async True False", "thread True False"]
