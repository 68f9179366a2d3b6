"""The arguments of messages and of the run method, read from their payloads by the hints of what takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.signature import Signature
from understudy.events.errors import UnknownQueryError, UnknownSignalError, UnknownUpdateError, nearest_name
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context
    from understudy.actors.behaviors.definitions.definition import HandlerDefinition
    from understudy.events.payloads.payload import Payload
    from understudy.events.workflow import WorkflowStarted

__all__ = ["message_args", "no_handler", "run_args"]

_UNKNOWN: Final[Mapping[HandlerKind, Callable[..., Exception]]] = {
    HandlerKind.SIGNAL: UnknownSignalError,
    HandlerKind.QUERY: UnknownQueryError,
    HandlerKind.UPDATE: UnknownUpdateError,
}


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
