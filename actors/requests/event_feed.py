"""A run's events as they come: what is on disk, and what will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.store.port import OPEN_STATUS

if TYPE_CHECKING:
    from understudy.actors.system import System
    from understudy.events.event import Event

__all__ = ["events_behind"]


async def events_behind(system: System, run_id: str, after: int, *, wait: bool) -> tuple[list[Event], bool]:
    """Return a run's events behind number `after` that are on disk, and whether the run is open; on the engine's loop.

    Args:
        system: whose run it is.
        run_id: the run.
        after: the number of the last event that is known; 0: none.
        wait: wait for one, if there is none and the run is open.

    Raises:
        EngineStoppedError: the client was closed while it waited.
    """
    while True:
        row = system.store.execution(run_id)  # first: a run that closes in between counts as open
        found = system.store.load(run_id, after)
        is_open = row is None or row.status == OPEN_STATUS
        if found or not (wait and is_open):
            return found, is_open
        more = system.outcomes.wait_more(run_id)
        try:
            await more
        finally:
            system.outcomes.forget_more(run_id, more)
