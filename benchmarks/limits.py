"""What the disk and the recorder allow: R and C, against which the other questions are judged.

R is how many events a second eventsourcing's own SQLite recorder writes in groups of 100: no engine that keeps its
events in it can be faster than R divided by the events it writes. C is how long one durable commit takes, of a group of
one event. Both are measured with events as large as those that W1 writes, under ids that grow with time as W1's do.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from benchmarks.common import Answer, Options, answer, drive, engine, folder, percentile
from benchmarks.w1 import OneActivity, charge, execute
from understudy.actors.ids import run_ids

GROUP = 100
EVENTS_OF_A_RUN = 4


def measure(options: Options) -> Answer:
    """Measure R and C."""
    found = Answer()
    size = options.event_bytes or event_bytes(options)
    found.facts = {"event_bytes": size, "group": GROUP, "events_of_a_run": EVENTS_OF_A_RUN}
    for _ in range(options.runs):
        with folder(options) as place:
            recorder = _recorder(place)
            found.add("recorder", "events/s", _events_per_second(recorder, size, options.sized(30_000, 2_000)))
            found.add("commit", "ms", _commit_ms(recorder, size, options.sized(500, 50)))
            found.facts["synchronous"] = _synchronous(recorder)
            recorder.datastore.close()
    return found


def event_bytes(options: Options) -> int:
    """Return the mean size of the events that W1 writes, without their envelopes."""

    async def run(store: Path) -> None:
        async with engine(store, [OneActivity], [charge]) as client:
            await drive(100, 50, lambda n: execute(client, f"run-{n}", n))

    with folder(options) as place:
        store = place / "store.db"
        asyncio.run(run(store))
        connection = sqlite3.connect(store)
        (mean,) = connection.execute("SELECT avg(length(state)) FROM stored_events").fetchone()
        connection.close()
    return round(float(mean))


def _recorder(place: Path) -> SQLiteApplicationRecorder:
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(place / "limits.db"), originator_id_type="text"))
    recorder.create_table()
    return recorder


def _events(count: int, size: int) -> list[StoredEvent]:
    new_id, events = run_ids(time.time_ns), list[StoredEvent]()
    state = b'{"at":' + b"1" * (size - 7) + b"}"
    while len(events) < count:
        run_id = new_id()
        events.extend(
            StoredEvent(originator_id=run_id, originator_version=version, topic="activity.completed", state=state)
            for version in range(1, EVENTS_OF_A_RUN + 1)
        )
    return events[:count]


def _events_per_second(recorder: SQLiteApplicationRecorder, size: int, count: int) -> float:
    events = _events(count, size)
    began = time.perf_counter()
    for start in range(0, count, GROUP):
        recorder.insert_events(events[start : start + GROUP])
    return count / (time.perf_counter() - began)


def _commit_ms(recorder: SQLiteApplicationRecorder, size: int, count: int) -> float:
    taken = list[float]()
    for event in _events(count, size):
        began = time.perf_counter()
        recorder.insert_events([event])
        taken.append(time.perf_counter() - began)
    return percentile(taken, 50) * 1e3


def _synchronous(recorder: SQLiteApplicationRecorder) -> int:
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        level: int = cursor.fetchone()[0]
        return level


if __name__ == "__main__":
    answer("limits", measure)
