"""Cancellation: asyncio's own inside of a workflow, delivered once, shieldable, with a reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus
from understudy.exceptions import ActivityError, CancelledError, is_cancelled_exception
from understudy.workflow import ActivityCancellationType

LONG = timedelta(hours=1)


class Hanging:
    """An activity that hangs until it is cancelled; what it does then is the test's choice."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.stubborn = stubborn
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()
        self.let_go = asyncio.Event()

    @activity.defn(name="hang")
    async def __call__(self) -> str:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            if not self.stubborn:
                raise
            await self.let_go.wait()
        return "finished all the same"


@activity.defn
async def clean() -> str:
    return "cleaned"


async def test_a_workflow_is_cancelled_with_a_reason_and_cleans_up(engine: Harness) -> None:
    seen: list[Any] = []

    @workflow.defn
    async def tidy() -> None:
        try:
            await workflow.sleep(LONG)
        except asyncio.CancelledError as error:
            seen.append([*error.args, workflow.cancellation_reason()])
            seen.append(await workflow.execute_activity(clean))
            await workflow.sleep(0.001)
            raise

    await engine.work(tidy, clean)
    handle = await engine.start(tidy)
    await handle.cancel(reason="out of stock")
    error = await failure_of(handle.result())
    assert isinstance(error, CancelledError)
    assert is_cancelled_exception(error)
    assert seen == [["out of stock", "out of stock"], "cleaned"]
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert await topics(handle) == [
        "workflow.started",
        "timer.started",
        "workflow.cancel_requested",
        "timer.canceled",
        "activity.scheduled",
        "activity.completed",
        "timer.started",
        "timer.fired",
        "workflow.canceled",
    ]


async def test_cancellation_is_delivered_once(engine: Harness) -> None:
    @workflow.defn
    class Counts:
        ended = False

        @workflow.run
        async def run(self) -> int:
            deliveries = 0
            while not self.ended:
                try:
                    await workflow.wait_condition(lambda: self.ended)
                except asyncio.CancelledError:
                    deliveries += 1
            return deliveries

        @workflow.signal
        def end(self) -> None:
            self.ended = True

    await engine.work(Counts)
    handle = await engine.start(Counts)
    await handle.cancel(reason="once")
    await handle.cancel(reason="twice")
    await handle.signal("end")
    assert await handle.result() == 1


async def test_a_workflow_may_complete_although_it_was_asked_to_cancel(engine: Harness) -> None:
    @workflow.defn
    async def stays() -> str:
        try:
            await workflow.sleep(LONG)
        except asyncio.CancelledError:
            return "kept going"
        return "slept"

    await engine.work(stays)
    handle = await engine.start(stays)
    await handle.cancel()
    assert await handle.result() == "kept going"
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_shield_keeps_cancellation_out(engine: Harness) -> None:
    hanging = Hanging(stubborn=True)
    go_on = hanging.let_go

    @activity.defn
    async def critical() -> str:
        hanging.begun.set()
        await go_on.wait()
        return "safe"

    @workflow.defn
    async def shielded() -> list[Any]:
        work = workflow.start_activity(critical)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            return ["cancelled", await work]
        return []

    await engine.work(shielded, critical)
    handle = await engine.start(shielded)
    await hanging.begun.wait()
    await handle.cancel()
    go_on.set()
    assert await handle.result() == ["cancelled", "safe"]
    assert "activity.cancel_requested" not in await topics(handle)


async def test_a_workflow_that_never_ran_is_cancelled_when_its_worker_comes(engine: Harness) -> None:
    @workflow.defn
    async def late() -> None:
        await workflow.sleep(LONG)

    handle = await engine.start(late)
    await handle.cancel(reason="changed my mind")
    await engine.work(late)
    assert isinstance(await failure_of(handle.result()), CancelledError)


# -- activities ------------------------------------------------------------------------------------------------------


@workflow.defn
class Waits:
    """Waits for `hang`, cancelled with the type that it is given, and tells how that ended."""

    @workflow.run
    async def run(self, kind: ActivityCancellationType) -> str:
        try:
            return str(await workflow.execute_activity("hang", cancellation_type=kind))
        except asyncio.CancelledError:
            return "cancelled"


async def test_try_cancel_asks_the_activity_and_goes_on_at_once(engine: Harness) -> None:
    hanging = Hanging(stubborn=True)
    await engine.work(Waits, hanging)
    handle = await engine.start(Waits.run, ActivityCancellationType.TRY_CANCEL)
    await hanging.begun.wait()
    await handle.cancel()
    assert await handle.result() == "cancelled"
    await hanging.cancelled.wait()
    hanging.let_go.set()


async def test_wait_cancellation_completed_waits_for_how_the_activity_ends(engine: Harness) -> None:
    hanging = Hanging()
    await engine.work(Waits, hanging)
    handle = await engine.start(Waits.run, ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
    await hanging.begun.wait()
    await handle.cancel()
    assert await handle.result() == "cancelled"
    assert "activity.canceled" in await topics(handle)


async def test_an_activity_may_finish_although_it_was_asked_to_cancel(engine: Harness) -> None:
    hanging = Hanging(stubborn=True)
    await engine.work(Waits, hanging)
    handle = await engine.start(Waits.run, ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
    await hanging.begun.wait()
    await handle.cancel()
    await hanging.cancelled.wait()
    hanging.let_go.set()
    assert await handle.result() == "finished all the same"


async def test_abandon_does_not_ask_the_activity(engine: Harness) -> None:
    hanging = Hanging()
    await engine.work(Waits, hanging)
    handle = await engine.start(Waits.run, ActivityCancellationType.ABANDON)
    await hanging.begun.wait()
    await handle.cancel()
    assert await handle.result() == "cancelled"
    assert "activity.cancel_requested" not in await topics(handle)


async def test_cancelling_a_handle_raises_an_activity_error_caused_by_the_cancellation(engine: Harness) -> None:
    hanging = Hanging()

    @workflow.defn
    class Cancels:
        def __init__(self) -> None:
            self.stop = False

        @workflow.run
        async def run(self) -> list[str]:
            handle = workflow.start_activity("hang")
            await workflow.wait_condition(lambda: self.stop)
            handle.cancel()
            try:
                await handle
            except ActivityError as error:
                return [type(error.cause).__name__, str(is_cancelled_exception(error))]
            return []

        @workflow.signal
        def cancel(self) -> None:
            self.stop = True

    await engine.work(Cancels, hanging)
    handle = await engine.start(Cancels.run)
    await hanging.begun.wait()
    await handle.signal(Cancels.cancel)
    assert await handle.result() == ["CancelledError", "True"]
    await hanging.cancelled.wait()


async def test_a_time_out_of_asyncio_cancels_the_activity_that_it_stops_waiting_for(engine: Harness) -> None:
    hanging = Hanging()

    @workflow.defn
    async def hurries() -> str:
        try:
            await asyncio.wait_for(workflow.start_activity("hang"), 0.01)
        except TimeoutError:
            return "too slow"
        return "in time"

    await engine.work(hurries, hanging)
    assert await engine.execute(hurries) == "too slow"


async def test_an_activity_that_nobody_runs_is_cancelled_at_once(engine: Harness) -> None:
    await engine.work(Waits)
    handle = await engine.start(Waits.run, ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
    await handle.cancel()
    assert await handle.result() == "cancelled"


@pytest.mark.parametrize("how", ["terminate", "complete"])
async def test_activities_that_a_closed_run_left_behind_are_cancelled(engine: Harness, how: str) -> None:
    hanging = Hanging()

    @workflow.defn
    class Leaves:
        def __init__(self) -> None:
            self.stop = False

        @workflow.run
        async def run(self) -> None:
            workflow.start_activity("hang")
            await workflow.wait_condition(lambda: self.stop)

        @workflow.signal
        def leave(self) -> None:
            self.stop = True

    await engine.work(Leaves, hanging)
    handle = await engine.start(Leaves.run)
    await hanging.begun.wait()
    await (handle.terminate() if how == "terminate" else handle.signal(Leaves.leave))
    await hanging.cancelled.wait()


async def test_plain_code_in_a_thread_asks_whether_it_was_cancelled(engine: Harness) -> None:
    begun: list[str] = []

    @activity.defn(name="hang", no_thread_cancel_exception=True)
    def polls() -> str:
        begun.append("")
        activity.wait_for_cancelled_sync(timeout=timedelta(seconds=20))
        return f"cancelled: {activity.is_cancelled()}"

    await engine.work(Waits, polls)
    handle = await engine.start(Waits.run, ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
    await eventually(lambda: begun)
    await handle.cancel()
    assert await handle.result() == "cancelled: True"


async def test_an_async_activity_can_wait_for_its_cancellation(engine: Harness) -> None:
    told = asyncio.Event()
    begun = asyncio.Event()

    async def watch() -> None:
        await activity.wait_for_cancelled()
        told.set()

    @activity.defn(name="hang")
    async def watches() -> None:
        watcher = asyncio.create_task(watch())
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await watcher

    await engine.work(Waits, watches)
    handle = await engine.start(Waits.run, ActivityCancellationType.TRY_CANCEL)
    await begun.wait()
    await handle.cancel()
    await told.wait()
