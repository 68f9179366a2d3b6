"""Tell whether an object changed, by a digest of all that it holds before and after.

A query may only read, and most handlers do. To catch one that changes something, what the workflow holds is digested
before and after it. The digest is that of a pickle, which walks through any object at the speed of C and knows the
ways in which classes keep their state; nothing is ever loaded from it. What cannot be pickled (futures, generators,
locks, functions) counts by its identity, as classes and modules do. A value that a `cached_property` has kept counts
for nothing: it follows from the rest.
"""

from __future__ import annotations

import pickle
from asyncio import AbstractEventLoop, Future
from functools import cached_property, lru_cache
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

__all__ = ["fingerprint"]

_STATE: Final = 2
"""The index of the state in the tuple that `__reduce__` returns."""
_BY_IDENTITY: Final = (type, FunctionType, BuiltinFunctionType, ModuleType, AbstractEventLoop)


def fingerprint(thing: object) -> bytes:
    """Return a digest of an object and all that it refers to; empty if it cannot be taken apart.

    Args:
        thing: of any type; its classes' `__reduce__` and `__getstate__` are called.
    """
    sink = _Sink()
    try:
        _Walk(sink, protocol=4).dump(thing)
    except Exception:  # noqa: BLE001 - the user's classes may raise whatever they like, and be nested as they like
        return b""
    return sink.digest.digest()


class _Sink:
    """A file that keeps nothing but the digest of what is written."""

    def __init__(self) -> None:
        self.digest = blake2b(digest_size=16)
        self.write = self.digest.update


class _Walk(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        cls: type = type(obj)  # pyright: ignore[reportUnknownVariableType] - of anything at all
        if obj is _same:
            return NotImplemented
        if isinstance(obj, _BY_IDENTITY):
            return _same, (id(obj),)
        if isinstance(obj, Future):
            return _same, (id(obj), bool(obj.done()))  # pyright: ignore[reportUnknownArgumentType] - of whatever result
        try:
            reduced: Any = obj.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - what cannot be taken apart counts by its identity
            reduced = None
        if not isinstance(reduced, tuple):
            return _same, (id(obj),)
        return _without_derived(cls, reduced)  # pyright: ignore[reportUnknownArgumentType] - whatever it consists of


def _same(*_identity: object) -> None:
    """Stand for an object that counts by its identity."""


def _without_derived(cls: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    derived = _derived(cls)
    if not derived or len(reduced) <= _STATE or not isinstance(reduced[_STATE], dict):
        return reduced
    kept = {name: value for name, value in reduced[_STATE].items() if name not in derived}
    return *reduced[:_STATE], kept, *reduced[_STATE + 1 :]


@lru_cache(maxsize=256)
def _derived(cls: type) -> frozenset[str]:
    return frozenset(
        name for base in cls.__mro__ for name, value in vars(base).items() if isinstance(value, cached_property)
    )
