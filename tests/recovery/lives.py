"""Engines that die: several lives on one store, in one process.

A life is a whole engine (system, client, worker) on an event loop of its own, over a store that crashes at a chosen
commit. At the crash nothing more may come of that life: its writer thread is held inside the commit, the loop is closed
with whatever was on it, and only then is the thread let go, to find that nobody waits for it. A commit on the loop
itself ends the loop. The store below outlives it, as a disk does, and the next life opens it again.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Container, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from tests.store.failing import FailingStore, SimulatedCrash
from understudy import Client, Worker
from understudy._client.config import ServiceClient
from understudy.actors.clock import Clock, SkippableClock
from understudy.actors.system import System
from understudy.converter import DataConverter
from understudy.events.errors import EngineStoppedError
from understudy.events.errors.root import EngineError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.port import EventStore, Unit

__all__ = [
    "NEVER",
    "ON_A_THREAD",
    "ON_THE_LOOP",
    "QUEUE",
    "FaultyStore",
    "MortalStore",
    "Script",
    "When",
    "compose",
    "live",
    "work_for",
]

QUEUE: Final = "lives"
NEVER: Final = 1_000_000
"""The commit to crash at, for a life that ends well."""
PATIENCE: Final = 20.0
"""Seconds that a life may take before it counts as hung."""
ON_A_THREAD: Final = 0.0
ON_THE_LOOP: Final = PATIENCE
"""How long commits may take, s, to be made on the loop: never there, or each that is alone."""

When = Literal["before", "after"]


class DeadLoop(SystemExit):
    """The process died in a commit on its loop; asyncio lets nothing less out."""


class MortalStore(FailingStore):
    """A store that dies, and holds on to who was writing; `close` leaves the inner store open for the next life."""

    def __init__(self, inner: EventStore, fail_at: int = NEVER, when: When = "before") -> None:
        super().__init__(inner, fail_at, when)
        self.loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._buried = threading.Event()
        self._thread = threading.get_ident()
        self.death = asyncio.Event()
        self.refusals: list[EngineError] = []
        """What the inner store refused, unit by unit."""

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        try:
            outcomes = super().commit(units)
        except SimulatedCrash:
            first = self.commits == self.fail_at
            self.loop.call_soon_threadsafe(self.death.set)
            if threading.get_ident() != self._thread:
                self._buried.wait(PATIENCE)
            elif first:
                raise DeadLoop from None
            return [EngineStoppedError(reason="it is dead")] * len(units)
        self.refusals.extend(filter(None, outcomes))
        self.loop.call_soon_threadsafe(self._changed.set)
        return outcomes

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a commit, or the refusal of one, makes the condition true."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def bury(self) -> None:
        """Let go of the writer thread; called once the loop is closed."""
        self._buried.set()

    def close(self) -> None:
        """Leave the inner store open."""


class FaultyStore(MortalStore):
    """A store of which some commits go wrong without killing anybody: it says so, and lives on.

    Args:
        inner: The store that keeps the events.
        faults: The numbers of those commits, from 1.
        when: Whether they are lost, or on disk for all that was said.
    """

    def __init__(self, inner: EventStore, faults: Container[int], when: When) -> None:
        super().__init__(inner)
        self.faults = faults
        self.side = when
        self.asked = 0

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        self.asked += 1
        if self.asked not in self.faults:
            return super().commit(units)
        if self.side == "after":
            super().commit(units)
        return [StoreUnavailableError(path=self.url, reason="the disk hiccups") for _ in units]


Script = Callable[[Client, MortalStore], Awaitable[Any]]
"""What the client does in each life: it begins anew every time, so whatever it sends carries a request id."""


def compose(store: EventStore, inline_seconds: float = ON_A_THREAD, clock: Clock | None = None) -> Client:
    """Return a client of a new engine on `store`, on the running loop; `tests.turn` turns its own clock."""
    converter = DataConverter.default
    system = System(
        store,
        converter.payload_converter,
        converter.failure_converter,
        clock=clock or SkippableClock(),
        inline_seconds=inline_seconds,
    )
    return Client.owning(ServiceClient(system, store.url, "tester", converter), data_converter=converter)


def work_for(client: Client, workflows: Sequence[Any], activities: Sequence[Any], **options: Any) -> Worker:
    """Return a worker for the client's engine."""
    return Worker(client, task_queue=QUEUE, workflows=workflows, activities=activities, debug_mode=True, **options)


def live(  # noqa: PLR0913, PLR0917 - a life, and what it lives by
    script: Script,
    workflows: Sequence[Any],
    activities: Sequence[Any],
    mortal_store: Callable[[], MortalStore],
    inline_seconds: float = ON_A_THREAD,
    clock: Clock | None = None,
) -> tuple[Any, bool]:
    """Live one life.

    Args:
        script: What the client does.
        workflows: The worker's.
        activities: The worker's.
        mortal_store: Makes its store, on the running loop.
        inline_seconds: Where commits are made.
        clock: What the engine lives by.

    Returns:
        The script's result (None if it died), and whether it died.
    """
    lived: list[tuple[Client, MortalStore]] = []

    async def life() -> Any:
        mortal = mortal_store()
        client = compose(mortal, inline_seconds, clock)
        lived.append((client, mortal))
        await work_for(client, workflows, activities).__aenter__()
        task = asyncio.ensure_future(script(client, mortal))
        death = asyncio.create_task(mortal.death.wait())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        if mortal.death.is_set():
            return None
        result = await task
        await client.close()
        return result

    result = None
    try:
        with suppress(DeadLoop), asyncio.Runner() as runner:
            result = runner.run(life())
    finally:
        for client, mortal in lived:
            mortal.bury()
            forget_unborn(mortal.loop)
            if mortal.crashed:
                leave(client)
    ((_, mortal),) = lived
    return result, mortal.crashed


def forget_unborn(loop: asyncio.AbstractEventLoop) -> None:
    """Close the coroutines of tasks that never began, because their loop came to its end just then."""
    for task in asyncio.all_tasks(loop):
        coroutine = task.get_coro()
        if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()


def leave(client: Client) -> None:
    """Let go of the threads of an engine whose loop is closed."""
    engine = client.engine
    for worker in engine.workers:
        worker.close()
    engine.abandon()
