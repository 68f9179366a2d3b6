"""The four time-outs of an activity, and heartbeats with what they hand on to the next attempt."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.api.harness import AT_ONCE, ONCE, PATIENCE, Harness, eventually, failure_of, ms
from tests.api.turned import Turned, on_turned_time
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from understudy.exceptions import TimeoutError as ActivityTimeout

HOUR: Final = timedelta(hours=1)
HOUR_MS: Final = 3_600_000


@activity.defn
async def hang() -> None:
    await asyncio.Event().wait()


@workflow.defn
class Hang:
    """Calls `hang` with the time-outs that it is given, in milliseconds, and tells how that ended."""

    @workflow.run
    async def run(self, limits: dict[str, int], attempts: int = 1) -> list[Any]:
        options: Any = {name: timedelta(milliseconds=limit) for name, limit in limits.items()}
        retry = AT_ONCE if attempts == 0 else ONCE
        try:
            await workflow.execute_activity("hang", retry_policy=retry, **options)
        except ActivityError as error:
            cause, state = error.cause, error.retry_state
            kind = cause.type if isinstance(cause, ActivityTimeout) else None
            return [kind and kind.name, state and state.name, str(cause)]
        return ["done"]


async def test_start_to_close_limits_one_attempt(engine: Harness) -> None:
    await engine.work(Hang, hang)
    assert await engine.execute(Hang.run, {"start_to_close_timeout": 2}) == [
        "START_TO_CLOSE",
        "MAXIMUM_ATTEMPTS_REACHED",
        "activity StartToClose timeout",
    ]


async def test_schedule_to_close_limits_all_attempts_together(engine: Harness) -> None:
    attempts: list[int] = []

    @activity.defn(name="hang")
    async def fails() -> None:
        attempts.append(activity.info().attempt)
        raise ApplicationError("not yet")

    @workflow.defn
    async def calls() -> str:
        soon_then_late = RetryPolicy(initial_interval=ms(1), maximum_interval=9 * HOUR, backoff_coefficient=1e9)
        try:
            await workflow.execute_activity(fails, schedule_to_close_timeout=HOUR, retry_policy=soon_then_late)
        except ActivityError as error:
            return error.retry_state.name if error.retry_state is not None else ""
        return "done"

    await engine.work(calls, fails)
    assert await engine.execute(calls) == "TIMEOUT"
    assert attempts == [1, 2], "the third would come too late"


async def test_schedule_to_close_strikes_an_attempt_that_runs(engine: Harness) -> None:
    await engine.work(Hang, hang)
    assert (await engine.execute(Hang.run, {"schedule_to_close_timeout": 2}, 0))[:2] == ["SCHEDULE_TO_CLOSE", "TIMEOUT"]


async def test_schedule_to_start_limits_the_wait_for_a_worker_and_is_not_retried(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> list[Any]:
        try:
            await workflow.execute_activity(
                hang, task_queue="nobody", schedule_to_start_timeout=ms(2), retry_policy=AT_ONCE
            )
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ActivityTimeout)
            return [cause.type, error.retry_state]
        return []

    await engine.work(calls)
    assert await engine.execute(calls) == [TimeoutType.SCHEDULE_TO_START, RetryState.TIMEOUT]


async def test_the_heartbeat_time_out_strikes_an_attempt_that_is_silent(engine: Harness) -> None:
    await engine.work(Hang, hang)
    kind, state, _ = await engine.execute(Hang.run, {"heartbeat_timeout": 2})
    assert (kind, state) == ("HEARTBEAT", "MAXIMUM_ATTEMPTS_REACHED")


def test_heartbeats_keep_an_attempt_alive(url: str) -> None:
    async def script(engine: Turned) -> None:
        beaten: asyncio.Queue[int] = asyncio.Queue()
        go_on = asyncio.Event()

        @activity.defn(name="hang")
        async def beats() -> None:
            for number in range(3):
                activity.heartbeat()
                go_on.clear()
                beaten.put_nowait(number)
                await go_on.wait()

        await engine.work(Hang, beats)
        handle = await engine.start(Hang.run, {"heartbeat_timeout": HOUR_MS, "start_to_close_timeout": 9 * HOUR_MS})
        for number in range(3):
            assert await beaten.get() == number
            engine.turn(0.75 * HOUR)
            go_on.set()
        assert await handle.result() == ["done"]

    on_turned_time(url, script)


async def test_an_attempt_that_timed_out_is_tried_again(engine: Harness) -> None:
    @activity.defn(name="hang")
    async def hangs_twice() -> None:
        if activity.info().attempt < 3:
            await asyncio.Event().wait()

    await engine.work(Hang, hangs_twice)
    assert await engine.execute(Hang.run, {"start_to_close_timeout": 5}, 0) == ["done"]


async def test_an_attempt_that_timed_out_is_told_to_stop(engine: Harness) -> None:
    stopped = asyncio.Event()

    @activity.defn(name="hang")
    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await engine.work(Hang, cleans_up)
    await engine.execute(Hang.run, {"start_to_close_timeout": 2})
    await stopped.wait()


def test_code_in_a_thread_that_timed_out_sees_it_and_keeps_its_slot_until_it_ends(url: str) -> None:
    async def script(engine: Turned) -> None:
        inside: list[int] = []
        most: list[int] = []
        let_go = threading.Event()

        @activity.defn(name="hang", no_thread_cancel_exception=True)
        def stubborn() -> None:
            inside.append(activity.info().attempt)
            most.append(len(inside))
            if activity.info().attempt == 1:
                activity.wait_for_cancelled_sync(timeout=PATIENCE)
                assert activity.is_cancelled()
                let_go.wait(PATIENCE)
            inside.remove(activity.info().attempt)

        await engine.work(Hang, stubborn, max_concurrent_activities=1)
        handle = await engine.start(Hang.run, {"start_to_close_timeout": HOUR_MS}, 0)
        await eventually(lambda: inside)
        engine.turn(HOUR)

        async def second() -> bool:
            return any(pending.attempt == 2 for pending in (await handle.describe()).pending_activities)

        await eventually(second)
        assert inside == [1], "the second attempt waits for the slot"
        let_go.set()
        assert await handle.result() == ["done"]
        assert set(most) == {1}

    on_turned_time(url, script)


# -- heartbeat details -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True], ids=["async", "thread"])
async def test_the_details_of_the_last_heartbeat_are_handed_to_the_next_attempt(
    engine: Harness, *, plain: bool
) -> None:
    def step() -> list[Any]:
        info = activity.info()
        if info.attempt == 1:
            activity.heartbeat("page", 1)
            activity.heartbeat("page", 2)
            raise ApplicationError("lost the connection")
        return [info.attempt, *info.heartbeat_details]

    @activity.defn(name="crawl")
    async def crawl() -> list[Any]:
        return step()

    @activity.defn(name="crawl")
    def crawl_in_a_thread() -> list[Any]:
        return step()

    @workflow.defn
    async def crawls() -> list[Any]:
        return list(await workflow.execute_activity("crawl", retry_policy=AT_ONCE))

    await engine.work(crawls, crawl_in_a_thread if plain else crawl)
    assert await engine.execute(crawls) == [2, "page", 2]


async def test_details_survive_an_attempt_that_sends_none(engine: Harness) -> None:
    @activity.defn
    async def crawl() -> list[Any]:
        info = activity.info()
        if info.attempt == 1:
            activity.heartbeat(5)
        if info.attempt < 3:
            raise ApplicationError("again")
        return list(info.heartbeat_details)

    @workflow.defn
    async def crawls() -> list[Any]:
        return await workflow.execute_activity(crawl, retry_policy=AT_ONCE)

    await engine.work(crawls, crawl)
    assert await engine.execute(crawls) == [5]


def test_a_time_out_brings_the_last_details_to_the_workflow(url: str) -> None:
    async def script(engine: Turned) -> None:
        beaten = asyncio.Event()

        @activity.defn
        async def crawl() -> None:
            activity.heartbeat("page", 3)
            beaten.set()
            await asyncio.Event().wait()

        @workflow.defn
        async def crawls() -> None:
            await workflow.execute_activity(
                crawl, heartbeat_timeout=HOUR, start_to_close_timeout=9 * HOUR, retry_policy=ONCE
            )

        await engine.work(crawls, crawl)
        handle = await engine.start(crawls)
        await beaten.wait()
        engine.turn(HOUR)
        error = await failure_of(handle.result())
        assert isinstance(error, ActivityError)
        cause = error.cause
        assert isinstance(cause, ActivityTimeout)
        assert list(cause.last_heartbeat_details) == ["page", 3]

    on_turned_time(url, script)
