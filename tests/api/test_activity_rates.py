"""A worker, or all of a task queue together, begin attempts at a rate, by the engine's clock, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.api.harness import QUEUE
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError
from understudy.exceptions import TimeoutError as ActivityTimeout
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

SOON = RetryPolicy(initial_interval=timedelta(milliseconds=1), backoff_coefficient=1.0)
SECOND = timedelta(seconds=1)


class Clinic:
    """Notes when each attempt began."""

    def __init__(self) -> None:
        self.began: list[datetime] = []
        self.order: list[int] = []

    @activity.defn
    async def see(self, number: int) -> int:
        self.began.append(activity.info().started_time)
        self.order.append(number)
        return number

    @activity.defn
    async def hurt(self, number: int) -> int:
        self.began.append(activity.info().started_time)
        if activity.info().attempt < number:
            raise ApplicationError("ouch")
        return number

    def all(self) -> Sequence[Any]:
        """Return the activities, for a worker."""
        return [self.see, self.hurt]

    def pauses(self) -> list[timedelta]:
        """How long it was from each beginning to the next."""
        return [later - earlier for earlier, later in pairwise(sorted(self.began))]


@workflow.defn
async def rounds(count: int) -> list[int]:
    return await asyncio.gather(*(workflow.execute_activity_method(Clinic.see, number) for number in range(count)))


@workflow.defn
async def again(count: int) -> int:
    return await workflow.execute_activity_method(Clinic.hurt, count, retry_policy=SOON)


@workflow.defn
async def at_home(count: int) -> list[int]:
    first = workflow.start_activity_method(Clinic.see, 0)
    await workflow.execute_activity_method(Clinic.see, 1)
    late = workflow.start_activity_method(Clinic.see, 2)
    await workflow.sleep(0.001)
    here = [workflow.execute_local_activity_method(Clinic.see, number) for number in range(3, count)]
    return [*await asyncio.gather(*here), await first, await late]


@workflow.defn
async def impatient(count: int) -> list[str]:
    soon = timedelta(seconds=1.5)
    calls = [workflow.execute_activity_method(Clinic.see, n, schedule_to_start_timeout=soon) for n in range(count)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    return [type(end.cause).__name__ if isinstance(end, ActivityError) else str(end) for end in ended]


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """An environment whose time skips."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


def worker(env: WorkflowEnvironment, clinic: Clinic, rate: float | None, **options: Any) -> Worker:
    """Return a worker with a rate."""
    return Worker(
        env.client,
        task_queue=QUEUE,
        workflows=options.pop("workflows", [rounds, again, at_home, impatient]),
        activities=clinic.all(),
        max_activities_per_second=rate,
        debug_mode=True,
        **options,
    )


async def execute(env: WorkflowEnvironment, what: Any, count: int) -> Any:
    """Run a workflow to its end."""
    return await env.client.execute_workflow(what, count, id="w", task_queue=QUEUE)


async def test_attempts_begin_at_the_rate_and_in_order(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, 1):
        assert await execute(env, rounds, 6) == [0, 1, 2, 3, 4, 5]
    assert clinic.order == [0, 1, 2, 3, 4, 5]
    assert min(clinic.pauses()) >= SECOND


async def test_each_attempt_counts_also_one_that_is_made_again(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, 0.5):
        assert await execute(env, again, 4) == 4
    assert len(clinic.began) == 4
    assert min(clinic.pauses()) >= 2 * SECOND


async def test_each_worker_has_a_rate_of_its_own(env: WorkflowEnvironment) -> None:
    slow, quick = Clinic(), Clinic()
    async with worker(env, slow, 0.1), worker(env, quick, 1, workflows=()):
        await execute(env, rounds, 8)
    assert (len(slow.began), len(quick.began)) == (1, 7)
    assert min(quick.pauses()) >= SECOND


async def test_a_worker_without_a_rate_takes_what_another_would_let_wait(env: WorkflowEnvironment) -> None:
    slow, quick = Clinic(), Clinic()
    began = await env.get_current_time()
    async with worker(env, slow, 0.001), worker(env, quick, None, workflows=()):
        await execute(env, rounds, 20)
    assert await env.get_current_time() - began < timedelta(seconds=100)
    assert len(quick.began) >= 19


async def test_local_activities_are_not_counted_and_wait_for_nobody(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, 0.1):
        assert await execute(env, at_home, 8) == [3, 4, 5, 6, 7, 0, 2]
    assert clinic.order == [0, 1, 3, 4, 5, 6, 7, 2]


async def test_an_attempt_that_waits_too_long_for_its_turn_times_out(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, 1):
        assert await execute(env, impatient, 4) == ["0", "1", ActivityTimeout.__name__, ActivityTimeout.__name__]


async def test_what_a_worker_left_waiting_is_taken_by_the_next_one(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, 0.001):
        handle = await env.client.start_workflow(rounds, 3, id="w", task_queue=QUEUE)
    async with worker(env, clinic, 1_000):
        assert await handle.result() == [0, 1, 2]


# -- the rate of a task queue ----------------------------------------------------------------------------------------


async def test_the_workers_of_a_queue_keep_its_rate_together(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    rate = {"max_task_queue_activities_per_second": 1}
    async with worker(env, clinic, None, **rate), worker(env, clinic, None, workflows=(), **rate):
        assert await execute(env, rounds, 6) == [0, 1, 2, 3, 4, 5]
    assert clinic.order == [0, 1, 2, 3, 4, 5]
    assert min(clinic.pauses()) >= SECOND


async def test_the_last_worker_that_says_the_rate_of_its_queue_counts(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    began = await env.get_current_time()
    async with (
        worker(env, clinic, None, max_task_queue_activities_per_second=0.001),
        worker(env, clinic, None, workflows=(), max_task_queue_activities_per_second=1),
        worker(env, clinic, None, workflows=()),
    ):
        await execute(env, rounds, 6)
    assert await env.get_current_time() - began < timedelta(seconds=100)
    assert min(clinic.pauses()) >= SECOND


async def test_a_worker_keeps_its_own_rate_beside_that_of_its_queue(env: WorkflowEnvironment) -> None:
    slow, quick = Clinic(), Clinic()
    rate = {"max_task_queue_activities_per_second": 1}
    async with worker(env, slow, 0.1, **rate), worker(env, quick, None, workflows=(), **rate):
        await execute(env, rounds, 8)
    assert len(slow.began) == 1
    together = sorted([*slow.began, *quick.began])
    assert min(later - earlier for earlier, later in pairwise(together)) >= SECOND


async def test_local_activities_are_not_counted_by_the_queue_either(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    async with worker(env, clinic, None, max_task_queue_activities_per_second=0.1):
        assert await execute(env, at_home, 8) == [3, 4, 5, 6, 7, 0, 2]
    assert clinic.order == [0, 1, 3, 4, 5, 6, 7, 2]


async def test_the_rate_of_a_queue_goes_with_its_last_worker(env: WorkflowEnvironment) -> None:
    clinic = Clinic()
    began = await env.get_current_time()
    async with worker(env, clinic, None, max_task_queue_activities_per_second=0.001):
        handle = await env.client.start_workflow(rounds, 3, id="w", task_queue=QUEUE)
    async with worker(env, clinic, None):
        assert await handle.result() == [0, 1, 2]
    assert await env.get_current_time() - began < timedelta(seconds=100)
