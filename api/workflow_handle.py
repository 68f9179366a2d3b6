"""Handles: what a client does with one workflow: await its result, look at it, send it messages, end it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from understudy.actors.behaviors.command import CancelWorkflow, SignalWorkflow, TerminateWorkflow
from understudy.actors.behaviors.definition import HANDLER_MARK, HandlerDefinition
from understudy.client_description import WorkflowExecutionDescription, WorkflowHistory, describe
from understudy.client_errors import (
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from understudy.events.errors import InvalidArgumentError, UnderstudyError, WorkflowClosedError
from understudy.events.event import Event
from understudy.events.failure_errors import CancelledError, TerminatedError
from understudy.events.failure_errors import TimeoutError as WorkflowTimeoutError
from understudy.events.policy import QueryRejectCondition, TimeoutType, WorkflowExecutionStatus
from understudy.events.workflow import (
    WorkflowCanceled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowTerminated,
)

if TYPE_CHECKING:
    from understudy.client import Client
    from understudy.events.payload import Payload, PayloadConverter

__all__ = ["WorkflowHandle"]

R = TypeVar("R")

_NO_ARG: Final[Any] = object()
_REJECTING: Final = {
    QueryRejectCondition.NOT_OPEN: frozenset(WorkflowExecutionStatus) - {WorkflowExecutionStatus.RUNNING},
    QueryRejectCondition.NOT_COMPLETED_CLEANLY: frozenset(WorkflowExecutionStatus)
    - {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED},
}


class WorkflowHandle(Generic[R]):
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
        return self._client.data_converter.payload_converter

    # -- result ------------------------------------------------------------------------------------------------------

    async def result(self, *, follow_runs: bool = True) -> R:
        """Wait for the workflow's result, also across a restart of the process.

        Args:
            follow_runs: go on to the run that follows a failed one; False: raise.

        Raises:
            WorkflowFailureError: it failed, was cancelled or terminated, or timed out.
            WorkflowContinuedAsNewError: another run follows, and `follow_runs` is False.
            WorkflowNotFoundError: there is no such workflow.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        return await self._client.engine.dispatcher.run(self._result(follow_runs=follow_runs))

    async def _result(self, *, follow_runs: bool) -> R:
        service = self._client.service
        run_id = self._result_run_id or service.run_of(self._id, self._run_id)
        if run_id not in self._client.engine.workflows.live:
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
        failures = self._client.data_converter.failure_converter
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

    async def describe(self) -> WorkflowExecutionDescription:
        """Return what is known of the run now; no worker is needed for it.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
        """
        return await self._client.engine.dispatcher.run(self._describe())

    async def _describe(self) -> WorkflowExecutionDescription:
        service = self._client.service
        snapshot = await service.snapshot(service.run_of(self._id, self._run_id))
        return describe(snapshot, self._converter)

    async def fetch_history(self) -> WorkflowHistory:
        """Return the run's events that are on disk.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
        """
        return await self._client.engine.dispatcher.run(self._history())

    async def _history(self) -> WorkflowHistory:
        service = self._client.service
        run_id = service.run_of(self._id, self._run_id)
        return WorkflowHistory(self._id, run_id, tuple(service.history(run_id)))

    async def fetch_history_events(self) -> AsyncIterator[Event]:
        """Iterate over the run's events that are on disk."""
        for event in (await self.fetch_history()).events:
            yield event

    # -- messages ----------------------------------------------------------------------------------------------------

    async def signal(
        self, signal: Any, arg: Any = _NO_ARG, *, args: Sequence[Any] = (), request_id: str | None = None
    ) -> None:
        """Send a signal; it is on disk when this returns.

        Args:
            signal: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            request_id: signals with the same one are delivered once, however often they are sent.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        name, payloads = self._message("signal", signal, arg, args)
        command = SignalWorkflow(name=name, input=payloads, identity=self._client.identity, request_id=request_id or "")
        await self._send(command)

    async def query(
        self,
        query: Any,
        arg: Any = _NO_ARG,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
        reject_condition: QueryRejectCondition | None = None,
    ) -> Any:
        """Ask a query handler; works on open, passivated and closed runs, as long as a worker knows the type.

        Args:
            query: the handler's method, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            result_type: what the answer is decoded to, when the query is given by name.
            reject_condition: statuses in which not to ask.

        Raises:
            UnknownQueryError: the workflow has no such query.
            QueryRefusedError: the handler did more than read.
            WorkflowQueryFailedError: the handler raised; the reason is the cause.
            WorkflowQueryRejectedError: the run's status met the reject condition.
        """
        name, payloads = self._message("query", query, arg, args)
        mark = getattr(query, HANDLER_MARK, None)
        hint = result_type
        if hint is None:
            hint = mark.signature.returns if isinstance(mark, HandlerDefinition) else Any
        answer = await self._client.engine.dispatcher.run(self._query(name, payloads, reject_condition))
        return None if answer is None else self._converter.decode(answer, hint, where=f"the answer to query {name!r}")

    async def _query(
        self, name: str, payloads: tuple[Payload, ...], reject: QueryRejectCondition | None
    ) -> Payload | None:
        service = self._client.service
        run_id = service.run_of(self._id, self._run_id)
        if reject is not None:
            status = (await service.snapshot(run_id)).execution.status
            if status in _REJECTING.get(QueryRejectCondition(reject), ()):
                raise WorkflowQueryRejectedError(status)
        try:
            return await service.query(run_id, name, payloads)
        except UnderstudyError:
            raise
        except Exception as error:
            text = f"query {name!r} of workflow {self._id!r} failed: {type(error).__name__}: {error}"
            raise WorkflowQueryFailedError(text) from error

    def _message(self, kind: str, handler: Any, arg: Any, args: Sequence[Any]) -> tuple[str, tuple[Payload, ...]]:
        if arg is not _NO_ARG:
            if args:
                raise InvalidArgumentError(
                    what="args", got=f"{len(args)} values", expected="nothing, since arg is given"
                )
            args = (arg,)
        of_workflow = f"of workflow {self._id!r}"
        if isinstance(handler, str):
            return handler, self._converter.encode_args(args, None, where=f"{kind} {handler!r} {of_workflow}")
        mark = getattr(handler, HANDLER_MARK, None)
        if not isinstance(mark, HandlerDefinition) or mark.kind.name.lower() != kind or mark.name is None:
            raise InvalidArgumentError(
                what=kind, got=repr(handler), expected=f"a name, or a method decorated with @workflow.{kind}"
            )
        where = f"{kind} {mark.name!r} {of_workflow}"
        mark.signature.check(len(args), where=where)
        return mark.name, self._converter.encode_args(args, mark.signature, where=where, fit=True)

    async def cancel(self, reason: str = "") -> None:
        """Ask the workflow to cancel; its code decides how it ends.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        await self._send(CancelWorkflow(reason=reason, identity=self._client.identity))

    async def terminate(self, *args: Any, reason: str | None = None) -> None:
        """End the run now, without asking its code; activities that run are cancelled.

        Args:
            *args: details, kept with the event.
            reason: for people.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        details = self._converter.encode_args(args, None, where="termination details")
        await self._send(TerminateWorkflow(reason=reason or "", details=details, identity=self._client.identity))

    async def _send(self, command: Any) -> None:
        await self._client.engine.dispatcher.run(self._send_to_open(command))

    async def _send_to_open(self, command: Any) -> None:
        """Send a command to the run that is meant; to its successor, if it has one by the time it gets there."""
        service = self._client.service
        run_id = service.run_of(self._id, self._run_id)
        while True:
            try:
                await service.send(run_id, command)
            except WorkflowClosedError:
                next_id = service.run_of(self._id, self._run_id)
                if next_id == run_id:
                    raise
                run_id = next_id
            else:
                return
