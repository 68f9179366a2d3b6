"""What is done for runs until it is done: once at a time, and again for as long as the store fails.

The base of `actors.relations.children`: what the engine does there follows from events that are on disk, so that doing
it again after a crash is no more than doing it again after a fault.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from understudy.events.errors import EngineError, EngineStoppedError, MailboxFullError

if TYPE_CHECKING:
    from understudy.actors.dispatch import Dispatcher

__all__ = ["UntilDone"]

logger: Final = logging.getLogger("understudy.workflows")

FIRST_AGAIN: Final = 0.2
LAST_AGAIN: Final = 2.0
"""Seconds to wait with what the store could not do: doubling from the first up to the last."""


Do = Callable[[bool], Coroutine[Any, Any, None]]
"""Does something; told whether it may have been done before."""


class UntilDone:
    """Tasks of runs by name and number; used on the engine's loop."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Begin with nothing to do."""
        self._dispatcher = dispatcher
        self._tasks: dict[tuple[str, str, int], asyncio.Task[bool]] = {}

    def __len__(self) -> int:
        """Count what is under way."""
        return len(self._tasks)

    def _spawn(self, name: str, run_id: str, seq: int, do: Do, *, again: bool = False) -> None:
        """Do something for a run, once at a time, and again if the store fails; `again`: it may have been done before.

        What the store has failed at may be on disk for all that, so `do` is told each time.
        """
        key = (name, run_id, seq)
        if key in self._tasks:
            return
        task = self._tasks[key] = self._dispatcher.loop.create_task(self._persist(do, again=again))
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _persist(self, do: Do, *, again: bool) -> bool:
        """Do something, and again if the store fails; False: the engine stopped before it was done."""
        delay = FIRST_AGAIN
        while not self._dispatcher.stopped:
            try:
                await do(again)
            except EngineStoppedError:
                return False
            except (EngineError, MailboxFullError) as error:
                logger.warning("what workflows have to do with each other is tried again: %s", error)
                again = True
                await asyncio.sleep(delay)
                delay = min(2 * delay, LAST_AGAIN)
            else:
                return True
        return False

    def close(self) -> None:
        """Do no more."""
        for task in self._tasks.values():
            task.cancel()
