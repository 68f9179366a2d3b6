"""Why an activity is asked to stop, and how code in a thread hears of it: CancelledError is raised where it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, ONCE, PATIENCE, Harness, eventually, failure_of, ms, topics
from tests.api.turned import Turned, on_turned_time
from understudy import activity, workflow
from understudy.activity import ActivityCancellationDetails
from understudy.client import WorkflowHandle
from understudy.exceptions import ActivityError, CancelledError
from understudy.workflow import ActivityCancellationType

pytestmark = pytest.mark.usefixtures("untraced")

WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


@workflow.defn
class Waits:
    """Waits for `hang`, with a time-out in ms if one is given, and tells how that ended."""

    @workflow.run
    async def run(self, limit: int = 0) -> str:
        limits: Any = {"start_to_close_timeout": ms(limit)} if limit else {}
        try:
            return str(await workflow.execute_activity("hang", retry_policy=AT_ONCE, cancellation_type=WAIT, **limits))
        except asyncio.CancelledError:
            return "cancelled"


class Watched:
    """What an activity saw of its own cancellation."""

    def __init__(self) -> None:
        self.begun = 0
        self.seen: list[ActivityCancellationDetails | None] = []

    def look(self) -> None:
        self.seen.append(activity.cancellation_details())


def hanging(watched: Watched, *, plain: bool) -> Callable[..., Any]:
    """An activity that hangs in its first attempt, in a thread or on the loop, and says what it heard."""

    @activity.defn(name="hang")
    def in_thread() -> str:
        watched.look()
        if activity.info().attempt > 1 or watched.begun:
            return "again"
        try:
            watched.begun += 1  # here at the earliest: it may be struck from now on
            while True:
                pass
        finally:
            watched.look()

    @activity.defn(name="hang")
    async def on_loop() -> str:
        watched.look()
        if activity.info().attempt > 1 or watched.begun:
            return "again"
        try:
            watched.begun += 1
            await asyncio.Event().wait()
        finally:
            watched.look()
        return "never"

    return in_thread if plain else on_loop


plain_or_not = pytest.mark.parametrize("plain", [False, True], ids=["async", "thread"])


@plain_or_not
async def test_an_activity_that_its_workflow_cancels_is_told_so(engine: Harness, *, plain: bool) -> None:
    watched = Watched()
    await engine.work(Waits, hanging(watched, plain=plain))
    handle = await engine.start(Waits.run)
    await eventually(lambda: watched.begun)
    await handle.cancel()
    assert await handle.result() == "cancelled"
    assert watched.seen == [None, ActivityCancellationDetails(cancel_requested=True)]
    assert "activity.canceled" in await topics(handle)


@plain_or_not
async def test_an_activity_whose_run_was_terminated_is_told_that_nobody_waits(engine: Harness, *, plain: bool) -> None:
    watched = Watched()
    await engine.work(Waits, hanging(watched, plain=plain))
    handle = await engine.start(Waits.run)
    await eventually(lambda: watched.begun)
    await handle.terminate()
    await eventually(lambda: len(watched.seen) == 2)
    assert watched.seen[1] == ActivityCancellationDetails(not_found=True)


@plain_or_not
def test_an_attempt_that_timed_out_is_told_so_and_the_next_one_runs(url: str, *, plain: bool) -> None:
    async def script(engine: Turned) -> None:
        watched = Watched()
        await engine.work(Waits, hanging(watched, plain=plain))
        handle = await engine.start(Waits.run, 3_600_000)
        await eventually(lambda: watched.begun)
        engine.turn(timedelta(hours=1))
        assert await handle.result() == "again"
        await eventually(lambda: len(watched.seen) == 3)
        assert ActivityCancellationDetails(timed_out=True) in watched.seen

    on_turned_time(url, script)


@plain_or_not
async def test_an_attempt_whose_worker_stops_is_told_so_and_runs_on_the_next_worker(
    engine: Harness, *, plain: bool
) -> None:
    watched = Watched()
    worker = await engine.work(Waits, hanging(watched, plain=plain), graceful_shutdown_timeout=ms(1))
    handle = await engine.start(Waits.run)
    await eventually(lambda: watched.begun)
    await worker.shutdown()
    await eventually(lambda: len(watched.seen) == 2)
    assert watched.seen[1] == ActivityCancellationDetails(worker_shutdown=True)
    await engine.work(Waits, hanging(watched, plain=plain))
    assert await handle.result() == "again"
    assert await topics(handle) == [
        "workflow.started",
        "activity.scheduled",
        "activity.completed",
        "workflow.completed",
    ]


async def test_async_code_is_told_why_in_the_error(engine: Harness) -> None:
    begun, told = asyncio.Event(), list[str]()

    @activity.defn(name="hang")
    async def hears() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            told.append(str(error))
            raise

    @workflow.defn
    async def cancels() -> str:
        handle = workflow.start_activity("hang", cancellation_type=WAIT)
        await workflow.receive("go")
        handle.cancel()
        try:
            await handle
        except ActivityError as error:
            return str(error.cause)
        return ""

    worker = await engine.work(cancels, hears, graceful_shutdown_timeout=ms(1))
    handle = await engine.start(cancels)
    await begun.wait()
    await handle.signal("go")
    assert await handle.result() == "cancelled by the workflow"
    begun.clear()
    await engine.start(cancels)
    await begun.wait()
    await worker.shutdown()
    await eventually(lambda: len(told) == 2)
    assert told == ["cancelled by the workflow", "worker shutdown"]


# -- in a thread -----------------------------------------------------------------------------------------------------


async def test_code_in_a_thread_may_clean_up_by_except_and_finish_all_the_same(engine: Harness) -> None:
    begun = threading.Event()

    @activity.defn(name="hang")
    def works() -> str:
        try:
            begun.set()
            while True:
                pass
        except Exception as error:  # noqa: BLE001 - as user code does
            return f"tidied up behind {type(error).__name__}"

    await engine.work(Waits, works)
    handle = await engine.start(Waits.run)
    await eventually(begun.is_set)
    await handle.cancel()
    assert await handle.result() == "tidied up behind CancelledError"


async def test_a_shield_holds_the_exception_back_in_a_worker_too(engine: Harness) -> None:
    seen: list[str] = []
    begun = threading.Event()

    @activity.defn(name="hang")
    def works() -> None:
        with activity.shield_thread_cancel_exception():
            begun.set()
            activity.wait_for_cancelled_sync(PATIENCE)
            seen.append(f"cancelled: {activity.is_cancelled()}")
        seen.append("never")

    await engine.work(Waits, works)
    handle = await engine.start(Waits.run)
    await eventually(begun.is_set)
    await handle.cancel()
    assert await handle.result() == "cancelled"
    assert seen == ["cancelled: True"]


async def test_a_thread_that_was_interrupted_does_its_next_work_undisturbed(engine: Harness) -> None:
    watched = Watched()
    threads: list[int] = []

    @activity.defn
    def next_work() -> int:
        threads.append(threading.get_ident())
        return sum(range(10_000))

    @workflow.defn
    async def both() -> int:
        stopped = workflow.start_activity("hang", retry_policy=ONCE)
        await workflow.receive("begun")
        stopped.cancel()
        return await workflow.execute_activity(next_work)

    await engine.work(both, hanging(watched, plain=True), next_work)
    for turn in range(5):
        watched.begun = 0
        handle = await engine.start(both, id=f"both-{turn}")
        await eventually(lambda: watched.begun)
        await handle.signal("begun")
        assert await handle.result() == 49_995_000


async def test_code_that_is_not_to_be_interrupted_asks(engine: Harness) -> None:
    begun = threading.Event()

    @activity.defn(name="hang", no_thread_cancel_exception=True)
    def polls() -> str:
        begun.set()
        while not activity.is_cancelled():
            pass
        with activity.shield_thread_cancel_exception():
            return "asked"

    await engine.work(Waits, polls)
    handle = await engine.start(Waits.run)
    await eventually(begun.is_set)
    await handle.cancel()
    assert await handle.result() == "asked"


async def test_what_the_code_gives_to_its_own_cancelled_error_reaches_the_workflow(engine: Harness) -> None:
    begun = threading.Event()

    @activity.defn(name="hang")
    def works() -> None:
        try:
            begun.set()
            while True:
                pass
        except CancelledError:
            raise CancelledError("stopped", "at row", 7) from None

    @workflow.defn
    class Cancels:
        def __init__(self) -> None:
            self.stop = False

        @workflow.run
        async def run(self) -> None:
            handle = workflow.start_activity("hang", cancellation_type=WAIT)
            await workflow.wait_condition(lambda: self.stop)
            handle.cancel()
            await handle

        @workflow.signal
        def cancel(self) -> None:
            self.stop = True

    await engine.work(Cancels, works)
    handle = await engine.start(Cancels.run)
    await eventually(begun.is_set)
    await handle.signal(Cancels.cancel)
    error = await failure_of(handle.result())
    assert isinstance(error, ActivityError)
    assert isinstance(error.cause, CancelledError)
    assert list(error.cause.details) == ["at row", 7]


async def test_an_attempt_that_still_waits_for_a_thread_never_begins(engine: Harness) -> None:
    begun, let_go, ran = threading.Event(), threading.Event(), list[str]()

    @activity.defn
    def busy() -> None:
        begun.set()
        let_go.wait(PATIENCE)

    @activity.defn(name="hang")
    def second() -> None:
        ran.append("second")

    @workflow.defn
    async def blocks() -> None:
        await workflow.execute_activity(busy)

    with ThreadPoolExecutor(1) as executor:
        await engine.work(Waits, blocks, busy, second, activity_executor=executor)
        blocking = await engine.start(blocks)
        await eventually(begun.is_set)
        handle = await engine.start(Waits.run)
        await eventually(lambda: len(engine.client.engine.activities) == 2)
        await handle.cancel()
        await eventually(lambda: _asked(handle))
        let_go.set()
        assert await handle.result() == "cancelled"
        await blocking.result()
        await engine.stop_work()
    assert ran == []


async def _asked(handle: WorkflowHandle[Any, Any]) -> bool:
    return "activity.cancel_requested" in await topics(handle)
