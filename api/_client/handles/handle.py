"""Handles: what a client does with one workflow: await its result, look at it, send it messages, end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, message_call, result_hint
from understudy._calls.typed import typed_query, typed_signal
from understudy._client.errors import (
    RPCTimeoutOrCancelledError,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryRejectedError,
    in_time,
)
from understudy._client.handles.control import Operator
from understudy._client.handles.updates import UpdateSender
from understudy._client.history.reader import HistoryReader
from understudy.actors.behaviors.decisions.commands import CancelWorkflow, SignalWorkflow, TerminateWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.in_context import for_workflow
from understudy.events.errors import EngineError, UsageError, WorkflowClosedError
from understudy.events.errors.rpc import WorkflowQueryFailedError
from understudy.events.event import Event
from understudy.events.failures.exceptions import CancelledError, TerminatedError
from understudy.events.failures.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.events.options.policies import QueryRejectCondition, TimeoutType, WorkflowExecutionStatus
from understudy.events.workflow import WorkflowCanceled, WorkflowCompleted, WorkflowFailed, WorkflowTerminated

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._client.handles.description import WorkflowExecutionDescription
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = ["WorkflowHandle"]

R = TypeVar("R")
S = TypeVar("S")

_REJECTING: Final = {
    QueryRejectCondition.NOT_OPEN: frozenset(WorkflowExecutionStatus) - {WorkflowExecutionStatus.RUNNING},
    QueryRejectCondition.NOT_COMPLETED_CLEANLY: frozenset(WorkflowExecutionStatus)
    - {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED},
}


class WorkflowHandle(UpdateSender, HistoryReader, Operator, Generic[S, R]):
    """One workflow, seen from a client; used on any event loop."""

    def __init__(
        self,
        client: Client,
        id: str,
        *,
        run_id: str | None = None,
        result_run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        """Use `Client.start_workflow` or `Client.get_workflow_handle` instead."""
        self._client = client
        self._id = id
        self._run_id = run_id
        self._result_run_id = result_run_id
        self._first_execution_run_id = first_execution_run_id
        self._result_type = result_type

    def __repr__(self) -> str:
        """Show the ids."""
        run = f", run {self._run_id}" if self._run_id else ""
        return f"<WorkflowHandle of {self._id!r}{run}>"

    @property
    def id(self) -> str:
        """The workflow id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that messages go to; None: the open one, else the latest."""
        return self._run_id

    @property
    def result_run_id(self) -> str | None:
        """The run that `result` begins with."""
        return self._result_run_id

    @property
    def first_execution_run_id(self) -> str | None:
        """The first run of the chain, where known."""
        return self._first_execution_run_id

    @property
    def _converter(self) -> PayloadConverter:
        return self._client.converter_of(self._id)

    # -- result ------------------------------------------------------------------------------------------------------

    async def result(
        self,
        *,
        follow_runs: bool = True,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> R:
        """Wait for the workflow's result, also across a restart of the process.

        Here and in the other methods, `rpc_metadata` is accepted so that programs run: no call leaves the process.
        Where `rpc_timeout` is not used, the call is as quick as the disk.

        Args:
            follow_runs: go on to the run that follows a failed one; False: raise.
            rpc_metadata: not used.
            rpc_timeout: how long to wait; None: without end.

        Raises:
            RPCTimeoutOrCancelledError: `rpc_timeout` has passed; the workflow goes on.
            WorkflowFailureError: it failed, was cancelled or terminated, or timed out.
            WorkflowContinuedAsNewError: another run follows, and `follow_runs` is False.
            WorkflowNotFoundError: there is no such workflow.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        del rpc_metadata
        if rpc_timeout is None:
            return await self._client.engine.dispatcher.run(self._result(follow_runs=follow_runs))
        late = RPCTimeoutOrCancelledError(f"the rpc_timeout of waiting for workflow {self._id!r} has passed")
        async with in_time(rpc_timeout, late):
            return await self._client.engine.dispatcher.run(self._result(follow_runs=follow_runs))

    async def _result(self, *, follow_runs: bool) -> R:
        service = self._client.service
        run_id = self._result_run_id or service.run_of(self._id, self._run_id)
        if run_id not in self._client.engine.runs.live:
            run_id = service.run_of(self._id, run_id)
        while True:
            event = await service.closing(run_id)
            following = getattr(event, "new_run_id", "")
            if not following:
                return self._outcome(event)
            if not follow_runs:
                raise WorkflowContinuedAsNewError(following)
            run_id = following

    def _outcome(self, event: Event) -> R:
        if isinstance(event, WorkflowCompleted):
            if event.result is None:
                return None  # type: ignore[return-value]  # the workflow returned None
            hint = Any if self._result_type is None else self._result_type
            result: R = self._converter.decode(event.result, hint, where=f"the result of workflow {self._id!r}")
            return result
        raise WorkflowFailureError(cause=self._cause(event))

    def _cause(self, event: Event) -> BaseException:
        failures = for_workflow(self._client.data_converter.failure_converter, self._id)
        if isinstance(event, WorkflowFailed):
            return failures.to_exception(event.failure, self._converter)
        if isinstance(event, WorkflowCanceled):
            if event.failure is not None:
                return failures.to_exception(event.failure, self._converter)
            return CancelledError("Workflow cancelled")
        if isinstance(event, WorkflowTerminated):
            details = [self._converter.decode(p, Any, where="termination details") for p in event.details]
            return TerminatedError(event.reason or "Workflow terminated", *details)
        return WorkflowTimeoutError("Workflow timed out", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[])

    # -- looking -----------------------------------------------------------------------------------------------------

    async def describe(
        self, *, rpc_metadata: Mapping[str, str | bytes] = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> WorkflowExecutionDescription:
        """Return what is known of the run now; no worker is needed for it.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
        """
        if self._client.chain is not None:
            return await self._client.chain.describe((self._id, self._run_id), locals())
        del rpc_metadata, rpc_timeout
        from understudy._client.handles.description import description_of

        return await self._client.engine.dispatcher.run(description_of(self._client, self._id, self._run_id))

    # -- messages ----------------------------------------------------------------------------------------------------

    @typed_signal
    async def signal(
        self,
        signal: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
        request_id: str | None = None,
    ) -> None:
        """Send a signal; it is on disk when this returns.

        Args:
            signal: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            rpc_metadata: not used.
            rpc_timeout: not used.
            request_id: signals with the same one are delivered once, however often they are sent.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        given, client = arguments(arg, args), self._client
        if client.chain is not None:
            await client.chain.signal((self._id, self._run_id), signal, given, locals())
            return
        del rpc_metadata, rpc_timeout
        name, payloads = self._message(HandlerKind.SIGNAL, signal, given)
        command = SignalWorkflow(
            name=name,
            input=payloads,
            headers=client.headers,
            identity=client.identity,
            request_id=request_id or "",
        )
        await self._send(command)

    @typed_query
    async def query(
        self,
        query: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Ask a query handler; works on open, passivated and closed runs, as long as a worker knows the type.

        Args:
            query: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            result_type: what the answer is decoded to, when the query is given by name.
            reject_condition: statuses in which not to ask; None: as the client was told.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            UnknownQueryError: the workflow has no such query.
            QueryRefusedError: the handler did more than read.
            WorkflowQueryFailedError: the handler raised; the reason is the cause.
            WorkflowQueryRejectedError: the run's status met the reject condition.
        """
        hint, given = result_hint(query, result_type), arguments(arg, args)
        if self._client.chain is not None:
            return await self._client.chain.query((self._id, self._run_id), query, given, hint, locals())
        del rpc_metadata, rpc_timeout
        name, payloads = self._message(HandlerKind.QUERY, query, given)
        answer = await self._client.engine.dispatcher.run(self._query(name, payloads, reject_condition))
        return None if answer is None else self._converter.decode(answer, hint, where=f"the answer to query {name!r}")

    async def _query(
        self, name: str, payloads: tuple[Payload, ...], reject: QueryRejectCondition | None
    ) -> Payload | None:
        service = self._client.service
        run_id = service.run_of(self._id, self._run_id)
        reject = self._client.default_workflow_query_reject_condition if reject is None else reject
        if reject is not None:
            status = (await service.snapshot(run_id)).execution.status
            if status in _REJECTING.get(QueryRejectCondition(reject), ()):
                raise WorkflowQueryRejectedError(status)
        try:
            return await service.query(run_id, name, payloads, self._client.headers)
        except (UsageError, EngineError, WorkflowQueryFailedError):
            raise
        except Exception as error:
            text = f"query {name!r} of workflow {self._id!r} failed: {type(error).__name__}: {error}"
            raise WorkflowQueryFailedError(text) from error

    def _message(self, kind: HandlerKind, handler: Any, args: Sequence[Any]) -> tuple[str, tuple[Payload, ...]]:
        return message_call(self._converter, kind, handler, args, f"of workflow {self._id!r}")

    async def cancel(
        self,
        *,
        reason: str = "",
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ask the workflow to cancel; its code decides how it ends. Nothing happens if it has ended.

        The handle that a start returned means the runs that follow that start, and no others of the same workflow id.

        Args:
            reason: for its code, as `workflow.cancellation_reason()`, and for people.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            WorkflowNotFoundError: there is no such workflow, or the open run of that id is of another chain.
        """
        if self._client.chain is not None:
            await self._client.chain.cancel((self._id, self._run_id), self._first_execution_run_id, locals())
            return
        del rpc_metadata, rpc_timeout
        with suppress(WorkflowClosedError):
            await self._send_to_chain(CancelWorkflow(reason=reason, identity=self._client.identity))

    async def terminate(
        self,
        *args: Any,
        reason: str | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the run now, without asking its code; activities that run are cancelled. Which runs: as `cancel`.

        Args:
            *args: details, kept with the event.
            reason: for people.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        if self._client.chain is not None:
            await self._client.chain.terminate((self._id, self._run_id), self._first_execution_run_id, locals())
            return
        del rpc_metadata, rpc_timeout
        details = self._converter.encode_args(args, None, where="termination details")
        command = TerminateWorkflow(reason=reason or "", details=details, identity=self._client.identity)
        await self._send_to_chain(command)

    async def _send(self, command: Any, first_run_id: str | None = None) -> None:
        client = self._client
        sent = client.service.send_to(self._id, self._run_id, command, first_run_id=first_run_id)
        await client.engine.dispatcher.run(sent)

    async def _send_to_chain(self, command: Any) -> None:
        await self._send(command, self._first_execution_run_id)
