"""Who waits for the end of a run: told once its closing event is on disk, also if the run left memory meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.events.event import Event

__all__ = ["Outcomes"]


class Outcomes:
    """Futures by run id; used on the engine's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with nobody waiting."""
        self._loop = loop
        self._waiting: dict[str, list[asyncio.Future[Event]]] = {}

    def wait(self, run_id: str) -> asyncio.Future[Event]:
        """Return a future for the closing event of a run that is open."""
        future: asyncio.Future[Event] = self._loop.create_future()
        self._waiting.setdefault(run_id, []).append(future)
        return future

    def closed(self, run_id: str, event: Event) -> None:
        """Tell all who wait."""
        for future in self._waiting.pop(run_id, ()):
            if not future.done():
                future.set_result(event)

    def fail(self, error: BaseException) -> None:
        """Tell all who wait that nothing more will come."""
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
