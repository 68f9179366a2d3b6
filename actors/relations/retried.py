"""Background work for runs: one task per (kind, run, number), retried until the store has taken it.

What the engine does between runs follows from events that are on disk, so doing it again after a crash is no more than
doing it again after a fault.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.supervision.backoff import Backoff
from understudy.events.errors import EngineError, EngineStoppedError, MailboxFullError

if TYPE_CHECKING:
    from understudy.actors.dispatch import Dispatcher

__all__ = ["RetriedTasks", "Work"]

logger: Final = logging.getLogger("understudy.workflows")

BACKOFF: Final = Backoff(first=0.2, last=2.0)
"""The wait between two tries while the store fails."""

Work = Callable[[bool], Coroutine[Any, Any, None]]
"""Does some work; the argument is True if an earlier try may have succeeded."""


class RetriedTasks:
    """Tasks of runs by kind and number; used on the engine's loop."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._tasks: dict[tuple[str, str, int], asyncio.Task[bool]] = {}

    def __len__(self) -> int:
        """Count the tasks under way."""
        return len(self._tasks)

    def start(self, kind: str, run_id: str, seq: int, work: Work, *, again: bool = False) -> None:
        """Start `work` unless the same work is running; retry it while the store fails.

        Args:
            kind: of work.
            run_id: the run that it is done for.
            seq: its number among those of its kind.
            work: the work to do.
            again: True if an earlier try may have succeeded, which `work` is told; so are later tries: a write that
                failed may be on disk for all that.
        """
        key = (kind, run_id, seq)
        if key in self._tasks:
            return
        task = self._tasks[key] = self._dispatcher.loop.create_task(self._persist(work, again=again))
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def running(self, kind: str, run_id: str, seq: int) -> asyncio.Task[bool] | None:
        """Return the task of some work while it runs; its result is False if the engine stopped before the end."""
        return self._tasks.get((kind, run_id, seq))

    async def _persist(self, work: Work, *, again: bool) -> bool:
        failures = 0
        while not self._dispatcher.stopped:
            try:
                await work(again)
            except EngineStoppedError:
                return False
            except (EngineError, MailboxFullError) as error:
                logger.warning("what workflows have to do with each other is tried again: %s", error)
                again = True
                failures += 1
                await asyncio.sleep(BACKOFF.delay(failures))
            else:
                return True
        return False

    def close(self) -> None:
        """Cancel all tasks under way."""
        for task in self._tasks.values():
            task.cancel()
