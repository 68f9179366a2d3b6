"""Cron and start delay: a chain of runs, each at its time, each told how the last one ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, Skipping, eventually, failure_of, topics
from understudy import workflow
from understudy.client import WorkflowFailureError, WorkflowHandle
from understudy.common import RetryPolicy
from understudy.events.workflow import WorkflowStarted
from understudy.exceptions import ApplicationError, CancelledError, InvalidArgumentError, TerminatedError
from understudy.testing import WorkflowEnvironment
from understudy.worker import Replayer, Worker


@workflow.defn
class Report:
    """Is told how often to fail first; says when it ran."""

    def __init__(self) -> None:
        self.skip = False

    @workflow.run
    async def run(self, failures: int = 0) -> str:
        if workflow.info().attempt <= failures:
            raise ApplicationError("not today", type="NotToday")
        await workflow.sleep(10)
        return workflow.now().isoformat()


@pytest.fixture(params=["memory", "sqlite"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping environment on each kind of store, and a worker in it, at five minutes past an hour."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/engine.db"
    async with (
        await WorkflowEnvironment.start_time_skipping(url=url) as env,
        Worker(env.client, task_queue=QUEUE, workflows=[Report], debug_mode=True),
    ):
        now = await env.get_current_time()
        await env.sleep(timedelta(minutes=65 - now.minute, seconds=-now.second, microseconds=-now.microsecond))
        yield env


async def start(env: WorkflowEnvironment, *args: Any, **options: Any) -> WorkflowHandle[Any, Any]:
    """Start a report."""
    return await env.client.start_workflow(Report.run, args=args, id="report", task_queue=QUEUE, **options)


async def chain(env: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], count: int) -> list[WorkflowStarted]:
    """The first events of so many runs of a chain."""
    firsts: list[WorkflowStarted] = []
    run_id = handle.result_run_id
    while run_id and len(firsts) < count:
        events = (await env.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()).events
        assert isinstance(events[0], WorkflowStarted)
        firsts.append(events[0])
        run_id = getattr(events[-1], "new_run_id", "")
    return firsts


def hour_of(first: WorkflowStarted) -> int:
    """Hours since the epoch at which a run begins, if it does so at a full hour."""
    hours, rest = divmod(first.first_turn_at, 3_600_000_000_000)
    assert rest == 0
    return hours


# -- cron ------------------------------------------------------------------------------------------------------------


async def test_a_cron_workflow_runs_at_each_of_its_times(env: WorkflowEnvironment) -> None:
    handle = await start(env, cron_schedule="@hourly")
    assert (await topics(handle))[:2] == ["workflow.started", "turn.deferred"]
    await env.sleep(timedelta(hours=3, minutes=1))
    firsts = await chain(env, handle, 9)
    assert len(firsts) == 4
    hours = [hour_of(first) for first in firsts]
    assert hours == list(range(hours[0], hours[0] + 4))
    assert [first.first_run_id for first in firsts[1:]] == [handle.result_run_id] * 3
    assert all(first.cron_schedule == "@hourly" for first in firsts)
    said = [str(datetime.fromtimestamp(hour * 3600 + 10, UTC).isoformat()) for hour in hours]
    for first, text in zip(firsts[1:], said, strict=False):
        assert first.last_failure is None
        assert first.last_result is not None
        assert text[:19] in bytes(first.last_result.raw).decode()


async def test_a_cron_workflow_that_fails_goes_on_and_its_next_run_knows_of_it(env: WorkflowEnvironment) -> None:
    handle = await start(env, 9, cron_schedule="@hourly")
    await env.sleep(timedelta(hours=2))
    firsts = await chain(env, handle, 9)
    assert len(firsts) == 3
    for first in firsts[1:]:
        assert first.last_failure is not None
        assert (first.last_failure.type, first.attempt) == ("NotToday", 1)


async def test_a_cron_run_is_tried_again_by_its_policy_before_the_next_time(env: WorkflowEnvironment) -> None:
    policy = RetryPolicy(initial_interval=timedelta(minutes=1), maximum_attempts=2)
    handle = await start(env, 1, cron_schedule="@hourly", retry_policy=policy)
    await env.sleep(timedelta(hours=1, minutes=10))
    first, second, third = await chain(env, handle, 3)
    assert [first.attempt, second.attempt, third.attempt] == [1, 2, 1]
    assert second.first_turn_at - first.first_turn_at >= 60_000_000_000
    assert hour_of(third) == hour_of(first) + 1
    assert third.last_result is not None


@pytest.mark.parametrize("end", ["cancel", "terminate"])
@pytest.mark.parametrize("seconds", [1, 30], ids=["within a run", "between two"])
async def test_a_cron_workflow_ends_when_it_is_cancelled_or_terminated(
    env: WorkflowEnvironment, end: str, seconds: int
) -> None:
    handle = await start(env, cron_schedule="* * * * *")
    await env.sleep(timedelta(minutes=2, seconds=seconds))
    latest = env.client.get_workflow_handle("report")
    await getattr(latest, end)()
    with pytest.raises(WorkflowFailureError) as caught:
        await latest.result()
    assert isinstance(caught.value.cause, CancelledError if end == "cancel" else TerminatedError)
    await env.sleep(timedelta(minutes=5))
    assert len(await chain(env, handle, 99)) == (2 if seconds == 1 else 3)


async def test_the_result_of_a_cron_workflow_is_that_of_the_run_that_ended_the_chain(env: WorkflowEnvironment) -> None:
    handle = await start(env, cron_schedule="@hourly", execution_timeout=timedelta(hours=2, minutes=30))
    text = await handle.result()
    firsts = await chain(env, handle, 99)
    assert len(firsts) == 2
    assert datetime.fromisoformat(text).timestamp() // 3600 == hour_of(firsts[-1])


async def test_a_cron_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[Report], debug_mode=True):
            handle = await start(env, cron_schedule="@hourly")
            await env.sleep(timedelta(hours=1))
        before = len(await chain(env, handle, 99))
    async with (
        await WorkflowEnvironment.start_time_skipping(url=url) as env,
        Worker(env.client, task_queue=QUEUE, workflows=[Report], debug_mode=True),
    ):
        await env.sleep(timedelta(hours=3))
        assert len(await chain(env, handle, 99)) > before


async def test_a_cron_schedule_that_cannot_be_is_refused_before_anything_is_stored(engine: Harness) -> None:
    with pytest.raises(InvalidArgumentError, match="cron_schedule is 'often'"):
        await engine.start(Report.run, id="report", cron_schedule="often")
    with pytest.raises(InvalidArgumentError, match=r"start_delay .* since cron_schedule says when"):
        await engine.start(Report.run, id="report", cron_schedule="@daily", start_delay=timedelta(hours=1))


@workflow.defn
async def at_once() -> str:
    """Awaits nothing."""
    return "done"


@pytest.mark.parametrize("options", [{"cron_schedule": "@hourly"}, {"start_delay": timedelta(hours=1)}], ids=" ".join)
@pytest.mark.parametrize("cached", [1000, 0], ids=["in memory", "out of memory"])
async def test_a_run_that_is_cancelled_before_its_first_turn_begins_at_once_and_is_the_last_one(
    skipping: Skipping, options: dict[str, Any], cached: int
) -> None:
    await skipping.work(at_once, Report, max_cached_workflows=cached)
    before = await skipping.env.get_current_time()
    ended = await skipping.start(at_once, **options)
    cancelled = await skipping.start(Report.run, **options)
    for handle in (ended, cancelled):
        await handle.cancel()
    with skipping.env.auto_time_skipping_disabled():
        assert await ended.result() == "done"
        assert isinstance(await failure_of(cancelled.result()), CancelledError)
    skipping.turn(timedelta(hours=2))
    for handle in (ended, cancelled):
        found = await handle.describe()
        assert found.close_time is not None
        assert found.close_time - before < timedelta(minutes=10)
        await Replayer(workflows=[at_once, Report]).replay_workflow(await handle.fetch_history())


async def test_a_run_that_is_cancelled_before_its_first_turn_begins_when_a_worker_comes(
    durable_skipping: Skipping,
) -> None:
    handle = await durable_skipping.start(at_once, id="late", cron_schedule="@hourly")
    await handle.cancel()
    await durable_skipping.restart()
    await durable_skipping.work(at_once)
    with durable_skipping.env.auto_time_skipping_disabled():
        assert await durable_skipping.client.get_workflow_handle("late").result() == "done"


async def test_a_run_that_is_cancelled_in_the_back_off_of_its_retry_begins_at_once(skipping: Skipping) -> None:
    await skipping.work(Report)
    policy = RetryPolicy(initial_interval=timedelta(hours=1), maximum_attempts=2)
    handle = await skipping.start(Report.run, 1, retry_policy=policy)

    async def backing_off() -> bool:
        return (await handle.describe()).attempt == 2

    await eventually(backing_off)
    await handle.cancel()
    with skipping.env.auto_time_skipping_disabled():
        assert isinstance(await failure_of(handle.result()), CancelledError)


async def test_a_child_with_a_cron_schedule_ends_when_it_is_cancelled_between_two_of_its_times(
    skipping: Skipping,
) -> None:
    @workflow.defn
    async def parent() -> str:
        child = await workflow.start_child_workflow(at_once, id="child", cron_schedule="@hourly")
        await workflow.sleep(5400)
        child.cancel()
        return await child

    await skipping.work(at_once, parent)
    assert await skipping.execute(parent) == "done"


# -- start delay -----------------------------------------------------------------------------------------------------


async def test_a_start_with_a_delay_is_recorded_at_once_and_begins_later(env: WorkflowEnvironment) -> None:
    before = await env.get_current_time()
    handle = await start(env, start_delay=timedelta(days=2))
    assert await topics(handle) == ["workflow.started", "turn.deferred"]
    ended = datetime.fromisoformat(await handle.result())
    assert timedelta(days=2) <= ended - before <= timedelta(days=2, minutes=1)


async def test_a_start_with_a_delay_may_be_cancelled_or_terminated_before_it_begins(env: WorkflowEnvironment) -> None:
    handle = await start(env, start_delay=timedelta(days=2))
    await handle.terminate()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    handle = await start(env, start_delay=timedelta(days=2))
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()


async def test_a_delay_that_cannot_be_is_refused(engine: Harness) -> None:
    with pytest.raises(InvalidArgumentError, match="start_delay"):
        await engine.start(Report.run, id="report", start_delay=timedelta(seconds=-1))
