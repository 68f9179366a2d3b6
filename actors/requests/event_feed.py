"""The feed of a run's events: first those on disk, then each as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.store.port import OPEN_STATUS

if TYPE_CHECKING:
    from understudy.actors.runs.waiters import Waiters
    from understudy.events.event import Event
    from understudy.events.store.port import EventStore

__all__ = ["events_after"]


async def events_after(
    store: EventStore, waiters: Waiters, run_id: str, after: int, *, wait: bool
) -> tuple[list[Event], bool]:
    """Return a run's events behind number `after` that are on disk, and True if it is open; on the engine's loop.

    Args:
        store: where they are.
        waiters: those who wait for more.
        run_id: the run.
        after: the number of the last event that is known; 0: none.
        wait: wait for one, if there is none and the run is open.

    Raises:
        EngineStoppedError: the client was closed while it waited.
    """
    while True:
        row = store.execution(run_id)  # first: a run that closes in between counts as open
        found = store.load(run_id, after)
        is_open = row is None or row.status == OPEN_STATUS
        if found or not (wait and is_open):
            return found, is_open
        more = waiters.wait_more(run_id)
        try:
            await more
        finally:
            waiters.forget_more(run_id, more)
