"""The SQL of the SQLite adapter: each statement by name, with a sentence that says what it is for.

Python's sqlite3 lets go of the GIL around every step of a statement and has to win it back, which takes up to 5 ms
while another thread computes. So the writer uses few statements with many rows each: beside a busy thread, a group of a
hundred events took 560 ms row by row, and 55 ms this way. The number of rows is part of a statement's text; `pieces`
keeps the texts few, so that the prepared statements stay in the connection's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

__all__ = [
    "APPLICATION_ID",
    "DUE",
    "EXECUTION",
    "EXECUTIONS",
    "EXECUTIONS_OF",
    "FORMAT",
    "LAST_POSITION",
    "LATEST",
    "LOAD",
    "MIGRATIONS",
    "NEXT_WAKE",
    "OPEN_RUN",
    "RECORDED",
    "SCHEMA",
    "insert_events",
    "pieces",
    "stale_streams",
    "upsert_executions",
]

APPLICATION_ID: Final = 0x55445359
"""Marks a database file as ours ("UDSY"), in the header field that SQLite keeps for this."""

FORMAT: Final = 2
"""The version of the tables below, kept in the header field `user_version`."""

_COLUMNS: Final = (
    "run_id, workflow_id, workflow_type, task_queue, status, started_at, closed_at, wake_at, first_run_id, memo, "
    "search_attributes"
)

# The events of all runs. The rowid is the position in the global sequence: declared, because VACUUM renumbers one
# that is not; AUTOINCREMENT, because a position that a follower has seen must never be given again; and called
# `rowid`, because the recorder's own queries call it that.
_CREATE_EVENTS: Final = """
CREATE TABLE stored_events (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
)
"""

# One row per run. Not WITHOUT ROWID: rows of runs that are young together lie together, which dirties fewer pages than
# rows ordered by a random key, and the number says which run was stored first.
_CREATE_EXECUTIONS: Final = """
CREATE TABLE executions (
    number INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    workflow_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    task_queue TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    closed_at INTEGER,
    wake_at INTEGER,
    first_run_id TEXT NOT NULL,
    memo TEXT,
    search_attributes TEXT
)
"""

# At most one open run has a workflow id.
_CREATE_OPEN: Final = "CREATE UNIQUE INDEX executions_open ON executions (workflow_id) WHERE status = 'Running'"

# The runs of a workflow id, in the order they were stored first (the number is the hidden last column).
_CREATE_OF_WORKFLOW: Final = "CREATE INDEX executions_of_workflow ON executions (workflow_id)"

# Runs by the time they need care; those that only wait for a message, or left nothing behind, are not in it.
_CREATE_WAKE: Final = "CREATE INDEX executions_wake ON executions (wake_at, run_id) WHERE wake_at IS NOT NULL"

SCHEMA: Final = (_CREATE_EVENTS, _CREATE_EXECUTIONS, _CREATE_OPEN, _CREATE_OF_WORKFLOW, _CREATE_WAKE)
"""All that a new file gets."""

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {
    1: ("DROP INDEX executions_wake", _CREATE_WAKE),  # closed runs may need care, too: for their children
}
"""What takes a file of format n to format n + 1."""

# A stream from a version on.
LOAD: Final = """
SELECT originator_version, topic, state FROM stored_events
WHERE originator_id = ? AND originator_version > ? ORDER BY originator_version
"""

# The global sequence from a position on.
RECORDED: Final = """
SELECT rowid, originator_id, originator_version, topic, state FROM stored_events
WHERE rowid > ? ORDER BY rowid LIMIT ?
"""

# The last position of the global sequence.
LAST_POSITION: Final = "SELECT coalesce(max(rowid), 0) FROM stored_events"

# The row of one run.
EXECUTION: Final = f"SELECT {_COLUMNS} FROM executions WHERE run_id = ?"  # noqa: S608 - of constants, no input

# The open run of a workflow id, else its last one; two seeks in indexes and one row.
LATEST: Final = f"""
SELECT {_COLUMNS} FROM executions WHERE number = coalesce(
    (SELECT number FROM executions WHERE workflow_id = ?1 AND status = 'Running'),
    (SELECT max(number) FROM executions WHERE workflow_id = ?1)
)
"""  # noqa: S608 - of constants, no input

# Who holds a workflow id open.
OPEN_RUN: Final = "SELECT run_id FROM executions WHERE workflow_id = ? AND status = 'Running'"

# Runs that need care by a time, from a place in the order on.
DUE: Final = f"""
SELECT {_COLUMNS} FROM executions
WHERE wake_at <= ? AND (wake_at, run_id) > (?, ?) ORDER BY wake_at, run_id LIMIT ?
"""  # noqa: S608 - of constants, no input

# The next time that a run needs care.
NEXT_WAKE: Final = "SELECT min(wake_at) FROM executions WHERE wake_at > ?"

# All runs, the youngest first.
EXECUTIONS: Final = f"""
SELECT {_COLUMNS} FROM executions
WHERE (?1 IS NULL OR status = ?1) AND (?4 IS NULL OR workflow_type = ?4) ORDER BY number DESC LIMIT ?2 OFFSET ?3
"""  # noqa: S608 - of constants, no input

# The runs of one workflow id, the youngest first.
EXECUTIONS_OF: Final = f"""
SELECT {_COLUMNS} FROM executions
WHERE workflow_id = ?5 AND (?1 IS NULL OR status = ?1) AND (?4 IS NULL OR workflow_type = ?4)
ORDER BY number DESC LIMIT ?2 OFFSET ?3
"""  # noqa: S608 - of constants, no input

# What changes in a run's life; naming more would rewrite the entries of more indexes.
_CHANGING: Final = ("status", "closed_at", "wake_at", "memo", "search_attributes")
_UPDATES: Final = ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)

_EXACT: Final = 32
_LARGEST: Final = 512


def pieces(count: int) -> Iterator[tuple[int, int]]:
    """Cut `count` rows into slices (start, stop): few of them, and of few different lengths.

    Up to 32 rows go in one statement of just that size; more in the sizes 48, 64, 96, 128, 192 … 512, which leaves
    three pieces at most for what is not more than 512.
    """
    start = 0
    while start < count:
        left = count - start
        if left > _EXACT:
            power = 1 << min(left, _LARGEST).bit_length() - 1
            left = min(power + power // 2 if left >= power + power // 2 else power, _LARGEST)
        yield start, start + left
        start += left


def _tuples(rows: int, width: int) -> str:
    return ", ".join(["(" + ", ".join("?" * width) + ")"] * rows)


@cache
def insert_events(rows: int) -> str:
    """Append events, in the order of the global sequence: (run id, version, topic, state) for each."""
    return f"""
    INSERT INTO stored_events (originator_id, originator_version, topic, state) VALUES {_tuples(rows, 4)}
    """  # noqa: S608 - of constants and question marks


@cache
def upsert_executions(rows: int) -> str:
    """Put execution rows in place of what was known of their runs."""
    return f"""
    INSERT INTO executions ({_COLUMNS}) VALUES {_tuples(rows, 11)}
    ON CONFLICT (run_id) DO UPDATE SET {_UPDATES}
    """  # noqa: S608 - of constants and question marks


@cache
def stale_streams(rows: int) -> str:
    """Find the streams, of (run id, version) pairs, that have another version than that."""
    return f"""
    SELECT column1, column2 FROM (VALUES {_tuples(rows, 2)}) AS claim WHERE claim.column2 IS NOT (
        SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = claim.column1
    )
    """  # noqa: S608 - of constants and question marks
