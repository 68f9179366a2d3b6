"""Clients that wait for the end of a run, or for its next events: told once that is on disk.

It does not matter whether the run left memory meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from understudy.events.update import UpdateCompleted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from understudy.events.event import Event

__all__ = ["Waiters"]


class Waiters:
    """Futures of those who wait, by run id; used on the engine's loop.

    Args:
        loop: the engine's.
        on_wait: is called with each future that somebody begins to wait for until the end of a run; for tests, whose
            clock may jump meanwhile.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_wait: Callable[[asyncio.Future[Any]], None] | None = None
    ) -> None:
        self._loop = loop
        self._on_wait = on_wait
        self._waiting: dict[str, list[asyncio.Future[Event]]] = {}
        self._updates: dict[str, list[tuple[str, asyncio.Future[UpdateCompleted | None]]]] = {}
        self.tails: dict[str, list[asyncio.Future[None]]] = {}
        """The futures of those who wait for more events; empty most of the time, and a commit looks at this first."""

    def wait(self, run_id: str) -> asyncio.Future[Event]:
        """Return a future for the closing event of a run that is open."""
        future: asyncio.Future[Event] = self._loop.create_future()
        self._waiting.setdefault(run_id, []).append(future)
        if self._on_wait is not None:
            self._on_wait(future)
        return future

    def closed(self, run_id: str, event: Event) -> None:
        """Tell all who wait; updates that are not completed by now never will be."""
        for future in self._waiting.pop(run_id, ()):
            if not future.done():
                future.set_result(event)
        for _, waiter in self._updates.pop(run_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def wait_update(self, run_id: str, update_id: str) -> asyncio.Future[UpdateCompleted | None]:
        """Return a future for the outcome of an update, None if its run ends before; `forget_update` gives it back."""
        future: asyncio.Future[UpdateCompleted | None] = self._loop.create_future()
        self._updates.setdefault(run_id, []).append((update_id, future))
        return future

    def forget_update(self, run_id: str, update_id: str, future: asyncio.Future[UpdateCompleted | None]) -> None:
        """Take a waiter for an update off the list."""
        waiting = self._updates.get(run_id, [])
        if (update_id, future) in waiting:
            waiting.remove((update_id, future))
            if not waiting:
                del self._updates[run_id]

    def back(self, run_id: str, updates: Mapping[str, Event]) -> None:
        """Tell those who wait for updates of a run that came back: the report of a commit may have been lost.

        Args:
            run_id: of the run.
            updates: the latest event of each of its updates, as on disk.
        """
        for update_id, _ in self._updates.get(run_id, ()):
            known = updates.get(update_id)
            if isinstance(known, UpdateCompleted):
                self.updated(run_id, known)

    def updated(self, run_id: str, event: UpdateCompleted) -> None:
        """Tell all who wait for the outcome of an update."""
        for update_id, future in self._updates.get(run_id, ()):
            if update_id == event.update_id and not future.done():
                future.set_result(event)

    def wait_more(self, run_id: str) -> asyncio.Future[None]:
        """Return a future for more events of a run; `forget_more` gives it back."""
        future: asyncio.Future[None] = self._loop.create_future()
        self.tails.setdefault(run_id, []).append(future)
        return future

    def forget_more(self, run_id: str, future: asyncio.Future[None]) -> None:
        """Take a waiter for more events off the list."""
        waiting = self.tails.get(run_id, [])
        if future in waiting:
            waiting.remove(future)
            if not waiting:
                del self.tails[run_id]

    def grew(self, run_id: str) -> None:
        """Tell all who wait for more events of a run."""
        for future in self.tails.pop(run_id, ()):
            if not future.done():
                future.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Tell all who wait that nothing more will come."""
        waiting, self._waiting = self._waiting, {}
        updates, self._updates = self._updates, {}
        left: list[asyncio.Future[Any]] = [future for futures in waiting.values() for future in futures]
        left += [future for futures in updates.values() for _, future in futures]
        tails, self.tails = self.tails, {}
        left += [future for futures in tails.values() for future in futures]
        for future in left:
            if not future.done():
                future.set_exception(error)
