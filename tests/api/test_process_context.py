"""What activities in a process pool may ask of their attempt, which is in the process of the worker."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import cloudpickle
import pytest

from tests.api.harness import AT_ONCE, ONCE, Harness, eventually, failure_of, ms, topics
from tests.api.test_codecs import Converted
from understudy import activity, workflow
from understudy.common import RawValue
from understudy.converter import DataConverter, DefaultPayloadConverter, SerializationContext, WithSerializationContext
from understudy.exceptions import ActivityError, CancelledError

pytestmark = pytest.mark.processes

LIMIT = 20.0


@workflow.defn
class Call:
    """Calls one activity by its name, and cancels it when told."""

    cancel = False

    @workflow.run
    async def run(self, name: str) -> Any:
        handle = workflow.start_activity(
            name,
            start_to_close_timeout=timedelta(seconds=LIMIT),
            heartbeat_timeout=timedelta(seconds=LIMIT),
            retry_policy=AT_ONCE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        await workflow.wait_condition(lambda: self.cancel or handle.done())
        if self.cancel:
            handle.cancel()
        return await handle

    @workflow.signal
    def stop(self) -> None:
        self.cancel = True


@pytest.fixture(scope="module", params=["spawn", "fork"])
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    """Processes, new ones and copies of this one."""
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)  # a test module cannot be imported there
    with ProcessPoolExecutor(1, mp_context=get_context(request.param)) as pool:
        yield pool
    cloudpickle.unregister_pickle_by_value(here)


async def test_the_facts_and_the_details_of_the_attempt_before_are_there(
    engine: Harness, pool: ProcessPoolExecutor
) -> None:
    @activity.defn
    def counts() -> list[Any]:
        info = activity.info()
        if info.attempt == 1:
            activity.heartbeat("half", 50)
            raise ValueError("again")
        return [info.activity_type, info.workflow_id, info.task_queue, *info.heartbeat_details]

    await engine.work(Call, counts, activity_executor=pool)
    handle = await engine.start(Call.run, "counts", id="w")
    assert await handle.result() == ["counts", "w", "tests", "half", 50]


async def test_code_that_is_asked_to_stop_finds_out(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def waits() -> None:
        activity.wait_for_cancelled_sync(timedelta(seconds=LIMIT))
        details = activity.cancellation_details()
        if activity.is_cancelled() and details is not None and details.cancel_requested:
            raise CancelledError("stopped")

    @activity.defn
    def polls() -> str:
        activity.heartbeat("begun")
        end = time.monotonic() + LIMIT
        while not activity.is_cancelled() and time.monotonic() < end:
            threading.Event().wait(0.01)
        return "stopped" if activity.is_cancelled() else "late"

    await engine.work(Call, waits, polls, activity_executor=pool)
    handle = await engine.start(Call.run, "polls")
    await handle.signal(Call.stop)
    assert await handle.result() == "stopped"
    handle = await engine.start(Call.run, "waits")
    await handle.signal(Call.stop)
    failure = await failure_of(handle.result())
    assert isinstance(failure, CancelledError) or isinstance(failure.__cause__, CancelledError)


async def test_code_hears_that_the_worker_stops(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def lasts() -> list[bool]:
        before = activity.is_worker_shutdown()
        activity.heartbeat("begun")
        activity.wait_for_worker_shutdown_sync(timedelta(milliseconds=1))
        activity.wait_for_worker_shutdown_sync(timedelta(seconds=LIMIT))
        return [before, activity.is_worker_shutdown()]

    worker = await engine.work(Call, lasts, activity_executor=pool)
    handle = await engine.start(Call.run, "lasts")

    async def has_begun() -> bool:
        return "activity.heartbeat_recorded" in await topics(handle)

    await eventually(has_begun)
    await worker.shutdown()
    await engine.work(Call)
    assert await handle.result() == [False, True]


async def test_what_cannot_be_done_from_there_says_so(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def asks() -> list[str]:
        said = []
        for call in (activity.client, lambda: activity.heartbeat(object())):
            try:
                call()
            except Exception as error:  # noqa: BLE001 - whatever it is
                said.append(f"{type(error).__name__}: {error}")
        return said

    await engine.work(Call, asks, activity_executor=pool)
    client, heartbeat = await engine.execute(Call.run, "asks")
    assert client.startswith("NotInActivityError: activity.client() was called where there is no client")
    assert heartbeat.startswith("PayloadEncodeError")


async def test_code_there_cannot_await_a_stop_and_hears_which_call_blocks(
    engine: Harness, pool: ProcessPoolExecutor
) -> None:
    @activity.defn
    def awaits() -> list[str]:
        said = []
        for wait in (activity.wait_for_cancelled, activity.wait_for_worker_shutdown):
            try:
                asyncio.run(wait())
            except RuntimeError as error:
                said.append(str(error))
        return said

    await engine.work(Call, awaits, activity_executor=pool)
    canceled, stopped = await engine.execute(Call.run, "awaits")
    assert canceled == (
        "activity.wait_for_cancelled() was called in another process. Call its form that ends in _sync."
    )
    assert stopped.startswith("activity.wait_for_worker_shutdown() was called in another process")


async def test_an_activity_that_is_silent_in_another_process_fails(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @workflow.defn
    class Impatient:
        @workflow.run
        async def run(self) -> None:
            await workflow.execute_activity(
                "sleeps", heartbeat_timeout=ms(50), retry_policy=ONCE, start_to_close_timeout=ms(20_000)
            )

    @activity.defn
    def sleeps() -> None:
        activity.wait_for_cancelled_sync(LIMIT)

    await engine.work(Impatient, sleeps, activity_executor=pool)
    assert isinstance(await failure_of(engine.execute(Impatient.run)), ActivityError)


async def test_a_dynamic_activity_reads_its_arguments_there(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn(dynamic=True)
    def anything(args: Sequence[RawValue]) -> str:
        first = activity.payload_converter().from_payload(args[0].payload, str)
        return f"{activity.info().activity_type} {first}"

    @workflow.defn
    async def calls() -> str:
        return await workflow.execute_activity("greet", "Kim", result_type=str, retry_policy=ONCE)

    await engine.work(calls, anything, activity_executor=pool)
    assert await engine.execute(calls) == "greet Kim"


class Shouting(DefaultPayloadConverter, WithSerializationContext):
    """Reads a text as it was written, with whose it is behind it."""

    def __init__(self, whose: str = "nobody") -> None:
        super().__init__()
        self.whose = whose

    def with_context(self, context: SerializationContext) -> Shouting:
        return Shouting(str(getattr(context, "activity_type", "a workflow")))


async def test_the_converter_there_knows_whose_values_it_converts(url: str, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def whose() -> str:
        converter = activity.payload_converter()
        return getattr(converter, "whose", "not mine")

    harness = Converted(url, DataConverter(payload_converter_class=Shouting))
    await harness.open()
    await harness.work(Call, whose, activity_executor=pool)
    assert await harness.execute(Call.run, "whose") == "whose"
    await harness.close()


class Locked(DefaultPayloadConverter):
    """Does not pickle."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


async def test_a_converter_that_does_not_pickle_is_missed_only_by_who_asks(url: str, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def asks() -> str:
        try:
            activity.payload_converter()
        except TypeError as error:
            return str(error)
        return "it is here"

    harness = Converted(url, DataConverter(payload_converter_class=Locked))
    await harness.open()
    await harness.work(Call, asks, activity_executor=pool)
    assert "cannot pickle" in await harness.execute(Call.run, "asks")
    await harness.close()
