"""An activity that lets time pass: time does not wait for it."""

from __future__ import annotations

from datetime import timedelta

from tests.api.harness import failure_of
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, TimeoutError, TimeoutType  # noqa: A004 - the interface that is followed
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

QUEUE = "tests"


@workflow.defn
class Naps:
    """Waits for an activity that has to give a sign of life."""

    @workflow.run
    async def run(self, seconds: float) -> str:
        return await workflow.execute_activity(
            "nap",
            seconds,
            result_type=str,
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def test_an_activity_that_sleeps_is_late_or_not_by_the_time_that_is_skipped() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:

        @activity.defn
        async def nap(seconds: float) -> str:
            await env.sleep(seconds)
            return "slept"

        async with Worker(env.client, task_queue=QUEUE, workflows=[Naps], activities=[nap]):
            assert await env.client.execute_workflow(Naps.run, 10.0, id="short", task_queue=QUEUE) == "slept"
            failure = await failure_of(env.client.execute_workflow(Naps.run, 40.0, id="long", task_queue=QUEUE))
    assert isinstance(failure, ActivityError)
    assert isinstance(failure.cause, TimeoutError)
    assert failure.cause.type is TimeoutType.HEARTBEAT
