"""A worker whose executor has broken stops, and says so to whoever runs it; the next one goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from typing import Any

import cloudpickle
import pytest

from tests.api.harness import AT_ONCE, ONCE, QUEUE, Harness, eventually, failure_of
from understudy import Client, Worker, activity, workflow
from understudy.common import RetryPolicy

pytestmark = pytest.mark.processes


@activity.defn
def work() -> str:
    return "done"


@activity.defn
def die() -> None:
    os._exit(3)


@workflow.defn
async def calls(name: str, policy: RetryPolicy) -> Any:
    return await workflow.execute_activity(name, retry_policy=policy)


@pytest.fixture(autouse=True)
def by_value() -> Iterator[None]:
    """A test module cannot be imported in another process."""
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    yield
    cloudpickle.unregister_pickle_by_value(here)


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    """A pool to break."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def worker(client: Client, executor: Executor, **options: Any) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[calls],
        activities=[work, die],
        activity_executor=executor,
        debug_mode=True,
        **options,
    )


async def test_run_raises_what_broke_the_pool(
    engine: Harness, pool: ProcessPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    broken = worker(engine.client, pool)
    running = asyncio.create_task(broken.run())
    handle = await engine.start(calls, "die", ONCE)
    with pytest.raises(BrokenProcessPool):
        await running
    assert broken.is_shutdown
    assert "cannot go on" in caplog.text
    await engine.work(calls)
    cause: Any = await failure_of(handle.result())
    assert cause.__cause__.type == "BrokenProcessPool"


async def test_an_attempt_that_broke_the_pool_is_made_again_by_the_next_worker(
    engine: Harness, pool: ProcessPoolExecutor
) -> None:
    running = asyncio.create_task(worker(engine.client, pool).run())
    handle = await engine.start(calls, "die", AT_ONCE)
    with pytest.raises(BrokenExecutor):
        await running

    @activity.defn(name="die")
    async def live() -> str:
        return f"alive in attempt {activity.info().attempt}"

    await engine.work(calls, live)
    assert await handle.result() == "alive in attempt 2"


async def test_a_block_is_cancelled_and_gets_the_error(engine: Harness, pool: ProcessPoolExecutor) -> None:
    seen: list[str] = []

    async def program() -> None:
        async with worker(engine.client, pool):
            await engine.start(calls, "die", AT_ONCE)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    with pytest.raises(BrokenProcessPool):
        await program()
    task = asyncio.current_task()
    assert task is not None
    assert (seen, task.cancelling()) == (["cancelled"], 0)


async def test_a_block_that_raises_something_of_its_own_keeps_that(engine: Harness, pool: ProcessPoolExecutor) -> None:
    async def program() -> None:
        async with worker(engine.client, pool):
            await engine.start(calls, "die", AT_ONCE)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise KeyError("mine") from None

    with pytest.raises(KeyError, match="mine"):
        await program()


async def test_a_block_that_ends_by_itself_meanwhile_gets_the_error_all_the_same(
    engine: Harness, pool: ProcessPoolExecutor
) -> None:
    async def program() -> None:
        async with worker(engine.client, pool) as broken:
            await engine.start(calls, "die", AT_ONCE)
            with suppress(asyncio.CancelledError):  # a program that takes no notice
                await eventually(lambda: broken.is_shutdown)

    with pytest.raises(BrokenProcessPool):
        await program()


@pytest.mark.parametrize("complaint", ["", "no pager"])
async def test_who_asked_for_it_is_told_before_the_worker_stops(
    engine: Harness, pool: ProcessPoolExecutor, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[BaseException, bool]] = []

    async def note(error: BaseException) -> None:
        told.append((error, broken.is_shutdown))
        if complaint:
            raise RuntimeError(complaint)

    broken = worker(engine.client, pool, on_fatal_error=note)
    running = asyncio.create_task(broken.run())
    await engine.start(calls, "die", AT_ONCE)
    with pytest.raises(BrokenProcessPool) as caught:
        await running
    assert told == [(caught.value, False)]
    assert ("on_fatal_error of" in caplog.text) is bool(complaint)
    assert complaint in caplog.text


async def test_threads_that_cannot_begin_break_a_worker_too(engine: Harness) -> None:
    def fails() -> None:
        raise RuntimeError("no licence")

    logging.getLogger("concurrent.futures").disabled = True
    with ThreadPoolExecutor(1, initializer=fails) as threads:
        running = asyncio.create_task(worker(engine.client, threads).run())
        handle = await engine.start(calls, "work", AT_ONCE)
        with pytest.raises(BrokenExecutor):
            await running
    logging.getLogger("concurrent.futures").disabled = False
    await engine.work(calls, work)
    assert await handle.result() == "done"


async def test_an_exception_of_the_same_kind_from_an_activity_is_a_failure_like_any_other(engine: Harness) -> None:
    @activity.defn
    def uses_a_pool() -> None:
        raise BrokenProcessPool("one of its own")

    await engine.work(calls, uses_a_pool, work)
    cause: Any = await failure_of(engine.execute(calls, "uses_a_pool", ONCE))
    assert cause.__cause__.type == "BrokenProcessPool"
    assert await engine.execute(calls, "work", ONCE) == "done"


def test_synchronous_code_gets_the_error_at_the_end_of_its_block(pool: ProcessPoolExecutor) -> None:
    def program(client: Client) -> None:
        with worker(client, pool) as broken:
            client.start(calls, args=["die", AT_ONCE], id="w", task_queue=QUEUE)
            while not broken.is_shutdown:
                pass

    with Client.open("memory://") as client, pytest.raises(BrokenProcessPool):
        program(client)
