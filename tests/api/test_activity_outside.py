"""Activities that are completed from outside, by token or ids: how they end, and what is refused."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest

from tests.api.harness import PATIENCE, Harness, eventually, failure_of, topics
from tests.api.outside_stage import WAIT, Desk, Sign, left_outside
from understudy import activity, workflow
from understudy.activity import ActivityCancellationDetails
from understudy.client import AsyncActivityCancelledError, AsyncActivityHandle, AsyncActivityIDReference, Client
from understudy.exceptions import (
    ActivityError,
    ActivityNotFoundError,
    ApplicationError,
    CancelledError,
    InvalidArgumentError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)

# -- how it ends -----------------------------------------------------------------------------------------------------


async def test_an_activity_is_completed_by_its_token(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {})
    token = await desk.token()
    await left_outside(handle)
    await engine.client.get_async_activity_handle(task_token=token).complete("kim")
    assert await handle.result() == ["signed", "kim"]
    assert await topics(handle) == [
        "workflow.started",
        "activity.scheduled",
        "activity.completion_deferred",
        "activity.completed",
        "workflow.completed",
    ]


@pytest.mark.parametrize("named", [True, False], ids=["run", "open run"])
async def test_an_activity_is_completed_by_its_ids(engine: Harness, *, named: bool) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {})
    await desk.token()
    run_id = handle.result_run_id if named else None
    by_ids = engine.client.get_async_activity_handle(workflow_id=handle.id, run_id=run_id, activity_id="signature")
    assert repr(by_ids) == "<AsyncActivityHandle of 'signature'>"
    await by_ids.complete()
    assert await handle.result() == ["signed", None]


async def test_an_activity_may_complete_itself_before_its_code_ends(engine: Harness) -> None:
    @activity.defn(name="sign")
    async def signs() -> str:
        token = activity.info().task_token
        await activity.client().get_async_activity_handle(task_token=token).complete("at once")
        activity.raise_complete_async()

    await engine.work(Sign, signs)
    assert await engine.execute(Sign.run, {}) == ["signed", "at once"]


async def test_code_in_a_thread_and_code_in_another_process_leave_it_to_others_too(engine: Harness) -> None:
    @activity.defn(name="sign")
    def signs() -> str:
        activity.raise_complete_async()

    async def signed() -> Any:
        handle = await engine.start(Sign.run, {})
        await left_outside(handle)
        by_ids = engine.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="signature")
        await by_ids.complete("kim")
        return await handle.result()

    await engine.work(Sign, signs)
    assert await signed() == ["signed", "kim"]
    await engine.stop_work()
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        await engine.work(Sign, signs, activity_executor=pool)
        assert await signed() == ["signed", "kim"]
        await engine.stop_work()


async def test_a_slot_is_free_while_somebody_outside_is_at_work(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign, max_concurrent_activities=1)
    handles = [await engine.start(Sign.run, {}) for _ in range(3)]
    await desk.token(3)
    for token in desk.tokens:
        await engine.client.get_async_activity_handle(task_token=token).complete(1)
    assert [await handle.result() for handle in handles] == [["signed", 1]] * 3


async def test_a_failure_from_outside_is_tried_again_with_the_last_details(engine: Harness) -> None:
    desk = Desk()
    await engine.work(Sign, desk.sign)
    handle = await engine.start(Sign.run, {})
    first = engine.client.get_async_activity_handle(task_token=await desk.token())
    await first.heartbeat("page", 1)
    await first.heartbeat("page", 2)
    await first.fail(ApplicationError("no ink"))
    second = engine.client.get_async_activity_handle(task_token=await desk.token(2))
    await second.fail(ApplicationError("no paper"), last_heartbeat_details=["page", 3])
    third = engine.client.get_async_activity_handle(task_token=await desk.token(3))
    assert desk.details == [[], ["page", 2], ["page", 3]]
    with pytest.raises(ActivityNotFoundError, match="attempt 1 is over, attempt 3 is awaited"):
        await first.complete("late")
    await third.complete("kim")
    assert await handle.result() == ["signed", "kim"]


async def test_a_final_failure_from_outside_fails_the_activity(engine: Harness) -> None:
    @workflow.defn
    async def signs() -> None:
        await workflow.execute_activity("sign")

    desk = Desk()
    await engine.work(signs, desk.sign)
    handle = await engine.start(signs)
    outside = engine.client.get_async_activity_handle(task_token=await desk.token())
    await outside.fail(ApplicationError("never", 7, type="Refused", non_retryable=True))
    error = await failure_of(handle.result())
    assert isinstance(error, ActivityError)
    assert isinstance(error.cause, ApplicationError)
    assert (error.cause.type, list(error.cause.details)) == ("Refused", [7])


# -- cancellation ----------------------------------------------------------------------------------------------------


async def test_a_cancellation_is_heard_of_at_the_next_heartbeat_and_reported(engine: Harness) -> None:
    @workflow.defn
    class Cancels:
        def __init__(self) -> None:
            self.stop = False

        @workflow.run
        async def run(self) -> list[Any]:
            handle = workflow.start_activity("sign", cancellation_type=WAIT)
            await workflow.wait_condition(lambda: self.stop)
            handle.cancel()
            try:
                await handle
            except ActivityError as error:
                return list(error.cause.details) if isinstance(error.cause, CancelledError) else []
            return []

        @workflow.signal
        def cancel(self) -> None:
            self.stop = True

    desk = Desk()
    await engine.work(Cancels, desk.sign)
    handle = await engine.start(Cancels.run)
    outside = engine.client.get_async_activity_handle(task_token=await desk.token())
    await left_outside(handle)
    await outside.heartbeat()
    with pytest.raises(InvalidArgumentError, match="which nobody asked to cancel"):
        await outside.report_cancellation()
    await handle.signal(Cancels.cancel)
    with pytest.raises(AsyncActivityCancelledError) as asked:
        await _until_cancelled(outside)
    assert asked.value.details == ActivityCancellationDetails(cancel_requested=True)
    assert pickle.loads(pickle.dumps(asked.value)).details == asked.value.details  # noqa: S301 - our own bytes
    await outside.report_cancellation("at page", 4)
    assert await handle.result() == ["at page", 4]


async def _until_cancelled(outside: AsyncActivityHandle) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            await outside.heartbeat()


# -- mistakes --------------------------------------------------------------------------------------------------------


async def test_what_nobody_waits_for_is_refused(engine: Harness) -> None:
    desk = Desk()

    @workflow.defn
    async def stays() -> str:
        signed = str(await workflow.execute_activity("sign", activity_id="signature"))
        await workflow.sleep(timedelta(hours=1))
        return signed

    await engine.work(stays, desk.sign)
    handle = await engine.start(stays, id="w")
    client = engine.client
    outside = client.get_async_activity_handle(task_token=await desk.token())
    await outside.complete("kim")
    for late in (
        outside,
        client.get_async_activity_handle(workflow_id="w", run_id=None, activity_id="signature"),
        client.get_async_activity_handle(workflow_id="w", run_id=None, activity_id="other"),
    ):
        for saying in (late.complete(1), late.heartbeat(), late.fail(ValueError("late"))):
            with pytest.raises(ActivityNotFoundError, match=r"of workflow 'w' .* does not wait for it"):
                await saying
    with pytest.raises(WorkflowNotFoundError):
        await client.get_async_activity_handle(workflow_id="v", run_id=None, activity_id="1").complete()
    with pytest.raises(ActivityNotFoundError, match=r"activity '#1' \(run 'nobody'\) .*: there is no such run"):
        await client.get_async_activity_handle(task_token=b"nobody/1/1").complete()
    await handle.terminate()
    with pytest.raises(WorkflowClosedError):
        await outside.heartbeat()


async def test_a_heartbeat_for_an_attempt_that_has_not_begun_is_refused(engine: Harness) -> None:
    await engine.work(Sign)
    handle = await engine.start(Sign.run, {})
    outside = engine.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="signature")

    async def waits() -> bool:
        return bool((await handle.describe()).pending_activities)

    await eventually(waits)
    with pytest.raises(ActivityNotFoundError, match=r"its attempt \d+ has not begun"):
        await outside.heartbeat()


async def test_names_that_name_no_activity_are_refused(engine: Harness) -> None:
    client: Any = engine.client
    for names, wrong in (
        ({"task_token": b"a/1/1", "activity_id": "1"}, "task_token is given with ids"),
        ({}, "activity_id is None"),
        ({"activity_id": "1", "workflow_id": ""}, "workflow_id is ''"),
        ({"activity_id": ""}, "activity_id is ''"),
        ({"task_token": b"what?"}, "task_token is b'what"),
        ({"task_token": b"a/1/x"}, "task_token is b'a/1/x'"),
    ):
        with pytest.raises(InvalidArgumentError, match=wrong):
            client.get_async_activity_handle(**names)


async def test_a_handle_is_the_same_in_a_context_that_nobody_asks_for() -> None:
    from understudy.converter import WorkflowSerializationContext

    async with await Client.connect("memory://") as client:
        handle = AsyncActivityHandle(client, AsyncActivityIDReference("w", None, "1"))
        assert handle.with_context(WorkflowSerializationContext("default", "w")) is handle
