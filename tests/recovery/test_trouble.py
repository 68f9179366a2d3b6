"""A disk that is full, a database that is locked, a row that is damaged, an event that is gone: and then it is over.

Each time the same is asked. Who was not acknowledged is told, by an error that names the cause. What was acknowledged
is there. Runs that the trouble is none of go on. And when the cause is gone, so does everything else, by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.recovery.again import definitions, perform, replay
from tests.recovery.audit import closed_once, histories, recorded_once, view_once
from tests.recovery.lives import QUEUE, MortalStore, compose, work_for
from tests.turn import turn
from understudy import Client, activity, workflow
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.store.sqlite.store import SqliteStore
from understudy.events.timer import TimerFired
from understudy.exceptions import (
    CorruptEventError,
    EngineError,
    MissingEventError,
    StoreBusyError,
    StoreFullError,
    WorkflowNotFoundError,
)

HOUR = timedelta(hours=1)
LARGE = 5_000
"""What is to be refused by a full disk must be large: there is always room for a word in some page."""
PATIENCE = 20.0
"""Seconds after which a wait counts as hung."""


class Gate:
    """Activities that wait until the test lets them go."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    @activity.defn
    async def enter(self, word: str) -> str:
        self.entered.set()
        await self.open.wait()
        return word * LARGE

    @activity.defn
    async def enter_locally(self, word: str) -> str:
        self.entered.set()
        await self.open.wait()
        return word * LARGE


@workflow.defn
class Patient:
    """An activity, a timer, a local activity and a message: whatever comes in the time of trouble."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.query
    def told(self) -> int:
        return len(self.words)

    @workflow.run
    async def run(self, first: str) -> list[str]:
        if first == "local":
            said = [await workflow.execute_local_activity_method(Gate.enter_locally, first)]
        elif first == "timer":
            await workflow.sleep(HOUR)
            said = [first * LARGE]
        else:
            said = [await workflow.execute_activity_method(Gate.enter, first)]
        await workflow.wait_condition(lambda: bool(self.words))
        await workflow.sleep(0.001)
        return [*said, *self.words]


@workflow.defn
async def weigh(load: str) -> int:
    return len(load)


WORKFLOWS: list[Any] = [Patient, weigh]


class Stage(NamedTuple):
    """An engine on a file, and the way past it."""

    client: Client
    store: MortalStore
    gate: Gate
    file: SqliteStore


@asynccontextmanager
async def engine(path: Path, **limits: Any) -> AsyncGenerator[Stage]:
    """An engine with a worker; what it leaves behind is checked in the end."""
    file = SqliteStore(path, busy_timeout=0.02, **limits)
    gate = Gate()
    try:
        store = MortalStore(file)
        async with compose(store) as client, asyncio.timeout(PATIENCE):
            hasty = timedelta()  # what waits at the gate is stopped at once when the worker is
            activities = [gate.enter, gate.enter_locally]
            async with work_for(client, WORKFLOWS, activities, graceful_shutdown_timeout=hasty):
                yield Stage(client, store, gate, file)
        check(file)
    finally:
        file.close()


def check(store: SqliteStore) -> None:
    """Check the invariants on what is left."""
    known = definitions(WORKFLOWS)
    for run_id, events in histories(store).items():
        closed_once(run_id, events)
        recorded_once(run_id, events)
        run = replay(known, run_id, events)
        row = store.execution(run_id)
        assert row is not None
        view_once(fold(run_id, events), row, idle=run.waits_for_events_only)
        run.close()
        perform(known, run_id, events)


def past(path: Path) -> sqlite3.Connection:
    """A connection past the store, as any other program has it."""
    return sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)


async def start(stage: Stage, *names: str) -> list[Any]:
    """Start a Patient of each kind."""
    return [await stage.client.start_workflow(Patient.run, name, id=name, task_queue=QUEUE) for name in names]


def is_refused(stage: Stage, kind: type[EngineError], times: int) -> Callable[[], bool]:
    """Whether the store has refused so many units, all for this reason."""

    def look() -> bool:
        assert {type(refusal) for refusal in stage.store.refusals} <= {kind}
        return len(stage.store.refusals) >= times

    return look


# -- trouble with every write ----------------------------------------------------------------------------------------


async def endure(stage: Stage, handles: list[Any], kind: type[EngineError]) -> None:
    """Live through the trouble: callers are told, outcomes and timers wait."""
    turn(stage.client, HOUR)
    stage.gate.open.set()
    with pytest.raises(kind) as refused:
        await stage.client.start_workflow(weigh, "x" * LARGE, id="refused", task_queue=QUEUE)
    assert str(stage.file.url.removeprefix("sqlite:///")) in str(refused.value)
    with pytest.raises(WorkflowNotFoundError):
        await stage.client.get_workflow_handle("refused").describe()
    for handle in handles:
        with pytest.raises(kind):
            await handle.signal("tell", "x" * LARGE, request_id="lost")
    await stage.store.until(is_refused(stage, kind, 2 * len(handles) + 1))
    for handle in handles:
        with suppress(kind):  # the answer may rest on what could not be written: then it is refused, too
            assert await handle.query("told") == 0


async def recover(stage: Stage, handles: list[Any], names: tuple[str, ...]) -> None:
    """See everything go on."""
    for handle in handles:
        await handle.signal("tell", "after all", request_id="kept")
    for handle, name in zip(handles, names, strict=True):
        assert await handle.result() == [name * LARGE, "after all"]
    assert await stage.client.execute_workflow(weigh, "x" * LARGE, id="refused", task_queue=QUEUE) == LARGE
    requests = [
        event.request_id
        for events in histories(stage.file).values()
        for event in events
        if isinstance(event, SignalReceived)
    ]
    assert requests == ["kept"] * len(handles)


NAMES = ("activity", "timer", "local")


@pytest.mark.slow
async def test_a_full_disk_is_told_to_callers_and_everything_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore(path).close()
    with closing(past(path)) as other:
        other.execute("CREATE TABLE junk AS SELECT zeroblob(1000000) AS data")
        (pages,) = other.execute("PRAGMA page_count").fetchone()
        async with engine(path, max_page_count=pages + 20) as stage:
            handles = await start(stage, *NAMES)
            acked = await fill(stage)
            await endure(stage, handles, StoreFullError)
            other.execute("DROP TABLE junk")
            await recover(stage, handles, NAMES)
            for name in acked:
                assert await stage.client.get_workflow_handle(name).result() == 3_000


async def fill(stage: Stage) -> list[str]:
    """Start runs until there is no more room; return those that were acknowledged."""
    acked: list[str] = []
    with suppress(StoreFullError):
        while True:
            name = f"filler-{len(acked)}"
            await stage.client.start_workflow(weigh, "x" * 3_000, id=name, task_queue=QUEUE)
            acked.append(name)
    assert acked
    return acked


@pytest.mark.slow
async def test_a_locked_database_is_told_to_callers_and_everything_goes_on_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with engine(path) as stage:
        handles = await start(stage, *NAMES)
        await stage.gate.entered.wait()
        with closing(past(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            await endure(stage, handles, StoreBusyError)
            other.execute("ROLLBACK")
        await recover(stage, handles, NAMES)


# -- trouble with one run --------------------------------------------------------------------------------------------


class Damage(NamedTuple):
    """Harm done to one event of a run, and the way to undo it."""

    harm: str
    heal: str
    error: type[EngineError]


DAMAGES = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            Damage(
                "UPDATE stored_events SET state = '{\"at\": noon}' WHERE originator_id = ? AND originator_version = 2",
                "UPDATE stored_events SET state = saved.state FROM saved WHERE stored_events.rowid = saved.rowid",
                CorruptEventError,
            ),
            id="a corrupt row",
        ),
        pytest.param(
            Damage(
                "DELETE FROM stored_events WHERE originator_id = ? AND originator_version = 2",
                "INSERT INTO stored_events SELECT * FROM saved",
                MissingEventError,
            ),
            id="a missing event",
        ),
    ],
)


def do_harm(path: Path, damage: Damage, run_id: str) -> None:
    """Keep a copy of a run's second event, and damage it."""
    with closing(past(path)) as other:
        other.execute(
            "CREATE TABLE saved AS SELECT * FROM stored_events WHERE originator_id = ? AND originator_version = 2",
            (run_id,),
        )
        assert other.execute(damage.harm, (run_id,)).rowcount == 1


def heal(path: Path, damage: Damage) -> None:
    """Undo it."""
    with closing(past(path)) as other:
        assert other.execute(damage.heal).rowcount == 1
        other.execute("DROP TABLE saved")


async def leave_memory(stage: Stage) -> None:
    """Have all runs leave memory."""
    idle = asyncio.Event()
    stage.client.engine.journal.when_idle(idle.set)
    await idle.wait()
    stage.client.engine.runs.passivate(0)
    assert not stage.client.engine.runs.live


async def run_id_of(handle: Any) -> str:
    """The run that a handle means."""
    return str((await handle.describe()).run_id)


@DAMAGES
async def test_a_damaged_run_tells_who_asks_and_costs_no_other_run(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "store.db"
    async with engine(path) as stage:
        hurt, sound = await start(stage, "timer", "activity")
        turn(stage.client, HOUR)
        run_id = await run_id_of(hurt)
        await stage.store.until(lambda: any(isinstance(event, TimerFired) for event in stage.file.load(run_id)))
        await stage.gate.entered.wait()
        await leave_memory(stage)
        do_harm(path, damage, run_id)
        for ask in (hurt.describe, hurt.fetch_history, lambda: hurt.query("told"), lambda: hurt.signal("tell", "no")):
            with pytest.raises(damage.error) as told:
                await ask()
            assert run_id in str(told.value)
        stage.gate.open.set()
        await sound.signal("tell", "on")
        assert await sound.result() == ["activity" * LARGE, "on"]
        heal(path, damage)
        await hurt.signal("tell", "again")
        assert await hurt.result() == ["timer" * LARGE, "again"]


@DAMAGES
async def test_a_run_found_damaged_at_a_restart_goes_on_by_itself_once_it_is_healed(
    tmp_path: Path, damage: Damage
) -> None:
    path = tmp_path / "store.db"
    async with engine(path) as stage:
        hurt, sound = await start(stage, "activity", "local")
        for handle in (hurt, sound):
            await handle.signal("tell", "early")
        await stage.gate.entered.wait()
        run_id = await run_id_of(hurt)
    do_harm(path, damage, run_id)
    async with engine(path) as stage:
        stage.gate.open.set()
        assert await stage.client.get_workflow_handle("local").result() == ["local" * LARGE, "early"]
        with pytest.raises(damage.error):
            await stage.client.get_workflow_handle("activity").query("told")
        heal(path, damage)
        assert await stage.client.get_workflow_handle("activity").result() == ["activity" * LARGE, "early"]
