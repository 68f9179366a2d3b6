"""Workflows and activities for rehearsals; the activities are only asked for, nobody runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from understudy import activity, workflow
from understudy.common import RawValue
from understudy.exceptions import ActivityError, ApplicationError

__all__ = [
    "Cart",
    "Everything",
    "Patient",
    "add",
    "charge",
    "either",
    "local_step",
    "nap",
    "pack",
    "roll",
    "step",
    "timed_step",
    "twice",
    "waiting_for",
]


@activity.defn
async def charge(amount: int) -> int:
    """Take money."""
    return amount


@activity.defn
async def pack(item: str) -> str:
    """Put something into a box."""
    return item


@activity.defn
async def add(one: int, two: int) -> int:
    """Add, close by."""
    return one + two


@workflow.defn
async def step(amount: int) -> int:
    """One activity."""
    return await workflow.execute_activity(charge, amount)


@workflow.defn
async def local_step(amount: int) -> int:
    """One local activity."""
    return await workflow.execute_local_activity(add, args=[amount, 1])


@workflow.defn
async def timed_step(amount: int) -> int | str:
    """One activity with a limit."""
    try:
        async with asyncio.timeout(60):
            return await workflow.execute_activity(charge, amount)
    except TimeoutError:
        return "too late"


@workflow.defn
async def nap(seconds: float) -> str:
    """One timer."""
    await workflow.sleep(seconds)
    return "awake"


@workflow.defn
async def twice(one: str, two: str) -> list[str]:
    """Two activities at once."""
    return list(await asyncio.gather(workflow.execute_activity(pack, one), workflow.execute_activity(pack, two)))


@workflow.defn
async def either(amount: int) -> str:
    """An activity against a timer: the first wins, and the other is cancelled."""
    paid = asyncio.ensure_future(workflow.execute_activity(charge, amount))
    late = asyncio.ensure_future(workflow.sleep(30))
    done, waiting = await workflow.wait([paid, late], return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await workflow.wait([paid, late])
    return "paid" if done[0] is paid else "late"


@workflow.defn
async def roll() -> list[Any]:
    """Chance, time and a side effect, before and behind a timer."""
    found: list[Any] = [workflow.random().random(), str(workflow.uuid4()), workflow.now().isoformat()]
    found.append(workflow.side_effect(lambda: {"price": 1.5}))
    await workflow.sleep(1)
    found += [workflow.random().randint(1, 6), str(workflow.uuid7()), workflow.time(), workflow.time_ns()]
    return found


@workflow.defn
class Cart:
    """Signals and queries of all kinds."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.closed = False

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
        return self.items

    @workflow.signal
    def put(self, item: str, count: int = 1) -> None:
        self.items.extend([item] * count)

    @workflow.signal
    async def fetch(self, item: str) -> None:
        self.items.append(await workflow.execute_activity(pack, item))

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.signal(dynamic=True)
    def other(self, name: str, args: Sequence[RawValue]) -> None:
        self.items.append([name, [workflow.payload_converter().from_payload(arg.payload) for arg in args]])

    @workflow.query
    def count(self, of: str | None = None) -> int:
        return len(self.items) if of is None else self.items.count(of)

    @workflow.query(dynamic=True)
    def any(self, name: str, args: Sequence[RawValue]) -> list[Any]:
        return [name, len(args)]


@workflow.defn
class Patient:
    """Waits for a number, for a while."""

    def __init__(self) -> None:
        self.number = 0

    @workflow.run
    async def run(self, seconds: float | None) -> int | str:
        try:
            await workflow.wait_condition(lambda: self.number > 0, timeout=seconds)
        except TimeoutError:
            return "too late"
        return self.number

    @workflow.signal
    def give(self, number: int) -> None:
        self.number = number


@workflow.defn
async def waiting_for(kind: int) -> str:
    """Cancel an activity after a second, in the way of `kind`, and say how that ended."""
    handle = workflow.start_activity(charge, 1, cancellation_type=workflow.ActivityCancellationType(kind))
    await workflow.sleep(1)
    handle.cancel()
    try:
        return f"returned {await handle}"
    except ActivityError as error:
        return f"{type(error.cause).__name__}: {error.cause}"


@workflow.defn
class Everything:
    """All at once, with failures that are survived; what comes first is told first."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.more = 0

    @workflow.signal
    async def tell(self, word: str) -> None:
        self.more += 1
        self.told.append(["told", word, await workflow.execute_activity(pack, word)])
        self.more -= 1

    @workflow.signal
    def note(self, word: str) -> None:
        self.told.append(["noted", word, workflow.info().get_current_history_length()])

    async def survive(self, name: str, what: Any) -> None:
        try:
            self.told.append([name, await what])
        except (ActivityError, ApplicationError) as error:
            self.told.append([name, str(error.cause)])
        except TimeoutError:
            self.told.append([name, "too late"])
        except asyncio.CancelledError:
            self.told.append([name, "cancelled", workflow.now().timestamp()])

    async def parcel(self) -> list[Any]:
        handle = workflow.start_activity(
            pack, "slow", cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        )
        await workflow.sleep(3)
        handle.cancel()
        return [await handle]

    @workflow.run
    async def run(self) -> list[Any]:
        self.told.append(str(workflow.uuid4()))
        await asyncio.gather(
            self.survive("activity", workflow.execute_activity(charge, 1)),
            self.survive("local", workflow.execute_local_activity(add, args=[1, 2])),
            self.survive("sleep", workflow.sleep(2)),
            self.survive("parcel", self.parcel()),
            self.survive("limit", asyncio.wait_for(workflow.execute_activity(charge, 2), 4)),
            self.survive("tries", workflow.execute_activity(pack, "x", schedule_to_close_timeout=timedelta(seconds=5))),
            self.survive("patience", workflow.wait_condition(lambda: len(self.told) > 6, timeout=6)),
        )
        self.told.append(workflow.side_effect(lambda: 42))
        await workflow.wait_condition(lambda: self.more == 0)
        return self.told
