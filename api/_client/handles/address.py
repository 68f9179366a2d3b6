"""The address of a workflow and the connection to it, with the functions that send messages and requests there.

The functions do what the methods of a `WorkflowHandle` are documented to do. Where a client has no interceptors, the
handle calls them; where it has some, the end of their chain does, with the headers that the interceptors have added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from understudy._calls.targets import message_call
from understudy._client.errors import WorkflowQueryRejectedError
from understudy.actors.behaviors.decisions.commands import CancelWorkflow, SignalWorkflow, TerminateWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.errors import EngineError, UsageError, WorkflowClosedError
from understudy.events.errors.rpc import WorkflowQueryFailedError
from understudy.events.options.policies import QueryRejectCondition, WorkflowExecutionStatus
from understudy.events.payloads.payload import NO_HEADERS

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy._client.handles.description import WorkflowExecutionDescription
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = [
    "Address",
    "Addressed",
    "Headers",
    "ask_query",
    "describe",
    "request_cancel",
    "send",
    "send_signal",
    "terminate",
]

Headers = Mapping[str, "Payload"]

_REJECTING: Final = {
    QueryRejectCondition.NOT_OPEN: frozenset(WorkflowExecutionStatus) - {WorkflowExecutionStatus.RUNNING},
    QueryRejectCondition.NOT_COMPLETED_CLEANLY: frozenset(WorkflowExecutionStatus)
    - {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED},
}
"""The statuses in which a query is not asked."""


class Address(msgspec.Struct, frozen=True, gc=False):
    """Names one workflow, and perhaps one of its runs."""

    connection: Connection
    workflow_id: str
    run_id: str | None = None
    """The run that messages go to; None: the open one, else the latest."""
    first_execution_run_id: str | None = None
    """The first run of the chain that messages go to, where known."""

    @property
    def converter(self) -> PayloadConverter:
        """The converter for the values of the workflow."""
        return self.connection.converter_of(self.workflow_id)

    @property
    def of_whom(self) -> str:
        """The name of the workflow in messages of errors."""
        return f"of workflow {self.workflow_id!r}"


class Addressed:
    """The small base that all parts of a workflow's handle rest on: it has an address."""

    def __init__(self, address: Address) -> None:
        """Speak to the workflow at `address`."""
        self._address = address


async def send(to: Address, command: Any, first_run_id: str | None = None) -> Any:
    """Send a command, and return its answer once it is on disk; any loop.

    Args:
        to: the workflow.
        command: the command that its run decides on.
        first_run_id: refuse a run of another chain; None: take any.

    Raises:
        WorkflowNotFoundError: there is no such workflow.
        WorkflowClosedError: the run is closed.
    """
    connection = to.connection
    sent = connection.service.send_to(to.workflow_id, to.run_id, command, first_run_id=first_run_id)
    return await connection.engine.dispatcher.run(sent)


async def send_signal(
    to: Address, signal: Any, args: Sequence[Any], *, request_id: str | None = None, headers: Headers = NO_HEADERS
) -> None:
    """Send a signal; see `WorkflowHandle.signal`."""
    connection = to.connection
    name, payloads = message_call(to.converter, HandlerKind.SIGNAL, signal, args, to.of_whom)
    command = SignalWorkflow(
        name=name,
        input=payloads,
        headers=dict(headers) if headers else {},
        identity=connection.identity,
        request_id=request_id or "",
    )
    await connection.engine.dispatcher.run(connection.service.send_to(to.workflow_id, to.run_id, command))


async def ask_query(
    to: Address,
    query: Any,
    args: Sequence[Any],
    *,
    hint: Any,
    reject: QueryRejectCondition | None,
    headers: Headers = NO_HEADERS,
) -> Any:
    """Ask a query, and return its answer as `hint` says; see `WorkflowHandle.query`."""
    converter = to.converter
    name, payloads = message_call(converter, HandlerKind.QUERY, query, args, to.of_whom)
    answer = await to.connection.engine.dispatcher.run(_answer(to, name, payloads, reject, headers))
    return None if answer is None else converter.decode(answer, hint, where=f"the answer to query {name!r}")


async def _answer(
    to: Address, name: str, payloads: tuple[Payload, ...], reject: QueryRejectCondition | None, headers: Headers
) -> Payload | None:
    connection, service = to.connection, to.connection.service
    run_id = service.run_of(to.workflow_id, to.run_id)
    reject = connection.default_workflow_query_reject_condition if reject is None else reject
    if reject is not None:
        status = (await service.snapshot(run_id)).execution.status
        if status in _REJECTING.get(QueryRejectCondition(reject), ()):
            raise WorkflowQueryRejectedError(status)
    try:
        return await service.query(run_id, name, payloads, headers)
    except (UsageError, EngineError, WorkflowQueryFailedError):
        raise
    except Exception as error:
        text = f"query {name!r} of workflow {to.workflow_id!r} failed: {type(error).__name__}: {error}"
        raise WorkflowQueryFailedError(text) from error


async def request_cancel(to: Address, reason: str) -> None:
    """Ask the workflow to cancel; see `WorkflowHandle.cancel`."""
    with suppress(WorkflowClosedError):
        await send(to, CancelWorkflow(reason=reason, identity=to.connection.identity), to.first_execution_run_id)


async def terminate(to: Address, details: Sequence[Any], reason: str | None) -> None:
    """End the run without asking its code; see `WorkflowHandle.terminate`."""
    payloads = to.converter.encode_args(details, None, where="termination details")
    command = TerminateWorkflow(reason=reason or "", details=payloads, identity=to.connection.identity)
    await send(to, command, to.first_execution_run_id)


async def describe(to: Address) -> WorkflowExecutionDescription:
    """Return the description of the run as it is now; see `WorkflowHandle.describe`."""
    return await to.connection.engine.dispatcher.run(_described(to))


async def _described(to: Address) -> WorkflowExecutionDescription:
    from understudy._client.handles.description import described

    service = to.connection.service
    snapshot = await service.snapshot(service.run_of(to.workflow_id, to.run_id))
    return described(snapshot, to.connection.data_converter)
