"""Messages to handlers: their arguments, and the queries, whose handlers may only read.

A handler can do more than read in three ways. It asks for something (an activity, a timer, a random number): that is
refused at the line of the call. It makes something ready on the loop, such as a task; or it changes what the instance
holds: both are seen afterwards, and then the run has to be built anew from its events, so that the change is gone.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definition import HandlerKind
from understudy.actors.behaviors.interceptor import at_once, no_handler
from understudy.events.errors import QueryRefusedError, ReadOnlyContextError
from understudy.events.payload import Phrase
from understudy.events.signature import Signature

if TYPE_CHECKING:
    from understudy.actors.behaviors.context import Context
    from understudy.actors.behaviors.definition import HandlerDefinition
    from understudy.events.payload import Payload

__all__ = ["answer", "digest", "message_args", "refused"]

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


def answer(
    context: Context, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
) -> Payload | None:
    """Ask a query handler; `__stack_trace` is answered without one, by where each task of the run waits.

    Raises:
        UnknownQueryError: no handler has this name, and there is no dynamic one.
        QueryRefusedError: the handler asked for something.
        Exception: whatever the handler raises.
    """
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
    from understudy.actors.behaviors.fingerprint import fingerprint

    return fingerprint(context.instance) if context.loop.is_idle() else b"busy"
