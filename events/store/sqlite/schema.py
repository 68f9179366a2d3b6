"""The format of a store's file: who may open it, what a new one gets, and how an older one is brought up.

SQLite keeps two numbers in a database's header for its application. `application_id` says that the file is ours,
`user_version` which format its tables have. A file that is neither ours nor empty is left exactly as it is. Creation
and each migration are one transaction: a crash leaves an empty file, which counts as new, or the format before.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

from understudy.events.errors import StoreFormatError, StoreVersionError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.sqlite import statements as sql

__all__ = ["check_place", "migrate", "prepare"]

_MAGIC: Final = b"SQLite format 3\x00"
"""How every database file begins (https://sqlite.org/fileformat.html)."""


def check_place(path: str) -> None:
    """Refuse a place where no store can be, before anything is written there.

    Raises:
        StoreUnavailableError: there is no such folder, or the file cannot be read.
        StoreFormatError: the file is not a database.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise StoreUnavailableError(path=path, reason=f"there is no folder {str(folder)!r}")
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnavailableError(path=path, reason=str(error)) from error
    if head and head != _MAGIC:
        raise StoreFormatError(path=path, reason="it is not an SQLite database")


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Make the database behind `connection` a store of the latest format, in WAL mode, or refuse it.

    Raises:
        StoreFormatError: it is somebody else's database.
        StoreVersionError: it was written by a newer release.
        StoreUnavailableError: the file system has no shared memory for WAL.
    """
    owner, version = _number(connection, "application_id"), _number(connection, "user_version")
    if owner == sql.APPLICATION_ID:
        if version > sql.FORMAT:
            raise StoreVersionError(path=path, found=version, known=sql.FORMAT)
        if version < 1:
            raise StoreFormatError(path=path, reason="its header has lost the number of its format")
    elif owner or version or connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise StoreFormatError(path=path, reason="it is an SQLite database of another program")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnavailableError(path=path, reason="its file system does not support SQLite's write-ahead log")
    if owner == sql.APPLICATION_ID:
        migrate(connection, sql.FORMAT, sql.MIGRATIONS)
    else:
        _create(connection)


def migrate(connection: sqlite3.Connection, target: int, migrations: Mapping[int, tuple[str, ...]]) -> None:
    """Bring the database up to format `target`, one format at a time, each in one transaction.

    Args:
        connection: In autocommit mode.
        target: The format to reach.
        migrations: The statements that take format n to n + 1, by n.
    """
    for version in range(_number(connection, "user_version"), target):
        with _transaction(connection):
            for statement in migrations[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")


def _create(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        for statement in sql.SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {sql.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {sql.FORMAT}")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    value: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
