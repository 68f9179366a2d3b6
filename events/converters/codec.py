"""Codecs: payloads changed as a whole on their way to the store and back; compressed, encrypted.

A codec comes after the converter and knows nothing of values. Where payloads are inside of an event is found once for
each class of event, by the hints of its fields: a payload, a tuple or dict of them, and every struct that holds some,
such as a failure with its causes. Whatever an event declares later is found the same way; a shape that is not known
here is refused before anything is written in clear.

A codec is a coroutine because its keys may be elsewhere. Who runs it is the store's business
(`events.store.behind_codec`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload, Payloads
from understudy.events.public import public

__all__ = ["Code", "PayloadCodec", "coded", "coded_map"]

S = TypeVar("S", bound=msgspec.Struct)

Code = Callable[[Sequence[Payload]], Awaitable[Sequence[Payload]]]
"""One direction of a codec."""


@public("understudy.converter")
class PayloadCodec(ABC):
    """Changes payloads as a whole on their way to the store and back: compresses, encrypts.

    It is called on any thread, for many runs at the same time; the engine waits meanwhile. What `encode` raises refuses
    the turn that was to be stored; what `decode` raises lets the run wait, and it is tried again.
    """

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as they are to be stored: at least one, and no more than were given; one for one alone.

        A payload of bytes is `Payload(metadata={"encoding": b"binary/…"}, data=…)`.
        """

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as they were before `encode`; others as they are."""

    async def encode_wrapper(self, payloads: Payloads) -> None:
        """Replace the payloads in `payloads` by those that `encode` makes of them."""
        payloads.payloads[:] = await self.encode(payloads.payloads)

    async def decode_wrapper(self, payloads: Payloads) -> None:
        """Replace the payloads in `payloads` by those that `decode` makes of them."""
        payloads.payloads[:] = await self.decode(payloads.payloads)

    async def encode_failure(self, failure: Failure) -> Failure:
        """Return a failure with its payloads encoded, and those of its causes."""
        return await coded(failure, self.encode)

    async def decode_failure(self, failure: Failure) -> Failure:
        """Return a failure with its payloads decoded, and those of its causes."""
        return await coded(failure, self.decode)


# ------------------------------------------------------------------------------------------- payloads inside of structs

_Step = Callable[[Any, Code], Awaitable[Any]]

_steps: dict[type, tuple[tuple[str, _Step], ...]] = {}
"""For each class of struct, the fields that hold payloads, and what to do with one."""


async def coded(struct: S, code: Code) -> S:
    """Return an event, or another struct, with all payloads inside of it sent through `code`.

    Raises:
        TypeError: a field of its class holds payloads in a shape that is not known here.
        ValueError: `code` returned another number of payloads than it may.
    """
    steps = _steps.get(type(struct))
    if steps is None:
        steps = _steps[type(struct)] = _compiled(type(struct))
    changes: dict[str, Any] = {}
    for name, step in steps:
        value = getattr(struct, name)
        if value is not None:
            changes[name] = await step(value, code)
    return msgspec.structs.replace(struct, **changes) if changes else struct


async def coded_map(payloads: Mapping[str, Payload | None], code: Code) -> dict[str, Payload | None]:
    """Return a dict with its payloads sent through `code`, each alone; None stays."""
    return {name: None if one is None else await _one(one, code) for name, one in payloads.items()}


async def _one(payload: Payload, code: Code) -> Payload:
    made = await code([payload])
    if len(made) != 1:
        raise ValueError(f"it returned {len(made)} payloads for one that stands alone")
    return made[0]


async def _many(payloads: Sequence[Payload], code: Code) -> tuple[Payload, ...]:
    if not payloads:
        return ()
    made = tuple(await code(list(payloads)))
    if not made:
        raise ValueError(f"it returned no payload for {len(payloads)}")
    return made


def _compiled(cls: type[msgspec.Struct]) -> tuple[tuple[str, _Step], ...]:
    found: list[tuple[str, _Step]] = []
    for declared in msgspec.structs.fields(cls):
        if _holds(declared.type, set()):
            step = _step(declared.type)
            if step is None:
                raise TypeError(f"{cls.__qualname__}.{declared.name} holds payloads in a shape that codecs do not know")
            found.append((declared.name, step))
    return tuple(found)


def _step(hint: Any) -> _Step | None:
    """Return a function that sends the payloads of such a value through a codec; None: the shape is not known."""
    origin, args = get_origin(hint), [arg for arg in get_args(hint) if arg not in (NoneType, ...)]
    if origin is None:
        return _one if hint is Payload else coded
    if origin in (Union, UnionType):
        return _step(args[0]) if len(args) == 1 else None
    if origin is tuple and len(args) == 1:
        return _many if args[0] is Payload else _each(_step(args[0]))
    if origin is dict:
        return _values(_step(args[1]))
    return None


def _each(step: _Step | None) -> _Step | None:
    if step is None:
        return None

    async def each(values: Sequence[Any], code: Code) -> tuple[Any, ...]:
        return tuple([await step(value, code) for value in values])

    return each


def _values(step: _Step | None) -> _Step | None:
    if step is None:
        return None

    async def each(values: Mapping[str, Any], code: Code) -> dict[str, Any]:
        return {name: None if value is None else await step(value, code) for name, value in values.items()}

    return each


def _holds(hint: Any, seen: set[Any]) -> bool:
    """True if there may be payloads inside of what a hint names."""
    if hint is Payload:
        return True
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and not get_args(hint):
        if hint in seen:
            return False
        seen.add(hint)
        return any(_holds(declared.type, seen) for declared in msgspec.structs.fields(hint))
    return any(_holds(arg, seen) for arg in get_args(hint))
