"""Errors of a client: a workflow, a query or an update did not end as was hoped, or a wait took too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from understudy.events.errors import UnderstudyError
from understudy.events.options.durations import to_ns
from understudy.events.options.policies import WorkflowExecutionStatus

__all__ = [
    "RPCTimeoutOrCancelledError",
    "WorkflowContinuedAsNewError",
    "WorkflowFailureError",
    "WorkflowQueryRejectedError",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateRPCTimeoutOrCancelledError",
    "in_time",
]


class WorkflowFailureError(UnderstudyError, Exception):
    """A workflow failed, was cancelled or terminated, or timed out; `cause` says which and why."""

    __module__ = "understudy.client"

    def __init__(self, *, cause: BaseException) -> None:
        """Wrap the reason as `cause`."""
        super().__init__("Workflow execution failed")
        self.__cause__ = cause

    def __str__(self) -> str:
        """Return the reason too, since the last line of a traceback is what people read."""
        return f"Workflow execution failed: {self.cause}"

    @property
    def cause(self) -> BaseException:
        """The exception that is the reason."""
        if self.__cause__ is None:
            msg = "a WorkflowFailureError without a cause"
            raise RuntimeError(msg)
        return self.__cause__

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle together with the reason."""
        return partial(type(self), cause=self.cause), ()


class WorkflowContinuedAsNewError(UnderstudyError, Exception):
    """A run went on as another, and the caller did not want to follow."""

    __module__ = "understudy.client"

    def __init__(self, new_execution_run_id: str) -> None:
        """Name the run that follows."""
        super().__init__(f"the run was followed by run {new_execution_run_id}")
        self._new_execution_run_id = new_execution_run_id

    @property
    def new_execution_run_id(self) -> str:
        """The run that follows."""
        return self._new_execution_run_id

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the run id."""
        return type(self), (self._new_execution_run_id,)


class WorkflowQueryRejectedError(UnderstudyError, Exception):
    """A query was not asked, because the run's status met the reject condition."""

    __module__ = "understudy.client"

    def __init__(self, status: WorkflowExecutionStatus | None) -> None:
        """Name the status of the run."""
        name = status.name if status is not None else "unknown"
        super().__init__(f"the query was rejected: the workflow's status is {name}")
        self._status = status

    @property
    def status(self) -> WorkflowExecutionStatus | None:
        """The status that was not wanted."""
        return self._status

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the status."""
        return type(self), (self._status,)


class WorkflowUpdateFailedError(UnderstudyError, Exception):
    """An update was rejected, its handler failed, or its run ended before; `cause` says which and why."""

    __module__ = "understudy.client"

    def __init__(self, cause: BaseException) -> None:
        """Wrap the reason as `cause`."""
        super().__init__("Workflow update failed")
        self.__cause__ = cause

    def __str__(self) -> str:
        """Return the reason too, since the last line of a traceback is what people read."""
        return f"Workflow update failed: {self.cause}"

    @property
    def cause(self) -> BaseException:
        """The exception that is the reason."""
        if self.__cause__ is None:
            msg = "a WorkflowUpdateFailedError without a cause"
            raise RuntimeError(msg)
        return self.__cause__

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle together with the reason."""
        return type(self), (self.__cause__,)


class RPCTimeoutOrCancelledError(UnderstudyError, Exception):
    """The caller's `rpc_timeout` has passed; the operation goes on, and the caller may wait for it again."""

    __module__ = "understudy.client"


class WorkflowUpdateRPCTimeoutOrCancelledError(RPCTimeoutOrCancelledError):
    """The `rpc_timeout` of waiting for an update has passed; the update itself goes on."""

    __module__ = "understudy.client"

    def __init__(self) -> None:
        """Say that the update itself may go on."""
        super().__init__("the rpc_timeout of waiting for the update has passed; the update itself may go on")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without any arguments."""
        return type(self), ()


@asynccontextmanager
async def in_time(rpc_timeout: timedelta | None, error: RPCTimeoutOrCancelledError) -> AsyncGenerator[None, None]:
    """Wait, and raise `error` if that takes longer than the caller allows; None: without end.

    Raises:
        InvalidArgumentError: the time-out is none.
    """
    limit = to_ns(rpc_timeout, name="rpc_timeout", allow_zero=False)
    if limit is None:
        yield
        return
    clock = asyncio.timeout(limit / 1_000_000_000)
    try:
        async with clock:
            yield
    except TimeoutError as raised:
        if clock.expired():
            raise error from raised
        raise
