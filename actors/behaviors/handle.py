"""The future of an activity, inside a workflow.

A handle is an asyncio future, so it goes into `gather`, `wait`, `shield` and `await` as it is. What is ours is how it
cancels. asyncio cancels the future that a task awaits by `cancel(msg=...)`; then the awaiting task gets asyncio's
CancelledError, and `asyncio.timeout` and `wait_for` work around activities as they do around anything. A user who calls
`handle.cancel()` gets the activity's own end from it: ActivityError, caused by CancelledError. In both cases the
cancellation type says whether the activity is asked to stop, and whether its outcome is awaited.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

from understudy.actors.behaviors.numbered import NumberedFuture
from understudy.events.policy import ActivityCancellationType

__all__ = ["ActivityHandle"]

T = TypeVar("T")

_BY_USER: Final = object()


def _called_by_asyncio() -> bool:
    """Whether asyncio's own code cancels: up to Python 3.11 `wait_for` does it without a message."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("asyncio.")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - only the stack knows


class ActivityHandle(NumberedFuture[T]):
    """An activity that was started; awaitable, cancellable.

    Lives on the workflow's own loop and is used from workflow code only.
    """

    __slots__ = ("_as_asyncio", "_asked", "_canceled_error", "_cancellation_type", "_stop", "result_hint")

    def prepare(
        self,
        result_hint: Any,
        cancellation_type: ActivityCancellationType,
        stop: Callable[[], None],
        canceled_error: Callable[[], BaseException],
    ) -> None:
        """Set what the engine needs; called once, right after creation.

        Args:
            result_hint: the type that the result is decoded to.
            cancellation_type: what a cancellation does.
            stop: asks for the activity to be cancelled.
            canceled_error: makes the error that a cancelled activity raises.
        """
        self.result_hint = result_hint
        self._cancellation_type = cancellation_type
        self._stop = stop
        self._canceled_error = canceled_error
        self._asked = self._as_asyncio = False

    def cancel(self, msg: Any = _BY_USER) -> bool:
        """Ask for cancellation; see the module's page for who then sees what.

        Returns:
            False when the activity already has an outcome.
        """
        if self.done():
            return False
        kind = self._cancellation_type
        if not self._asked:
            self._asked = True
            self._as_asyncio = msg is not _BY_USER or _called_by_asyncio()
            if kind is not ActivityCancellationType.ABANDON:
                self._stop()
        if kind is not ActivityCancellationType.WAIT_CANCELLATION_COMPLETED:
            self.end_canceled(None)
        return True

    def end_canceled(self, error: BaseException | None) -> None:
        """Resolve as cancelled, in the manner in which it was asked for."""
        if self._as_asyncio:
            super().cancel()
        else:
            self.set_exception(error or self._canceled_error())
