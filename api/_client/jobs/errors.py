"""Errors about stand-alone activities: their failure, and what the engine says of the runs behind them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from understudy.actors.behaviors.definitions.job import activity_id_of, is_job
from understudy.events.errors import (
    ActivityClosedError,
    ActivityExecutionNotFoundError,
    ActivityNotFoundError,
    UnderstudyError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)
from understudy.events.failures.exceptions import CancelledError, TerminatedError
from understudy.events.workflow import WorkflowCanceled, WorkflowFailed

if TYPE_CHECKING:
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.event import Event

__all__ = ["ActivityFailureError", "about_jobs", "cause_of"]


class ActivityFailureError(UnderstudyError, Exception):
    """A stand-alone activity failed, was cancelled or terminated, or timed out; `cause` says what happened, and why."""

    __module__ = "understudy.client"

    def __init__(self, *, cause: BaseException) -> None:
        """Wrap the reason as `cause`."""
        super().__init__("Activity execution failed")
        self.__cause__ = cause

    def __str__(self) -> str:
        """Return the reason too, since the last line of a traceback is what people read."""
        return f"Activity execution failed: {self.cause}"

    @property
    def cause(self) -> BaseException:
        """The exception that is the reason."""
        if self.__cause__ is None:
            msg = "an ActivityFailureError without a cause"
            raise RuntimeError(msg)
        return self.__cause__

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle together with the reason."""
        return partial(type(self), cause=self.cause), ()


@contextmanager
def about_jobs() -> Generator[None]:
    """Translate errors about the workflow behind a job into errors about the job.

    Raises:
        ActivityExecutionNotFoundError: there is no such job.
        ActivityClosedError: it is closed.
        ActivityNotFoundError: it does not wait for what it was told.
    """
    try:
        yield
    except WorkflowNotFoundError as error:
        if not is_job(error.workflow_id):
            raise
        raise ActivityExecutionNotFoundError(
            activity_id=activity_id_of(error.workflow_id), run_id=error.run_id
        ) from None
    except WorkflowClosedError as error:
        if not is_job(error.workflow_id):
            raise
        raise ActivityClosedError(
            activity_id=activity_id_of(error.workflow_id), run_id=error.run_id, outcome=error.outcome
        ) from None
    except ActivityNotFoundError as error:
        if not is_job(error.workflow_id):
            raise
        raise ActivityNotFoundError(activity=error.activity, run_id=error.run_id, reason=error.reason) from None


def cause_of(closing: Event, failures: FailureConverter, converter: PayloadConverter) -> BaseException:
    """Return the reason why a job ended without a result."""
    if isinstance(closing, WorkflowFailed):
        return failures.to_exception(closing.failure, converter)
    if isinstance(closing, WorkflowCanceled):
        if closing.failure is not None:
            return failures.to_exception(closing.failure, converter)
        return CancelledError("Cancelled")
    return TerminatedError(getattr(closing, "reason", "") or "Activity terminated")
