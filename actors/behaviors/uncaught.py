"""What nobody caught: collected for the host, where asyncio would write a log.

A callback that raised, a task that failed and was let go of: asyncio tells the loop, and a loop of ours has no log to
write to, since a log is the outside. The host takes the reports out after a turn and decides what becomes of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    ErrorContext: TypeAlias = dict[str, Any]
    ErrorHandler: TypeAlias = Callable[[asyncio.AbstractEventLoop, ErrorContext], object]

__all__ = ["UncaughtLoop"]


class UncaughtLoop(asyncio.AbstractEventLoop):
    """The part of a loop that is told of errors.

    Attributes:
        on_error: asyncio's context dicts: always `message`, mostly `exception`, and `task`, `future` or `handle`.
    """

    __slots__ = ()
    on_error: list[ErrorContext]
    _error_handler: ErrorHandler | None

    def call_exception_handler(self, context: ErrorContext) -> None:
        """Hand what nobody caught to the run's handler, or put it into `on_error`."""
        if self.is_closed():
            return
        handler = self._error_handler
        if handler is None:
            self.default_exception_handler(context)
            return
        try:
            handler(self, context)
        except Exception as error:  # noqa: BLE001 - a handler that fails must not end the turn
            self.on_error.append({"message": "Exception in exception handler", "exception": error, "context": context})

    def default_exception_handler(self, context: ErrorContext) -> None:
        """Put it into `on_error`."""
        self.on_error.append(context)

    def set_exception_handler(self, handler: ErrorHandler | None) -> None:
        """Let the run's own code handle what nobody caught."""
        self._error_handler = handler

    def get_exception_handler(self) -> ErrorHandler | None:
        """Return the run's own handler."""
        return self._error_handler
