"""The border to sqlite3 and eventsourcing: their errors come in, ours go out."""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Final

from eventsourcing.persistence import PersistenceError

from understudy.events.errors import StoreBusyError, StoreFormatError, StoreFullError
from understudy.events.errors.root import EngineError
from understudy.events.errors.store import StoreUnavailableError

__all__ = ["SqliteBorder"]

_PRIMARY: Final = 0xFF
"""The low byte of an extended result code is the kind of error (https://sqlite.org/rescode.html)."""

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteBorder:
    """A context manager that translates what leaves its block; one serves all threads, again and again.

    A class, not a generator: it stands around every read, and this one costs a tenth of a microsecond.

    Args:
        path: The database file, for the messages.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (sqlite3.Error, PersistenceError)):
            raise self.translated(error) from error

    def translated(self, error: BaseException) -> EngineError:
        """Return what an error of the libraries is called here."""
        # eventsourcing wraps what sqlite3 raises, and keeps it as the cause.
        source = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
        code = getattr(source, "sqlite_errorcode", 0) & _PRIMARY
        if code == sqlite3.SQLITE_FULL:
            return StoreFullError(path=self.path)
        if code in _BUSY:
            return StoreBusyError(path=self.path)
        if code in _DAMAGED:
            return StoreFormatError(path=self.path, reason=str(source))
        return StoreUnavailableError(path=self.path, reason=str(source))
