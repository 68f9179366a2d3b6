"""Errors of the store: it is locked, full, busy, of another format or out of reach, or its content is damaged.

Foreign errors (sqlite3's, eventsourcing's) become one of these at the border, with the foreign one as `__cause__`.
"""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import EngineError

__all__ = [
    "AlreadyOpenError",
    "CorruptEventError",
    "MissingEventError",
    "StoreBusyError",
    "StoreError",
    "StoreFormatError",
    "StoreFullError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "UnstorableError",
    "VersionConflictError",
]


class StoreError(EngineError, abstract=True):
    """The store as a whole cannot be used; `path` is its file or URL."""

    path: str


class StoreLockedError(StoreError):
    """Another process, or this one, has the store open already (ONE-OWNER).

    `pid` is the owner's, 0 if it is not known; `in_this_process` is true if the owner is the caller's own process.
    """

    pid: int = 0
    in_this_process: bool = False

    statement: ClassVar[str] = "store {path!r} is open in {owner}"
    advice: ClassVar[str] = "{next_step}"

    @property
    def owner(self) -> str:
        """The process that has the store open, as a part of the sentence."""
        if self.in_this_process:
            return f"this process already (pid {self.pid})"
        return f"the process with pid {self.pid}" if self.pid else "another process"

    @property
    def next_step(self) -> str:
        """The advice, which depends on whose process the owner is."""
        if self.in_this_process:
            return "Close the client that has it first; clients share one only if they name the file by the same path"
        return "Stop that process first, or use another file: a file belongs to one process at a time"


class StoreFormatError(StoreError):
    """The file is not a store of ours, or it is damaged as a whole."""

    reason: str

    statement: ClassVar[str] = "{path!r} is not a usable store: {reason}"
    advice: ClassVar[str] = "Check the path; if the file is damaged, bring back its last backup"


class StoreVersionError(StoreError):
    """The store was written by a release with another layout."""

    found: int
    known: int

    statement: ClassVar[str] = "store {path!r} has layout {found}, this release knows layouts up to {known}"
    advice: ClassVar[str] = "Install the release that wrote it, or a later one"


class StoreFullError(StoreError):
    """There is no room left to write; nothing of what was refused is recorded."""

    statement: ClassVar[str] = "no room is left to write to store {path!r}; nothing that was acknowledged is lost"
    advice: ClassVar[str] = "Make room on the disk; the engine goes on by itself when a write succeeds"


class StoreBusyError(StoreError):
    """The store did not let us write in time; nothing of what was refused is recorded."""

    statement: ClassVar[str] = "store {path!r} is held by another writer"
    advice: ClassVar[str] = "End the other program's transaction on it, and try again"


class CorruptEventError(EngineError):
    """A stored event cannot be read; the run stays as it is."""

    run_id: str
    version: int
    reason: str

    statement: ClassVar[str] = "event {version} of run {run_id!r} cannot be read: {reason}"
    advice: ClassVar[str] = (
        "Run the release that wrote it or a later one; if the store is damaged, bring back its last backup"
    )


class MissingEventError(EngineError):
    """A run's events have a gap (NO-GAPS)."""

    run_id: str
    expected: int
    found: int

    statement: ClassVar[str] = "run {run_id!r} has event {found} where event {expected} belongs"
    advice: ClassVar[str] = "The store is damaged: bring back its last backup"


class VersionConflictError(EngineError):
    """Another owner wrote that event first (ONE-OWNER); this one's turn is dropped."""

    run_id: str
    expected: int

    statement: ClassVar[str] = "event {expected} of run {run_id!r} was written by another owner"
    advice: ClassVar[str] = "Nothing is to be done: the other owner goes on with the run"


class AlreadyOpenError(EngineError):
    """The workflow id has an open run; `run_id` is that run's."""

    workflow_id: str
    run_id: str

    statement: ClassVar[str] = "workflow {workflow_id!r} already has an open run, {run_id!r}"
    advice: ClassVar[str] = "Take another workflow id, or say with id_conflict_policy what to do with the open run"


class StoreUnavailableError(StoreError):
    """The store cannot be reached or used: no folder, no right to write, a failing disk, or it is closed."""

    reason: str

    statement: ClassVar[str] = "store {path!r} cannot be used: {reason}"
    advice: ClassVar[str] = "Check that the folder exists, is writable and on a healthy local disk, and open it again"


class UnstorableError(EngineError):
    """An event or a row of a turn cannot be written down; nothing of the turn is recorded."""

    run_id: str
    version: int
    reason: str

    statement: ClassVar[str] = "event {version} of run {run_id!r} cannot be recorded: {reason}"
    advice: ClassVar[str] = "Pass values that JSON and UTF-8 can say; the run is as it was before"
