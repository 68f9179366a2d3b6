"""Connections for reading: a stack of idle ones, so that each thread that reads finds one to itself.

The one on top was used last, and its prepared statements are warm. There are as many as there were reads at one time;
taking and giving back are single operations on a list, which the GIL makes atomic.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Readers"]


class Readers:
    """Runs queries, each on a connection of its own while it lasts; any thread.

    Args:
        connect: Opens a connection for reading, in autocommit mode and usable from any thread.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def __repr__(self) -> str:
        return f"<Readers {len(self._idle)} idle{', closed' if self._closed else ''}>"

    def fetch(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        """Return all rows of a query as tuples.

        Raises:
            sqlite3.Error: the query failed; `close` counts as a failure.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            if self._closed:
                raise sqlite3.ProgrammingError("it is closed") from None
            connection = self._connect()
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            self._idle.append(connection)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the connections; one that is being read from closes when that read is done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
