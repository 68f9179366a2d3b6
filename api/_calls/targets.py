"""Calls as users write them, turned into names and payloads: of workflows, and of the handlers of their messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definitions.definition import (
    HANDLER_MARK,
    HandlerDefinition,
    HandlerKind,
    WorkflowDefinition,
    workflow_of,
)
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.converters.signature import Signature
    from understudy.events.payloads.payload import Payload

__all__ = [
    "NO_ARG",
    "NO_METADATA",
    "arguments",
    "as_it_is",
    "checked_kind",
    "message_call",
    "message_name",
    "message_target",
    "result_hint",
    "workflow_call",
    "workflow_target",
]

NO_ARG: Final[Any] = object()
"""Stands for an `arg` that was not given."""
NO_METADATA: Final[Mapping[str, str | bytes]] = MappingProxyType({})
"""Stands for RPC metadata that was not given; what is given is not used: no call leaves the process."""


def as_it_is(method: Any) -> Any:
    """Return a method as it is: what stands in for `typed_...` decorators where no type checker reads."""
    return method


def arguments(arg: Any, args: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments of a call: of `arg` or of `args`, whichever was given.

    Raises:
        InvalidArgumentError: they were given in both.
    """
    if arg is NO_ARG:
        return args
    if args:
        raise InvalidArgumentError(
            what="args", got=f"{len(args)} values", expected="nothing, since arg is given", fix="Use one of the two"
        )
    return (arg,)


def workflow_target(workflow: Any) -> tuple[str, WorkflowDefinition | None]:
    """Return the type that the caller means, and its definition if the caller gave it.

    Raises:
        DefinitionError: it is not a workflow.
        InvalidArgumentError: it has no name of its own.
    """
    if isinstance(workflow, str):
        if not workflow:
            raise InvalidArgumentError(what="workflow", got="''", expected="a name, or a workflow")
        return workflow, None
    definition = workflow_of(workflow)
    if definition.name is None:
        raise InvalidArgumentError(
            what="workflow", got="a dynamic workflow", expected="a name", fix="Start it by the name it shall see"
        )
    return definition.name, definition


def workflow_call(
    converter: PayloadConverter, definition: WorkflowDefinition | None, args: Sequence[Any], where: object
) -> tuple[Payload, ...]:
    """Return the arguments of a workflow as payloads.

    Raises:
        ArgumentTypeError: there are too few or too many.
        PayloadEncodeError: one cannot be stored, or does not fit its hint.
    """
    signature = definition.signature if definition is not None else None
    if signature is not None:
        signature.check(len(args), where=where)
    return converter.encode_args(args, signature, where=where, fit=True)


def message_name(kind: HandlerKind, handler: Any) -> str:
    """Return the name of a message of a kind that is given by name or by its handler's method.

    Raises:
        InvalidArgumentError: it is neither.
    """
    if isinstance(handler, str):
        return handler
    mark = getattr(handler, HANDLER_MARK, None)
    if not isinstance(mark, HandlerDefinition) or mark.kind is not kind or mark.name is None:
        word = kind.name.lower()
        raise InvalidArgumentError(
            what=word, got=repr(handler), expected=f"a name, or a method decorated with @workflow.{word}"
        )
    return mark.name


def message_target(kind: HandlerKind, handler: Any, name: str) -> Any:
    """Return the handler of a message behind its interceptors; only the name if they gave it another."""
    return handler if handler is not None and message_name(kind, handler) == name else name


def message_call(
    converter: PayloadConverter, kind: HandlerKind, handler: Any, args: Sequence[Any], of_whom: str
) -> tuple[str, tuple[Payload, ...]]:
    """Return the name of a message and its arguments as payloads.

    Args:
        converter: makes the payloads.
        kind: of the message.
        handler: its name, or a method of the workflow class with the mark of that kind.
        args: the arguments for the handler.
        of_whom: the workflow, for errors: `of workflow 'order-1'`.

    Raises:
        InvalidArgumentError: it is neither a name nor such a method.
        ArgumentTypeError: there are too few or too many arguments.
        PayloadEncodeError: one cannot be stored, or does not fit its hint.
    """
    name = message_name(kind, handler)
    where = f"{kind.name.lower()} {name!r} {of_whom}"
    if isinstance(handler, str):
        return name, converter.encode_args(args, None, where=where)
    signature: Signature = getattr(handler, HANDLER_MARK).signature
    signature.check(len(args), where=where)
    return name, converter.encode_args(args, signature, where=where, fit=True)


def result_hint(handler: Any, result_type: Any) -> Any:
    """Return the type to decode a handler's answer to: as the caller asked, else as the method says."""
    if result_type is not None:
        return result_type
    mark = getattr(handler, HANDLER_MARK, None)
    return mark.signature.returns if isinstance(mark, HandlerDefinition) else Any


def checked_kind(value: object, kind: type, name: str) -> None:
    """Refuse a value that is no member of the enum of its option.

    Raises:
        ArgumentTypeError: it is something else.
    """
    if not isinstance(value, kind):
        raise ArgumentTypeError(what=name, got=repr(value), expected=f"a member of {kind.__module__}.{kind.__name__}")
