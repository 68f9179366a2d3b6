"""Time in an environment of a test's own: it jumps when only time is waited for, and passes otherwise."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.testing.skipping import MONTH, QUEUE, Sleeper, Waiter, execute, limp, worker, yields
from understudy import workflow
from understudy.client import WorkflowFailureError
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, InvalidArgumentError
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment

# -- jumping ---------------------------------------------------------------------------------------------------------


async def test_a_workflow_that_sleeps_for_a_month_ends_at_once(env: WorkflowEnvironment) -> None:
    assert env.supports_time_skipping
    before = await env.get_current_time()
    async with worker(env, Sleeper):
        assert await execute(env, Sleeper.run, 30) == pytest.approx(30, abs=0.001)
    assert await env.get_current_time() - before >= MONTH


async def test_each_of_many_sleeps_is_skipped(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        assert await execute(env, Sleeper.run, 365, 100) == pytest.approx(36_500, abs=0.1)


async def test_runs_are_woken_in_the_order_of_their_time(env: WorkflowEnvironment) -> None:
    ended: list[int] = []

    async def result_of(days: int) -> None:
        await execute(env, Sleeper.run, days, id=f"w{days}")
        ended.append(days)

    async with worker(env, Sleeper):
        await asyncio.gather(*(result_of(days) for days in (5, 2, 9, 1)))
    assert ended == [1, 2, 5, 9]


async def test_runs_that_left_memory_are_found_again(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper, max_cached_workflows=0):
        handles = [
            await env.client.start_workflow(Sleeper.run, args=[days, 3], id=f"w{days}", task_queue=QUEUE)
            for days in (40, 2, 17)
        ]
        for handle in handles:
            await handle.result()


async def test_the_back_off_of_an_activity_is_skipped(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def retries() -> int:
        policy = RetryPolicy(initial_interval=timedelta(hours=1), maximum_interval=timedelta(days=1))
        return await workflow.execute_activity(limp, 5, retry_policy=policy)

    async with worker(env, retries, limp):
        assert await execute(env, retries) == 6


async def test_the_back_off_of_a_local_activity_is_skipped(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def retries() -> int:
        policy = RetryPolicy(initial_interval=timedelta(hours=1))
        return await workflow.execute_local_activity(
            limp, 3, retry_policy=policy, schedule_to_close_timeout=timedelta(days=30)
        )

    async with worker(env, retries, limp):
        assert await execute(env, retries) == 4


async def test_an_activity_that_no_worker_takes_times_out_at_once(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def calls() -> None:
        await workflow.execute_activity(
            "limp", 0, task_queue="nobody", schedule_to_start_timeout=MONTH, schedule_to_close_timeout=2 * MONTH
        )

    async with worker(env, calls):
        with pytest.raises(WorkflowFailureError) as caught:
            await execute(env, calls)
    assert isinstance(caught.value.cause, ActivityError)
    assert isinstance(caught.value.cause.cause, WorkflowTimeoutError)


async def test_the_time_out_of_a_run_is_skipped_to(env: WorkflowEnvironment) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        await execute(env, "Nobody", execution_timeout=MONTH)
    assert isinstance(caught.value.cause, WorkflowTimeoutError)


async def test_the_retries_of_a_workflow_are_skipped_to(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def limps() -> int:
        if workflow.info().attempt < 4:
            raise ApplicationError("not yet")
        return workflow.info().attempt

    policy = RetryPolicy(initial_interval=timedelta(hours=1))
    async with worker(env, limps):
        assert await execute(env, limps, retry_policy=policy) == 4


async def test_a_month_to_wait_passes_if_nobody_says_anything(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        assert await execute(env, Waiter.run) == "nobody said anything"


# -- not jumping -----------------------------------------------------------------------------------------------------


async def test_time_passes_as_usual_while_an_activity_runs(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def races() -> str:
        async with asyncio.timeout(3_600):
            return await workflow.execute_activity(yields, 1_000)

    async with worker(env, races, yields):
        assert await execute(env, races) == "done"


async def test_time_passes_as_usual_while_nobody_waits(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        before = await env.get_current_time()
        handle = await env.client.start_workflow(Sleeper.run, 30, id="w", task_queue=QUEUE)
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert await env.get_current_time() - before < timedelta(hours=1)
        assert (await handle.describe()).pending_timers == 1


async def test_a_test_may_wait_for_a_result_without_jumps(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        with env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
            waiting = asyncio.create_task(handle.result())
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert not waiting.done()
            await handle.signal(Waiter.say, "hello")
            assert await waiting == "hello"


async def test_jumps_begin_when_they_are_allowed_again(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        with env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(Sleeper.run, 30, id="w", task_queue=QUEUE)
            waiting = asyncio.create_task(handle.result())
            await handle.query(Sleeper.nothing)
        assert await waiting == pytest.approx(30, abs=0.001)


async def test_a_message_that_is_on_its_way_comes_before_a_jump(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
        waiting = asyncio.create_task(handle.result())
        await handle.signal(Waiter.say, "hello")
        assert await waiting == "hello"


# -- sleeping in the test --------------------------------------------------------------------------------------------


async def test_a_test_lets_time_pass_and_what_was_due_has_happened(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper, Waiter):
        await env.client.start_workflow(Sleeper.run, 1, id="s", task_queue=QUEUE)
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
        before = await env.get_current_time()
        await env.sleep(timedelta(days=2))
        assert timedelta(days=2) <= await env.get_current_time() - before < timedelta(days=2, hours=1)
        assert await env.client.get_workflow_handle("s").result() == pytest.approx(1, abs=0.001)
        assert (await handle.describe()).pending_timers == 1
        await handle.signal(Waiter.say, "hello")
        assert await handle.result() == "hello"


async def test_a_test_that_sleeps_meanwhile_wakes_in_between(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)

        async def says() -> None:
            await env.sleep(7 * 24 * 3_600)
            await handle.signal(Waiter.say, "after a week")

        assert (await asyncio.gather(handle.result(), says()))[0] == "after a week"


async def test_a_sleep_that_cannot_be_is_refused(env: WorkflowEnvironment) -> None:
    with pytest.raises(InvalidArgumentError, match="duration"):
        await env.sleep(-1)
