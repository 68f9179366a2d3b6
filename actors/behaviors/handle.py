"""The futures of an activity and of a child workflow, inside a workflow.

A handle is an asyncio future, so it goes into `gather`, `wait`, `shield` and `await` as it is. What is ours is how it
cancels. asyncio cancels the future that a task awaits by `cancel(msg=...)`; then the awaiting task gets asyncio's
CancelledError, and `asyncio.timeout` and `wait_for` work around activities as they do around anything. A user who calls
`handle.cancel()` gets the activity's own end from it: ActivityError, caused by CancelledError. In both cases the
cancellation type says whether the activity is asked to stop, and whether its outcome is awaited.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from understudy.actors.behaviors.numbered import NumberedFuture
from understudy.events.policy import ActivityCancellationType, ChildWorkflowCancellationType

if TYPE_CHECKING:
    from asyncio import Future

    from understudy.events.child import ChildInitiated
    from understudy.events.failure import FailureConverter
    from understudy.events.payload import PayloadConverter

__all__ = ["ActivityHandle", "ChildHandle", "DurableHandle"]

T = TypeVar("T")

_BY_USER: Final = object()


def _called_by_asyncio() -> bool:
    """Whether asyncio's own code cancels: up to Python 3.11 `wait_for` does it without a message."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("asyncio.")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - only the stack knows


_ASKED_NOT: Final = (ActivityCancellationType.ABANDON, ChildWorkflowCancellationType.ABANDON)
_WAITED_FOR: Final = (
    ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
)


class DurableHandle(NumberedFuture[T]):
    """Something durable that was started; awaitable, cancellable.

    Lives on the workflow's own loop and is used from workflow code only.
    """

    __slots__ = (
        "_as_asyncio",
        "_asked",
        "_canceled_error",
        "_kind",
        "_stop",
        "converter",
        "failures",
        "reason",
        "result_hint",
    )
    reason: str
    """Why it is to stop, if that was said; set when it is cancelled."""
    converter: PayloadConverter
    failures: FailureConverter
    """What its outcome is read with."""

    def prepare(
        self,
        result_hint: Any,
        cancellation_type: ActivityCancellationType | ChildWorkflowCancellationType,
        stop: Callable[[], None],
        canceled_error: Callable[[], BaseException],
    ) -> None:
        """Set what the engine needs; called once, right after creation.

        Args:
            result_hint: the type that the result is decoded to.
            cancellation_type: what a cancellation does.
            stop: asks for the cancellation.
            canceled_error: makes the error that what was cancelled raises.
        """
        self.result_hint = result_hint
        self._kind = cancellation_type
        self._stop = stop
        self._canceled_error = canceled_error
        self._asked = self._as_asyncio = False

    def cancel(self, msg: Any = _BY_USER) -> bool:
        """Ask for cancellation; see the module's page for who then sees what.

        Args:
            msg: a text is the reason that a child is told.

        Returns:
            False when there already is an outcome.
        """
        if self.done():
            return False
        if not self._asked:
            self._asked = True
            self.reason = msg if isinstance(msg, str) else ""
            self._as_asyncio = msg is not _BY_USER or _called_by_asyncio()
            if not _is_in(self._kind, _ASKED_NOT):
                self._stop()
        if not _is_in(self._kind, _WAITED_FOR):
            self.end_canceled(None)
        return True

    def end_canceled(self, error: BaseException | None) -> None:
        """Resolve as cancelled, in the manner in which it was asked for."""
        if self._as_asyncio:
            super().cancel()
        else:
            self.set_exception(error or self._canceled_error())


class ActivityHandle(DurableHandle[T]):
    """An activity that was started; awaitable, cancellable.

    Lives on the workflow's own loop and is used from workflow code only.
    """

    __slots__ = ()


class ChildHandle(DurableHandle[T]):
    """A child workflow that was asked for; awaitable, cancellable; `started` resolves when it runs.

    Lives on the workflow's own loop and is used from workflow code only.
    """

    __slots__ = ("initiated", "run_id", "started")
    initiated: ChildInitiated
    run_id: str
    started: Future[None]

    def has_started(self, run_id: str) -> None:
        """Let those go on who wait for the start."""
        self.run_id = run_id
        self.started.set_result(None)

    def has_not_started(self, error: BaseException) -> None:
        """Tell those who wait for the start why there is none; nobody has the handle yet."""
        if self.done():
            self.started.cancel()  # who asked was cancelled and has gone
        else:
            self.started.set_exception(error)
        super(DurableHandle, self).cancel()


def _is_in(kind: object, kinds: tuple[object, ...]) -> bool:
    """Whether a cancellation type is one of these; the two enums share their numbers."""
    return any(kind is each for each in kinds)
