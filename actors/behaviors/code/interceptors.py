"""Interceptors of workflows: a worker puts them around the code of a run and around the handlers of its messages.

The chain of a run is made together with its instance, and it is workflow code like that: whatever it does is done again
in a replay, on the run's own loop. The first interceptor is the outermost. Behind the last one stands a root, which
calls the run function or the handler. Without interceptors there is no chain, and both are called as they are.

What the code asks for goes the other way, through interceptors that the inbound ones are shown by `init`. Those deal in
the words of `understudy.workflow`, so they are defined there; the core keeps the outermost, and knows no more of it.
"""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from understudy.actors.behaviors.code.arguments import at_once
from understudy.actors.behaviors.definitions.definition import HandlerDefinition, HandlerKind
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context, OutboundCalls
    from understudy.actors.behaviors.definitions.interception import Interception

__all__ = [
    "Chain",
    "ExecuteWorkflowInput",
    "HandleQueryInput",
    "HandleSignalInput",
    "HandleUpdateInput",
    "WorkflowInboundInterceptor",
    "chain_of",
]


# -- inputs ----------------------------------------------------------------------------------------------------------


@public("understudy.worker")
@dataclass
class ExecuteWorkflowInput:
    """The input of a run: its function and arguments."""

    type: Any
    """The workflow class; for a workflow that is a function, that function."""
    run_fn: Callable[..., Awaitable[Any]]
    """The run method, not bound to the instance."""
    args: Sequence[Any]
    headers: Mapping[str, Payload]


@public("understudy.worker")
@dataclass
class HandleSignalInput:
    """A signal on its way to its handler; a dynamic handler gets the name and the values as they came."""

    signal: str
    args: Sequence[Any]
    headers: Mapping[str, Payload]
    _found: HandlerDefinition | None = field(default=None, kw_only=True, repr=False, compare=False)
    """The handler that the engine has found; authors of interceptors need not know of it."""


@public("understudy.worker")
@dataclass
class HandleQueryInput:
    """A query on its way to its handler."""

    id: str
    query: str
    args: Sequence[Any]
    headers: Mapping[str, Payload]
    _found: HandlerDefinition | None = field(default=None, kw_only=True, repr=False, compare=False)


@public("understudy.worker")
@dataclass
class HandleUpdateInput:
    """An update on its way to its validator, or to its handler."""

    id: str
    update: str
    args: Sequence[Any]
    headers: Mapping[str, Payload]
    _found: HandlerDefinition | None = field(default=None, kw_only=True, repr=False, compare=False)


# -- the interceptor that users extend -------------------------------------------------------------------------------


@public("understudy.worker")
class WorkflowInboundInterceptor:
    """Stands around a run: extend it, and act before or after the next interceptor, or in its place.

    It is workflow code, made anew in every replay, so the rules for workflows hold: no clock, no dice, no effects but
    by `understudy.workflow`.
    """

    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        """Keep the next interceptor of the chain as `next`."""
        self.next = next

    def init(self, outbound: Any) -> None:
        """Take the interceptor of the code's own calls; pass on another one to stand around them, too.

        Args:
            outbound: a `WorkflowOutboundInterceptor`.
        """
        self.next.init(outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the workflow, and return its result."""
        return await self.next.execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Handle a signal by its handler."""
        return await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        """Answer a query; this may await the next interceptor, but nothing that takes time."""
        return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Call the validator of an update; asked only if the update has one."""
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Handle an update that was accepted."""
        return await self.next.handle_update_handler(input)


class _Root(WorkflowInboundInterceptor):
    """The end of a chain: calls what the chain stands around."""

    def __init__(self, context: Context, chain: Chain) -> None:
        self._context = context
        self._chain = chain

    def init(self, outbound: Any) -> None:
        self._chain.outbound = outbound

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        context = self._context
        bound = (context.instance,) if isinstance(context.definition.target, type) else ()
        return await input.run_fn(*bound, *input.args)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        handler = self._handler(HandlerKind.SIGNAL, input.signal, input._found)  # noqa: SLF001 - the engine's own field
        outcome = handler.call(self._context.instance, input.args)
        if handler.is_async:
            await outcome

    async def handle_query(self, input: HandleQueryInput) -> Any:
        handler = self._handler(HandlerKind.QUERY, input.query, input._found)  # noqa: SLF001 - the same
        value = handler.call(self._context.instance, input.args)
        return await value if handler.is_async else value

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        handler = self._handler(HandlerKind.UPDATE, input.update, input._found)  # noqa: SLF001 - the same
        handler.call_validator(self._context.instance, input.args)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        handler = self._handler(HandlerKind.UPDATE, input.update, input._found)  # noqa: SLF001 - the same
        value = handler.call(self._context.instance, input.args)
        return await value if handler.is_async else value

    def _handler(self, kind: HandlerKind, name: str, found: HandlerDefinition | None) -> HandlerDefinition:
        """Return the handler that was found when the message came; another, if an interceptor changed the name."""
        if found is not None and found.name in {name, None}:
            return found
        return self._context.inbox.handler(kind, name)


# -- the chain of a run ----------------------------------------------------------------------------------------------


class Chain:
    """The interceptors of one run; owned by its `Context`."""

    __slots__ = ("_asked", "_context", "inbound", "outbound")

    def __init__(self, context: Context, outbound: OutboundCalls) -> None:
        """Join the ends of the two chains; see `chain_of`."""
        self._context = context
        self._asked = 0
        self.outbound = outbound
        self.inbound: WorkflowInboundInterceptor = _Root(context, self)

    def execute(self, args: Sequence[Any], headers: Mapping[str, Payload]) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that runs the workflow."""
        definition = self._context.definition
        given = ExecuteWorkflowInput(type=definition.target, run_fn=definition.run, args=args, headers=headers)
        return self.inbound.execute_workflow(given)

    def signal(
        self, handler: HandlerDefinition, name: str, args: Sequence[Any], headers: Mapping[str, Payload]
    ) -> Coroutine[Any, Any, None]:
        """Return the coroutine that handles a signal."""
        return self.inbound.handle_signal(HandleSignalInput(name, args, headers, _found=handler))

    def query(
        self, handler: HandlerDefinition, name: str, args: Sequence[Any], headers: Mapping[str, Payload]
    ) -> tuple[Any, bool]:
        """Ask a query at once, with variables of its own; return the answer, and True if it came without waiting."""
        self._asked += 1
        query_id = f"{self._context.execution.run_id}/query/{self._asked}"
        given = HandleQueryInput(query_id, name, args, headers, _found=handler)
        return at_once(self.inbound.handle_query(given))

    def validate(
        self,
        handler: HandlerDefinition,
        update: tuple[str, str],
        args: Sequence[Any],
        headers: Mapping[str, Payload],
    ) -> None:
        """Let the validator look at an update; `update` is its id and its name."""
        self.inbound.handle_update_validator(HandleUpdateInput(*update, args, headers, _found=handler))

    def update(
        self,
        handler: HandlerDefinition,
        update: tuple[str, str],
        args: Sequence[Any],
        headers: Mapping[str, Payload],
    ) -> tuple[Coroutine[Any, Any, Any], bool]:
        """Return the coroutine that handles an update, and True: await it; `update` is its id and its name."""
        return self.inbound.handle_update_handler(HandleUpdateInput(*update, args, headers, _found=handler)), True


def chain_of(interception: Interception, context: Context) -> Chain:
    """Make the interceptors of one run, as code of the run.

    Args:
        interception: that of the run's definition.
        context: of the run; its instance is made behind this.

    Returns:
        What calls the run function and the handlers; the outermost interceptor has seen the outbound chain.
    """
    chain = Chain(context, interception.outbound(context))
    for make in reversed(interception.classes):
        chain.inbound = make(chain.inbound)
    chain.inbound.init(chain.outbound)
    return chain
