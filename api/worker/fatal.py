"""An error after which a worker can do no more, such as a pool of processes that broke: it ends the worker early.

Whoever runs the worker is told: `run` raises the error, and the task that is in an `async with` block is cancelled, and
gets the error at the end of the block, as `asyncio.timeout` does it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio import Task

__all__ = ["Fatal"]

_log: Final = logging.getLogger("understudy.worker")


class Fatal:
    """The fatal error of one worker, if it comes."""

    def __init__(self, handler: Callable[[BaseException], Awaitable[None]] | None) -> None:
        """Await `handler`, if there is one, before the worker stops."""
        self.error: BaseException | None = None
        self._handler = handler
        self._block: Task[Any] | None = None
        self._struck = False

    def enter(self) -> None:
        """Begin a block that the error shall end; called in its task."""
        self._block = asyncio.current_task()

    def leave(self) -> None:
        """End the block: it is not cancelled any more."""
        self._block = None

    def check(self, kind: type[BaseException] | None) -> None:
        """Raise the error at the end of a block, if the error has come; `kind` is the class of the block's own error.

        Raises:
            BaseException: the error, unless the block raises something of its own.
        """
        if self.error is None or kind not in {None, asyncio.CancelledError}:
            return
        task = asyncio.current_task() if self._struck else None
        if task is not None:
            task.uncancel()
        raise self.error

    async def come(self, error: BaseException, what: object) -> None:
        """Tell of the error; on the engine's loop.

        Args:
            error: the fatal error.
            what: the worker, for the log.
        """
        self.error = error
        _log.error("%r cannot go on, and stops", what, exc_info=error)
        if self._handler is not None:
            try:
                await self._handler(error)
            except Exception:  # noqa: BLE001 - the worker stops all the same
                _log.exception("on_fatal_error of %r failed", what)

    def strike(self) -> None:
        """Cancel the block; any thread."""
        block = self._block
        if block is not None:
            block.get_loop().call_soon_threadsafe(self._cancel, block)

    def _cancel(self, block: Task[Any]) -> None:
        if self._block is block:
            self._struck = block.cancel()
