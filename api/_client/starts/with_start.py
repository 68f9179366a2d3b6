"""Update-with-start: a workflow is started, if it is not there, and updated, in one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, message_call, result_hint
from understudy._client.connection import Connection
from understudy._client.errors import WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy._client.handles.handle import WorkflowHandle
from understudy._client.handles.update_handle import WorkflowUpdateHandle, WorkflowUpdateStage, checked_stage
from understudy._client.handles.updates import handle_at, update_command
from understudy._client.starts.start import StartOptions, prepared_start
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, WorkflowClosedError
from understudy.events.options.policies import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy.actors.behaviors.decisions.commands import UpdateWorkflow
    from understudy.events.payloads.payload import Payload

__all__ = ["UpdateWithStart", "WithStartWorkflowOperation"]

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
        self.workflow = workflow
        self.args = arguments(arg, args)
        self.id = id
        self.task_queue = task_queue
        self.id_conflict_policy = id_conflict_policy
        self.options = StartOptions(
            result_type=result_type,
            execution_timeout=execution_timeout,
            run_timeout=run_timeout,
            task_timeout=task_timeout,
            id_reuse_policy=id_reuse_policy,
            id_conflict_policy=id_conflict_policy,
            retry_policy=retry_policy,
            cron_schedule=cron_schedule,
            memo=memo,
            search_attributes=search_attributes,
            static_summary=static_summary,
            static_details=static_details,
            start_delay=start_delay,
            start_signal=None,
            start_signal_args=(),
            request_id=None,
            priority=priority,
        )
        self.headers: dict[str, Payload] = {}
        """What interceptors send along with the start."""
        self.is_used = False
        self._handle: asyncio.Future[WorkflowHandle[S, R]] | None = None
        self._known: WorkflowHandle[S, R] | BaseException | None = None

    def __repr__(self) -> str:
        """Show the id."""
        return f"<WithStartWorkflowOperation of {self.id!r}{', used' if self.is_used else ''}>"

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
        """Note how the start went; any thread."""
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
    """The part of a client that starts and updates at once."""

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
        """Start a workflow, if need be, and update it, in one commit; return the update's result.

        Args:
            update: the handler's method, or a name.
            arg: the argument, if there is just one.
            start_workflow_operation: how to start the workflow.
            args: the arguments, if there are several.
            id: updates of a run with the same one are one update; None: a new one.
            result_type: what the result is decoded to, when the update is given by name.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: how long to wait; None: without end.

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
        """Start a workflow, if need be, and update it, in one commit; see `execute_update_with_start_workflow`.

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
        if self.chain is not None:
            return await self.chain.update_with_start(operation, update, given, locals())
        del rpc_metadata
        stage = checked_stage(wait_for_stage)
        converter = self.converter_of(operation.id)
        of_whom = f"of workflow {operation.id!r}"
        name, payloads = message_call(converter, HandlerKind.UPDATE, update, given, of_whom)
        client: Any = self
        command = update_command(client, name, payloads, id)
        operation.is_used = True
        try:
            hint = result_hint(update, result_type)
            async with in_time(rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
                return await self.engine.dispatcher.run(_start_and_update(client, operation, command, hint, stage))
        except BaseException as error:
            operation.settle(error)
            raise


async def _start_and_update(
    client: Client,
    operation: WithStartWorkflowOperation[Any, Any],
    command: UpdateWorkflow,
    hint: Any,
    stage: WorkflowUpdateStage,
) -> WorkflowUpdateHandle[Any]:
    """Do both, on the engine's loop; begin anew if the run that was to be updated has ended meanwhile."""
    start = prepared_start(
        client.plain(operation.headers) if client.headers or operation.headers else client,
        operation.workflow,
        operation.args,
        operation.options,
        id=operation.id,
        task_queue=operation.task_queue,
    )
    while True:
        began = await client.engine.starts.start(start.event, *start.policies, first=command)
        operation.settle(
            WorkflowHandle(
                client.origin or client,
                operation.id,
                first_execution_run_id=began.run_id,
                result_run_id=began.run_id,
                result_type=start.hint,
            )
        )
        try:
            rejected = None if began.answer is None else await began.answer
        except WorkflowClosedError:
            if operation.id_conflict_policy is WorkflowIDConflictPolicy.FAIL:
                raise
        else:
            return await handle_at(client, command, operation.id, began.taken_by, hint, rejected, stage)
