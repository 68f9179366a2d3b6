"""The embedded store: one SQLite file, in WAL mode, synced on every commit, owned by one process.

The writer is eventsourcing's recorder (`events.store.sqlite.recorder`). The reads go past it, on connections of their
own: the engine's loop asks for the latest run of a workflow id on every start and signal, and gets its answer in some
10 µs without an envelope object, a pool's locks or a word with the writer.

A group is written at once; if one of its units is refused, the group is written again unit by unit, each behind a
savepoint, still in one transaction with one fsync. A refusal is rare and makes that one commit some five times slower;
the common way pays nothing for it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from understudy.events.errors import MissingEventError
from understudy.events.errors.root import EngineError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.event import Event
from understudy.events.store.batch import REFUSALS, fold, twin
from understudy.events.store.mapper import EventMapper
from understudy.events.store.port import ExecutionRow, Recorded, Unit
from understudy.events.store.sqlite import statements as sql
from understudy.events.store.sqlite.border import SqliteBorder
from understudy.events.store.sqlite.file_lock import FileLock
from understudy.events.store.sqlite.readers import Readers
from understudy.events.store.sqlite.recorder import RunDatastore, RunRecorder
from understudy.events.store.sqlite.schema import check_place, prepare

__all__ = ["SqliteStore"]

_FIRST: Final = (-(1 << 63), "")
"""Before every (wake_at, run_id)."""

_STATEMENTS: Final = 256
"""Prepared statements that a connection keeps; the writer's three kinds come in some forty sizes each."""

_WRITER: Final = (
    "PRAGMA synchronous = FULL",  # ACKED: a commit is on disk when it returns
    "PRAGMA cache_size = -65536",  # 64 MiB keep the inner pages of the indexes at a million runs; the default is 2
    "PRAGMA wal_autocheckpoint = 4000",  # 16 MiB: of each page that many commits changed, only the last copy moves
    "PRAGMA journal_size_limit = 67108864",  # a WAL that grew under a long read gives its space back
)


class SqliteStore:
    """An `EventStore` in one file; `commit` by one thread at a time, reads from any.

    Args:
        path: The database file; its folder exists. Beside it live `-wal`, `-shm` and `.lock`.
        mapper: Maps events to bytes; the default neither compresses nor encrypts.
        busy_timeout: Seconds to wait for a program that holds the database, before StoreBusyError.
        max_page_count: The largest size of the file, in pages of 4 KiB.

    Raises:
        StoreLockedError: another process, or this one, has it open.
        StoreFormatError: the file is not a store of ours, or damaged.
        StoreVersionError: a newer release wrote it.
        StoreUnavailableError: the folder is missing or cannot be written.
        StoreBusyError: another program holds the database.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        mapper: EventMapper | None = None,
        *,
        busy_timeout: float = 1.0,
        max_page_count: int | None = None,
    ) -> None:
        self._path = os.path.realpath(path)
        self._mapper = mapper or EventMapper()
        self._busy_timeout = busy_timeout
        self._max_page_count = max_page_count
        self._border = SqliteBorder(self._path)
        self._closed = False
        check_place(self._path)
        self._lock = FileLock(self._path)
        try:
            with self._border:
                self._prepare()
        except BaseException:
            self._lock.withdraw()
            raise
        self._recorder = RunRecorder(RunDatastore(self._path, self._writer))
        self._readers = Readers(self._reader)

    def __repr__(self) -> str:
        return f"<SqliteStore {self.url}{' closed' if self._closed else ''}>"

    @property
    def url(self) -> str:
        """The URL that opens this store."""
        return f"sqlite:///{self._path}"

    @property
    def recorder(self) -> RunRecorder:
        """The recorder, for what is written against eventsourcing's interfaces."""
        return self._recorder

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Store each unit whole or not at all, in one transaction; see the port."""
        try:
            with self._border:
                return self._commit(units)
        except EngineError as error:
            return [twin(error) for _ in units]

    def load(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run with versions above `after`; see the port."""
        event_of, events, expected = self._mapper.event_of, list[Event](), after
        for version, topic, state in self._fetch(sql.LOAD, (run_id, after)):
            expected += 1
            if version != expected:
                raise MissingEventError(run_id=run_id, expected=expected, found=version)
            events.append(event_of(run_id, version, topic, state))
        return events

    def execution(self, run_id: str) -> ExecutionRow | None:
        """Return the row of this run."""
        rows = self._fetch(sql.EXECUTION, (run_id,))
        return ExecutionRow(*rows[0]) if rows else None

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        """Return the open run with this workflow id, else the one that was stored first most recently."""
        rows = self._fetch(sql.LATEST, (workflow_id,))
        return ExecutionRow(*rows[0]) if rows else None

    def due(self, before: int, limit: int, after: tuple[int, str] | None = None) -> list[ExecutionRow]:
        """Return open runs that need care by `before`, ordered by (wake_at, run_id); see the port."""
        return [ExecutionRow(*row) for row in self._fetch(sql.DUE, (before, *(after or _FIRST), limit))]

    def next_wake(self, after: int) -> int | None:
        """Return the smallest `wake_at` of open runs that is greater than `after`, ns since the epoch."""
        wake_at: int | None = self._fetch(sql.NEXT_WAKE, (after,))[0][0]
        return wake_at

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
        if workflow_id is None:
            rows = self._fetch(sql.EXECUTIONS, (status, limit, offset, workflow_type))
        else:
            rows = self._fetch(sql.EXECUTIONS_OF, (status, limit, offset, workflow_type, workflow_id))
        return [ExecutionRow(*row) for row in rows]

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """Return at most `limit` events with positions above `after`, in the order of the global sequence."""
        event_of = self._mapper.event_of
        return [
            Recorded(run_id, version, event_of(run_id, version, topic, state), position)
            for position, run_id, version, topic, state in self._fetch(sql.RECORDED, (after, limit))
        ]

    def last_position(self) -> int:
        """Return the position of the last event stored, 0 if there is none."""
        position: int = self._fetch(sql.LAST_POSITION, ())[0][0]
        return position

    def close(self) -> None:
        """Let go of the file and its lock; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._readers.close()
        self._recorder.datastore.close()
        self._lock.release()

    def _commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        if self._closed:
            raise StoreUnavailableError(path=self._path, reason="it is closed")
        try:
            self._recorder.insert_batch(fold(units, self._mapper))
        except REFUSALS as error:
            if len(units) == 1:
                return [error]
            return self._recorder.insert_each(units, self._mapper)
        return [None] * len(units)

    def _fetch(self, statement: str, parameters: tuple[object, ...]) -> list[Any]:
        with self._border:
            return self._readers.fetch(statement, parameters)

    def _prepare(self) -> None:
        connection = self._connect()
        try:
            prepare(connection, self._path)
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )

    def _writer(self) -> sqlite3.Connection:
        connection = self._connect()
        for pragma in _WRITER:
            connection.execute(pragma)
        if self._max_page_count is not None:
            connection.execute(f"PRAGMA max_page_count = {self._max_page_count}")
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection
