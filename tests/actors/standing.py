"""What a turn and an execution row see of a workflow actor: its run, its state, and whether its code is busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from understudy.events.event import Event
from understudy.events.state.evolve import fold

if TYPE_CHECKING:
    from understudy.actors.runs.actor import WorkflowActor

__all__ = ["Code", "actor"]


class Code:
    """The coroutine side, as far as it is asked here."""

    def __init__(self, *, is_idle: bool) -> None:
        self.is_idle = is_idle


class Standing:
    """Stands where an actor would, without an engine around it."""

    def __init__(self, run_id: str, events: tuple[Event, ...], run: Code | None) -> None:
        self.run_id = run_id
        self.state = fold(run_id, events)
        self.run = run
        self.last_row: tuple[Any, ...] | None = None


def actor(*events: Event, run_id: str = "run-1", run: Code | None = None) -> WorkflowActor:
    """An actor of which this has happened."""
    return cast("WorkflowActor", Standing(run_id, events, run))
