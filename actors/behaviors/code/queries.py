"""Messages to handlers: their arguments, and the queries, whose handlers may only read.

A handler can do more than read in three ways. It asks for something (an activity, a timer, a random number): that is
refused at the line of the call. It makes something ready on the loop, such as a task; or it changes what the instance
holds: both are seen afterwards, and then the run has to be built anew from its events, so that the change is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context as Variables
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.signature import Signature
from understudy.events.errors import (
    QueryRefusedError,
    ReadOnlyContextError,
    StopError,
    UnknownQueryError,
    UnknownSignalError,
    UnknownUpdateError,
    nearest_name,
)
from understudy.events.errors.rpc import WorkflowQueryFailedError
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context
    from understudy.actors.behaviors.definitions.definition import HandlerDefinition
    from understudy.events.payloads.payload import Payload
    from understudy.events.workflow import WorkflowStarted

__all__ = ["answer", "at_once", "digest", "escapes", "message_args", "no_handler", "refused", "run_args"]

_UNKNOWN: Final[Mapping[HandlerKind, Callable[..., Exception]]] = {
    HandlerKind.SIGNAL: UnknownSignalError,
    HandlerKind.QUERY: UnknownQueryError,
    HandlerKind.UPDATE: UnknownUpdateError,
}

_STACK_TRACE: Final = "__stack_trace"
"""Temporal's name of the query that every workflow answers."""

_UNTYPED: Final = Signature(varargs="args")
"""Takes any number of values, as JSON gives them."""


def message_args(
    context: Context, handler: HandlerDefinition, name: str, payloads: tuple[Payload, ...]
) -> Sequence[Any]:
    """Return what a handler is called with.

    Raises:
        ArgumentTypeError: there are too few or too many.
        PayloadDecodeError: one does not fit its hint.
    """
    where = Phrase("{} {!r} of workflow {!r}", (handler.kind.name.lower(), name, context.definition.label))
    if handler.name is None:
        if handler.signature.is_varargs:  # Temporal's old form of a dynamic handler: (self, name, *args)
            return [name, *context.converter.decode_args(payloads, _UNTYPED, where=where)]
        return [name, context.converter.raw(payloads)]
    handler.signature.check(len(payloads), where=where)
    return context.converter.decode_args(payloads, handler.signature, where=where)


def run_args(context: Context, fact: WorkflowStarted) -> Sequence[Any]:
    """Return what the run function is called with; errors are those of `message_args`."""
    definition = context.definition
    if definition.name is None:
        return [context.converter.raw(fact.input)]
    where = Phrase("workflow {!r}", (definition.name,))
    definition.signature.check(len(fact.input), where=where)
    return context.converter.decode_args(fact.input, definition.signature, where=where)


def no_handler(context: Context, kind: HandlerKind, name: str) -> Exception:
    """Return the error that says that no handler has this name, and which there are."""
    known = tuple(str(n) for n in context.inbox.handlers(kind) if n)
    label = context.definition.label
    return _UNKNOWN[kind](name=name, known=known, nearest=nearest_name(name, known), workflow_type=label)


def at_once(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, bool]:
    """Run a coroutine, with variables of its own; return its value, and whether it came without waiting."""
    try:
        Variables().run(coroutine.send, None)
    except StopIteration as done:
        return done.value, True
    coroutine.close()
    return None, False


def escapes(error: BaseException) -> bool:
    """Whether an error of the user's code must not be raised as it is in who waits for an answer.

    There `asyncio.CancelledError` would look like a cancellation of its own, `SystemExit` would end the engine's loop,
    and no future takes `StopIteration`. An interrupt is not the code's, and what stops workflow code is the engine's.
    """
    return isinstance(error, StopIteration) or not isinstance(error, (Exception, StopError, KeyboardInterrupt))


def answer(
    context: Context, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
) -> Payload | None:
    """Ask a query handler; `__stack_trace` is answered without one, by where each task of the run waits.

    Raises:
        UnknownQueryError: no handler has this name, and there is no dynamic one.
        QueryRefusedError: the handler asked for something.
        WorkflowQueryFailedError: the handler raised what is no Exception; that is the cause.
        Exception: whatever else the handler raises.
    """
    try:
        return _answer(context, name, payloads, headers)
    except BaseException as error:
        if not escapes(error):
            raise
        who = f"query {name!r} of workflow {context.execution.start.workflow_id!r}"
        raise WorkflowQueryFailedError(f"{who} failed: {type(error).__name__}: {error}") from error


def _answer(
    context: Context, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
) -> Payload | None:
    if name == _STACK_TRACE:
        return context.converter.encode("\n\n".join(context.loop.stacks()), str)
    handler = context.inbox.find(HandlerKind.QUERY, name)
    if handler is None:
        raise no_handler(context, HandlerKind.QUERY, name)
    ask, args, chain = handler.call, message_args(context, handler, name, payloads), context.chain
    context.read_only = f"query {name!r}"
    try:
        if chain is None:
            value, answered = context.loop.call(ask, context.instance, args), True
            if handler.is_async:
                value, answered = context.loop.call(at_once, value)
        else:
            value, answered = context.loop.call(chain.query, handler, name, args, headers)
    except ReadOnlyContextError as error:
        raise refused(context, name, f"its handler asked for {error.call}") from error
    finally:
        context.read_only = ""
    if not answered:
        raise refused(context, name, "its handler, or an interceptor of it, waited for something")
    if isinstance(value, Coroutine):
        value.close()
        raise refused(context, name, "its handler returned a coroutine")
    if value is None:
        return None
    where = Phrase("the answer to query {!r} of workflow {!r}", (name, context.definition.label))
    return context.converter.encode(value, handler.signature.returns, where=where)


def refused(context: Context, name: str, reason: str) -> QueryRefusedError:
    """Return the error that says why a query did not get its answer."""
    return QueryRefusedError(query=name, workflow_id=context.execution.start.workflow_id, reason=reason)


def digest(context: Context) -> bytes:
    """Return a digest of what the instance holds; it says something else when the loop has something to run."""
    from understudy.actors.behaviors.code.fingerprint import fingerprint

    return fingerprint(context.instance) if context.loop.is_idle() else b"busy"
