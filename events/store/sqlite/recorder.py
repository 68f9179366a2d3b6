"""eventsourcing's SQLite recorder, taught to write execution rows beside events, in few and large statements.

The library's datastore gives out connections and wraps transactions; its recorder knows the table of events and reads
it for projections and followers written for the library. Three things differ here. Connections keep a real cache of
prepared statements (the library passes `cached_statements=True`, which sqlite3 takes for one statement), and sync on
every commit. One connection is held for writing, and takes the write lock at the beginning of a transaction, so that
what it has read stays true. And a batch of many turns is written in a few statements, for the reason that
`events.store.sqlite.statements` gives.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from understudy.events.errors import VersionConflictError
from understudy.events.errors.store import UnstorableError
from understudy.events.store.batch import REFUSALS, Batch, already_open, fold
from understudy.events.store.port import ExecutionRow, Unit
from understudy.events.store.sqlite import statements as sql

if TYPE_CHECKING:
    from understudy.events.errors.root import EngineError
    from understudy.events.store.mapper import EventMapper

__all__ = ["Connect", "RunDatastore", "RunRecorder"]

_UNSTORABLE: Final = (OverflowError, UnicodeError, sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError)
"""What sqlite3 raises for a value it cannot bind: a number or text too large, half a surrogate pair, a wrong type."""

Connect = Callable[[], sqlite3.Connection]
"""Opens a connection for writing, in autocommit mode."""


class _Writer(SQLiteTransaction):
    """The transactions of one connection that is held: to borrow one takes as long as a small batch's statements."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: SQLiteConnection | None = None
        self._lock = threading.Lock()
        self.commit = True

    @property
    def connection(self) -> SQLiteConnection:  # type: ignore[override]  # opened when first needed
        if self._connection is None:
            self._connection = SQLiteConnection(_with_names(self._connect()), max_age=None)
        return self._connection

    def __enter__(self) -> SQLiteCursor:
        # Not the deferred BEGIN of the library: a batch first asks for the streams' versions, and a lock that is only
        # taken with the first INSERT may come too late for the answer to hold.
        self._lock.acquire()
        try:
            cursor = self.connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return cursor

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        try:
            super().__exit__(exc_type, exc_val, exc_tb)
        except BaseException:
            self.connection.rollback()  # a COMMIT that failed may leave its transaction open
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()


class _ReaderPool(SQLiteConnectionPool):
    connect: Connect

    def _create_connection(self) -> SQLiteConnection:
        return SQLiteConnection(_with_names(self.connect()), max_age=self.max_age)


class RunDatastore(SQLiteDatastore):
    """The library's datastore over connections that `connect` opens: one to write, and its pool to read.

    Args:
        path: The database file.
        connect: Opens a connection for writing.
    """

    def __init__(self, path: str, connect: Connect) -> None:
        super().__init__(path, originator_id_type="text")
        self._writer = _Writer(connect)
        self.pool.close()
        self.pool = _ReaderPool(db_name=path)
        self.pool.connect = connect

    def transaction(  # type: ignore[override]  # the library says which kind of context manager its own is
        self, *, commit: bool
    ) -> contextlib.AbstractContextManager[SQLiteCursor]:  # pyright: ignore[reportIncompatibleMethodOverride] - the same
        """Return a transaction to enter; one that commits waits for the one before."""
        return self._writer if commit else super().transaction(commit=False)

    def close(self) -> None:
        """Close all connections, the writer's and those of the pool."""
        self._writer.close()
        super().close()


def _with_names(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let columns be read by name, as the library's own queries do."""
    connection.row_factory = sqlite3.Row
    return connection


class RunRecorder(SQLiteApplicationRecorder):
    """Records events and execution rows; the tables are there already (`events.store.sqlite.schema`)."""

    def construct_create_table_statements(self) -> list[str]:
        """Return nothing to create."""
        return []

    def insert_batch(self, batch: Batch) -> None:
        """Write a batch in one transaction.

        Raises:
            VersionConflictError: a stream has another version than expected.
            AlreadyOpenError: another run with the workflow id of one of the rows is open.
            UnstorableError: a value cannot be bound.
        """
        with self.datastore.transaction(commit=True) as cursor:
            _write_batch(cursor, batch)

    def insert_each(self, units: Sequence[Unit], mapper: EventMapper) -> list[EngineError | None]:
        """Write units one by one in one transaction, leaving out those that are refused.

        Returns:
            For each unit None, or why it was left out.
        """
        outcomes: list[EngineError | None] = []
        with self.datastore.transaction(commit=True) as cursor:
            for unit in units:
                cursor.execute("SAVEPOINT unit")
                try:
                    _write_batch(cursor, fold((unit,), mapper))
                except REFUSALS as error:
                    cursor.execute("ROLLBACK TO unit")
                    outcomes.append(error)
                else:
                    outcomes.append(None)
                cursor.execute("RELEASE unit")
        return outcomes

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Write what the library's own `insert_events` was given; returns the positions."""
        _append_events(c, [(str(s.originator_id), s.originator_version, s.topic, s.state) for s in stored_events])
        last = self._max_notification_id(c) or 0
        return range(last - len(stored_events) + 1, last + 1)


def _write_batch(cursor: SQLiteCursor, batch: Batch) -> None:
    try:
        _check_versions(cursor, batch)
        _append_events(cursor, batch.events)
        _put_rows(cursor, batch.rows)
    except _UNSTORABLE as error:
        run_id = next(iter((*batch.expected, *(row.run_id for row in batch.rows))), "")
        version = batch.expected.get(run_id, 0) + 1
        raise UnstorableError(run_id=run_id, version=version, reason=str(error)) from error


def _check_versions(cursor: SQLiteCursor, batch: Batch) -> None:
    claims = list(batch.expected.items())
    for start, stop in sql.pieces(len(claims)):
        cursor.execute(sql.stale_streams(stop - start), list(chain.from_iterable(claims[start:stop])))
        stale = cursor.fetchone()
        if stale is not None:
            raise VersionConflictError(run_id=stale[0], expected=stale[1] + 1)


def _append_events(cursor: SQLiteCursor, events: Sequence[tuple[str, int, str, bytes]]) -> None:
    for start, stop in sql.pieces(len(events)):
        cursor.execute(sql.insert_events(stop - start), list(chain.from_iterable(events[start:stop])))


def _put_rows(cursor: SQLiteCursor, rows: Sequence[ExecutionRow]) -> None:
    for start, stop in sql.pieces(len(rows)):
        columns = list(chain.from_iterable(map(msgspec.structs.astuple, rows[start:stop])))
        try:
            cursor.execute(sql.upsert_executions(stop - start), columns)
        except sqlite3.IntegrityError as error:
            # The statement is undone, so the index tells who held the workflow ids before it.
            raise already_open(rows[start:stop], lambda wanted: _holder(cursor, wanted)) or error from error


def _holder(cursor: SQLiteCursor, workflow_id: str) -> str | None:
    cursor.execute(sql.OPEN_RUN, (workflow_id,))
    found = cursor.fetchone()
    return None if found is None else found[0]
