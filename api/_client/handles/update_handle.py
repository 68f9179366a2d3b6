"""The handle of one update: waits for its result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from understudy._calls.targets import NO_METADATA
from understudy._client.errors import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy.events.converters.in_context import for_workflow
from understudy.events.failures.exceptions import ApplicationError

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.events.failures.failure import Failure

__all__ = ["WorkflowUpdateHandle"]

R = TypeVar("R")


class WorkflowUpdateHandle(Generic[R]):
    """One update of one run; used on any event loop."""

    def __init__(
        self,
        client: Connection,
        id: str,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        result_type: Any = None,
        known_outcome: Failure | None = None,
    ) -> None:
        """Use `WorkflowHandle.start_update` or `WorkflowHandle.get_update_handle` instead."""
        self._connection = client
        self._id = id
        self._workflow_id = workflow_id
        self._run_id = workflow_run_id
        self._result_type = result_type
        self._rejected = known_outcome

    def __repr__(self) -> str:
        """Show the update's id and the workflow's."""
        return f"<WorkflowUpdateHandle {self._id!r} of {self._workflow_id!r}>"

    @property
    def id(self) -> str:
        """The id of the update."""
        return self._id

    @property
    def workflow_id(self) -> str:
        """The id of the workflow."""
        return self._workflow_id

    @property
    def workflow_run_id(self) -> str | None:
        """The run that has the update."""
        return self._run_id

    async def result(
        self, *, rpc_metadata: Mapping[str, str | bytes] = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> R:
        """Wait for the update's result.

        Args:
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the time to wait; None: without end.

        Raises:
            WorkflowUpdateFailedError: it was rejected, its handler failed, or its run ended before; see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; the update goes on.
            UpdateNotFoundError: the run has accepted no such update.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        del rpc_metadata
        async with in_time(rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
            return await self._connection.engine.dispatcher.run(self._result())

    async def _result(self) -> R:
        connection = self._connection
        converter = connection.converter_of(self._workflow_id)
        failures = for_workflow(connection.data_converter.failure_converter, self._workflow_id)
        failure, result = self._rejected, None
        if failure is None:
            run_id = connection.service.run_of(self._workflow_id, self._run_id)
            outcome = await connection.service.update_outcome(run_id, self._id)
            if outcome is None:
                cause = ApplicationError(
                    f"workflow {self._workflow_id!r} ended before its update {self._id!r} was completed",
                    type="AcceptedUpdateCompletedWorkflow",
                    non_retryable=True,
                )
                raise WorkflowUpdateFailedError(cause)
            failure, result = outcome.failure, outcome.result
        if failure is not None:
            raise WorkflowUpdateFailedError(failures.to_exception(failure, converter))
        if result is None:
            return None  # type: ignore[return-value]  # the handler returned None
        hint = Any if self._result_type is None else self._result_type
        value: R = converter.decode(result, hint, where=f"the result of update {self._id!r}")
        return value
