"""The batch: a group of units folded into one, which a database takes in a few large statements.

A group often holds several turns of the same run, each building on the one before. The database is asked only about
the first of them (does the stream have this version?), the rest is settled here. Of several rows of one run only the
last is written, as long as the run stays open or stays closed: a run that opens and closes in one group must still meet
another that holds its workflow id. So the batch stores the same as its units would, one after another.

Where units contradict each other, `fold` raises, and the adapter goes unit by unit: a batch of one unit raises only
what is wrong with that unit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from understudy.events.errors import AlreadyOpenError, VersionConflictError
from understudy.events.errors.store import UnstorableError
from understudy.events.store.port import OPEN_STATUS, ExecutionRow, Unit

if TYPE_CHECKING:
    from understudy.events.errors.root import EngineError
    from understudy.events.store.mapper import EventMapper

__all__ = ["REFUSALS", "Batch", "already_open", "fold", "twin"]

REFUSALS: Final = (VersionConflictError, AlreadyOpenError, UnstorableError)
"""What is wrong with one unit and must not cost the others; any other failure is the store's."""


class Batch:
    """The writes of one group: the versions that its streams must have, its events, and its rows, in order."""

    __slots__ = ("_places", "events", "expected", "rows")

    def __init__(self) -> None:
        self.expected: dict[str, int] = {}
        self.events: list[tuple[str, int, str, bytes]] = []
        self.rows: list[ExecutionRow] = []
        self._places: dict[str, int] = {}

    def put(self, row: ExecutionRow) -> None:
        """Take one more row, in place of the run's last one if it is as open or as closed as that."""
        place = self._places.get(row.run_id)
        if place is not None and _is_open(self.rows[place]) == _is_open(row):
            self.rows[place] = row
        else:
            self._places[row.run_id] = len(self.rows)
            self.rows.append(row)


def fold(units: Sequence[Unit], mapper: EventMapper) -> Batch:
    """Fold units, in order, into one batch.

    Raises:
        VersionConflictError: two appends to one stream do not follow each other.
        UnstorableError: an event cannot be encoded.
    """
    batch = Batch()
    versions: dict[str, int] = {}
    for unit in units:
        _fold_appends(batch, unit, versions, mapper)
        for row in _effective_rows(unit):
            batch.put(row)
    return batch


def already_open(rows: Sequence[ExecutionRow], holder_of: Callable[[str], str | None]) -> AlreadyOpenError | None:
    """Return the error for rows that cannot take effect one after another: another run holds a workflow id.

    Args:
        rows: In the order they take effect.
        holder_of: The open run of a workflow id, as it was before all of them.
    """
    holders: dict[str, str | None] = {}
    for row in rows:
        workflow_id = row.workflow_id
        if workflow_id not in holders:
            holders[workflow_id] = holder_of(workflow_id)
        holder = holders[workflow_id]
        if not _is_open(row):
            if holder == row.run_id:
                holders[workflow_id] = None
        elif holder is None or holder == row.run_id:
            holders[workflow_id] = row.run_id
        else:
            return AlreadyOpenError(workflow_id=workflow_id, run_id=holder)
    return None


def twin(error: EngineError) -> EngineError:
    """Return an error of its own for each unit: it will be raised in another place, with another traceback."""
    made = copy.copy(error)
    made.__cause__ = error.__cause__
    return made


def _fold_appends(batch: Batch, unit: Unit, versions: dict[str, int], mapper: EventMapper) -> None:
    events, state_of = batch.events, mapper.state_of
    for append in unit.appends:
        run_id, version = append.run_id, append.after
        if versions.setdefault(run_id, version) != version:
            raise VersionConflictError(run_id=run_id, expected=version + 1)
        batch.expected.setdefault(run_id, version)
        for event in append.events:
            version += 1
            events.append((run_id, version, *state_of(run_id, version, event)))
        versions[run_id] = version


def _effective_rows(unit: Unit) -> Sequence[ExecutionRow]:
    """Return the rows of a unit in the order they take effect: the last of each run, closed runs first."""
    if len(unit.rows) <= 1:
        return unit.rows
    last = {row.run_id: row for row in unit.rows}
    return sorted(last.values(), key=_is_open)


def _is_open(row: ExecutionRow) -> bool:
    return row.status == OPEN_STATUS
