"""What survives a restart of the process: everything that was acknowledged, and what is due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api.harness import AT_ONCE, Harness, Skipping, eventually, has, ms, topics
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ApplicationError, QueryRefusedError


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Order:
    """Doubles, waits for an approval, and doubles again."""

    def __init__(self) -> None:
        self.approved: list[str] = []

    @workflow.run
    async def run(self, number: int) -> list[Any]:
        number = await workflow.execute_activity(double, number)
        token = str(workflow.uuid4())
        await workflow.wait_condition(lambda: bool(self.approved))
        return [await workflow.execute_activity(double, number), token, self.approved]

    @workflow.signal
    def approve(self, who: str) -> None:
        self.approved.append(who)

    @workflow.query
    def who(self) -> list[str]:
        return self.approved


async def test_a_result_is_there_after_a_restart(durable: Harness) -> None:
    await durable.work(Order, double)
    handle = await durable.start(Order.run, 1, id="order")
    await handle.signal(Order.approve, "kim")
    result = await handle.result()
    await durable.restart()
    handle = durable.client.get_workflow_handle_for(Order.run, "order")
    assert await handle.result() == result
    assert (await handle.describe()).history_length == len((await handle.fetch_history()).events)


async def test_an_open_run_goes_on_after_a_restart(durable: Harness) -> None:
    await durable.work(Order, double)
    handle = await durable.start(Order.run, 1, id="order")
    await eventually(lambda: has(handle, "activity.completed"))
    await durable.restart()
    await durable.work(Order, double)
    handle = durable.client.get_workflow_handle_for(Order.run, "order")
    waiting = asyncio.create_task(handle.result())
    await handle.signal(Order.approve, "kim")
    number, _, approved = await waiting
    assert (number, approved) == (4, ["kim"])


async def test_signals_and_their_request_ids_survive(durable: Harness) -> None:
    handle = await durable.start(Order.run, 1, id="order")
    await handle.signal(Order.approve, "kim", request_id="r")
    await durable.restart()
    handle = durable.client.get_workflow_handle_for(Order.run, "order")
    await handle.signal(Order.approve, "kim", request_id="r")
    await handle.signal(Order.approve, "lee")
    await durable.work(Order, double)
    assert (await handle.result())[2] == ["kim", "lee"]


async def test_ids_and_request_ids_of_starts_survive(durable: Harness) -> None:
    first = await durable.start(Order.run, 1, id="order", request_id="r")
    await durable.restart()
    again = await durable.start(Order.run, 1, id="order", request_id="r")
    assert again.result_run_id == first.result_run_id


async def test_a_timer_that_came_due_in_between_fires_at_once(durable: Harness) -> None:
    @workflow.defn
    async def naps(milliseconds: int) -> float:
        before = workflow.time()
        await workflow.sleep(milliseconds / 1000)
        return workflow.time() - before

    await durable.work(naps)
    handle = await durable.start(naps, 20, id="nap")
    await eventually(lambda: has(handle, "timer.started"))
    await durable.close()
    started = (await _history_of_closed(durable))[0]
    due = datetime.fromtimestamp(started.at / 1_000_000_000, UTC) + ms(20)
    await eventually(lambda: datetime.now(UTC) > due)
    await durable.open()
    await durable.work(naps)
    assert await durable.client.get_workflow_handle("nap").result() >= 0.02


async def _history_of_closed(durable: Harness) -> list[Any]:
    await durable.open()
    events = list((await durable.client.get_workflow_handle("nap").fetch_history()).events)
    await durable.close()
    return events


async def test_a_timer_that_is_not_due_yet_waits_for_its_time(durable: Harness) -> None:
    @workflow.defn
    async def naps() -> float:
        before = workflow.time()
        await workflow.sleep(0.2)
        return workflow.time() - before

    await durable.work(naps)
    handle = await durable.start(naps, id="nap")
    await eventually(lambda: has(handle, "timer.started"))
    await durable.restart()
    await durable.work(naps)
    assert await durable.client.get_workflow_handle("nap").result() >= 0.2


async def test_an_activity_without_an_outcome_runs_again(durable: Harness) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    @activity.defn(name="double")
    async def slow(number: int) -> int:
        begun.append(activity.info().attempt)
        await go_on.wait()
        return 2 * number

    await durable.work(Order, slow, graceful_shutdown_timeout=ms(1))
    handle = await durable.start(Order.run, 1, id="order")
    await handle.signal(Order.approve, "kim")
    await eventually(lambda: begun)
    await durable.restart()
    go_on.set()
    await durable.work(Order, slow)
    assert (await durable.client.get_workflow_handle("order").result())[0] == 4
    assert begun == [1, 1, 1]


async def test_the_count_of_attempts_survives(durable_skipping: Skipping) -> None:
    durable = durable_skipping
    attempts: list[int] = []

    @activity.defn(name="double")
    async def fails(number: int) -> int:
        attempts.append(activity.info().attempt)
        if len(attempts) < 4:
            later = timedelta(hours=1) if len(attempts) == 3 else None
            raise ApplicationError("not yet", next_retry_delay=later)
        return number

    @workflow.defn
    async def retries() -> int:
        policy = RetryPolicy(initial_interval=ms(1), maximum_interval=ms(1), maximum_attempts=4)
        return await workflow.execute_activity(double, 1, retry_policy=policy)

    await durable.work(retries, fails)
    handle = await durable.start(retries, id="r")
    await eventually(lambda: len(attempts) == 3)

    async def backing_off() -> bool:
        pending = (await handle.describe()).pending_activities
        return bool(pending) and pending[0].attempt == 4

    await eventually(backing_off)
    planned = (await handle.describe()).pending_activities[0].next_attempt_at
    await durable.restart()
    pending = (await durable.client.get_workflow_handle("r").describe()).pending_activities[0]
    assert (pending.attempt, pending.last_failure, pending.next_attempt_at) == (4, "not yet", planned)
    await durable.work(retries, fails)
    assert await durable.client.get_workflow_handle("r").result() == 1
    assert attempts == [1, 2, 3, 4]
    assert planned is not None
    assert await durable.env.get_current_time() >= planned


async def test_heartbeat_details_survive(durable: Harness) -> None:
    seen: list[list[Any]] = []
    go_on = asyncio.Event()

    @activity.defn
    async def crawl() -> int:
        seen.append(list(activity.info().heartbeat_details))
        activity.heartbeat("page", 7)
        await go_on.wait()
        return len(seen)

    @workflow.defn
    async def crawls() -> int:
        return await workflow.execute_activity(crawl, retry_policy=AT_ONCE)

    await durable.work(crawls, crawl, graceful_shutdown_timeout=ms(1))
    handle = await durable.start(crawls, id="c")
    await eventually(lambda: has(handle, "activity.heartbeat_recorded"))
    await durable.restart()
    go_on.set()
    await durable.work(crawls, crawl)
    assert await durable.client.get_workflow_handle("c").result() == 2
    assert seen == [[], ["page", 7]]


async def test_a_run_time_out_that_struck_in_between_is_seen_to(durable: Harness) -> None:
    handle = await durable.start(Order.run, 1, id="order", run_timeout=ms(10))
    due = (await handle.describe()).start_time + ms(10)
    await durable.close()
    await eventually(lambda: datetime.now(UTC) > due)
    await durable.open()
    await durable.work(Order, double)

    async def timed_out() -> bool:
        status = (await durable.client.get_workflow_handle("order").describe()).status
        return status is not None and status.name == "TIMED_OUT"

    await eventually(timed_out)


async def test_a_cancellation_that_was_acknowledged_is_delivered_after_a_restart(durable: Harness) -> None:
    handle = await durable.start(Order.run, 1, id="order")
    await handle.cancel(reason="no longer needed")
    await durable.restart()
    await durable.work(Order, double)

    async def canceled() -> bool:
        return "workflow.canceled" in await topics(durable.client.get_workflow_handle("order"))

    await eventually(canceled)


async def test_what_a_refused_query_changed_is_gone_after_a_restart_too(durable: Harness) -> None:
    @workflow.defn
    class Sly:
        def __init__(self) -> None:
            self.count = 0

        @workflow.run
        async def run(self) -> int:
            await workflow.sleep(timedelta(hours=1))
            return self.count

        @workflow.query
        def bump(self) -> int:
            self.count += 1
            return self.count

        @workflow.query
        def get(self) -> int:
            return self.count

    await durable.work(Sly)
    handle = await durable.start(Sly.run, id="sly")
    refused = await asyncio.gather(*(handle.query(Sly.bump) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, QueryRefusedError) for error in refused)
    assert await handle.query(Sly.get) == 0
    await durable.restart()
    await durable.work(Sly)
    assert await durable.client.get_workflow_handle("sly").query(Sly.get) == 0


async def test_a_local_activity_without_an_outcome_runs_again(durable: Harness) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    @activity.defn
    async def slow() -> int:
        begun.append(activity.info().attempt)
        await go_on.wait()
        return len(begun)

    @workflow.defn
    async def calls() -> int:
        return await workflow.execute_local_activity(slow)

    await durable.work(calls, slow, graceful_shutdown_timeout=ms(1))
    handle = await durable.start(calls, id="c")
    await eventually(lambda: begun)
    assert await topics(handle) == ["workflow.started"]
    await durable.restart()
    go_on.set()
    await durable.work(calls, slow)
    assert await durable.client.get_workflow_handle("c").result() == 2


async def test_a_signal_that_is_under_way_when_the_client_closes_is_answered(durable: Harness) -> None:
    handle = await durable.start(Order.run, 1, id="order")
    sent = [asyncio.create_task(handle.signal(Order.approve, str(number))) for number in range(20)]
    await asyncio.sleep(0)
    await durable.close()
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    acknowledged = [str(number) for number, outcome in enumerate(outcomes) if outcome is None]
    await durable.open()
    events: Any = (await durable.client.get_workflow_handle("order").fetch_history()).events
    recorded = [e.input[0].data for e in events if e.topic == "signal.received"]
    assert {f'"{text}"'.encode() for text in acknowledged} <= {bytes(data) for data in recorded}
