"""Stand-alone activities: jobs that no workflow asks for."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, ONCE, QUEUE, Harness, eventually, ms
from understudy import activity, workflow
from understudy.client import (
    ActivityExecutionAsyncIterator,
    ActivityExecutionCount,
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    CancelActivityInput,
    Client,
    CountActivitiesInput,
    DescribeActivityInput,
    Interceptor,
    ListActivitiesInput,
    OutboundInterceptor,
    PendingActivityState,
    StartActivityInput,
    TerminateActivityInput,
)
from understudy.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from understudy.converter import DataConverter, Payload, PayloadCodec
from understudy.exceptions import (
    ActivityAlreadyStartedError,
    ActivityClosedError,
    ActivityExecutionNotFoundError,
    ActivityNotFoundError,
    ApplicationError,
    CancelledError,
    DefinitionError,
    InvalidArgumentError,
    PayloadEncodeError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the interface that is followed
)
from understudy.testing import WorkflowEnvironment
from understudy.worker import ActivityInboundInterceptor, ExecuteActivityInput, Worker
from understudy.worker import Interceptor as WorkerInterceptor

STATUS = ActivityExecutionStatus


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@activity.defn
def shout(text: str, times: int = 1) -> str:
    return text.upper() * times


@activity.defn
async def nothing() -> None: ...


@activity.defn
async def wait() -> None:
    """Goes on until it is cancelled."""
    await activity.wait_for_cancelled()


@activity.defn
async def outside(text: str) -> str:
    """Is completed from outside."""
    del text
    activity.raise_complete_async()


@activity.defn
async def fail(message: str) -> None:
    raise ApplicationError(message, 7, type="NoStock", non_retryable=True)


async def start(engine: Harness, job: Any, *args: Any, **options: Any) -> ActivityHandle[Any]:
    """Start a job called `job`, on the queue that the harness serves."""
    given: Any = {"id": "job", "task_queue": QUEUE, **options}
    return await engine.client.start_activity(job, args=args, **given)


async def why(result: Awaitable[Any]) -> BaseException:
    """Return why a job has no result."""
    with pytest.raises(ActivityFailureError) as caught:
        await result
    return caught.value.cause


async def at_work(handle: ActivityHandle[Any]) -> ActivityExecutionDescription:
    """Wait until an attempt is at work."""

    async def look() -> Any:
        found = await handle.describe()
        return found if found.last_started_time is not None else None

    found: ActivityExecutionDescription = await eventually(look)
    return found


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
        (double, {"heartbeat_timeout": timedelta(0)}, "heartbeat_timeout"),
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
    @activity.defn(heartbeat_timeout=ms(500), retry_policy=ONCE, task_queue="elsewhere", result_type=float)
    async def half(number: int) -> Any:
        return number // 2

    await engine.work(half)
    handle = await start(engine, half, 4, heartbeat_timeout=ms(700))
    result = await handle.result()
    described = await handle.describe()
    assert (result, type(result)) == (2.0, float)
    assert described.heartbeat_timeout == ms(700)
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


async def test_a_job_times_out_for_want_of_a_worker(engine: Harness) -> None:
    handle = await start(engine, wait, schedule_to_start_timeout=ms(20), schedule_to_close_timeout=timedelta(hours=1))
    described = await handle.describe()
    assert described.expiration_time == described.schedule_time + timedelta(hours=1)
    assert described.schedule_to_start_timeout == ms(20)
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


# -- looking ---------------------------------------------------------------------------------------------------------


async def test_a_description_has_what_was_asked_for(engine: Harness) -> None:
    await engine.work(shout)
    attributes = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("city"), "Ulm")])
    handle = await start(engine, shout, "tea", 2, search_attributes=attributes, summary="loud")
    await handle.result()
    plain = await handle.describe()
    assert not any((plain.has_input(), plain.has_result(), plain.has_outcome_failure(), plain.has_last_failure()))
    assert await plain.input() is await plain.result() is await plain.last_failure() is None
    assert await plain.heartbeat_details() is None
    full = await handle.describe(
        include_input=True, include_outcome=True, include_heartbeat_details=True, include_last_failure=True
    )
    assert await full.input([str, int]) == ["tea", 2]
    assert await full.input([str]) == ["tea", 2]
    assert full.has_result()
    assert await full.result(str) == await full.result() == "TEATEA"
    assert await full.outcome_failure() is None
    assert (full.activity_id, full.activity_run_id, full.activity_type) == ("job", handle.run_id, "shout")
    assert full.status is STATUS.COMPLETED
    assert full.run_state is None
    assert full.typed_search_attributes == attributes
    assert full.close_time is not None
    assert full.close_time - full.schedule_time == full.execution_duration
    assert full.data_converter is engine.client.data_converter
    assert handle.id == "job"
    assert "'job'" in repr(handle)
    assert handle.run_id is not None
    assert handle.run_id in repr(handle)


async def test_a_result_of_nothing_is_described_as_one(engine: Harness) -> None:
    await engine.work(nothing)
    handle = await start(engine, nothing)
    await handle.result()
    described = await handle.describe(include_outcome=True)
    assert described.has_result()
    assert await described.result() is None


async def test_jobs_are_listed_the_latest_first_and_counted(engine: Harness) -> None:
    @workflow.defn
    async def order() -> None: ...

    await engine.work(order, double, fail)
    await engine.execute(order)
    for number in range(5):
        await (await start(engine, double, number, id=f"job-{number}")).result()
    await why((await start(engine, fail, "no", id="failed")).result())
    client = engine.client
    found = [each async for each in client.list_activities(page_size=2)]
    assert [each.activity_id for each in found] == ["failed", "job-4", "job-3", "job-2", "job-1", "job-0"]
    assert [each.status for each in found] == [STATUS.FAILED, *[STATUS.COMPLETED] * 5]
    assert {each.activity_type for each in found} == {"double", "fail"}
    assert [each.activity_id async for each in client.list_activities("", limit=3, page_size=2)] == [
        *("failed", "job-4", "job-3")
    ]
    assert await client.count_activities() == ActivityExecutionCount(6, ())


async def test_a_list_goes_on_where_it_was_left_whatever_is_started_meanwhile(engine: Harness) -> None:
    async def begin(number: int) -> None:
        await start(engine, double, number, id=f"job-{number}")

    async def page(listed: ActivityExecutionAsyncIterator) -> list[str]:
        await listed.fetch_next_page(page_size=2)
        return [each.activity_id for each in listed.current_page or ()]

    for number in range(4):
        await begin(number)
    listed = engine.client.list_activities()
    assert (listed.current_page, listed.next_page_token, listed.current_page_index) == (None, None, 0)
    assert await page(listed) == ["job-3", "job-2"]
    for number in range(4, 9):
        await begin(number)
    token = listed.next_page_token
    assert await page(engine.client.list_activities(next_page_token=token)) == ["job-1", "job-0"]
    assert [each.activity_id async for each in listed] == ["job-3", "job-2", "job-1", "job-0"]
    assert listed.next_page_token is None


async def test_wrong_questions_are_refused(engine: Harness) -> None:
    client: Any = engine.client
    for call in (lambda: client.list_activities("Status = 1"), lambda: client.list_activities(limit=0)):
        with pytest.raises(InvalidArgumentError):
            call()
    with pytest.raises(TypeError, match="page_size is True"):
        client.list_activities(page_size=True)
    with pytest.raises(InvalidArgumentError, match="query is 'x'"):
        await client.count_activities("x")
    await start(engine, double, 4)
    for token in (b"what", b"no-run/0", "text"):
        with pytest.raises(InvalidArgumentError, match="next_page_token"):
            await client.list_activities(next_page_token=token).fetch_next_page()


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


# -- interceptors ----------------------------------------------------------------------------------------------------


async def test_interceptors_stand_around_every_call_about_jobs(url: str) -> None:
    seen: list[Any] = []

    class Sees(OutboundInterceptor):
        async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
            seen.append(input)
            trace = DataConverter.default.payload_converter.to_payload("t-1")
            return await super().start_activity(replace(input, headers={"trace": trace}, args=[input.args[0] + 1]))

        async def cancel_activity(self, input: CancelActivityInput) -> None:
            seen.append(input)
            await super().cancel_activity(input)

        async def terminate_activity(self, input: TerminateActivityInput) -> None:
            seen.append(input)
            await super().terminate_activity(input)

        async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
            seen.append(input)
            return await super().describe_activity(input)

        def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
            seen.append(input)
            return super().list_activities(input)

        async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
            seen.append(input)
            return await super().count_activities(input)

    class Looks(Interceptor):
        def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
            return Sees(next)

    headers: list[Any] = []

    class Inbound(ActivityInboundInterceptor):
        async def execute_activity(self, input: ExecuteActivityInput) -> Any:
            headers.append({name: payload.data for name, payload in input.headers.items()})
            return await super().execute_activity(input)

    class Works(WorkerInterceptor):
        def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
            return Inbound(next)

    async with await Client.connect(url, interceptors=[Looks()]) as client:
        worker = Worker(client, task_queue=QUEUE, activities=[double, wait], interceptors=[Works()])
        async with worker:
            handle = await client.start_activity(double, 4, id="job", task_queue=QUEUE, summary="s")
            assert await handle.result() == 10
            described = await handle.describe(include_input=True)
            assert await described.input() == [5]
            late = await client.start_activity("double", 4, id="late", task_queue=QUEUE, start_delay=timedelta(hours=1))
            await late.cancel(reason="r")
            late = await client.start_activity(
                "double", 4, id="later", task_queue=QUEUE, start_delay=timedelta(hours=1)
            )
            await late.terminate(reason="r")
            assert len([each async for each in client.list_activities(limit=9)]) == 3
            assert (await client.count_activities()).count == 3
    assert [type(each).__name__.removesuffix("Input") for each in seen] == [
        *("StartActivity", "DescribeActivity", "StartActivity", "CancelActivity", "StartActivity"),
        *("TerminateActivity", "ListActivities", "CountActivities"),
    ]
    assert (seen[0].activity_type, seen[0].args, seen[0].result_type, seen[0].summary) == ("double", (4,), int, "s")
    assert (seen[3].activity_id, seen[3].activity_run_id is None, seen[3].reason) == ("late", False, "r")
    assert headers == [{"trace": b'"t-1"'}]
