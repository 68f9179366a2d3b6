"""Handles of workflows: a client awaits a workflow's result, looks at it, sends it messages, and ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, as_it_is, message_name, result_hint
from understudy._client.errors import (
    RPCTimeoutOrCancelledError,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    in_time,
)
from understudy._client.handles.address import Address, ask_query, describe, request_cancel, send_signal, terminate
from understudy._client.handles.control import Operator
from understudy._client.handles.updates import UpdateSender
from understudy._client.history.reader import HistoryReader
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.in_context import for_workflow
from understudy.events.event import Event
from understudy.events.failures.exceptions import CancelledError, TerminatedError
from understudy.events.failures.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.events.options.policies import QueryRejectCondition, TimeoutType
from understudy.events.payloads.payload import NO_HEADERS
from understudy.events.workflow import WorkflowCanceled, WorkflowCompleted, WorkflowFailed, WorkflowTerminated

if TYPE_CHECKING:
    from understudy._calls.typed import typed_query, typed_signal
    from understudy._client.connection import Connection
    from understudy._client.handles.description import WorkflowExecutionDescription
else:
    typed_query = as_it_is
    typed_signal = as_it_is

__all__ = ["WorkflowHandle"]

R = TypeVar("R")
S = TypeVar("S")


class WorkflowHandle(UpdateSender, HistoryReader, Operator, Generic[S, R]):
    """One workflow, seen from a client; used on any event loop."""

    def __init__(
        self,
        client: Connection,
        id: str,
        *,
        run_id: str | None = None,
        result_run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        """Use `Client.start_workflow` or `Client.get_workflow_handle` instead."""
        super().__init__(Address(client, id, run_id, first_execution_run_id))
        self._result_run_id = result_run_id
        self._result_type = result_type

    def __repr__(self) -> str:
        """Show the workflow id, and the run where one is meant."""
        run = f", run {self.run_id}" if self.run_id else ""
        return f"<WorkflowHandle of {self.id!r}{run}>"

    @property
    def id(self) -> str:
        """The id of the workflow."""
        return self._address.workflow_id

    @property
    def run_id(self) -> str | None:
        """The run that messages go to; None: the open one, else the latest."""
        return self._address.run_id

    @property
    def result_run_id(self) -> str | None:
        """The run that `result` begins with."""
        return self._result_run_id

    @property
    def first_execution_run_id(self) -> str | None:
        """The first run of the chain, if it is known."""
        return self._address.first_execution_run_id

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
            rpc_timeout: the time to wait; None: without end.

        Raises:
            RPCTimeoutOrCancelledError: `rpc_timeout` has passed; the workflow goes on.
            WorkflowFailureError: it failed, was cancelled or terminated, or timed out.
            WorkflowContinuedAsNewError: another run follows, and `follow_runs` is False.
            WorkflowNotFoundError: there is no such workflow.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        del rpc_metadata
        dispatcher = self._address.connection.engine.dispatcher
        if rpc_timeout is None:
            return await dispatcher.run(self._result(follow_runs=follow_runs))
        late = RPCTimeoutOrCancelledError(f"the rpc_timeout of waiting for workflow {self.id!r} has passed")
        async with in_time(rpc_timeout, late):
            return await dispatcher.run(self._result(follow_runs=follow_runs))

    async def _result(self, *, follow_runs: bool) -> R:
        to, connection = self._address, self._address.connection
        service = connection.service
        run_id = self._result_run_id or service.run_of(to.workflow_id, to.run_id)
        if run_id not in connection.engine.runs.live:
            run_id = service.run_of(to.workflow_id, run_id)
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
            where = f"the result of workflow {self.id!r}"
            result: R = self._address.converter.decode(event.result, hint, where=where)
            return result
        raise WorkflowFailureError(cause=self._cause(event))

    def _cause(self, event: Event) -> BaseException:
        to = self._address
        failures = for_workflow(to.connection.data_converter.failure_converter, to.workflow_id)
        if isinstance(event, WorkflowFailed):
            return failures.to_exception(event.failure, to.converter)
        if isinstance(event, WorkflowCanceled):
            if event.failure is not None:
                return failures.to_exception(event.failure, to.converter)
            return CancelledError("Workflow cancelled")
        if isinstance(event, WorkflowTerminated):
            details = [to.converter.decode(p, Any, where="termination details") for p in event.details]
            return TerminatedError(event.reason or "Workflow terminated", *details)
        return WorkflowTimeoutError("Workflow timed out", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[])

    # -- looking -----------------------------------------------------------------------------------------------------

    async def describe(
        self, *, rpc_metadata: Mapping[str, str | bytes] = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> WorkflowExecutionDescription:
        """Return the description of the run as it is now; no worker is needed for it.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
        """
        to, chain = self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import DescribeWorkflowInput

            asked = DescribeWorkflowInput(to.workflow_id, to.run_id, rpc_metadata, rpc_timeout)
            return await chain.describe_workflow(asked)
        return await describe(to)

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
        given, to, chain = arguments(arg, args), self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import OwnOfCall, SignalWorkflowInput

            asked = SignalWorkflowInput(
                id=to.workflow_id,
                run_id=to.run_id,
                signal=message_name(HandlerKind.SIGNAL, signal),
                args=given,
                headers=NO_HEADERS,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
                _own=OwnOfCall(signal, request_id),
            )
            await chain.signal_workflow(asked)
            return
        await send_signal(to, signal, given, request_id=request_id)

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
            result_type: the type that the answer is decoded to, when the query is given by name.
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
        to, chain = self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import OwnOfCall, QueryWorkflowInput

            asked = QueryWorkflowInput(
                id=to.workflow_id,
                run_id=to.run_id,
                query=message_name(HandlerKind.QUERY, query),
                args=given,
                reject_condition=reject_condition,
                headers=NO_HEADERS,
                ret_type=hint,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
                _own=OwnOfCall(query),
            )
            return await chain.query_workflow(asked)
        return await ask_query(to, query, given, hint=hint, reject=reject_condition)

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
        to, chain = self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import CancelWorkflowInput

            run = to.workflow_id, to.run_id, to.first_execution_run_id
            await chain.cancel_workflow(CancelWorkflowInput(*run, reason, rpc_metadata, rpc_timeout))
            return
        await request_cancel(to, reason)

    async def terminate(
        self,
        *args: Any,
        reason: str | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the run now, without asking its code; activities that run are cancelled. The runs are those of `cancel`.

        Args:
            *args: details, kept with the event.
            reason: for people.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        to, chain = self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import TerminateWorkflowInput

            run = to.workflow_id, to.run_id, to.first_execution_run_id
            await chain.terminate_workflow(TerminateWorkflowInput(*run, args, reason, rpc_metadata, rpc_timeout))
            return
        await terminate(to, args, reason)
