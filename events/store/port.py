"""The port of the event store: what an adapter promises to the engine above it.

The store holds two things, changed together. *Streams*: the events of each run, numbered from 1 without gaps (NO-GAPS)
and, across all runs, in one global sequence of positions that grows in the order of commits. *Execution rows*: one per
run, what recovery, uniqueness of ids and lists need to know without reading a stream.

A `Unit` is what one turn of one actor wants stored, and is stored whole or not at all. The writer hands over many units
at once (group commit): one transaction and one fsync serve them all, but they succeed or fail one by one. An `Append`
states the version that its stream must have; this is the fence of ONE-OWNER, because of two owners that both think the
run is theirs only one can be right about its version.

Threads: one thread at a time calls `commit`; the reads may be called from any number of threads meanwhile. A read sees
all of a commit or nothing of it.

Failures are part of the contract. `commit` raises none of them, it returns them, one per unit; the reads raise:

    VersionConflictError    the stream has another version than the append expects        commit
    AlreadyOpenError        another run with this workflow id is open                     commit
    UnstorableError         the unit cannot be written down: an event nobody declared, …  commit
    StoreFullError          no room; nothing of this group was stored                     commit
    StoreBusyError          somebody else holds the database; nothing was stored          commit, reads
    StoreUnavailableError   the disk or the connection does not work, or it is closed     commit, reads
    StoreFormatError        the database itself is damaged                                commit, reads
    MissingEventError       a version of the stream is not there                          load
    CorruptEventError       an event cannot be read back                                  load, recorded
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from understudy.events.errors.root import EngineError
from understudy.events.event import Event

__all__ = ["OPEN_STATUS", "Append", "EventStore", "ExecutionRow", "Recorded", "Unit"]

OPEN_STATUS: Final = "Running"
"""The one status of a run that is not closed."""


class ExecutionRow(msgspec.Struct, frozen=True):
    """The facts about a run that are known without reading its stream; a later row replaces the earlier one.

    Args:
        run_id: The run, the key.
        workflow_id: The name its users gave it; at most one open run has it.
        status: `Running`, `Completed`, `Failed`, `Canceled`, `Terminated`, `TimedOut` or `ContinuedAsNew`.
        started_at: Nanoseconds since the epoch.
        closed_at: Nanoseconds since the epoch; None while it is open.
        wake_at: When the run needs care, ns since the epoch: 0 at once on recovery, None only when a message comes;
            a closed run may need it, too, for its children.
        first_run_id: The first run of the chain that retries and continuations make.
        memo: A JSON object of payloads, or None.
        search_attributes: A JSON object, or None.
    """

    run_id: str
    workflow_id: str
    workflow_type: str
    task_queue: str
    status: str
    started_at: int
    closed_at: int | None
    wake_at: int | None
    first_run_id: str
    memo: str | None
    search_attributes: str | None


class Append(msgspec.Struct, frozen=True):
    """Events for the end of one stream; without events it only checks the version.

    Args:
        run_id: The stream.
        after: The version the stream must have now, 0 for a new one; the events become `after + 1`, `after + 2`, ….
        events: The events, oldest first.
    """

    run_id: str
    after: int
    events: tuple[Event, ...]


class Unit(msgspec.Struct, frozen=True):
    """One turn, stored whole or not at all.

    Args:
        appends: The streams that grow, in order.
        rows: The execution rows that change; of two for the same run the last counts. Rows of closed runs take effect
            before those of open ones, so a run may hand its workflow id to the next in one unit.
    """

    appends: tuple[Append, ...]
    rows: tuple[ExecutionRow, ...]


class Recorded(msgspec.Struct, frozen=True):
    """An event with its envelope: whose it is, its version there, and its place in the global sequence."""

    run_id: str
    version: int
    event: Event
    position: int


class EventStore(Protocol):
    """The port: a place where events are kept; the adapters are `memory` and `sqlite`."""

    @property
    def url(self) -> str:
        """The URL that opens this store."""
        ...

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Store each unit whole or not at all, all of them in one transaction; called by one thread at a time.

        Units take effect in order, so a unit may build on an earlier one of the group. A unit that conflicts costs the
        others nothing. What is reported as stored is on disk when this returns (ACKED).

        Returns:
            For each unit None if it is stored, else why it is not. None of the failures above is raised.
        """
        ...

    def load(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run with versions above `after`, oldest first; none if there is no such run.

        Raises:
            MissingEventError: the versions have a gap (NO-GAPS).
            CorruptEventError: an event cannot be read back.
        """
        ...

    def execution(self, run_id: str) -> ExecutionRow | None:
        """Return the row of this run."""
        ...

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        """Return the open run with this workflow id, else the one that was stored first most recently."""
        ...

    def due(self, before: int, limit: int, after: tuple[int, str] | None = None) -> list[ExecutionRow]:
        """Return runs that need care by a given time, ordered by (wake_at, run_id).

        Args:
            before: The last `wake_at` to return, ns since the epoch.
            limit: At most as many rows.
            after: Go on behind this (wake_at, run_id): that of the last row of the page before.
        """
        ...

    def next_wake(self, after: int) -> int | None:
        """Return the smallest `wake_at` that is greater than `after`, ns since the epoch."""
        ...

    def executions(
        self,
        *,
        workflow_id: str | None = None,
        workflow_type: str | None = None,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ExecutionRow]:
        """Return runs, the one that was stored first most recently first; None filters nothing."""
        ...

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """Return at most `limit` events with positions above `after`, in the order of the global sequence.

        Raises:
            CorruptEventError: an event cannot be read back.
        """
        ...

    def last_position(self) -> int:
        """Return the position of the last event stored, 0 if there is none."""
        ...

    def close(self) -> None:
        """Let go of all resources; a second call does nothing."""
        ...
