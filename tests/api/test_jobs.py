"""Jobs, which no workflow asks for: how they are started, under which ids, what their code sees, where they run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import ONCE, QUEUE, Harness, ms
from tests.api.job_stage import STATUS, at_work, double, fail, nothing, outside, shout, start, why
from understudy import activity, workflow
from understudy.client import Client, PendingActivityState
from understudy.common import ActivityIDConflictPolicy, ActivityIDReusePolicy, Priority
from understudy.converter import DataConverter, Payload, PayloadCodec
from understudy.exceptions import (
    ActivityAlreadyStartedError,
    ApplicationError,
    CancelledError,
    DefinitionError,
    InvalidArgumentError,
    PayloadEncodeError,
)
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

# -- starting --------------------------------------------------------------------------------------------------------


async def test_a_job_is_executed_by_its_function_or_its_name(engine: Harness) -> None:
    await engine.work(double, shout, nothing)
    client = engine.client
    assert await client.execute_activity(double, 4, id="a", task_queue=QUEUE) == 8
    assert await client.execute_activity(shout, args=["tea", 2], id="b", task_queue=QUEUE) == "TEATEA"
    assert await client.execute_activity("double", 5, id="c", task_queue=QUEUE) == 10
    assert await client.execute_activity("double", 5, id="d", task_queue=QUEUE, result_type=float) == 10.0
    assert await client.execute_activity(nothing, id="e", task_queue=QUEUE) is None


async def test_a_job_is_a_method_or_an_object(engine: Harness) -> None:
    class Payments:
        @activity.defn
        async def charge(self, amount: int) -> int:
            return amount + 1

    class Tax:
        @activity.defn(name="tax")
        async def __call__(self, net: int) -> int:
            return net // 2

    await engine.work(Payments().charge, Tax())
    client = engine.client
    assert await client.execute_activity_method(Payments.charge, 4, id="a", task_queue=QUEUE) == 5
    handle = await client.start_activity_method(Payments.charge, args=[5], id="b", task_queue=QUEUE)
    assert await handle.result() == 6
    assert await client.execute_activity_class(Tax, 8, id="c", task_queue=QUEUE) == 4
    assert await (await client.start_activity_class(Tax, 6, id="d", task_queue=QUEUE)).result() == 3


async def test_a_job_waits_for_a_worker(engine: Harness) -> None:
    handle = await start(engine, double, 4)
    described = await handle.describe()
    assert (described.status, described.run_state) == (STATUS.RUNNING, PendingActivityState.SCHEDULED)
    await engine.work(double)
    assert await handle.result() == 8
    assert await handle.result() == 8


async def test_a_job_that_its_worker_does_not_know_fails_like_an_attempt(engine: Harness) -> None:
    await engine.work(double)
    handle = await start(engine, "dubble", 4, retry_policy=ONCE)
    cause = await why(handle.result())
    assert isinstance(cause, ApplicationError)
    assert "double" in str(cause), "the nearest name that it knows"


async def test_the_ids_of_jobs_and_workflows_do_not_meet(engine: Harness) -> None:
    @workflow.defn
    async def order() -> str:
        return "order"

    await engine.work(order, double)
    handle = await engine.start(order, id="same")
    assert await engine.client.execute_activity(double, 4, id="same", task_queue=QUEUE) == 8
    assert await handle.result() == "order"


async def test_an_id_of_the_room_of_jobs_is_refused_to_workflows(engine: Harness) -> None:
    with pytest.raises(InvalidArgumentError, match=r"does not begin with 'understudy\.activity/'"):
        await engine.start("order", id="understudy.activity/job")
    with pytest.raises(InvalidArgumentError, match="stand-alone activity"):
        engine.client.get_workflow_handle("understudy.activity/job")


async def test_a_workflow_is_not_a_job_because_of_its_type(engine: Harness) -> None:
    handle = await engine.start("understudy.activity", id="not-a-job")
    assert "understudy.activity" in str((await handle.describe()).waiting_for)


async def test_what_cannot_be_a_job_is_refused(engine: Harness) -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Any) -> None:
        del args

    for wrong, options, error in (
        (double, {"id": ""}, "id is ''"),
        (double, {"id": 7}, "id is 7"),
        (double, {"task_queue": ""}, "task_queue is ''"),
        ("", {}, "activity is ''"),
        (anything, {}, "the dynamic activity"),
        (double, {"start_delay": timedelta(-1)}, "start_delay"),
        (double, {"start_delay": 5}, "start_delay is 5"),
        (double, {"heartbeat_timeout": timedelta(-1)}, "heartbeat_timeout"),
        (double, {"retry_policy": 3}, "retry_policy is 3"),
        (double, {"priority": 3}, "priority is 3"),
        (double, {"summary": 3}, "summary is 3"),
        (double, {"id_reuse_policy": 3}, "id_reuse_policy is 3"),
        (double, {"id_conflict_policy": 3}, "id_conflict_policy is 3"),
    ):
        with pytest.raises((InvalidArgumentError, TypeError), match=error):
            await start(engine, wrong, 4, **options)
    with pytest.raises(TypeError, match="number of arguments"):
        await start(engine, double)
    with pytest.raises(PayloadEncodeError, match="argument 1"):
        await start(engine, double, "four")
    with pytest.raises(DefinitionError, match="not an activity"):
        await start(engine, print)
    with pytest.raises(InvalidArgumentError, match="activity_id is ''"):
        engine.client.get_activity_handle("")
    assert (await engine.client.count_activities()).count == 0


async def test_a_start_delay_holds_a_job_back(engine: Harness) -> None:
    await engine.work(double)
    before = datetime.now(UTC)
    handle = await start(engine, double, 4, start_delay=ms(30))
    described = await handle.describe()
    assert described.start_delay == ms(30)
    assert described.schedule_time is not None
    assert described.execution_time is not None
    due = described.schedule_time + ms(30)
    assert abs(described.execution_time - due) <= timedelta(microseconds=1)  # both are rounded from nanoseconds
    assert await handle.result() == 8
    assert datetime.now(UTC) >= before + ms(30)


async def test_the_decorator_of_an_activity_says_what_the_start_does_not(engine: Harness) -> None:
    @activity.defn(heartbeat_timeout=timedelta(minutes=5), retry_policy=ONCE, task_queue="elsewhere", result_type=float)
    async def half(number: int) -> Any:
        return number // 2

    await engine.work(half)
    handle = await start(engine, half, 4, heartbeat_timeout=timedelta(minutes=7))
    result = await handle.result()
    described = await handle.describe()
    assert (result, type(result)) == (2.0, float)
    assert described.heartbeat_timeout == timedelta(minutes=7)
    assert described.retry_policy == ONCE
    assert described.start_to_close_timeout == timedelta(seconds=300)
    assert described.task_queue == QUEUE


# -- ids -------------------------------------------------------------------------------------------------------------


async def test_the_id_of_a_running_job_is_taken(engine: Harness) -> None:
    handle = await start(engine, double, 4)
    with pytest.raises(ActivityAlreadyStartedError, match="'job' of type 'shout' was already started") as caught:
        await start(engine, shout, "tea")
    assert (caught.value.activity_id, caught.value.activity_type) == ("job", "shout")
    assert caught.value.run_id == handle.run_id
    again = await start(engine, double, 5, id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING)
    assert again.run_id == handle.run_id
    await engine.work(double)
    assert await again.result() == 8


async def test_the_id_of_a_closed_job_may_be_taken_again(engine: Harness) -> None:
    await engine.work(double, fail)
    first = await start(engine, double, 4)
    assert await first.result() == 8
    with pytest.raises(ActivityAlreadyStartedError):
        await start(engine, double, 4, id_reuse_policy=ActivityIDReusePolicy.REJECT_DUPLICATE)
    only_failed = ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
    with pytest.raises(ActivityAlreadyStartedError):
        await start(engine, double, 4, id_reuse_policy=only_failed)
    second = await start(engine, fail, "no", id_reuse_policy=ActivityIDReusePolicy.UNSPECIFIED)
    await why(second.result())
    third = await start(engine, double, 6, id_reuse_policy=only_failed)
    assert await third.result() == 12
    assert await engine.client.get_activity_handle("job").result() == 12, "the latest run is meant"
    assert await engine.client.get_activity_handle("job", run_id=first.run_id).result() == 8
    assert len({first.run_id, second.run_id, third.run_id}) == 3


async def test_starts_with_one_request_id_are_one(engine: Harness) -> None:
    await engine.work(double)
    first = await start(engine, double, 4, request_id="r")
    assert await first.result() == 8
    assert (await start(engine, double, 4, request_id="r")).run_id == first.run_id


# -- what the activity sees ------------------------------------------------------------------------------------------


async def test_a_job_sees_that_it_stands_alone(engine: Harness) -> None:
    @activity.defn
    async def facts() -> list[Any]:
        info = activity.info()
        assert not info.in_workflow
        assert info.workflow_id is info.workflow_run_id is info.workflow_type is info.workflow_namespace is None
        return [
            *(info.activity_id, info.activity_run_id, info.activity_type, info.task_queue, info.idempotency_key),
            *(info.priority.priority_key, info.attempt, activity.client() is engine.client),
        ]

    await engine.work(facts)
    handle = await start(engine, facts, priority=Priority(priority_key=2))
    expected = ["job", handle.run_id, "facts", QUEUE, f"{handle.run_id}/job", 2, 1, True]
    assert await handle.result() == expected


async def test_values_that_do_not_fit_are_told_of_with_the_id_of_the_job(engine: Harness) -> None:
    await engine.work(double)
    cause = await why((await start(engine, "double", "four", retry_policy=ONCE)).result())
    assert "activity 'double' with the id 'job'" in str(cause)


# -- restarts --------------------------------------------------------------------------------------------------------


async def test_a_job_goes_on_after_a_restart(durable: Harness) -> None:
    started = await start(durable, double, 4)
    delayed = await start(durable, double, 5, id="delayed", start_delay=ms(20))
    await durable.restart()
    handle = durable.client.get_activity_handle("job", result_type=int)
    waiting = asyncio.create_task(handle.result())
    assert (await handle.describe()).activity_run_id == started.run_id
    await durable.work(double)
    assert await waiting == 8
    assert await durable.client.get_activity_handle("delayed", run_id=delayed.run_id).result() == 10
    await durable.restart()
    assert await durable.client.get_activity_handle("job", result_type=int).result() == 8


async def test_an_attempt_that_a_restart_cut_off_is_made_again(durable: Harness) -> None:
    attempts: list[int] = []

    @activity.defn
    async def once_more() -> int:
        attempts.append(activity.info().attempt)
        if len(attempts) == 1:
            activity.heartbeat("begun")
            await asyncio.Event().wait()
        return len(attempts)

    await durable.work(once_more, graceful_shutdown_timeout=timedelta(0))
    await at_work(await start(durable, once_more))
    await durable.restart()
    await durable.work(once_more)
    assert await durable.client.get_activity_handle("job").result() == 2
    assert attempts == [1, 1]


async def test_a_cancellation_survives_a_restart(durable: Harness) -> None:
    await durable.work(outside)
    await at_work(await start(durable, outside, "sign"))
    await durable.client.get_activity_handle("job").cancel(reason="too dear")
    await durable.restart()
    handle = durable.client.get_activity_handle("job")
    described = await handle.describe()
    assert (described.run_state, described.canceled_reason) == (PendingActivityState.CANCEL_REQUESTED, "too dear")
    await durable.client.get_async_activity_handle(activity_id="job").report_cancellation()
    assert isinstance(await why(handle.result()), CancelledError)


async def test_jobs_can_be_started_from_synchronous_code_of_another_loop(engine: Harness) -> None:
    await engine.work(double)

    def elsewhere(client: Client) -> int:
        async def run() -> int:
            return await client.execute_activity(double, 21, id="far", task_queue=QUEUE)

        return asyncio.run(run())

    assert await asyncio.to_thread(elsewhere, engine.client) == 42


# -- environments ----------------------------------------------------------------------------------------------------


async def test_time_skips_for_jobs() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, activities=[double]),
    ):
        started: Any = {"id": "job", "task_queue": QUEUE, "start_delay": timedelta(days=3)}
        assert await env.client.execute_activity(double, 4, **started) == 8


async def test_what_a_job_is_goes_through_the_codec_with_its_values(url: str) -> None:
    class Reversed(PayloadCodec):
        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return [Payload(each.data[::-1], {"encoding": "binary/reversed"}) for each in payloads]

        async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return [Payload(each.data[::-1]) for each in payloads]

    converter = DataConverter(payload_codec=Reversed())
    async with await Client.connect(url, data_converter=converter) as client:
        async with Worker(client, task_queue=QUEUE, activities=[double]):
            handle = await client.start_activity(double, 4, id="job", task_queue=QUEUE)
            assert await handle.result() == 8
        assert await (await handle.describe(include_input=True)).input() == [4]
