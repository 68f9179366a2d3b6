"""The call of a handler or of the run method: the arguments, and the one who makes the call.

Arguments are read from their payloads by the hints of what takes them. A `Caller` makes the call of a handler: as it is
(`DirectCalls`), or through the interceptors of the run, where there are any (`code.interceptors`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import Context as Variables
from typing import TYPE_CHECKING, Any, Final, Protocol

from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.converters.signature import Signature
from understudy.events.errors import UnknownQueryError, UnknownSignalError, UnknownUpdateError, nearest_name
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.definition import HandlerDefinition, WorkflowDefinition
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Caller", "DirectCalls", "at_once", "message_args", "no_handler", "run_args"]

_UNKNOWN: Final[Mapping[HandlerKind, Callable[..., Exception]]] = {
    HandlerKind.SIGNAL: UnknownSignalError,
    HandlerKind.QUERY: UnknownQueryError,
    HandlerKind.UPDATE: UnknownUpdateError,
}


_UNTYPED: Final = Signature(varargs="args")
"""The signature of a function that takes any number of values, as JSON gives them."""


def message_args(
    converter: PayloadConverter, label: str, handler: HandlerDefinition, name: str, payloads: tuple[Payload, ...]
) -> Sequence[Any]:
    """Return the arguments that a handler is called with.

    Args:
        converter: of the run.
        label: the name of the workflow type, for errors.
        handler: the handler; a dynamic one gets the name of the message in front of its values.
        name: the name of the message.
        payloads: its values.

    Raises:
        ArgumentTypeError: there are too few or too many.
        PayloadDecodeError: one does not fit its hint.
    """
    where = Phrase("{} {!r} of workflow {!r}", (handler.kind.name.lower(), name, label))
    if handler.name is None:
        if handler.signature.is_varargs:  # Temporal's old form of a dynamic handler: (self, name, *args)
            return [name, *converter.decode_args(payloads, _UNTYPED, where=where)]
        return [name, converter.raw(payloads)]
    handler.signature.check(len(payloads), where=where)
    return converter.decode_args(payloads, handler.signature, where=where)


def run_args(converter: PayloadConverter, definition: WorkflowDefinition, fact: WorkflowStarted) -> Sequence[Any]:
    """Return the arguments that the run function is called with; errors are those of `message_args`."""
    if definition.name is None:
        return [converter.raw(fact.input)]
    where = Phrase("workflow {!r}", (definition.name,))
    definition.signature.check(len(fact.input), where=where)
    return converter.decode_args(fact.input, definition.signature, where=where)


def no_handler(kind: HandlerKind, name: str, handlers: Iterable[str | None], label: str) -> Exception:
    """Return the error that says that no handler has a name, and which names there are.

    Args:
        kind: the kind of the message.
        name: the name that was asked for.
        handlers: the names of the handlers that there are; None: that of the dynamic one.
        label: the name of the workflow type.
    """
    known = tuple(each for each in handlers if each)
    return _UNKNOWN[kind](name=name, known=known, nearest=nearest_name(name, known), workflow_type=label)


class Caller(Protocol):
    """Calls the handlers of one run; `update` is the id and the name of an update."""

    def signal(
        self, handler: HandlerDefinition, name: str, args: Sequence[Any], headers: Mapping[str, Payload], /
    ) -> Coroutine[Any, Any, Any] | None:
        """Handle a signal; return a coroutine if there is more to do as a task."""
        ...

    def query(
        self, handler: HandlerDefinition, name: str, args: Sequence[Any], headers: Mapping[str, Payload], /
    ) -> tuple[Any, bool]:
        """Return the answer to a query, and True if it came without waiting."""
        ...

    def validate(
        self,
        handler: HandlerDefinition,
        update: tuple[str, str],
        args: Sequence[Any],
        headers: Mapping[str, Payload],
        /,
    ) -> None:
        """Let the validator look at an update."""
        ...

    def update(
        self,
        handler: HandlerDefinition,
        update: tuple[str, str],
        args: Sequence[Any],
        headers: Mapping[str, Payload],
        /,
    ) -> tuple[Any, bool]:
        """Return the result of an update and False, or an awaitable of the result and True."""
        ...


class DirectCalls:
    """Calls the handlers of one run as they are: a `Caller` without interceptors."""

    __slots__ = ("_instance",)

    def __init__(self, instance: object) -> None:
        """Call the methods of an instance."""
        self._instance = instance

    def signal(
        self, handler: HandlerDefinition, _name: str, args: Sequence[Any], _headers: Mapping[str, Payload]
    ) -> Coroutine[Any, Any, Any] | None:
        """Call the handler; return the coroutine of an async one."""
        outcome = handler.call(self._instance, args)
        return outcome if handler.is_async else None

    def query(
        self, handler: HandlerDefinition, _name: str, args: Sequence[Any], _headers: Mapping[str, Payload]
    ) -> tuple[Any, bool]:
        """Call the handler, and run the coroutine of an async one at once."""
        value = handler.call(self._instance, args)
        return at_once(value) if handler.is_async else (value, True)

    def validate(
        self, handler: HandlerDefinition, _update: tuple[str, str], args: Sequence[Any], _headers: Mapping[str, Payload]
    ) -> None:
        """Call the validator of the handler."""
        handler.call_validator(self._instance, args)

    def update(
        self, handler: HandlerDefinition, _update: tuple[str, str], args: Sequence[Any], _headers: Mapping[str, Payload]
    ) -> tuple[Any, bool]:
        """Call the handler; the caller awaits the coroutine of an async one."""
        return handler.call(self._instance, args), handler.is_async


def at_once(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, bool]:
    """Run a coroutine with variables of its own; return its value, and True if it came without waiting."""
    try:
        Variables().run(coroutine.send, None)
    except StopIteration as done:
        return done.value, True
    coroutine.close()
    return None, False
