"""The store as plain dicts and lists: slow, obvious, and what the adapters are compared with."""

from __future__ import annotations

from collections.abc import Callable

from understudy.events.errors import AlreadyOpenError, VersionConflictError
from understudy.events.errors.root import EngineError
from understudy.events.event import Event
from understudy.events.store.port import ExecutionRow, Recorded, Unit

__all__ = ["StoreModel"]


def is_open(row: ExecutionRow) -> bool:
    """Whether the run of a row is open."""
    return row.status == "Running"


class StoreModel:
    """Keeps the port's promises by copying everything and looking at everything."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.rows: dict[str, ExecutionRow] = {}

    def apply(self, unit: Unit) -> set[type[EngineError]]:
        """Take one unit if nothing speaks against it, and say what does."""
        events, rows, reasons = list(self.events), dict(self.rows), set[type[EngineError]]()
        for append in unit.appends:
            version = sum(1 for event in events if event.run_id == append.run_id)
            if version != append.after:
                reasons.add(VersionConflictError)
            for number, event in enumerate(append.events, start=append.after + 1):
                events.append(Recorded(append.run_id, number, event, len(events) + 1))
        rows |= {row.run_id: row for row in unit.rows}
        open_ids = [row.workflow_id for row in rows.values() if is_open(row)]
        if len(open_ids) != len(set(open_ids)):
            reasons.add(AlreadyOpenError)
        if not reasons:
            self.events = events
            # A run keeps its place among the runs; in one unit the closed ones come before the open ones.
            fresh = [row for row in rows.values() if row.run_id not in self.rows]
            self.rows |= {row.run_id: row for row in rows.values() if row.run_id in self.rows}
            self.rows |= {row.run_id: row for row in sorted(fresh, key=is_open)}
        return reasons

    def version(self, run_id: str) -> int:
        """How many events a run has."""
        return len(self.load(run_id))

    def load(self, run_id: str) -> list[Event]:
        """The events of a run."""
        return [event.event for event in self.events if event.run_id == run_id]

    def executions(self, keep: Callable[[ExecutionRow], bool]) -> list[ExecutionRow]:
        """Rows that pass, the one stored first most recently first."""
        return [row for row in reversed(self.rows.values()) if keep(row)]

    def of_workflow(self, workflow_id: str) -> list[ExecutionRow]:
        """The runs of a workflow id."""
        return self.executions(lambda row: row.workflow_id == workflow_id)

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        """The open run, else the one stored first most recently."""
        found = self.of_workflow(workflow_id)
        return next((row for row in found if is_open(row)), found[0] if found else None)

    def agenda(self) -> list[tuple[int, str]]:
        """Wake-up time and run of all runs that have one, in order."""
        rows = self.rows.values()
        return sorted((row.wake_at, row.run_id) for row in rows if row.wake_at is not None)
