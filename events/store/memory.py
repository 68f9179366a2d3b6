"""The store in memory: for tests and for runs that need not outlive their process.

It keeps what the SQLite adapter keeps, encoded events and rows, on eventsourcing's in-memory recorder, and takes a
group unit by unit. Beside the recorder's list of events stand the indexes that SQL would keep: the runs of a workflow
id, its open run, and open runs by wake-up time. All of it is guarded by the recorder's one lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from understudy.events.errors import VersionConflictError
from understudy.events.errors.root import EngineError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.event import Event
from understudy.events.store.batch import REFUSALS, Batch, already_open, fold
from understudy.events.store.mapper import EventMapper
from understudy.events.store.port import OPEN_STATUS, ExecutionRow, Recorded, Unit

__all__ = ["MemoryStore"]


class _RunRecorder(POPOApplicationRecorder):
    """The library's recorder, which checks and changes execution rows together with the events."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, ExecutionRow] = {}
        self.runs_of: dict[str, list[str]] = {}
        self.open_run: dict[str, str] = {}
        self.agenda: list[tuple[int, str]] = []

    def reading(self) -> AbstractContextManager[object]:
        """Return the lock under which the fields above may be read."""
        return self._database_lock

    def stream(self, run_id: str, after: int) -> list[StoredEvent]:
        """Return the events of a run with versions above `after`; versions have no gaps, so it is a slice."""
        with self._database_lock:
            indices = self._stored_events_index.get(run_id, {}).values()
            return [self._stored_events[index] for index in islice(indices, after, None)]

    def sequence(self, after: int, limit: int) -> list[StoredEvent]:
        """Return events by position; positions have no gaps, so it is a slice."""
        with self._database_lock:
            return self._stored_events[after : after + limit]

    def _assert_uniqueness(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        batch: Batch = kwargs["batch"]
        for run_id, version in batch.expected.items():
            if len(self._stored_events_index.get(run_id, ())) != version:
                raise VersionConflictError(run_id=run_id, expected=version + 1)
        refusal = already_open(batch.rows, self.open_run.get)
        if refusal is not None:
            raise refusal
        super()._assert_uniqueness(stored_events)

    def _update_table(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        positions = super()._update_table(stored_events)
        batch: Batch = kwargs["batch"]
        for row in batch.rows:
            self._put(row)
        return positions

    def _put(self, row: ExecutionRow) -> None:
        run_id = row.run_id
        before = self.rows.get(run_id)
        if before is None:
            self.runs_of.setdefault(row.workflow_id, []).append(run_id)
        elif before.status == OPEN_STATUS:
            del self.open_run[before.workflow_id]
        if before is not None and before.wake_at is not None:
            del self.agenda[bisect_left(self.agenda, (before.wake_at, run_id))]
        self.rows[run_id] = row
        if row.status == OPEN_STATUS:
            self.open_run[row.workflow_id] = run_id
        if row.wake_at is not None:
            insort(self.agenda, (row.wake_at, run_id))


class MemoryStore:
    """An `EventStore` that is gone with its process; `commit` by one thread at a time, reads from any.

    Args:
        mapper: Maps events to bytes; the default neither compresses nor encrypts.
    """

    url = "memory://"

    def __init__(self, mapper: EventMapper | None = None) -> None:
        self._mapper = mapper or EventMapper()
        self._recorder = _RunRecorder()
        self._closed = False

    def __repr__(self) -> str:
        return f"<MemoryStore {self.last_position()} events{' closed' if self._closed else ''}>"

    @property
    def recorder(self) -> POPOApplicationRecorder:
        """The recorder, for what is written against eventsourcing's interfaces."""
        return self._recorder

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Store each unit whole or not at all; see the port."""
        return [self._store(unit) for unit in units]

    def load(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run with versions above `after`; see the port."""
        event_of = self._mapper.event_of
        return [
            event_of(run_id, stored.originator_version, stored.topic, stored.state)
            for stored in self._recorder.stream(run_id, after)
        ]

    def execution(self, run_id: str) -> ExecutionRow | None:
        """Return the row of this run."""
        return self._recorder.rows.get(run_id)

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        """Return the open run with this workflow id, else the one that was stored first most recently."""
        recorder = self._recorder
        with recorder.reading():
            run_id = recorder.open_run.get(workflow_id)
            if run_id is None and workflow_id in recorder.runs_of:
                run_id = recorder.runs_of[workflow_id][-1]
            return None if run_id is None else recorder.rows[run_id]

    def due(self, before: int, limit: int, after: tuple[int, str] | None = None) -> list[ExecutionRow]:
        """Return runs that need care by `before`, ordered by (wake_at, run_id); see the port."""
        recorder = self._recorder
        with recorder.reading():
            agenda = recorder.agenda
            first = 0 if after is None else bisect_right(agenda, after)
            last = bisect_left(agenda, (before + 1, ""))
            return [recorder.rows[run_id] for _, run_id in agenda[first : min(last, first + limit)]]

    def next_wake(self, after: int) -> int | None:
        """Return the smallest `wake_at` that is greater than `after`, ns since the epoch."""
        with self._recorder.reading():
            agenda = self._recorder.agenda
            index = bisect_left(agenda, (after + 1, ""))
            return agenda[index][0] if index < len(agenda) else None

    def executions(
        self,
        *,
        workflow_id: str | None = None,
        workflow_type: str | None = None,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ExecutionRow]:
        """Return runs, the one that was stored first most recently first; see the port."""
        recorder = self._recorder
        with recorder.reading():
            runs = recorder.rows if workflow_id is None else recorder.runs_of.get(workflow_id, [])
            rows = (recorder.rows[run_id] for run_id in reversed(runs))
            matching = (
                row for row in rows if status in {None, row.status} and workflow_type in {None, row.workflow_type}
            )
            return list(islice(matching, offset, offset + limit))

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """Return at most `limit` events with positions above `after`, in the order of the global sequence."""
        recorded: list[Recorded] = []
        for position, stored in enumerate(self._recorder.sequence(after, limit), start=after + 1):
            run_id, version = str(stored.originator_id), stored.originator_version
            event = self._mapper.event_of(run_id, version, stored.topic, stored.state)
            recorded.append(Recorded(run_id, version, event, position))
        return recorded

    def last_position(self) -> int:
        """Return the position of the last event stored, 0 if there is none."""
        return self._recorder.max_notification_id() or 0

    def close(self) -> None:
        """Take no more commits; what is stored can still be read. A second call does nothing."""
        self._closed = True

    def _store(self, unit: Unit) -> EngineError | None:
        if self._closed:
            return StoreUnavailableError(path=self.url, reason="it is closed")
        try:
            batch = fold((unit,), self._mapper)
            stored = [StoredEvent(*event) for event in batch.events]
            self._recorder.insert_events(stored, batch=batch)
        except REFUSALS as error:
            return error
        return None
