"""How a job ends: it fails, is tried again, times out, is cancelled, terminated, or completed from outside."""

from __future__ import annotations

import asyncio
import pickle
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, ONCE, Harness, Skipping, eventually, ms
from tests.api.job_stage import STATUS, at_work, double, fail, nothing, outside, start, wait, why
from understudy import activity
from understudy.client import ActivityExecutionDescription, ActivityFailureError, PendingActivityState
from understudy.common import RetryPolicy
from understudy.exceptions import (
    ActivityClosedError,
    ActivityExecutionNotFoundError,
    ActivityNotFoundError,
    ApplicationError,
    CancelledError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the interface that is followed
)

# -- failing ---------------------------------------------------------------------------------------------------------


async def test_a_job_fails_with_what_its_activity_raised(engine: Harness) -> None:
    await engine.work(fail)
    handle = await start(engine, fail, "sold out")
    cause = await why(handle.result())
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type, cause.details) == ("sold out", "NoStock", (7,))
    described = await handle.describe(include_outcome=True, include_last_failure=True)
    assert described.status is STATUS.FAILED
    assert described.has_outcome_failure()
    assert described.has_last_failure()
    assert not described.has_result()
    assert await described.result() is None
    assert str(await described.outcome_failure()) == str(await described.last_failure()) == str(cause)


async def test_the_failure_of_a_job_pickles_and_tells_its_reason() -> None:
    error = ActivityFailureError(cause=ApplicationError("sold out"))
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert str(copied) == str(error) == "Activity execution failed: sold out"
    copied.__cause__ = None
    with pytest.raises(RuntimeError, match="without a cause"):
        _ = copied.cause


async def test_a_job_is_tried_again_with_the_details_of_its_last_heartbeat(engine: Harness) -> None:
    @activity.defn
    async def steps() -> list[Any]:
        info = activity.info()
        activity.heartbeat(info.attempt)
        if info.attempt < 3:
            raise ValueError("not yet")
        return [info.attempt, *info.heartbeat_details]

    await engine.work(steps)
    handle = await start(engine, steps, retry_policy=AT_ONCE)
    assert await handle.result() == [3, 2]
    described = await handle.describe(include_heartbeat_details=True, include_last_failure=True)
    assert described.attempt == 3
    assert described.total_heartbeat_count >= 1
    assert described.last_heartbeat_time is not None
    assert "not yet" in str(await described.last_failure())


async def test_a_job_that_backs_off_says_when_it_is_tried_again(engine: Harness) -> None:
    @activity.defn
    async def busy() -> None:
        activity.heartbeat("half", 2)
        raise ValueError("busy")

    await engine.work(busy)
    handle = await start(engine, busy, retry_policy=RetryPolicy(initial_interval=timedelta(hours=1)))

    async def backs_off() -> Any:
        found = await handle.describe(include_heartbeat_details=True, include_last_failure=True)
        return found if found.attempt == 2 else None

    found: ActivityExecutionDescription = await eventually(backs_off)
    assert found.next_attempt_schedule_time is not None
    assert found.last_attempt_complete_time is not None
    assert found.next_attempt_schedule_time - found.last_attempt_complete_time == found.current_retry_interval
    assert found.run_state is PendingActivityState.SCHEDULED
    assert found.last_started_time is None
    assert await found.heartbeat_details([str]) == ["half", 2]
    assert await found.outcome_failure() is None
    await handle.cancel(reason="enough")
    assert isinstance(await why(handle.result()), CancelledError)


@pytest.mark.parametrize(
    "options",
    [
        {"start_to_close_timeout": ms(20), "retry_policy": ONCE},
        {"heartbeat_timeout": ms(20), "retry_policy": ONCE},
        {"schedule_to_close_timeout": ms(20)},
    ],
    ids=["start-to-close", "heartbeat", "schedule-to-close"],
)
async def test_a_job_times_out(engine: Harness, options: Any) -> None:
    await engine.work(wait)
    handle = await start(engine, wait, **options)
    assert isinstance(await why(handle.result()), TimeoutError)
    described = await handle.describe(include_outcome=True)
    assert described.status is STATUS.TIMED_OUT
    assert isinstance(await described.outcome_failure(), TimeoutError)
    assert [each.status async for each in engine.client.list_activities()] == [STATUS.TIMED_OUT]


async def test_a_job_times_out_for_want_of_a_worker(skipping: Skipping) -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    handle = await start(skipping, wait, schedule_to_start_timeout=minute, schedule_to_close_timeout=hour)
    described = await handle.describe()
    assert described.expiration_time == described.schedule_time + hour
    assert described.schedule_to_start_timeout == minute
    assert isinstance(await why(handle.result()), TimeoutError)


# -- ending ----------------------------------------------------------------------------------------------------------


async def test_a_job_at_work_is_cancelled_with_a_reason(engine: Harness) -> None:
    reasons: list[str] = []

    @activity.defn
    async def works() -> None:
        try:
            await activity.wait_for_cancelled()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            assert details is not None
            assert details.cancel_requested
            reasons.append("cancelled")
            raise

    await engine.work(works)
    handle = await start(engine, works)
    seen = await at_work(handle)
    assert (seen.run_state, seen.canceled_reason) == (PendingActivityState.STARTED, None)
    assert seen.last_worker_identity
    await handle.cancel(reason="too dear")
    cause = await why(handle.result())
    assert isinstance(cause, CancelledError)
    assert str(cause) == "too dear"
    assert reasons == ["cancelled"]
    described = await handle.describe(include_outcome=True)
    assert (described.status, described.canceled_reason) == (STATUS.CANCELED, "too dear")
    assert isinstance(await described.outcome_failure(), CancelledError)


async def test_a_job_may_go_on_when_it_is_asked_to_cancel(engine: Harness) -> None:
    go = asyncio.Event()

    @activity.defn
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await go.wait()
        return "done"

    await engine.work(stubborn)
    handle = await start(engine, stubborn)
    await at_work(handle)
    await handle.cancel()
    await handle.cancel(reason="again")
    assert (await handle.describe()).run_state is PendingActivityState.CANCEL_REQUESTED
    go.set()
    assert await handle.result() == "done"


async def test_a_job_that_waits_is_cancelled_at_once(engine: Harness) -> None:
    waits = await start(engine, double, 4)
    delayed = await start(engine, double, 4, id="delayed", start_delay=timedelta(hours=1))
    for handle in (waits, delayed):
        await handle.cancel()
        cause = await why(handle.result())
        assert isinstance(cause, CancelledError)
        assert str(cause) == "Cancelled"
        assert (await handle.describe()).status is STATUS.CANCELED


async def test_a_job_is_terminated_at_once(engine: Harness) -> None:
    stopped = asyncio.Event()

    @activity.defn
    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await engine.work(works)
    handle = await start(engine, works)
    await at_work(handle)
    await handle.terminate(reason="fire")
    cause = await why(handle.result())
    assert isinstance(cause, TerminatedError)
    assert str(cause) == "fire"
    await stopped.wait()
    assert (await handle.describe()).status is STATUS.TERMINATED
    silent = await start(engine, works)
    await silent.terminate()
    assert str(await why(silent.result())) == "Activity terminated"


async def test_nothing_can_be_told_to_a_job_that_has_ended_or_never_was(engine: Harness) -> None:
    await engine.work(nothing)
    handle = await start(engine, nothing)
    await handle.result()
    for ended in (handle.cancel(), handle.terminate()):
        with pytest.raises(ActivityClosedError, match=r"'job' \(run .*\) is closed: COMPLETED"):
            await ended
    client = engine.client
    nobody = client.get_activity_handle("nobody")
    for asked in (nobody.cancel(), nobody.terminate(), nobody.describe(), nobody.result()):
        with pytest.raises(ActivityExecutionNotFoundError, match="no stand-alone activity 'nobody'"):
            await asked
    with pytest.raises(ActivityExecutionNotFoundError, match="with run id 'no'"):
        await client.get_activity_handle("job", run_id="no").result()


# -- completion from outside -----------------------------------------------------------------------------------------


async def test_a_job_is_completed_from_outside_by_its_id(engine: Harness) -> None:
    await engine.work(outside)
    handle = await start(engine, outside, "sign")
    client = engine.client
    by_id = client.get_async_activity_handle(activity_id="job")

    await at_work(handle)
    await by_id.heartbeat("page", 1)
    described = await handle.describe(include_heartbeat_details=True)
    assert await described.heartbeat_details() == ["page", 1]
    await by_id.complete("signed")
    assert await handle.result() == "signed"
    with pytest.raises(ActivityClosedError):
        await by_id.complete("again")
    with pytest.raises(ActivityClosedError):
        await client.get_async_activity_handle(activity_id="job", run_id=handle.run_id).heartbeat()
    with pytest.raises(ActivityExecutionNotFoundError):
        await client.get_async_activity_handle(activity_id="nobody").complete()


async def test_a_job_is_cancelled_or_fails_from_outside(engine: Harness) -> None:
    await engine.work(outside)
    handle = await start(engine, outside, "sign")
    by_id = engine.client.get_async_activity_handle(activity_id="job", run_id=handle.run_id)
    await at_work(handle)
    await handle.cancel()
    await by_id.report_cancellation("half")
    cause = await why(handle.result())
    assert isinstance(cause, CancelledError)
    handle = await start(engine, outside, "sign")
    await at_work(handle)
    await engine.client.get_async_activity_handle(activity_id="job").fail(ApplicationError("torn", non_retryable=True))
    assert str(await why(handle.result())) == "torn"


async def test_a_token_of_a_job_that_backs_off_is_refused_in_the_words_of_jobs(engine: Harness) -> None:
    tokens: list[bytes] = []

    @activity.defn
    async def gives_up() -> None:
        tokens.append(activity.info().task_token)
        raise ValueError("busy")

    await engine.work(gives_up)
    handle = await start(engine, gives_up, retry_policy=RetryPolicy(initial_interval=timedelta(hours=1)))

    async def has_failed() -> bool:
        return (await handle.describe()).attempt == 2

    await eventually(has_failed)
    with pytest.raises(ActivityNotFoundError) as caught:
        await engine.client.get_async_activity_handle(task_token=tokens[0]).complete()
    assert "workflow" not in str(caught.value)
