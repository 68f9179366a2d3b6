"""Small units, rows and events for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.store.port import Append, EventStore, ExecutionRow, Unit

__all__ = ["append", "noted", "row", "run_unit", "stored_units", "unit"]


def noted(text: str = "hello", *, at: int = 1) -> Event:
    """An event that says something."""
    return SignalReceived(at=at, name=text)


def append(run_id: str, after: int, *texts: str) -> Append:
    """Events with these texts for the end of a stream."""
    return Append(run_id, after, tuple(noted(text) for text in texts))


def row(  # noqa: PLR0913 - a row has many columns, and each test names those it is about
    run_id: str,
    workflow_id: str = "order-1",
    status: str = "Running",
    *,
    wake_at: int | None = 0,
    closed_at: int | None = None,
    memo: str | None = None,
) -> ExecutionRow:
    """The execution row of a run."""
    return ExecutionRow(
        run_id=run_id,
        workflow_id=workflow_id,
        workflow_type="Order",
        task_queue="orders",
        status=status,
        started_at=1_700_000_000_000_000_000,
        closed_at=closed_at,
        wake_at=wake_at,
        first_run_id=run_id,
        memo=memo,
        search_attributes=None,
    )


def unit(*parts: Append | ExecutionRow) -> Unit:
    """A unit of appends and rows, in any order."""
    return Unit(
        appends=tuple(part for part in parts if isinstance(part, Append)),
        rows=tuple(part for part in parts if isinstance(part, ExecutionRow)),
    )


def run_unit(number: int) -> Unit:
    """The start of run `number`: two events of its own and a row, recognisable as one by their numbers."""
    run_id = f"run-{number:05}"
    return unit(append(run_id, 0, f"{number}", f"{number}"), row(run_id, f"workflow-{number}", wake_at=number))


def stored_units(store: EventStore, numbers: Iterable[int]) -> list[int]:
    """Which of the units of `run_unit` are stored; each must be there whole or not at all.

    Raises:
        AssertionError: a unit is there in part.
    """
    recorded = store.recorded(0, 1_000_000)
    counts = {run_id: len(list(group)) for run_id, group in groupby(recorded, key=lambda event: event.run_id)}
    found: list[int] = []
    for number in numbers:
        run_id = f"run-{number:05}"
        events, known = counts.get(run_id, 0), store.execution(run_id) is not None
        if (events, known) not in {(0, False), (2, True)}:
            raise AssertionError(f"unit {number} is stored in part: {events} events, row: {known}")
        if known:
            found.append(number)
    return found
