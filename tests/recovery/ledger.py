"""The world outside: where the activities of these tests leave their effects.

One SQLite file of its own, so that it survives what happens to the store. `effects` is what a careful service keeps:
one row for each idempotency key, however often it is asked. `attempts` is the raw truth beside it: every execution,
and in which life of the process it happened. The writes are not synced: a killed process leaves its pages with the
kernel, and only a power cut would take them.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

from understudy import activity

__all__ = ["Effect", "Ledger"]


class Effect(NamedTuple):
    """One execution of an activity, as the outside saw it."""

    key: str
    activity: str
    attempt: int
    life: int


class Ledger:
    """Effects by idempotency key; any thread.

    Args:
        path: The database file.
        life: The number of this process's life; 0 for one that only reads.
    """

    def __init__(self, path: Path, life: int = 0) -> None:
        self._life = life
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY)")
        self._db.execute("CREATE TABLE IF NOT EXISTS attempts (key TEXT, activity TEXT, attempt INTEGER, life INTEGER)")

    def note(self) -> None:
        """Have the running activity's effect; a cancellation must not leave a transaction half done."""
        info = activity.info()
        with activity.shield_thread_cancel_exception(), self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR IGNORE INTO effects VALUES (?)", (info.idempotency_key,))
            attempt = (info.idempotency_key, info.activity_type, info.attempt, self._life)
            self._db.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", attempt)
            self._db.execute("COMMIT")

    def keys(self) -> list[str]:
        """Return the key of each effect that was had."""
        return [key for (key,) in self._db.execute("SELECT key FROM effects")]

    def attempts(self) -> list[Effect]:
        """Return every execution."""
        return [Effect(*row) for row in self._db.execute("SELECT key, activity, attempt, life FROM attempts")]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
