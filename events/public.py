"""The public path of a class: what a user imports is what its repr, its traceback and its pickle show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, get_type_hints

__all__ = ["public"]

C = TypeVar("C", bound=type)


def public(module: str) -> Callable[[C], C]:
    """Return a decorator that makes a class say it comes from `module`, where users import it.

    A class's annotations are looked up in its module, so they are resolved first, in the one that they were written in.
    """

    def publish(cls: C) -> C:
        if own := cls.__annotations__:
            resolved = get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
            cls.__annotations__ = {name: resolved[name] for name in own}
        cls.__module__ = module
        return cls

    return publish
