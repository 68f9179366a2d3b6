"""The mixed load of the crash tests: workflows of every shape, and the activities that they call.

Every activity has its effect in the ledger, and some fail after it, because that is the order that hurts. All waits are
milliseconds long: what matters is that a crash finds each of them under way, not how long they take.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from tests.recovery.ledger import Ledger
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory, CancelledError

__all__ = ["CHAIN_LENGTH", "CHAIN_RETRY", "QUEUE", "WORKFLOWS", "Work"]

QUEUE: Final = "load"
SOON: Final = RetryPolicy(initial_interval=timedelta(milliseconds=2), maximum_interval=timedelta(milliseconds=8))
CHAIN_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=5), maximum_attempts=5)
CHAIN_LENGTH: Final = 3
HOUR: Final = 3_600.0


def planned(message: str, **options: Any) -> ApplicationError:
    """A failure that belongs to the load, so that the log has only what goes wrong."""
    return ApplicationError(message, category=ApplicationErrorCategory.BENIGN, **options)


class Work:
    """The activities, each of which has its effect in a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def all(self) -> Sequence[Callable[..., Any]]:
        """Return the activities, for a worker."""
        return [
            *(self.debit, self.credit, self.flaky, self.refuse),
            *(self.look_up, self.stumble, self.crunch, self.linger, self.hold),
        ]

    @activity.defn
    async def debit(self, amount: int) -> int:
        self._ledger.note()
        await asyncio.sleep(0)
        return amount

    @activity.defn
    def credit(self, amount: int) -> int:
        """As `debit`, in a thread."""
        self._ledger.note()
        return amount

    @activity.defn
    async def flaky(self, failures: int, amount: int) -> int:
        """Have the effect, and fail all the same, `failures` times."""
        self._ledger.note()
        if activity.info().attempt <= failures:
            raise planned("not yet", type="NotYet")
        return amount

    @activity.defn
    def refuse(self, amount: int) -> int:
        self._ledger.note()
        raise planned(f"never {amount}", type="Never", non_retryable=True)

    @activity.defn
    async def look_up(self, number: int) -> int:
        self._ledger.note()
        return number * 2

    @activity.defn
    async def stumble(self, failures: int, number: int) -> int:
        """As `flaky`, for a local activity, whose attempts are counted in memory."""
        self._ledger.note()
        if activity.info().attempt <= failures:
            raise planned("not yet", type="NotYet")
        return number

    @activity.defn
    def crunch(self, items: int) -> str:
        """Work through items, lose heart half way, and go on from there, or from further on after a crash."""
        self._ledger.note()
        info = activity.info()
        start = int(info.heartbeat_details[0]) if info.heartbeat_details else 0
        for item in range(start, items):
            if info.attempt == 1 and item == items // 2:
                raise planned("half way", type="HalfWay")
            activity.heartbeat(item + 1)
        return "went on" if start >= items // 2 else f"began again at {start}"

    @activity.defn
    async def linger(self) -> None:
        """Run until it is asked to stop."""
        self._ledger.note()
        await asyncio.Event().wait()

    @activity.defn
    def hold(self) -> str:
        """As `linger`, in a thread, which has to look by itself whether it is to stop."""
        self._ledger.note()
        pause = threading.Event()
        while not activity.is_cancelled():
            pause.wait(0.002)
        return "held"


@workflow.defn
class Steps:
    @workflow.run
    async def run(self, amounts: list[int]) -> int:
        total = 0
        for place, amount in enumerate(amounts):
            step: Any = Work.debit if place % 2 else Work.credit
            total += int(await workflow.execute_activity_method(step, amount))
        return total


@workflow.defn
class Retries:
    @workflow.run
    async def run(self, failures: int, amount: int) -> str:
        got = await workflow.execute_activity_method(Work.flaky, args=[failures, amount], retry_policy=SOON)
        try:
            await workflow.execute_activity_method(Work.refuse, amount)
        except ActivityError as error:
            return f"{got}, {error.cause}"
        return "never refused"


@workflow.defn
class Local:
    @workflow.run
    async def run(self, numbers: list[int]) -> int:
        total = 0
        for number in numbers:
            found = await workflow.execute_local_activity_method(Work.look_up, number)
            total += await workflow.execute_activity_method(Work.debit, found)
        return total + await workflow.execute_local_activity_method(Work.stumble, args=[1, 1], retry_policy=SOON)


@workflow.defn
class Timers:
    @workflow.run
    async def run(self, milliseconds: list[int]) -> list[str]:
        seen: list[str] = []
        for wait in milliseconds:
            await workflow.sleep(wait / 1_000)
            seen.append(f"slept {wait}")
        try:
            async with asyncio.timeout(0.004):
                await asyncio.sleep(0.004)  # due at the same instant as the time-out, which was asked for first
        except TimeoutError:
            seen.append("timed out")
        try:
            await workflow.wait_condition(lambda: False, timeout=0.003)
        except TimeoutError:
            seen.append("waited")
        drawn = workflow.side_effect(lambda: id(object()))
        again = await workflow.execute_activity_method(Work.debit, drawn)
        seen.append("same value" if drawn == again else f"{drawn} became {again}")
        name = str(workflow.uuid4())
        await workflow.sleep(0.001)
        seen.append(f"{len(name)} characters")
        return seen


@workflow.defn
class Mailbox:
    """Sleeps, then takes a number of signals, each of which costs an activity."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.taken: list[int] = []
        self.came = 0

    @workflow.run
    async def run(self, count: int) -> list[int]:
        await workflow.sleep(0.005)
        while len(self.taken) < count:
            await workflow.wait_condition(lambda: bool(self.waiting))
            self.taken.append(await workflow.execute_activity_method(Work.debit, self.waiting.pop(0)))
        return self.taken

    @workflow.signal
    def put(self, item: int) -> None:
        self.waiting.append(item)
        self.came += 1

    @workflow.query
    def seen(self) -> int:
        return self.came


@workflow.defn
class FanOut:
    @workflow.run
    async def run(self, amounts: list[int]) -> int:
        calls: list[Any] = []
        for place, amount in enumerate(amounts):
            if place % 3 == 0:
                calls.append(workflow.execute_activity_method(Work.credit, amount))
            elif place % 3 == 1:
                calls.append(workflow.execute_activity_method(Work.flaky, args=[1, amount], retry_policy=SOON))
            else:
                calls.append(workflow.execute_local_activity_method(Work.stumble, args=[0, amount]))
        return sum(await asyncio.gather(*calls))


@workflow.defn
class Canceled:
    """Waits for its cancellation, in a sleep or in an activity, and cleans up behind itself."""

    @workflow.run
    async def run(self, how: str) -> None:
        try:
            if how == "asleep":
                await workflow.sleep(HOUR)
            else:
                await workflow.execute_activity_method(Work.linger)
        finally:
            await workflow.execute_activity_method(Work.debit, 1)


@workflow.defn
class Drops:
    """Starts activities and asks them to stop."""

    @workflow.run
    async def run(self, milliseconds: int) -> list[str]:
        waits = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        handle = workflow.start_activity_method(Work.linger, cancellation_type=waits)
        await workflow.sleep(milliseconds / 1_000)
        handle.cancel()
        ends: list[str] = []
        try:
            await handle
        except ActivityError as error:
            ends.append("stopped" if isinstance(error.cause, CancelledError) else repr(error.cause))
        thread = workflow.start_activity_method(Work.hold, cancellation_type=waits)
        await workflow.sleep(milliseconds / 1_000)
        thread.cancel()
        try:
            await thread
            ends.append("ended")
        except ActivityError as error:
            ends.append("ended" if isinstance(error.cause, CancelledError) else repr(error.cause))
        return ends


@workflow.defn
class Beats:
    @workflow.run
    async def run(self, items: int) -> str:
        return await workflow.execute_activity_method(Work.crunch, items, retry_policy=SOON)


@workflow.defn
async def chain(amount: int) -> int:
    """Fail as a whole until the third run."""
    paid = await workflow.execute_activity_method(Work.debit, amount)
    run = workflow.info().attempt
    if run < CHAIN_LENGTH:
        raise ApplicationError(f"run {run} failed", type="Again")
    return paid + run


@workflow.defn
async def fails(amount: int) -> int:
    """Fail for good."""
    return await workflow.execute_activity_method(Work.refuse, amount)


WORKFLOWS: Final[Sequence[Any]] = [
    *(Steps, Retries, Local, Timers, Mailbox, FanOut, Canceled, Drops, Beats),
    *(chain, fails),
]
