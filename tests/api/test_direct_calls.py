"""Activities called as functions, sagas and races, with a real engine behind them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from tests.api.harness import ONCE, Harness, failure_of, ms, topics
from understudy import activity, workflow
from understudy.client import WorkflowFailureError
from understudy.common import Priority
from understudy.events.activity import ActivityScheduled
from understudy.exceptions import ActivityError, ApplicationError, CancelledError


@activity.defn(start_to_close_timeout=ms(60_000), priority=Priority(priority_key=2, fairness_key="tea"))
async def charge(order: int, *, currency: str = "EUR") -> str:
    """Takes money, or says who asked."""
    if not activity.in_activity():
        return f"{order} {currency} by hand"
    info = activity.info()
    return f"{order} {currency} {info.start_to_close_timeout} {info.priority.priority_key} {info.priority.fairness_key}"


@activity.defn
def double(number: int) -> int:
    """Runs in a thread."""
    return number * 2


@activity.defn(retry_policy=ONCE)
async def ship(order: int) -> str:
    """There is nothing to be sent."""
    raise ApplicationError(f"no stock for {order}")


@activity.defn
async def nested(order: int) -> str:
    """Calls another activity, as the function that it is."""
    return await charge(order)


class Ledger:
    """Remembers what its activities did."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @activity.defn
    async def write(self, line: str) -> int:
        self.lines.append(line)
        return len(self.lines)


# -- calls -----------------------------------------------------------------------------------------------------------


async def test_a_workflow_calls_activities_as_functions(engine: Harness) -> None:
    ledger = Ledger()

    @workflow.defn
    async def sale(order: int) -> list[Any]:
        return [
            await charge(order),
            await charge.options(start_to_close_timeout=ms(30_000))(order),
            await double.options()(order),
            await Ledger.write.options()("sold"),
        ]

    await engine.work(sale, charge, double, ledger.write)
    handle = await engine.start(sale, 7)
    assert await handle.result() == ["7 EUR 0:01:00 2 tea", "7 EUR 0:00:30 2 tea", 14, 1]
    assert ledger.lines == ["sold"]
    events = (await handle.fetch_history()).events
    sources = [event.source for event in events if isinstance(event, ActivityScheduled)]
    assert all(source.startswith("test_direct_calls.py:") for source in sources)


async def test_an_activity_that_another_one_calls_is_a_function(engine: Harness) -> None:
    @workflow.defn
    async def sale(order: int) -> str:
        return await nested(order)

    await engine.work(sale, nested)
    handle = await engine.start(sale, 7)
    assert (await handle.result()).startswith("7 EUR")
    assert (await topics(handle)).count("activity.scheduled") == 1
    assert await charge(7, currency="USD") == "7 USD by hand"


async def test_a_function_runs_in_another_process(engine: Harness) -> None:
    factor = 2

    @activity.defn(start_to_close_timeout=ms(50_000))
    def times(number: int) -> int:
        return number * factor

    @workflow.defn
    async def multiplies(number: int) -> int:
        return await times.options()(number)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        await engine.work(multiplies, times, activity_executor=pool)
        assert await engine.execute(multiplies, 21) == 42
        await engine.stop_work()


async def test_calls_go_on_after_a_restart(durable: Harness) -> None:
    @workflow.defn(name="Waits")
    class Waits:
        def __init__(self) -> None:
            self.told = ""

        @workflow.run
        async def run(self) -> str:
            first = await charge(1)
            winner = await workflow.select(
                told=workflow.wait_condition(lambda: bool(self.told)), timeout=workflow.sleep(3600)
            )
            return f"{first[:1]} {winner.name} {(await charge(2))[:1]}"

        @workflow.signal
        def tell(self, word: str) -> None:
            self.told = word

    await durable.work(Waits, charge)
    handle = await durable.start(Waits.run, id="waits")
    await durable.restart()
    await durable.work(Waits, charge)
    again = durable.client.get_workflow_handle(handle.id)
    await again.signal(Waits.tell, "now")
    assert await again.result() == "1 told 2"


# -- sagas -----------------------------------------------------------------------------------------------------------


async def test_a_saga_takes_back_what_was_done_and_fails_with_its_own_error(engine: Harness) -> None:
    ledger = Ledger()

    @workflow.defn
    async def trip() -> None:
        async with workflow.Saga() as saga:
            for line in ("car", "hotel"):
                await Ledger.write.options()(line)
                saga.add(Ledger.write.options(summary="take back"), f"no {line}")
            await ship(3)

    await engine.work(trip, ledger.write, ship)
    error = await failure_of((await engine.start(trip)).result())
    assert isinstance(error, ActivityError)
    assert "no stock for 3" in str(error.cause)
    assert ledger.lines == ["car", "hotel", "no hotel", "no car"]


async def test_a_saga_takes_back_what_was_done_when_its_run_is_cancelled(engine: Harness) -> None:
    ledger = Ledger()
    booked = asyncio.Event()

    @activity.defn
    async def book() -> None:
        booked.set()
        await activity.wait_for_cancelled()

    @workflow.defn
    async def trip() -> None:
        async with workflow.Saga() as saga:
            saga.add(Ledger.write.options(), "no car")
            await book()

    await engine.work(trip, ledger.write, book)
    handle = await engine.start(trip)
    await booked.wait()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert ledger.lines == ["no car"]
