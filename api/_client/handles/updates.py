"""Updates, seen from a client: sent through a workflow's handle, and awaited through one of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, message_call, result_hint
from understudy._client.errors import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, in_time
from understudy._client.starts.start import checked_id
from understudy.actors.behaviors.decisions.commands import UpdateWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.in_context import for_workflow
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.failures.exceptions import ApplicationError
from understudy.typed import typed_execute_update, typed_start_update

if TYPE_CHECKING:
    from understudy.client import Client
    from understudy.events.converters.failure_converter import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["UpdateSender", "WorkflowUpdateHandle", "WorkflowUpdateStage", "checked_stage"]

R = TypeVar("R")


class WorkflowUpdateStage(IntEnum):
    """How far an update is to be before its sender goes on."""

    ADMITTED = 1
    """Not to be waited for."""
    ACCEPTED = 2
    """Its validator has let it in, and that is on disk."""
    COMPLETED = 3
    """Its handler has ended, and that is on disk."""


def checked_stage(stage: object) -> WorkflowUpdateStage:
    """Return a stage that can be waited for.

    Raises:
        InvalidArgumentError: it is ADMITTED, or none.
    """
    if not isinstance(stage, WorkflowUpdateStage):
        raise ArgumentTypeError(
            what="wait_for_stage", got=repr(stage), expected="an understudy.client.WorkflowUpdateStage"
        )
    if stage is WorkflowUpdateStage.ADMITTED:
        raise InvalidArgumentError(
            what="wait_for_stage", got="ADMITTED", expected="ACCEPTED or COMPLETED", fix="Wait for ACCEPTED"
        )
    return stage


class WorkflowUpdateHandle(Generic[R]):
    """One update of one run; used on any event loop."""

    def __init__(
        self,
        client: Client,
        id: str,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        result_type: Any = None,
        known_outcome: Failure | None = None,
    ) -> None:
        """Use `WorkflowHandle.start_update` or `WorkflowHandle.get_update_handle` instead."""
        self._client = client
        self._id = id
        self._workflow_id = workflow_id
        self._run_id = workflow_run_id
        self._result_type = result_type
        self._rejected = known_outcome

    def __repr__(self) -> str:
        """Show the ids."""
        return f"<WorkflowUpdateHandle {self._id!r} of {self._workflow_id!r}>"

    @property
    def id(self) -> str:
        """The update's id."""
        return self._id

    @property
    def workflow_id(self) -> str:
        """The workflow's id."""
        return self._workflow_id

    @property
    def workflow_run_id(self) -> str | None:
        """The run that has it."""
        return self._run_id

    async def result(
        self, *, rpc_metadata: Mapping[str, str | bytes] = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> R:
        """Wait for the update's result.

        Args:
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: how long to wait; None: without end.

        Raises:
            WorkflowUpdateFailedError: it was rejected, its handler failed, or its run ended before; see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` has passed; the update goes on.
            UpdateNotFoundError: the run has accepted no such update.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        del rpc_metadata
        async with in_time(rpc_timeout, WorkflowUpdateRPCTimeoutOrCancelledError()):
            return await self._client.engine.dispatcher.run(self._result())

    async def _result(self) -> R:
        client = self._client
        converter = client.converter_of(self._workflow_id)
        failures = for_workflow(client.data_converter.failure_converter, self._workflow_id)
        failure, result = self._rejected, None
        if failure is None:
            run_id = client.service.run_of(self._workflow_id, self._run_id)
            outcome = await client.service.update_outcome(run_id, self._id)
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
