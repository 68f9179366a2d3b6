"""How much memory does a live waiting workflow take, and how much one that has left memory?

The first is a difference of the resident set size over 20,000 runs, taken when the process has given back what it can:
the collector has run, SQLite has dropped its cache, the allocator its free pages. The second is asked with a second
crowd: memory that the first one used lies ready then, so if another 20,000 runs start and leave, what is more in use
is what such runs keep. It is counted in blocks of Python's allocator, since free memory lies scattered among used, and
the resident size swings by a KiB a run; it stands beside. So does the number of actors and coroutines left.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from pathlib import Path

import psutil

from benchmarks.common import QUEUE, Answer, Options, answer, drive, engine, folder
from benchmarks.w4 import Approval
from understudy import Client
from understudy.actors.behaviors.code.run import Run
from understudy.actors.runs.actor import WorkflowActor
from understudy.events.store.sqlite.store import SqliteStore

IN_FLIGHT = 500


def _resident(client: Client) -> int:
    """Return the resident set size, bytes, of a process that has given back what it can."""
    store = client.engine.store
    if isinstance(store, SqliteStore):
        with store.recorder.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA shrink_memory")
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; elsewhere free pages go back by themselves
    if trim is not None:
        trim(0)
    return int(psutil.Process().memory_info().rss)


def _left() -> int:
    """Count the actors and runs that are in memory."""
    gc.collect()
    return sum(type(each) is WorkflowActor or type(each) is Run for each in gc.get_objects())


async def _start(client: Client, crowd: str, count: int) -> None:
    async def start(number: int) -> None:
        await client.start_workflow(Approval.run, "an order", id=f"{crowd}-{number}", task_queue=QUEUE)

    await drive(count, IN_FLIGHT, start)


async def _sizes(store: Path, count: int, found: Answer) -> None:
    async with engine(store, [Approval], max_cached_workflows=3 * count) as client:
        await _start(client, "warm-up", IN_FLIGHT)
        empty = _resident(client)
        await _start(client, "first", count)
        live = _resident(client)
        client.engine.runs.passivate(0)
        left, blocks = _resident(client), sys.getallocatedblocks()
        await _start(client, "second", count)
        client.engine.runs.passivate(0)
        again, more = _resident(client), sys.getallocatedblocks()
        found.add("live", "KiB", (live - empty) / count / 1024)
        found.add("left", "blocks", abs(more - blocks) / count)
        found.add("left_resident", "KiB", (again - left) / count / 1024)
        found.add("left_objects", "objects", _left())


def measure(options: Options) -> Answer:
    """Measure KiB a run."""
    count = options.sized(20_000, 500)
    found = Answer(facts={"workflows": count})
    with folder(options) as place:
        store = place / "store.db"
        asyncio.run(_sizes(store, count, found))
        found.facts["stored_kib"] = store.stat().st_size / (2 * count + IN_FLIGHT) / 1024
    return found


if __name__ == "__main__":
    answer("memory", measure)
