"""Messages inside a workflow: handlers set and read at run time, updates, and signals received without a handler.

`understudy.workflow` shows all of it to users; it is used from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from understudy.actors.behaviors.code.context import Context, current
from understudy.actors.behaviors.code.inbox import current_update
from understudy.actors.behaviors.definitions.definition import HandlerDefinition, HandlerKind
from understudy.actors.behaviors.definitions.parameters import DYNAMIC_HANDLER, check_parameters, check_validator
from understudy.events.converters.signature import hints_of
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, ReadOnlyContextError

if TYPE_CHECKING:
    from understudy.events.signal import SignalReceived

__all__ = [
    "UpdateInfo",
    "all_handlers_finished",
    "current_update_info",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
    "receive",
    "receive_nowait",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
]

T = TypeVar("T")
D = TypeVar("D")

_NOTHING: Final[Any] = object()


@dataclass(frozen=True)
class UpdateInfo:
    """Facts about an update."""

    id: str
    name: str


def current_update_info() -> UpdateInfo | None:
    """Return the update that the running code handles or validates; None: it does neither."""
    found = current_update.get()
    return None if found is None else UpdateInfo(*found)


def all_handlers_finished() -> bool:
    """Return True if no handler of a signal or an update is still running; a good `wait_condition` before the end."""
    return not current().inbox.running


# -- handlers --------------------------------------------------------------------------------------------------------


def get_signal_handler(name: str) -> Callable[..., Any] | None:
    """Return the handler of signals called `name`, bound to the workflow; not the dynamic one; None: there is none."""
    return _get(HandlerKind.SIGNAL, name)


def get_dynamic_signal_handler() -> Callable[..., Any] | None:
    """Return the handler of all other signals; None: there is none."""
    return _get(HandlerKind.SIGNAL, None)


def get_query_handler(name: str) -> Callable[..., Any] | None:
    """Return the handler of queries called `name`, bound to the workflow; None: there is none."""
    return _get(HandlerKind.QUERY, name)


def get_dynamic_query_handler() -> Callable[..., Any] | None:
    """Return the handler of all other queries; None: there is none."""
    return _get(HandlerKind.QUERY, None)


def get_update_handler(name: str) -> Callable[..., Any] | None:
    """Return the handler of updates called `name`, bound to the workflow; None: there is none."""
    return _get(HandlerKind.UPDATE, name)


def get_dynamic_update_handler() -> Callable[..., Any] | None:
    """Return the handler of all other updates; None: there is none."""
    return _get(HandlerKind.UPDATE, None)


def set_signal_handler(name: str, handler: Callable[..., Any] | None) -> None:
    """Set the handler of signals called `name`; those that wait are handled at once, in order.

    Args:
        name: of the signals.
        handler: takes what the signal brings; it may be a coroutine function; None: there is no handler any more.

    Raises:
        ReadOnlyContextError: called in a query, a validator or a condition.
    """
    _set(HandlerKind.SIGNAL, _named(name), handler)


def set_dynamic_signal_handler(handler: Callable[..., Any] | None) -> None:
    """Set the handler of signals that no other handler takes; called with the name and a sequence of `RawValue`."""
    _set(HandlerKind.SIGNAL, None, handler)


def set_query_handler(name: str, handler: Callable[..., Any] | None) -> None:
    """Set the handler of queries called `name`; it only reads, and waits for nothing; None: there is none any more."""
    _set(HandlerKind.QUERY, _named(name), handler)


def set_dynamic_query_handler(handler: Callable[..., Any] | None) -> None:
    """Set the handler of queries that no other handler takes; called with the name and a sequence of `RawValue`."""
    _set(HandlerKind.QUERY, None, handler)


def set_update_handler(
    name: str, handler: Callable[..., Any] | None, *, validator: Callable[..., Any] | None = None
) -> None:
    """Set the handler of updates called `name`.

    Args:
        name: of the updates.
        handler: takes what the update brings; it may be a coroutine function; None: there is no handler any more.
        validator: a plain function of the same arguments; what it raises keeps an update out.
    """
    _set(HandlerKind.UPDATE, _named(name), handler, validator)


def set_dynamic_update_handler(
    handler: Callable[..., Any] | None, *, validator: Callable[..., Any] | None = None
) -> None:
    """Set the handler of updates that no other handler takes; called with the name and a sequence of `RawValue`."""
    _set(HandlerKind.UPDATE, None, handler, validator)


def _get(kind: HandlerKind, name: str | None) -> Callable[..., Any] | None:
    context = current()
    found: HandlerDefinition | None = context.inbox.handlers(kind).get(name)
    if found is None:
        return None
    return found.fn if found.is_bound else partial(found.fn, context.instance)


def _set(
    kind: HandlerKind,
    name: str | None,
    handler: Callable[..., Any] | None,
    validator: Callable[..., Any] | None = None,
) -> None:
    context = current()
    word = kind.name.lower()
    if context.recorder.read_only:
        raise ReadOnlyContextError(call=f"workflow.set_{word}_handler()", handler=context.recorder.read_only)
    if handler is None:
        context.inbox.set(kind, name, None)
        return
    for what, fn in ((f"{word} handler", handler), (f"{word} validator", validator)):
        if fn is not None and not callable(fn):
            raise ArgumentTypeError(what=what, got=repr(fn), expected="a function, or None")
    signature = hints_of(handler, skip_first=False)
    check_parameters(handler, signature, DYNAMIC_HANDLER if name is None else ())
    if validator is not None:
        check_validator(validator, signature, skip_first=False)
    definition = HandlerDefinition(kind, name, handler, signature, validator=validator, is_bound=True)
    context.inbox.set(kind, name, definition)


def _named(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(what="name", got=repr(name), expected="a name")
    return name


# -- signals without a handler ---------------------------------------------------------------------------------------


@overload
async def receive(topic: str, *, type: type[T], timeout: timedelta | float | None = ...) -> T: ...
@overload
async def receive(topic: str, *, type: Any = ..., timeout: timedelta | float | None = ...) -> Any: ...
async def receive(topic: str, *, type: Any = Any, timeout: timedelta | float | None = None) -> Any:
    """Wait for the next signal called `topic`, and return its argument: a channel that is durable.

    Signals that came before wait in order. A signal with several arguments gives a list of them, one with none None.

    Args:
        topic: the signal's name; no handler may take it.
        type: the type that the argument is decoded to.
        timeout: seconds, or a timedelta; None: no limit.

    Raises:
        asyncio.TimeoutError: `timeout` has passed.
        InvalidArgumentError: a handler takes these signals.
        PayloadDecodeError: the argument does not fit `type`; the signal is gone.
    """
    context = current()
    _refuse_handled(context, topic)
    fact = context.inbox.take(topic)
    if fact is None:
        fact = await _next_signal(context, topic, timeout)
    return _value(context, fact, type)


@overload
def receive_nowait(topic: str, *, type: type[T]) -> T: ...
@overload
def receive_nowait(topic: str, *, type: type[T], default: D) -> T | D: ...
@overload
def receive_nowait(topic: str, *, type: Any = ..., default: Any = ...) -> Any: ...
def receive_nowait(topic: str, *, type: Any = Any, default: Any = _NOTHING) -> Any:
    """Return the argument of the first signal called `topic` that waits; see `receive`.

    Args:
        topic: the signal's name.
        type: the type that the argument is decoded to.
        default: what to return if none waits.

    Raises:
        asyncio.QueueEmpty: none waits, and there is no default.
    """
    context = current()
    if context.recorder.read_only:
        raise ReadOnlyContextError(call="workflow.receive_nowait()", handler=context.recorder.read_only)
    _refuse_handled(context, topic)
    fact = context.inbox.take(topic)
    if fact is not None:
        return _value(context, fact, type)
    if default is _NOTHING:
        raise asyncio.QueueEmpty(f"no signal called {topic!r} waits; pass default= to get a value then")
    return default


async def _next_signal(context: Context, topic: str, timeout: timedelta | float | None) -> SignalReceived:
    future = context.inbox.await_signal(topic)
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    try:
        async with asyncio.timeout(seconds):
            return await future
    except BaseException:
        if future.done() and not future.cancelled():  # it came in the turn in which the wait ended: nobody has it yet
            context.inbox.put_back(future.result())
        raise


def _refuse_handled(context: Context, topic: str) -> None:
    handler = context.inbox.find(HandlerKind.SIGNAL, _named(topic))
    if handler is not None:
        whose = f"handler {handler.name!r}" if handler.name else "the dynamic handler"
        raise InvalidArgumentError(
            what="topic",
            got=repr(topic),
            expected="a signal without a handler",
            fix=f"Its signals go to {whose}; take that away, or receive another topic",
        )


def _value(context: Context, fact: SignalReceived, hint: Any) -> Any:
    where = f"signal {fact.name!r} received by workflow {context.definition.label!r}"
    if not fact.input:
        return None
    first, *others = fact.input
    if others:
        return [context.converter.decode(payload, Any, where=where) for payload in fact.input]
    return context.converter.decode(first, hint, where=where)
