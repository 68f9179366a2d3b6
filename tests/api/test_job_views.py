"""What is shown of jobs: descriptions, lists and counts; and the interceptors around every call about them."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness
from tests.api.job_stage import STATUS, double, fail, nothing, shout, start, wait, why
from understudy import workflow
from understudy.client import (
    ActivityExecutionAsyncIterator,
    ActivityExecutionCount,
    ActivityExecutionDescription,
    ActivityHandle,
    CancelActivityInput,
    Client,
    CountActivitiesInput,
    DescribeActivityInput,
    Interceptor,
    ListActivitiesInput,
    OutboundInterceptor,
    StartActivityInput,
    TerminateActivityInput,
)
from understudy.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.converter import DataConverter
from understudy.exceptions import InvalidArgumentError
from understudy.worker import ActivityInboundInterceptor, ExecuteActivityInput, Worker
from understudy.worker import Interceptor as WorkerInterceptor

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
