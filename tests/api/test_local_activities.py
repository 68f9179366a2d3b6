"""Local activities: nothing of them is recorded before they are done."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

from tests.api.harness import AT_ONCE, ONCE, Harness, Skipping, eventually, failure_of, ms, topics
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, TimeoutType
from understudy.exceptions import TimeoutError as ActivityTimeout


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@activity.defn
def shout(text: str) -> str:
    return text.upper()


async def test_a_local_activity_costs_one_event(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> list[Any]:
        return [
            await workflow.execute_local_activity(double, 21),
            await workflow.execute_local_activity("double", args=[1]),
            await workflow.start_local_activity(shout, "tea"),
        ]

    await engine.work(calls, double, shout)
    handle = await engine.start(calls)
    assert await handle.result() == [42, 2, "TEA"]
    assert await topics(handle) == ["workflow.started", *["local_activity.completed"] * 3, "workflow.completed"]


async def test_methods_and_callable_objects_are_local_activities_too(engine: Harness) -> None:
    class Tax:
        def __init__(self, percent: int) -> None:
            self.percent = percent

        @activity.defn
        async def of(self, net: int) -> int:
            return net * self.percent // 100

        @activity.defn(name="tax")
        def __call__(self, net: int) -> int:
            return net * self.percent // 100

    @workflow.defn
    async def calls() -> list[int]:
        return [
            await workflow.execute_local_activity_method(Tax.of, 100),
            await workflow.execute_local_activity_class(cast("Any", Tax), 200),
            await workflow.start_local_activity_method(Tax.of, 300),
        ]

    tax = Tax(19)
    await engine.work(calls, tax, tax.of)
    assert await engine.execute(calls) == [19, 38, 57]


async def test_local_and_ordinary_activities_mix(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> Any:
        return await asyncio.gather(
            workflow.start_activity(double, 1),
            workflow.start_local_activity(double, 2),
            workflow.start_activity(double, 3),
            workflow.start_local_activity(double, 4),
        )

    await engine.work(calls, double)
    assert await engine.execute(calls) == [2, 4, 6, 8]


async def test_a_local_activity_knows_that_it_is_local(engine: Harness) -> None:
    @activity.defn
    async def facts() -> list[Any]:
        info = activity.info()
        return [info.is_local, info.activity_id, info.workflow_id]

    @workflow.defn
    async def calls() -> list[Any]:
        return await workflow.execute_local_activity(facts, activity_id="mine")

    await engine.work(calls, facts)
    assert await engine.execute(calls, id="w") == [True, "mine", "w"]


async def test_retries_of_a_local_activity_leave_no_trace(engine: Harness) -> None:
    attempts: list[int] = []

    @activity.defn
    async def flaky() -> int:
        attempts.append(activity.info().attempt)
        if len(attempts) < 4:
            raise ApplicationError("not yet")
        return len(attempts)

    @workflow.defn
    async def calls() -> int:
        return await workflow.execute_local_activity(flaky, retry_policy=AT_ONCE)

    await engine.work(calls, flaky)
    handle = await engine.start(calls)
    assert await handle.result() == 4
    assert attempts == [1, 2, 3, 4]
    assert await topics(handle) == ["workflow.started", "local_activity.completed", "workflow.completed"]


async def test_a_local_activity_that_fails_for_good_fails_as_any_other(engine: Harness) -> None:
    @activity.defn
    async def fail() -> None:
        raise ApplicationError("no", type="Never")

    @workflow.defn
    async def calls() -> None:
        await workflow.execute_local_activity(
            fail, retry_policy=RetryPolicy(maximum_attempts=2, initial_interval=ms(1))
        )

    await engine.work(calls, fail)
    handle = await engine.start(calls)
    error = await failure_of(handle.result())
    assert isinstance(error, ActivityError)
    assert error.activity_type == "fail"
    cause = error.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "Never"
    assert await topics(handle) == ["workflow.started", "local_activity.failed", "workflow.failed"]


async def test_a_local_activity_times_out(engine: Harness) -> None:
    @activity.defn
    async def hang() -> None:
        await asyncio.Event().wait()

    @workflow.defn
    async def calls() -> list[TimeoutType | None]:
        kinds: list[TimeoutType | None] = []
        options: Any
        for options in ({"start_to_close_timeout": ms(2)}, {"schedule_to_close_timeout": ms(2)}):
            try:
                await workflow.execute_local_activity(hang, retry_policy=ONCE, **options)
            except ActivityError as error:
                cause = error.cause
                kinds.append(cause.type if isinstance(cause, ActivityTimeout) else None)
        return kinds

    await engine.work(calls, hang)
    assert await engine.execute(calls) == [TimeoutType.START_TO_CLOSE, TimeoutType.SCHEDULE_TO_CLOSE]


async def test_a_local_activity_is_cancelled_with_its_task(skipping: Skipping) -> None:
    begun = asyncio.Event()
    ended: list[str] = []

    @activity.defn
    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("activity")

    @workflow.defn
    async def calls() -> str:
        try:
            async with asyncio.timeout(60):
                await workflow.execute_local_activity(hang)
        except TimeoutError:
            return "timed out"
        return "none"

    await skipping.work(calls, hang)
    handle = await skipping.start(calls)
    await begun.wait()
    skipping.turn(timedelta(minutes=1))
    assert await handle.result() == "timed out"
    await eventually(lambda: ended)


async def test_a_run_is_not_passivated_under_a_local_activity(engine: Harness) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def waits() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    @workflow.defn
    async def calls() -> str:
        return await workflow.execute_local_activity(waits, start_to_close_timeout=timedelta(minutes=1))

    await engine.work(calls, waits)
    handle = await engine.start(calls)
    await begun.wait()
    assert engine.client.engine.runs.passivate(0) == 0
    go_on.set()
    assert await handle.result() == "done"
