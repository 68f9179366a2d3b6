"""Updates, seen from a client: sent through a workflow's handle, and awaited through one of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from understudy._calls.checked import checked_id
from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, message_call, result_hint
from understudy._client.errors import WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy._client.handles.typed import typed_execute_update, typed_start_update
from understudy._client.handles.update_handle import WorkflowUpdateHandle, WorkflowUpdateStage, checked_stage
from understudy.actors.behaviors.decisions.commands import UpdateWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["UpdateSender"]

R = TypeVar("R")


class UpdateSender:
    """The updates of a workflow's handle; a base of `WorkflowHandle`."""

    _client: Client
    _id: str
    _run_id: str | None
    _first_execution_run_id: str | None

    @typed_start_update
    async def start_update(
        self,
        update: str | Callable[..., Any],
        arg: Any = NO_ARG,
        *,
        wait_for_stage: WorkflowUpdateStage,
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: type | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Send an update, and return a handle once it is as far as `wait_for_stage` says.

        It waits for a worker that knows the workflow. One that is rejected leaves no trace: `result` of the handle
        says why.

        Args:
            update: the handler's method, or a name.
            arg: the argument, if there is just one.
            wait_for_stage: ACCEPTED or COMPLETED.
            args: the arguments, if there are several.
            id: updates of a run with the same one are one update; None: a new one.
            result_type: what the result is decoded to, when the update is given by name.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: how long to wait; None: without end.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; the update may go on.
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        client, given = self._client, arguments(arg, args)
        if client.chain is not None:
            return await client.chain.update(
                (self._id, self._run_id), self._first_execution_run_id, update, given, locals()
            )
        del rpc_metadata
        stage = checked_stage(wait_for_stage)
        of_whom = f"of workflow {self._id!r}"
        converter = client.converter_of(self._id)
        name, payloads = message_call(converter, HandlerKind.UPDATE, update, given, of_whom)
        command = update_command(client, name, payloads, id)
        hint = result_hint(update, result_type)
        async with in_time(rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
            return await client.engine.dispatcher.run(self._start(command, hint, stage))

    async def _start(self, command: UpdateWorkflow, hint: Any, stage: WorkflowUpdateStage) -> WorkflowUpdateHandle[Any]:
        service = self._client.service
        run_id = service.run_of(self._id, self._run_id, self._first_execution_run_id)
        rejected = await service.update(run_id, command)
        return await handle_at(self._client, command, self._id, run_id, hint, rejected, stage)

    @typed_execute_update
    async def execute_update(
        self,
        update: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Send an update and wait for its result; see `start_update`.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; the update may go on.
            WorkflowUpdateFailedError: it was rejected, its handler failed, or its run ended before; see `cause`.
        """
        handle: WorkflowUpdateHandle[Any] = await self.start_update(
            update,
            arg,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            args=args,
            id=id,
            result_type=result_type,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        return await handle.result()

    def get_update_handle(
        self, id: str, *, workflow_run_id: str | None = None, result_type: type | None = None
    ) -> WorkflowUpdateHandle[Any]:
        """Return a handle to an update that was sent before; nothing is asked yet.

        Args:
            id: of the update.
            workflow_run_id: the run that has it; None: as this handle's.
            result_type: what the result is decoded to.
        """
        run_id = workflow_run_id or self._run_id
        return WorkflowUpdateHandle(
            self._client, checked_id(id, "id"), self._id, workflow_run_id=run_id, result_type=result_type
        )

    def get_update_handle_for(
        self, update: Callable[..., Any], id: str, *, workflow_run_id: str | None = None
    ) -> WorkflowUpdateHandle[Any]:
        """Return a handle that knows the result's type from `update`; see `get_update_handle`."""
        return self.get_update_handle(id, workflow_run_id=workflow_run_id, result_type=result_hint(update, None))


def update_command(client: Client, name: str, payloads: tuple[Payload, ...], id: str | None) -> UpdateWorkflow:
    """Return the command of an update; None for its id: a new one."""
    update_id = str(uuid4()) if id is None else checked_id(id, "id")
    return UpdateWorkflow(
        update_id=update_id, name=name, input=payloads, headers=client.headers, identity=client.identity
    )


async def handle_at(  # noqa: PLR0917 - what a handle knows
    client: Client,
    command: UpdateWorkflow,
    workflow_id: str,
    run_id: str,
    hint: Any,
    rejected: Failure | None,
    stage: WorkflowUpdateStage,
) -> WorkflowUpdateHandle[Any]:
    """Return the handle of an update that was accepted or rejected, once it is as far as `stage`; engine's loop."""
    if rejected is None and stage is WorkflowUpdateStage.COMPLETED:
        await client.service.update_outcome(run_id, command.update_id)
    return WorkflowUpdateHandle(
        client.origin or client,
        command.update_id,
        workflow_id,
        workflow_run_id=run_id,
        result_type=hint,
        known_outcome=rejected,
    )
