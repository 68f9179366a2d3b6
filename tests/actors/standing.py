"""What a turn and an execution row see of a live run: its id, its state, and whether its code is busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from understudy.actors.runs.live_run import LiveRun
from understudy.events.event import Event
from understudy.events.state.evolve import fold

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.run import Run
    from understudy.actors.runs.turn import Owner

__all__ = ["Code", "live_run", "owner"]


class Code:
    """The coroutine side, as far as it is asked here."""

    def __init__(self, *, waits_for_events_only: bool) -> None:
        self.waits_for_events_only = waits_for_events_only


class Standing:
    """Stands where an actor would, without an engine around it."""

    def __init__(self, run: LiveRun) -> None:
        self.run = run


def live_run(*events: Event, run_id: str = "run-1", code: Code | None = None) -> LiveRun:
    """A run of which this has happened."""
    run = LiveRun(run_id, "order-1")
    run.state = fold(run_id, events)
    run.code = cast("Run | None", code)
    return run


def owner(*events: Event, run_id: str = "run-1") -> Owner:
    """The actor of a run of which this has happened."""
    return cast("Owner", Standing(live_run(*events, run_id=run_id)))
