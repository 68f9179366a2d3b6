"""Failures as workflow code and clients see them: Temporal's exceptions, name by name.

An `ApplicationError` is what user code raises to say "this failed". What wraps it on its way says where it came from:
an `ActivityError` or a `ChildWorkflowError`, with the failure as its `cause`. Cancellation, termination and time-outs
have their own classes in the same chain.

These are raised by user code with positional arguments, and users derive their own from them; so they are plain
classes, not the declared fields of the other branches. They pickle with their cause, which belongs to what they say.
"""

from __future__ import annotations

import asyncio
import copyreg
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from understudy.events.errors.root import UnderstudyError
from understudy.events.failures.failure import ApplicationErrorCategory
from understudy.events.options.durations import to_ns
from understudy.events.options.policies import RetryState, TimeoutType

if TYPE_CHECKING:
    from datetime import timedelta

    from understudy.events.failures.failure import Failure

__all__ = [
    "ActivityError",
    "ApplicationError",
    "CancelledError",
    "ChildWorkflowError",
    "FailureError",
    "ServerError",
    "TerminatedError",
    "TimeoutError",
    "is_cancelled_exception",
    "set_failure",
]


class FailureError(UnderstudyError, Exception):
    """Base of the exceptions that end a workflow or an activity with a failure.

    Args:
        message: what failed, without the names of the classes.
        failure: the stored form that this error was read from.
        exc_args: `args` of the exception, where they are not the message.
    """

    _failure: Failure | None = None  # there even where a user's subclass forgets to call its base

    def __init__(
        self, message: str, *, failure: Failure | None = None, exc_args: tuple[Any, ...] | None = None
    ) -> None:
        super().__init__(*((message,) if exc_args is None else exc_args))
        self._message = message
        self._failure = failure

    @property
    def message(self) -> str:
        """The message, which says what failed."""
        return self._message

    @property
    def failure(self) -> Failure | None:
        """The stored form that this error was read from, if it was."""
        return self._failure

    def __reduce__(self) -> tuple[Callable[..., FailureError], tuple[Any, ...], dict[str, Any]]:
        # By its state, not by a second call: subclasses of users have signatures of their own. Names only the class,
        # by its public path: a stored pickle outlives the module that this stands in.
        cause = self.__cause__ if isinstance(self.__cause__, FailureError) else None
        state = {**self.__dict__, "args": self.args, "__cause__": cause}
        made: Callable[..., FailureError] = vars(copyreg)["__newobj__"]  # the type stubs lack it
        return made, (type(self), *self.args), state


def set_failure(error: FailureError, failure: Failure) -> None:
    """Say which stored form `error` was read from; users construct these errors, too, and have no use for this."""
    error._failure = failure  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the class's own module


class DetailedError(FailureError):
    """A failure that carries values that a user gave."""

    _details: tuple[Any, ...] = ()

    @property
    def details(self) -> Sequence[Any]:
        """The values that were given with the error."""
        return self._details


class ApplicationError(DetailedError):
    """User code raises this to say that it failed.

    Args:
        message: what failed.
        *details: values to go with it; they are stored like results.
        type: a name for this kind of error, which retry policies can list.
        non_retryable: True if trying again is of no use.
        next_retry_delay: how long to wait before the next attempt, instead of what the retry policy says.
        category: how much attention it asks for.

    Raises:
        ArgumentTypeError: `next_retry_delay` is not a timedelta.
        InvalidArgumentError: `next_retry_delay` is negative.
    """

    def __init__(
        self,
        message: str,
        *details: Any,
        type: str | None = None,  # noqa: A002 - the interface that is followed
        non_retryable: bool = False,
        next_retry_delay: timedelta | None = None,
        category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
    ) -> None:
        super().__init__(message, exc_args=(f"{type}: {message}" if type else message,))
        to_ns(next_retry_delay, name="next_retry_delay")  # refused where it is written, not where it is stored
        self._details = details
        self._type = type
        self._non_retryable = non_retryable
        self._next_retry_delay = next_retry_delay
        self._category = ApplicationErrorCategory(category)

    @property
    def type(self) -> str | None:
        """The name of this kind of error."""
        return self._type

    @property
    def non_retryable(self) -> bool:
        """True if the error itself says that trying again is of no use; a retry policy may say so, too."""
        return self._non_retryable

    @property
    def next_retry_delay(self) -> timedelta | None:
        """The wait before the next attempt, in place of the one by the retry policy."""
        return self._next_retry_delay

    @property
    def category(self) -> ApplicationErrorCategory:
        """The attention that the error asks for."""
        return self._category


class CancelledError(DetailedError):
    """A workflow or an activity was cancelled; not asyncio's, which is what arrives inside of a workflow."""

    def __init__(self, message: str = "Cancelled", *details: Any) -> None:
        super().__init__(message)
        self._details = details


class TerminatedError(DetailedError):
    """A workflow was terminated from outside."""

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message)
        self._details = details


class TimeoutError(FailureError):  # noqa: A001 - the interface that is followed
    """A workflow or an activity ran out of time.

    Args:
        message: what ran out of time.
        type: which of the time-outs struck.
        last_heartbeat_details: the values of an activity's last heartbeat.
    """

    def __init__(
        self,
        message: str,
        *,
        type: TimeoutType | None,  # noqa: A002 - the interface that is followed
        last_heartbeat_details: Sequence[Any],
    ) -> None:
        super().__init__(message)
        self._type = type
        self._last_heartbeat_details = last_heartbeat_details

    @property
    def type(self) -> TimeoutType | None:
        """The time-out that struck, if it is known."""
        return self._type

    @property
    def last_heartbeat_details(self) -> Sequence[Any]:
        """The values of an activity's last heartbeat."""
        return self._last_heartbeat_details


class ServerError(FailureError):
    """The engine itself failed the work."""

    def __init__(self, message: str, *, non_retryable: bool = False) -> None:
        super().__init__(message)
        self._non_retryable = non_retryable

    @property
    def non_retryable(self) -> bool:
        """True if trying again is of no use."""
        return self._non_retryable


class ActivityError(FailureError):
    """An activity failed for good; `cause` is the last attempt's failure.

    Args:
        message: what failed.
        scheduled_event_id: the activity's number in its run (`seq`).
        started_event_id: 0, since the start of an attempt is not recorded.
        identity: the worker that ran it.
        activity_type: its name.
        activity_id: its id in the run.
        retry_state: why there is no further attempt.
    """

    def __init__(  # noqa: PLR0913 - the interface that is followed
        self,
        message: str,
        *,
        scheduled_event_id: int,
        started_event_id: int,
        identity: str,
        activity_type: str,
        activity_id: str,
        retry_state: RetryState | None,
    ) -> None:
        super().__init__(message)
        self._scheduled_event_id = scheduled_event_id
        self._started_event_id = started_event_id
        self._identity = identity
        self._activity_type = activity_type
        self._activity_id = activity_id
        self._retry_state = retry_state

    @property
    def scheduled_event_id(self) -> int:
        """The activity's number in its run."""
        return self._scheduled_event_id

    @property
    def started_event_id(self) -> int:
        """The number of its start; 0, since the start of an attempt is not recorded."""
        return self._started_event_id

    @property
    def identity(self) -> str:
        """The worker that ran it."""
        return self._identity

    @property
    def activity_type(self) -> str:
        """The name of the activity's type."""
        return self._activity_type

    @property
    def activity_id(self) -> str:
        """The activity's id in its run."""
        return self._activity_id

    @property
    def retry_state(self) -> RetryState | None:
        """The reason why there is no further attempt."""
        return self._retry_state


class ChildWorkflowError(FailureError):
    """A child workflow did not complete; `cause` is its failure.

    Args:
        message: what failed.
        namespace: the child's.
        workflow_id: the child's.
        run_id: the child's.
        workflow_type: the child's.
        initiated_event_id: the child's number in its parent's run (`seq`).
        started_event_id: the version of the event by which the child had started.
        retry_state: why there is no further attempt.
    """

    def __init__(  # noqa: PLR0913 - the interface that is followed
        self,
        message: str,
        *,
        namespace: str,
        workflow_id: str,
        run_id: str,
        workflow_type: str,
        initiated_event_id: int,
        started_event_id: int,
        retry_state: RetryState | None,
    ) -> None:
        super().__init__(message)
        self._namespace = namespace
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._workflow_type = workflow_type
        self._initiated_event_id = initiated_event_id
        self._started_event_id = started_event_id
        self._retry_state = retry_state

    @property
    def namespace(self) -> str:
        """The namespace of the child."""
        return self._namespace

    @property
    def workflow_id(self) -> str:
        """The child's workflow id."""
        return self._workflow_id

    @property
    def run_id(self) -> str:
        """The child's run id."""
        return self._run_id

    @property
    def workflow_type(self) -> str:
        """The child's workflow type."""
        return self._workflow_type

    @property
    def initiated_event_id(self) -> int:
        """The child's number in its parent's run."""
        return self._initiated_event_id

    @property
    def started_event_id(self) -> int:
        """The version of the event by which the child had started."""
        return self._started_event_id

    @property
    def retry_state(self) -> RetryState | None:
        """The reason why there is no further attempt."""
        return self._retry_state


def is_cancelled_exception(exception: BaseException) -> bool:
    """True if `exception` is a cancellation: asyncio's, ours, or an activity's or a child's that was cancelled."""
    if isinstance(exception, (ActivityError, ChildWorkflowError)):
        return isinstance(exception.cause, CancelledError)
    return isinstance(exception, (asyncio.CancelledError, CancelledError))
