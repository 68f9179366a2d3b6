"""The public path of a class or function: what a user imports is what its repr, its traceback and its pickle show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, get_type_hints

__all__ = ["public"]

T = TypeVar("T", bound=Callable[..., object])


def public(module: str) -> Callable[[T], T]:
    """Return a decorator that makes a class or function say it comes from `module`, where users import it.

    A class's annotations are looked up in its module, so they are resolved first, in the one that they were written in.
    """

    def publish(thing: T) -> T:
        _resolve(thing)
        thing.__module__ = module
        return thing

    return publish


def _resolve(cls: object) -> None:
    if isinstance(cls, type) and (own := cls.__annotations__):
        resolved = get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
        cls.__annotations__ = {name: resolved[name] for name in own}
