"""The futures of an activity and of a child workflow, inside a workflow.

A handle is an asyncio future, so it goes into `gather`, `wait`, `shield` and `await` as it is. What is ours is how it
cancels. asyncio cancels the future that a task awaits by `cancel(msg=...)`; then the awaiting task gets asyncio's
CancelledError, and `asyncio.timeout` and `wait_for` work around activities as they do around anything. A user who calls
`handle.cancel()` gets the activity's own end from it: ActivityError, caused by CancelledError. In both cases the
cancellation type says whether the activity is asked to stop, and whether its outcome is awaited.

Type checkers take a handle for a task, and it has what only tasks have: a name, a count of its cancellations, and a
stack, which is empty since no coroutine stands behind it. It is none: a task costs a coroutine and steps of the loop.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

from understudy.actors.behaviors.loop.numbered import NumberedFuture
from understudy.events.options.policies import ActivityCancellationType, ChildWorkflowCancellationType

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task
    from types import FrameType

    from understudy.events.child import ChildInitiated
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["ActivityHandle", "ChildHandle", "DurableHandle"]

T = TypeVar("T")

if TYPE_CHECKING:

    class _Base(Task[T]):
        """The base of a handle for type checkers: a task."""

        def __init__(self, *, loop: AbstractEventLoop) -> None: ...

else:
    _Base = NumberedFuture

_BY_USER: Final = object()


def _called_by_asyncio() -> bool:
    """True if asyncio's own code cancels: up to Python 3.11 `wait_for` does it without a message."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("asyncio.")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - only the stack knows


_ASKED_NOT: Final = (ActivityCancellationType.ABANDON, ChildWorkflowCancellationType.ABANDON)
_WAITED_FOR: Final = (
    ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
)


class DurableHandle(_Base[T]):
    """A durable operation that was started; awaitable, cancellable.

    Lives on the workflow's own loop and is used from workflow code only.
    """

    __slots__ = (
        "_as_asyncio",
        "_asked",
        "_canceled_error",
        "_cancels",
        "_kind",
        "_name",
        "_stop",
        "converter",
        "failures",
        "reason",
        "result_hint",
    )
    reason: str
    """The reason for the cancellation, if one was given; set when it is cancelled."""
    converter: PayloadConverter
    failures: FailureConverter
    """The converters that read its outcome."""

    def prepare(
        self,
        result_hint: Any,
        cancellation_type: ActivityCancellationType | ChildWorkflowCancellationType,
        stop: Callable[[], None],
        canceled_error: Callable[[], BaseException],
    ) -> None:
        """Set the fields that the engine needs; called once, right after creation.

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
        """Cancel the activity or the child; the head of this module says who sees the cancellation, and how.

        Args:
            msg: a text is the reason that a child is told.

        Returns:
            False when there already is an outcome.
        """
        if self.done():
            return False
        self._cancels = self.cancelling() + 1
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
        """Resolve as cancelled: as asyncio does if asyncio asked, else by an error."""
        if self._as_asyncio:
            super().cancel()
        else:
            self.set_exception(error or self._canceled_error())

    # -- what tasks have; the slots are empty until they are used ------------------------------------------------------

    def get_name(self) -> str:
        """Return the name that was set, or the name of the class."""
        return str(getattr(self, "_name", type(self).__name__))

    def set_name(self, value: object, /) -> None:
        """Give the handle a name that people see."""
        self._name = str(value)

    def cancelling(self) -> int:
        """Return how often it was cancelled, less the times that `uncancel` was called."""
        return int(getattr(self, "_cancels", 0))

    def uncancel(self) -> int:
        """Count one cancellation less, as a task does, and return how many are left; none is taken back."""
        self._cancels = max(self.cancelling() - 1, 0)
        return self._cancels

    def get_coro(self) -> Any:
        """Return None: no code of this run stands behind it."""
        return None

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:  # noqa: ARG002 - a task's signature
        """Return an empty list; see `get_coro`."""
        return []

    def print_stack(self, *, limit: int | None = None, file: TextIO | None = None) -> None:
        """Print nothing: the stack is empty."""


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
        """Resolve `started`: the child runs as `run_id`."""
        self.run_id = run_id
        self.started.set_result(None)

    def has_not_started(self, error: BaseException) -> None:
        """Tell those who wait for the start why there is none, and cancel the handle, which nobody has yet."""
        if self.done():
            self.started.cancel()  # the one who asked was cancelled and has gone
        else:
            self.started.set_exception(error)
        super(DurableHandle, self).cancel()


def _is_in(kind: object, kinds: tuple[object, ...]) -> bool:
    """True if a cancellation type is one of these; the two enums share their numbers."""
    return any(kind is each for each in kinds)
