"""Activity code alone: everything that `understudy.activity` offers works in the environment, without an engine."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from understudy import activity
from understudy.activity import ActivityCancellationDetails
from understudy.client import Client
from understudy.common import MetricMeter, Priority, RetryPolicy
from understudy.converter import CloudpickleConverter
from understudy.exceptions import ArgumentTypeError, CancelledError, NotInActivityError, PayloadEncodeError
from understudy.testing import ActivityEnvironment


@pytest.fixture(name="env")
def an_environment() -> ActivityEnvironment:
    return ActivityEnvironment()


@activity.defn
async def shout(text: str, *, mark: str = "!") -> str:
    return text.upper() + mark


# -- running ---------------------------------------------------------------------------------------------------------


async def test_an_async_activity_runs_with_its_arguments(env: ActivityEnvironment) -> None:
    assert await env.run(shout, "kim", mark="?") == "KIM?"


def test_a_plain_activity_runs_in_the_thread_of_its_caller(env: ActivityEnvironment) -> None:
    assert env.run(threading.get_ident) == threading.get_ident()


async def test_an_object_with_an_async_call_is_run_as_async(env: ActivityEnvironment) -> None:
    class Payments:
        async def __call__(self, amount: int) -> tuple[int, bool]:
            return amount, activity.in_activity()

    assert await env.run(Payments(), 17) == (17, True)


async def test_what_the_function_raises_comes_out_as_it_is(env: ActivityEnvironment) -> None:
    error = OSError("no paper")

    async def fails() -> None:
        raise error

    def fails_plainly() -> None:
        raise error

    for run in (env.run(fails), asyncio.to_thread(env.run, fails_plainly)):
        with pytest.raises(OSError, match="no paper") as caught:
            await run
        assert caught.value is error


async def test_the_context_ends_with_the_function(env: ActivityEnvironment) -> None:
    assert env.run(activity.in_activity)
    await env.run(shout, "kim")
    assert not activity.in_activity()


def test_what_cannot_be_called_is_refused(env: ActivityEnvironment) -> None:
    with pytest.raises(ArgumentTypeError, match="fn is 'charge', where a function"):
        env.run("charge")  # type: ignore[arg-type]  # the mistake


# -- facts -----------------------------------------------------------------------------------------------------------


def test_the_default_facts_are_those_of_a_first_attempt(env: ActivityEnvironment) -> None:
    assert env.run(activity.info) == ActivityEnvironment.default_info() == env.info
    assert (env.info.attempt, env.info.workflow_id, env.info.activity_id) == (1, "test", "test")


def test_facts_that_the_test_sets_are_told(env: ActivityEnvironment) -> None:
    noon = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    env.info = replace(
        env.info,
        activity_id="pay-17",
        activity_type="charge",
        attempt=3,
        current_attempt_scheduled_time=noon + timedelta(seconds=1),
        heartbeat_details=[{"page": 7}],
        heartbeat_timeout=timedelta(seconds=20),
        is_local=True,
        namespace="shop",
        priority=Priority(priority_key=1),
        retry_policy=RetryPolicy(maximum_attempts=5, non_retryable_error_types=["ValueError"]),
        schedule_to_close_timeout=None,
        scheduled_time=noon,
        started_time=noon + timedelta(seconds=2),
        task_queue="payments",
        task_token=b"anything",
        workflow_id="order-17",
        workflow_run_id="run-9",
        workflow_type="Order",
    )
    assert env.run(activity.info) is env.info
    assert env.info.in_workflow


def test_an_activity_may_stand_alone(env: ActivityEnvironment) -> None:
    env.info = replace(
        env.info, workflow_id=None, workflow_run_id=None, workflow_type=None, activity_run_id="run-3", activity_id="a"
    )
    facts = env.run(activity.info)
    assert (facts.in_workflow, facts.idempotency_key) == (False, "run-3/a")


def test_the_meter_is_that_of_the_environment(env: ActivityEnvironment) -> None:
    assert env.metric_meter is MetricMeter.noop
    env.run(activity.metric_meter).create_counter("pages").add(1)


def test_the_log_names_the_attempt(env: ActivityEnvironment, caplog: pytest.LogCaptureFixture) -> None:
    env.info = replace(env.info, activity_type="charge")
    with caplog.at_level("INFO", "understudy.activity"):
        env.run(activity.logger.info, "working")
    assert "'activity_type': 'charge'" in caplog.text


def test_the_converter_is_that_of_the_environment(env: ActivityEnvironment) -> None:
    env.payload_converter = CloudpickleConverter()
    assert env.run(activity.payload_converter) is env.payload_converter


async def test_the_client_is_that_of_the_environment() -> None:
    async with await Client.connect("memory://") as client:
        assert ActivityEnvironment(client=client).run(activity.client) is client


def test_without_a_client_there_is_none(env: ActivityEnvironment) -> None:
    with pytest.raises(NotInActivityError, match=r"no client.* pass one: ActivityEnvironment\(client=\.\.\.\)"):
        env.run(activity.client)


# -- heartbeats ------------------------------------------------------------------------------------------------------


async def test_the_test_hears_each_heartbeat(env: ActivityEnvironment) -> None:
    heard: list[tuple[Any, ...]] = []
    env.on_heartbeat = lambda *details: heard.append(details)

    async def works() -> None:
        activity.heartbeat()
        activity.heartbeat("page", 7)

    await env.run(works)
    env.run(activity.heartbeat, "plain")
    assert heard == [(), ("page", 7), ("plain",)]


def test_details_that_could_not_be_stored_are_refused_as_in_a_worker(env: ActivityEnvironment) -> None:
    with pytest.raises(PayloadEncodeError, match="heartbeat details of activity 'unknown'"):
        env.run(activity.heartbeat, object())


# -- cancellation ----------------------------------------------------------------------------------------------------


async def test_an_async_activity_is_cancelled_where_it_waits(env: ActivityEnvironment) -> None:
    seen: list[Any] = []
    begun = asyncio.Event()

    async def waits() -> str:
        seen.append(activity.is_cancelled())
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.extend([activity.is_cancelled(), activity.cancellation_details()])
            return "tidied up"
        return "never"

    running = asyncio.create_task(env.run(waits))
    await begun.wait()
    env.cancel(ActivityCancellationDetails(paused=True))
    env.cancel()
    assert await running == "tidied up"
    assert seen == [False, True, ActivityCancellationDetails(paused=True)]


async def test_an_async_activity_that_lets_its_cancellation_through_ends_as_cancelled(env: ActivityEnvironment) -> None:
    begun = asyncio.Event()

    async def waits() -> None:
        begun.set()
        await activity.wait_for_cancelled()
        await asyncio.Event().wait()

    running = asyncio.create_task(env.run(waits))
    await begun.wait()
    env.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert running.cancelled()


async def test_the_task_of_an_activity_may_wait_for_the_cancellation_elsewhere(env: ActivityEnvironment) -> None:
    begun = asyncio.Event()

    async def waits() -> str:
        watching = asyncio.create_task(activity.wait_for_cancelled())
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await watching
        return "heard"

    running = asyncio.create_task(env.run(waits))
    await begun.wait()
    env.cancel()
    assert await running == "heard"


async def test_a_plain_activity_is_interrupted_where_it_is(env: ActivityEnvironment) -> None:
    begun = threading.Event()
    seen: list[Any] = []

    def waits() -> None:
        try:
            begun.set()
            while True:
                pass
        finally:
            seen.append(activity.cancellation_details())

    running = asyncio.create_task(asyncio.to_thread(env.run, waits))
    await asyncio.to_thread(begun.wait, 10)
    env.cancel()
    with pytest.raises(CancelledError):
        await running
    assert seen == [ActivityCancellationDetails(cancel_requested=True)]


def test_an_activity_that_is_cancelled_in_its_heartbeat_is_interrupted_behind_it(env: ActivityEnvironment) -> None:
    seen: list[str] = []

    def cancels(*_details: Any) -> None:
        env.cancel()
        seen.append("heard")

    env.on_heartbeat = cancels

    def works() -> str:
        try:
            activity.heartbeat(1)
        except CancelledError:
            return "tidied up"
        return "never"

    assert env.run(works) == "tidied up"
    assert seen == ["heard"]


def test_an_activity_cancels_its_own_environment_and_is_interrupted(env: ActivityEnvironment) -> None:
    with pytest.raises(CancelledError):
        env.run(env.cancel)


def test_a_shield_holds_the_interruption_back(env: ActivityEnvironment) -> None:
    seen: list[str] = []

    def works() -> None:
        with activity.shield_thread_cancel_exception():
            env.cancel()
            seen.append("shielded")
        seen.append("never")

    with pytest.raises(CancelledError):
        env.run(works)
    assert seen == ["shielded"]


async def test_completion_from_outside_ends_the_code_as_it_is(env: ActivityEnvironment) -> None:
    async def leaves() -> None:
        activity.raise_complete_async()

    with pytest.raises(BaseException, match="completed from outside"):
        await env.run(leaves)


async def test_a_plain_activity_that_is_not_to_be_interrupted_asks(env: ActivityEnvironment) -> None:
    begun = threading.Event()

    @activity.defn(no_thread_cancel_exception=True)
    def waits() -> list[bool]:
        before = activity.is_cancelled()
        begun.set()
        activity.wait_for_cancelled_sync(timeout=timedelta(seconds=10))
        return [before, activity.is_cancelled()]

    running = asyncio.create_task(asyncio.to_thread(env.run, waits))
    await asyncio.to_thread(begun.wait, 10)
    env.cancel()
    assert await running == [False, True]


async def test_what_is_run_after_the_cancellation_is_cancelled_from_the_start(env: ActivityEnvironment) -> None:
    env.cancel()
    assert env.run(activity.is_cancelled)
    with pytest.raises(asyncio.CancelledError):
        await env.run(shout, "kim")


async def test_another_thread_may_cancel_an_async_activity(env: ActivityEnvironment) -> None:
    begun = asyncio.Event()

    async def waits() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(env.run(waits))
    await begun.wait()
    await asyncio.to_thread(env.cancel)
    with pytest.raises(asyncio.CancelledError):
        await running


# -- the worker stops ------------------------------------------------------------------------------------------------


async def test_an_activity_hears_that_the_worker_stops(env: ActivityEnvironment) -> None:
    begun = threading.Barrier(2, timeout=30)

    async def waits() -> list[bool]:
        before = activity.is_worker_shutdown()
        await asyncio.to_thread(begun.wait)
        await activity.wait_for_worker_shutdown()
        return [before, activity.is_worker_shutdown(), activity.is_cancelled()]

    running = asyncio.create_task(env.run(waits))
    await asyncio.to_thread(begun.wait)
    env.worker_shutdown()
    env.worker_shutdown()
    assert await running == [False, True, False]


def test_a_plain_activity_that_begins_late_finds_the_worker_stopping(env: ActivityEnvironment) -> None:
    env.worker_shutdown()

    def waits() -> bool:
        activity.wait_for_worker_shutdown_sync(timeout=30)
        return activity.is_worker_shutdown()

    assert env.run(waits)


def test_an_environment_shows_what_it_is(env: ActivityEnvironment) -> None:
    env.cancel()
    assert repr(env) == "<ActivityEnvironment of 'unknown', 0 running, cancelled>"
