"""Update-with-start: start a workflow, if there is none, and update it, in one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments
from understudy._client.connection import Connection
from understudy._client.errors import WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy._client.handles.address import Address
from understudy._client.handles.handle import WorkflowHandle
from understudy._client.handles.update_handle import WorkflowUpdateHandle
from understudy._client.handles.update_stage import WorkflowUpdateStage
from understudy._client.handles.updates import PreparedUpdate, WantedUpdate, prepared_update
from understudy._client.starts.start import StartOptions, WantedStart, prepared_start
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, WorkflowClosedError
from understudy.events.options.policies import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy

__all__ = ["UpdateWithStart", "WithStartWorkflowOperation", "start_and_update"]

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class WithStartWorkflowOperation(Generic[S, R]):
    """The start of an update-with-start; used once."""

    def __init__(
        self: WithStartWorkflowOperation[Any, T],
        workflow: str | Callable[..., Awaitable[T]] | type,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        result_type: type | None = None,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        retry_policy: RetryPolicy | None = None,
        cron_schedule: str = "",
        memo: Mapping[str, Any] | None = None,
        search_attributes: Any = None,
        static_summary: str | None = None,
        static_details: str | None = None,
        start_delay: timedelta | None = None,
        priority: Priority = Priority.default,
        versioning_override: object = None,
        stack_level: int = 2,
    ) -> None:
        """Say how to start the workflow; nothing happens yet.

        The arguments are those of `Client.start_workflow`, but `id_conflict_policy` has to be given: what an open run
        with this id means, FAIL, or USE_EXISTING to update that one.

        Raises:
            InvalidArgumentError: the conflict policy is UNSPECIFIED.
        """
        del versioning_override, stack_level
        if id_conflict_policy is WorkflowIDConflictPolicy.UNSPECIFIED:
            raise InvalidArgumentError(
                what="id_conflict_policy", got="UNSPECIFIED", expected="FAIL, USE_EXISTING or TERMINATE_EXISTING"
            )
        options: StartOptions = {
            "result_type": result_type,
            "execution_timeout": execution_timeout,
            "run_timeout": run_timeout,
            "task_timeout": task_timeout,
            "id_reuse_policy": id_reuse_policy,
            "id_conflict_policy": id_conflict_policy,
            "retry_policy": retry_policy,
            "cron_schedule": cron_schedule,
            "memo": memo,
            "search_attributes": search_attributes,
            "static_summary": static_summary,
            "static_details": static_details,
            "start_delay": start_delay,
            "priority": priority,
        }
        self.start = WantedStart(workflow, arguments(arg, args), id, task_queue, options)
        """The start as the caller asked for it, and as interceptors have changed it."""
        self.is_used = False
        self._handle: asyncio.Future[WorkflowHandle[S, R]] | None = None
        self._known: WorkflowHandle[S, R] | BaseException | None = None

    def __repr__(self) -> str:
        """Show the workflow id, and whether the operation was used."""
        return f"<WithStartWorkflowOperation of {self.start.id!r}{', used' if self.is_used else ''}>"

    async def workflow_handle(self) -> WorkflowHandle[S, R]:
        """Return the workflow's handle, once it has started.

        Raises:
            Exception: it could not be started.
        """
        if self._known is None:
            if self._handle is None:
                self._handle = asyncio.get_running_loop().create_future()
            return await asyncio.shield(self._handle)
        if isinstance(self._known, BaseException):
            raise self._known
        return self._known

    def settle(self, known: WorkflowHandle[S, R] | BaseException) -> None:
        """Note the outcome of the start; any thread."""
        if self._known is not None:
            return
        self._known = known
        future = self._handle
        if future is not None:
            future.get_loop().call_soon_threadsafe(_resolve, future, known)


def _resolve(future: asyncio.Future[Any], known: Any) -> None:
    if future.done():
        return
    if isinstance(known, BaseException):
        future.set_exception(known)
    else:
        future.set_result(known)


class UpdateWithStart(Connection):
    """Updates with a start: the part of a client that starts and updates in one commit."""

    async def execute_update_with_start_workflow(
        self,
        update: str | Callable[..., Any],
        arg: Any = NO_ARG,
        *,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: type | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Start a workflow, if there is none, and update it, in one commit; return the update's result.

        Args:
            update: the handler's method, or a name.
            arg: the argument, if there is just one.
            start_workflow_operation: how to start the workflow.
            args: the arguments, if there are several.
            id: updates of a run with the same one are one update; None: a new one.
            result_type: the type that the result is decoded to, when the update is given by name.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the time to wait; None: without end.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; what has begun goes on.
            WorkflowUpdateFailedError: it was rejected, its handler failed, or its run ended before; see `cause`.
            WorkflowAlreadyStartedError: the workflow id is taken, and the policies say that this is an error.
        """
        handle = await self.start_update_with_start_workflow(
            update,
            arg,
            start_workflow_operation=start_workflow_operation,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            args=args,
            id=id,
            result_type=result_type,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        return await handle.result()

    async def start_update_with_start_workflow(
        self,
        update: str | Callable[..., Any],
        arg: Any = NO_ARG,
        *,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        wait_for_stage: WorkflowUpdateStage,
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: type | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow, if there is none, and update it, in one commit; see `execute_update_with_start_workflow`.

        Returns:
            A handle of the update, once that is as far as `wait_for_stage` says. The workflow starts also if its
            validator rejects the update.
        """
        operation = start_workflow_operation
        if not isinstance(operation, WithStartWorkflowOperation):
            raise ArgumentTypeError(
                what="start_workflow_operation", got=repr(operation), expected="a WithStartWorkflowOperation"
            )
        if operation.is_used:
            raise InvalidArgumentError(
                what="start_workflow_operation", got="one that was used", expected="a new one for each update"
            )
        given = arguments(arg, args)
        wanted = WantedUpdate(update, given, wait_for_stage, id, result_type, rpc_timeout)
        if self.chain is not None:
            from understudy._client.interceptors.start_inputs import input_with_start

            asked = input_with_start(operation.start, wanted, operation, rpc_metadata)
            try:
                handle: WorkflowUpdateHandle[Any] = await self.chain.start_update_with_start_workflow(asked)
            except BaseException as error:
                operation.settle(error)
                raise
            return handle
        return await start_and_update(self, operation, wanted)


async def start_and_update(
    connection: Connection, operation: WithStartWorkflowOperation[Any, Any], wanted: WantedUpdate
) -> WorkflowUpdateHandle[Any]:
    """Start and update as `operation` and `wanted` say; see `Client.start_update_with_start_workflow`. Any loop."""
    update = prepared_update(Address(connection, operation.start.id), wanted)
    operation.is_used = True
    try:
        async with in_time(wanted.rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
            return await connection.engine.dispatcher.run(_started_and_updated(connection, operation, update))
    except BaseException as error:
        operation.settle(error)
        raise


async def _started_and_updated(
    connection: Connection, operation: WithStartWorkflowOperation[Any, Any], update: PreparedUpdate
) -> WorkflowUpdateHandle[Any]:
    """Start and update on the engine's loop; begin anew if the run to be updated has ended meanwhile."""
    wanted = operation.start
    start = prepared_start(connection, wanted)
    while True:
        began = await connection.engine.starts.start(start.event, *start.policies, first=update.command)
        operation.settle(
            WorkflowHandle(
                connection,
                wanted.id,
                first_execution_run_id=began.run_id,
                result_run_id=began.run_id,
                result_type=start.hint,
            )
        )
        try:
            rejected = None if began.answer is None else await began.answer
        except WorkflowClosedError:
            if wanted.options.get("id_conflict_policy") is WorkflowIDConflictPolicy.FAIL:
                raise
        else:
            return await update.handle(Address(connection, wanted.id), began.taken_by, rejected)
