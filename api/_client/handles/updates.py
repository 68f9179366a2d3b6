"""Updates, seen from a client: sent through a workflow's handle, and awaited through a handle of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from understudy._calls.checked import checked_id
from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, as_it_is, message_call, message_name, result_hint
from understudy._client.errors import WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy._client.handles.address import Address, Addressed, Headers
from understudy._client.handles.update_handle import WorkflowUpdateHandle
from understudy._client.handles.update_stage import WorkflowUpdateStage, checked_stage
from understudy.actors.behaviors.decisions.commands import UpdateWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.payloads.payload import NO_HEADERS

if TYPE_CHECKING:
    from understudy._client.handles.typed import typed_execute_update, typed_start_update
    from understudy.events.failures.failure import Failure
else:
    typed_execute_update = as_it_is
    typed_start_update = as_it_is

__all__ = ["PreparedUpdate", "UpdateSender", "WantedUpdate", "prepared_update", "send_update"]


class WantedUpdate(msgspec.Struct, frozen=True):
    """An update as the caller asked for it; nothing of it is checked."""

    update: Any
    """The handler's method, or a name."""
    args: Sequence[Any]
    stage: WorkflowUpdateStage
    """The stage that the update is to reach before its sender goes on."""
    id: str | None
    result_type: Any
    rpc_timeout: timedelta | None
    headers: Headers = NO_HEADERS


class UpdateSender(Addressed):
    """The updates of a workflow's handle: send them, wait for them, find them again."""

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
        """Send an update, and return a handle once the update has reached `wait_for_stage`.

        It waits for a worker that knows the workflow. One that is rejected leaves no trace: `result` of the handle
        says why.

        Args:
            update: the handler's method, or a name.
            arg: the argument, if there is just one.
            wait_for_stage: ACCEPTED or COMPLETED.
            args: the arguments, if there are several.
            id: updates of a run with the same one are one update; None: a new one.
            result_type: the type that the result is decoded to, when the update is given by name.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the time to wait; None: without end.

        Raises:
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; the update may go on.
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        to, chain, given = self._address, self._address.connection.chain, arguments(arg, args)
        if chain is not None:
            from understudy._client.interceptors.inputs import OwnOfCall, StartWorkflowUpdateInput

            asked = StartWorkflowUpdateInput(
                id=to.workflow_id,
                run_id=to.run_id,
                first_execution_run_id=to.first_execution_run_id,
                update_id=id,
                update=message_name(HandlerKind.UPDATE, update),
                args=given,
                wait_for_stage=wait_for_stage,
                headers=NO_HEADERS,
                ret_type=result_type,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
                _own=OwnOfCall(update),
            )
            sent: WorkflowUpdateHandle[Any] = await chain.start_workflow_update(asked)
            return sent
        return await send_update(to, WantedUpdate(update, given, wait_for_stage, id, result_type, rpc_timeout))

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
            result_type: the type that the result is decoded to.
        """
        to = self._address
        return WorkflowUpdateHandle(
            to.connection,
            checked_id(id, "id"),
            to.workflow_id,
            workflow_run_id=workflow_run_id or to.run_id,
            result_type=result_type,
        )

    def get_update_handle_for(
        self, update: Callable[..., Any], id: str, *, workflow_run_id: str | None = None
    ) -> WorkflowUpdateHandle[Any]:
        """Return a handle that knows the result's type from `update`; see `get_update_handle`."""
        return self.get_update_handle(id, workflow_run_id=workflow_run_id, result_type=result_hint(update, None))


class PreparedUpdate(msgspec.Struct, frozen=True):
    """An update that was checked: its command, and the facts for its handle."""

    command: UpdateWorkflow
    hint: Any
    """The type that the result is decoded to."""
    stage: WorkflowUpdateStage

    async def handle(self, to: Address, run_id: str, rejected: Failure | None) -> WorkflowUpdateHandle[Any]:
        """Return the handle of the update once the update has reached its stage; on the engine's loop.

        Args:
            to: the workflow.
            run_id: the run that has taken the update.
            rejected: the reason why the run's validator refused it; None: it did not.
        """
        if rejected is None and self.stage is WorkflowUpdateStage.COMPLETED:
            await to.connection.service.update_outcome(run_id, self.command.update_id)
        return WorkflowUpdateHandle(
            to.connection,
            self.command.update_id,
            to.workflow_id,
            workflow_run_id=run_id,
            result_type=self.hint,
            known_outcome=rejected,
        )


def prepared_update(to: Address, wanted: WantedUpdate) -> PreparedUpdate:
    """Return an update as the engine takes it.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
    """
    stage = checked_stage(wanted.stage)
    name, payloads = message_call(to.converter, HandlerKind.UPDATE, wanted.update, wanted.args, to.of_whom)
    command = UpdateWorkflow(
        update_id=str(uuid4()) if wanted.id is None else checked_id(wanted.id, "id"),
        name=name,
        input=payloads,
        headers=dict(wanted.headers),
        identity=to.connection.identity,
    )
    return PreparedUpdate(command, result_hint(wanted.update, wanted.result_type), stage)


async def send_update(to: Address, wanted: WantedUpdate) -> WorkflowUpdateHandle[Any]:
    """Send an update, and return its handle; see `WorkflowHandle.start_update`."""
    update = prepared_update(to, wanted)
    async with in_time(wanted.rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
        return await to.connection.engine.dispatcher.run(_sent(to, update))


async def _sent(to: Address, update: PreparedUpdate) -> WorkflowUpdateHandle[Any]:
    service = to.connection.service
    run_id = service.run_of(to.workflow_id, to.run_id, to.first_execution_run_id)
    rejected = await service.update(run_id, update.command)
    return await update.handle(to, run_id, rejected)
