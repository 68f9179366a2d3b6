"""The attempt whose code is running: what `understudy.activity` may ask of it, wherever that code runs.

There are three kinds. A worker makes attempts and calls their functions on its loop or in a thread; another process
has a stand-in that asks over a pipe; an environment of a test has neither an engine nor a loop. All keep the protocol
`RunningAttempt`. Members may be used on any thread except where said.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.actors.activities.thread_cancel import ThreadCancel
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["AsyncCompletion", "Outbound", "RunningAttempt", "WorkerView", "converter_of", "current_attempt"]


class Outbound(Protocol):
    """The outermost interceptor of the calls that an activity's code makes."""

    def info(self) -> object:
        """Return the facts about the attempt, as the interceptors leave them."""

    def heartbeat(self, *details: Any) -> None:
        """Give a sign of life."""


class Waitable(Protocol):
    """An event that a thread can wait for."""

    def wait(self, seconds: float | None = None, /) -> bool:
        """Block until it happens or `seconds` have passed; return True if it has happened."""
        ...


class CancellationView(Protocol):
    """The view that code has of the cancellation of its attempt."""

    @property
    def details(self) -> ActivityCancellationDetails | None:
        """The reasons why the attempt was asked to stop; None while it was not."""

    async def wait(self) -> None:
        """Wait until the attempt is asked to stop; on the loop of the attempt."""

    def wait_in_thread(self, seconds: float | None) -> bool:
        """Block until the attempt is asked to stop or `seconds` have passed; return True if it is asked."""
        ...


class WorkerView(Protocol):
    """The view that code has of the worker that runs its attempt."""

    @property
    def client(self) -> object:
        """The worker's client, whose class the engine does not know; None if there is none here."""

    @property
    def meter(self) -> object:
        """The object of which `activity.metric_meter()` is made; None if nothing is counted."""

    @property
    def converter(self) -> PayloadConverter:
        """The converter of all values; `converter_of` gives the one for the attempt's values."""
        ...

    @property
    def in_context(self) -> bool:
        """True if the converter wants to know whose values it converts."""
        ...

    @property
    def shutting_down(self) -> bool:
        """True if the worker takes no more attempts."""
        ...

    @property
    def stopping(self) -> Waitable:
        """The event that the worker begins to stop, for threads."""
        ...

    async def wait_for_shutdown(self) -> None:
        """Wait until the worker begins to stop; on the loop of the attempt."""


class RunningAttempt(Protocol):
    """The view that code has of its own attempt."""

    info: object
    """The result of `activity.info()`, whose class the engine does not know; None until code asked for it."""
    outbound: Outbound | None
    """The interceptors of the code's own calls; None if there are none."""
    thread_cancel: ThreadCancel | None
    """Raises the cancellation in the thread of the code; None if the code runs in no thread, or is not to be struck."""

    @property
    def assignment(self) -> Assignment:
        """The assignment: it names the activity and the attempt."""
        ...

    @property
    def dispatched_at(self) -> int:
        """The time when the attempt began to wait for a worker, ns since the epoch."""
        ...

    @property
    def started_at(self) -> int:
        """The time when a worker began to run the attempt, ns since the epoch."""
        ...

    @property
    def worker(self) -> WorkerView | None:
        """The worker that runs it; None if it has no worker any more."""

    @property
    def cancellation(self) -> CancellationView:
        """The request to stop, as far as code may know it."""
        ...

    def heartbeat_details(self) -> list[Any]:
        """Return the heartbeat details of the previous attempt, as values."""
        ...

    def beat(self, details: Sequence[Any]) -> None:
        """Take a sign of life.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """


current_attempt: ContextVar[RunningAttempt] = ContextVar("understudy_attempt")
"""The attempt whose code is running here, on the loop, in a thread or in another process."""


class AsyncCompletion(BaseException):
    """Ends the code of an attempt without an outcome: somebody reports the outcome from outside."""

    def __init__(self) -> None:
        """Take the text that is read where no worker catches it."""
        super().__init__("the activity will be completed from outside")

    def __reduce__(self) -> tuple[type[AsyncCompletion], tuple[()]]:
        """Pickle without arguments, to come back from a process pool."""
        return AsyncCompletion, ()


def converter_of(assignment: Assignment, worker: WorkerView) -> PayloadConverter:
    """Return the worker's converter as it is for the values of this activity; any thread."""
    return assignment.as_of(worker.converter) if worker.in_context else worker.converter
