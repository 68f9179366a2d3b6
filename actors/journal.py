"""The journal: the only writer of events; units that arrive during one commit go into the next (group commit).

A turn hands in its unit (events and execution rows, atomic together) and a callback. Units wait until the loop has done
what it is at and the writer thread is free; then all that wait go as one transaction, and one fsync serves them all.
Callbacks run on the loop, in the order of submission, with None or with the error of their own unit: a conflict of one
never costs the others (ONE-OWNER). When a unit of a run fails, units of that run that were handed in behind it fail
with the same error, because their versions stand on its shoulders.

A unit that is alone is written on the loop itself, as long as commits are quick here (`INLINE_SECONDS`): two changes of
threads, there and back, take longer than such a commit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import perf_counter
from typing import Final

from understudy.actors.dispatch import Dispatcher
from understudy.events.errors import EngineError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.port import EventStore, Unit

__all__ = ["INLINE_SECONDS", "Done", "Journal"]

Done = Callable[[EngineError | None], None]

logger: Final = logging.getLogger("understudy.journal")

GROUP_LIMIT: Final = 1_000
"""Units in one transaction; beyond that a longer group gains nothing and its callers only wait longer."""

INLINE_SECONDS: Final = 0.001
"""The time that commits may take, s, on the average of the last few, to be made on the loop itself."""

_WEIGHT: Final = 0.2
"""The weight of the latest commit in that average: one of 50 ms keeps commits off the loop for the next 15 or so."""


class Journal:
    """Writes events in groups to one store; used on the dispatcher's loop, writes on a thread of its own."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: EventStore,
        inline_seconds: float = INLINE_SECONDS,
        stopwatch: Callable[[], float] = perf_counter,
    ) -> None:
        """Start the writer thread, a daemon: what is not committed was not acknowledged.

        Args:
            dispatcher: whose loop hands in units and is told their fate.
            store: where they go.
            inline_seconds: how long commits may take on the average to be made on the loop; 0: never there.
            stopwatch: by which that is measured, s.
        """
        self._dispatcher = dispatcher
        self._store = store
        self._waiting: list[tuple[Unit, Done]] = []
        self._busy = self._gathering = self._closed = False
        self._inline_seconds = inline_seconds
        self._commit_seconds = 0.0
        self._stopwatch = stopwatch
        self._to_writer: SimpleQueue[list[tuple[Unit, Done]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="understudy-journal", daemon=True)
        self._thread.start()
        self._idle_callbacks: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        """Show how many units wait."""
        return f"<journal of {self._store.url}: {len(self._waiting)} units waiting>"

    @property
    def is_idle(self) -> bool:
        """True if everything handed in has been answered."""
        return not (self._busy or self._waiting)

    def submit(self, unit: Unit, done: Done) -> None:
        """Hand in one turn's unit; `done` is called on the loop once the unit is stored or has failed."""
        self._waiting.append((unit, done))
        if not (self._busy or self._gathering):
            self._gathering = True
            self._dispatcher.loop.call_soon(self._gathered)

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the loop once everything handed in has been answered."""
        if self.is_idle:
            callback()
        else:
            self._idle_callbacks.append(callback)

    def close(self) -> None:
        """Stop the writer after the units that it was given; blocks for at most one commit."""
        self._closed = True
        self._to_writer.put(None)
        self._thread.join()

    def _gathered(self) -> None:
        """Write the units that the loop's last round has brought."""
        self._gathering = False
        if len(self._waiting) == 1 and self._commit_seconds < self._inline_seconds and not self._closed:
            batch, self._waiting = self._waiting, []
            self._busy = True
            self._committed(batch, self._commit(batch))
        else:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            batch, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
            self._busy = True
            self._to_writer.put(batch)

    def _write(self) -> None:
        while (batch := self._to_writer.get()) is not None:
            errors = self._commit(batch)
            try:
                self._dispatcher.loop.call_soon_threadsafe(self._committed, batch, errors)
            except RuntimeError:
                return  # the loop is gone, and with it everybody who waited
            del batch, errors  # or the last group would stay in memory until the next

    def _commit(self, batch: list[tuple[Unit, Done]]) -> Sequence[EngineError | None]:
        """Write one group, on either thread; return each unit with its error, or None if it is stored."""
        began = self._stopwatch()
        try:
            return self._store.commit([unit for unit, _ in batch])
        except Exception as error:  # noqa: BLE001 - the port promises not to raise; never hang on one that does
            failure = StoreUnavailableError(path=self._store.url, reason=repr(error))
            failure.__cause__ = error
            return [failure] * len(batch)
        finally:
            self._commit_seconds += _WEIGHT * (self._stopwatch() - began - self._commit_seconds)

    def _committed(self, batch: list[tuple[Unit, Done]], errors: Sequence[EngineError | None]) -> None:
        self._busy = False
        refused: list[tuple[Done, EngineError]] = []
        if any(errors):
            self._waiting, refused = self._without_followers(batch, errors, self._waiting)
        self._flush()
        for (_, done), error in zip(batch, errors, strict=True):
            _tell(done, error)
        for done, error in refused:
            _tell(done, error)
        if self.is_idle and self._idle_callbacks:
            callbacks, self._idle_callbacks = self._idle_callbacks, []
            for callback in callbacks:
                callback()

    @staticmethod
    def _without_followers(
        batch: list[tuple[Unit, Done]], errors: Sequence[EngineError | None], behind: list[tuple[Unit, Done]]
    ) -> tuple[list[tuple[Unit, Done]], list[tuple[Done, EngineError]]]:
        """Split the waiting units into those to be written and those that stand on the shoulders of a failed one."""
        failed = {
            append.run_id: error
            for (unit, _), error in zip(batch, errors, strict=True)
            if error is not None
            for append in unit.appends
        }
        going_on: list[tuple[Unit, Done]] = []
        refused: list[tuple[Done, EngineError]] = []
        for unit, done in behind:
            error = next((failed[a.run_id] for a in unit.appends if a.run_id in failed), None)
            if error is None:
                going_on.append((unit, done))
            else:
                failed.update((append.run_id, error) for append in unit.appends)
                refused.append((done, error))
        return going_on, refused


def _tell(done: Done, error: EngineError | None) -> None:
    """Call a callback; one that raises is a bug of the engine, and must not stop the callbacks behind it."""
    try:
        done(error)
    except Exception:
        logger.exception("a callback of the journal failed")
