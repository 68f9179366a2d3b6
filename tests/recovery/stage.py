"""A whole engine over a store in memory, whose commits can be held or refused, and small workflows to run on it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from tests.recovery.again import definitions, perform, replay
from tests.recovery.audit import closed_once, histories, recorded_once
from tests.recovery.lives import QUEUE, MortalStore, compose, work_for
from understudy import Client, activity, workflow
from understudy.events.errors.root import EngineError
from understudy.events.event import Event
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore, ExecutionRow, Unit
from understudy.exceptions import ActivityError, StoreBusyError

__all__ = [
    "WORKFLOWS",
    "Hands",
    "HeldStore",
    "Keeper",
    "Mended",
    "Stage",
    "check",
    "engine",
    "hurried",
    "others_first",
    "two_at_once",
    "working",
    "working_here",
]

PATIENCE: Final = 20.0
"""Seconds after which a wait counts as hung."""


class HeldStore(MortalStore):
    """A store whose commits can be held, or refused, and that remembers each row beside the events it stands for."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.free = threading.Event()
        self.free.set()
        self.held = asyncio.Event()
        self.refuse = False
        self.rows: list[tuple[ExecutionRow, list[Event]]] = []

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        if not self.free.is_set():
            self.loop.call_soon_threadsafe(self.held.set)
            self.free.wait(PATIENCE)
        if self.refuse:
            self.refusals.extend(refusals := [StoreBusyError(path=self.url) for _ in units])
            self.loop.call_soon_threadsafe(self._changed.set)
            return list(refusals)
        outcome = super().commit(units)
        for run_id in {append.run_id for unit in units for append in unit.appends}:
            row, events = self.inner.execution(run_id), self.inner.load(run_id)
            if row is not None:
                self.rows.append((row, events))
        return outcome

    def hold(self) -> None:
        """Hold the commits from now on."""
        self.held.clear()
        self.free.clear()


class Hands:
    """Activities that wait at a gate, and count how often they were begun."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun: Counter[str] = Counter()
        self.entered = asyncio.Event()

    def all(self) -> Sequence[Callable[..., Any]]:
        """Return the activities, for a worker."""
        return [self.work, self.work_here]

    @activity.defn
    async def work(self, word: str) -> str:
        self.begun[activity.info().idempotency_key] += 1
        self.entered.set()
        await self.gate.wait()
        return word

    @activity.defn
    async def work_here(self, word: str) -> str:
        """As a local one."""
        return await self.work(word)


@workflow.defn
class Keeper:
    """Keeps what it is told, until it was told enough."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.query
    def told(self) -> int:
        return len(self.words)

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return self.words


@workflow.defn
async def working(word: str) -> str:
    return await workflow.execute_activity_method(Hands.work, word)


@workflow.defn
async def working_here(word: str) -> str:
    here = await workflow.execute_local_activity_method(Hands.work_here, word)
    await workflow.sleep(0.001)
    return here


@workflow.defn
async def hurried(word: str) -> str:
    """Give an activity an hour, and go on."""
    soon = timedelta(hours=1)
    try:
        return await workflow.execute_activity_method(Hands.work, word, schedule_to_close_timeout=soon)
    except ActivityError:
        await workflow.sleep(0.001)
        return "too late"


@workflow.defn
async def two_at_once(how: str) -> str:
    """Wait for two things that are due at the same instant."""
    if how == "time-out":
        try:
            async with asyncio.timeout(0.005):
                await asyncio.sleep(0.005)
        except TimeoutError:
            return "timed out"
        return "slept"
    sleeps = {asyncio.create_task(asyncio.sleep(0.005)) for _ in range(2)}
    done, _ = await asyncio.wait(sleeps, return_when=asyncio.FIRST_COMPLETED)
    return f"{len(done)} done"


@workflow.defn
class Mended:
    """Its code has a bug until somebody mends it, and meanwhile both things happen that it waits for."""

    broken = True

    @workflow.run
    async def run(self, other: str) -> str:
        first = asyncio.create_task(asyncio.sleep(0.001))
        late = asyncio.sleep(0.002) if other == "timer" else workflow.execute_activity_method(Hands.work, "late")
        second = asyncio.create_task(late)
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        if Mended.broken:
            raise ValueError("a bug")
        second.cancel()
        await workflow.sleep(0.001)
        return "mended"


WORKFLOWS: Final[list[Any]] = [Keeper, working, working_here, hurried, two_at_once, Mended]


class Stage:
    """An engine with a worker on a store in memory."""

    def __init__(self, client: Client, store: HeldStore, hands: Hands) -> None:
        self.client = client
        self.store = store
        self.hands = hands

    async def start(self, what: Any, *args: Any, name: str = "it", **options: Any) -> Any:
        """Start a run."""
        return await self.client.start_workflow(what, args=args, id=name, task_queue=QUEUE, **options)

    def events(self, name: str = "it") -> list[Event]:
        """What is recorded of the latest run of a workflow id."""
        row = self.store.inner.latest(name)
        return self.store.inner.load(row.run_id) if row is not None else []

    def work(self, hands: Hands | None = None) -> Any:
        """Return a worker."""
        activities = (hands or self.hands).all()
        return work_for(self.client, WORKFLOWS, activities, graceful_shutdown_timeout=timedelta())


@asynccontextmanager
async def engine(inner: EventStore | None = None, *, working: bool = True) -> AsyncGenerator[Stage]:
    """An engine, with a worker unless it is not `working`; what is left of every run is checked in the end."""
    store = HeldStore(inner or MemoryStore())
    async with asyncio.timeout(PATIENCE), compose(store) as client:
        stage = Stage(client, store, Hands())
        try:
            if working:
                async with stage.work():
                    yield stage
            else:
                yield stage
        finally:
            store.free.set()
    check(store.inner)


def check(store: EventStore) -> None:
    """Check on every run what holds of all."""
    known = definitions(WORKFLOWS)
    for run_id, events in histories(store).items():
        closed_once(run_id, events)
        recorded_once(run_id, events)
        replay(known, run_id, events).close()
        perform(known, run_id, events)


async def others_first() -> None:
    """Let everything that is ready go first."""
    for _ in range(20):
        await asyncio.sleep(0)
