"""Pickles values for another process by cloudpickle, which carries what pickle refuses."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, cast

import cloudpickle

__all__ = ["dumps"]

MSGSPEC_NOTE: Final = "__msgspec_cache__"
"""The attribute that msgspec puts on a class that it reads or writes; it does not pickle, and is made anew."""


class _Pickler(cloudpickle.Pickler):
    """Pickles classes by value (those of `__main__`, and local ones) without msgspec's note on them."""

    def reducer_override(self, obj: Any) -> Any:
        reduce = cast("Callable[[Any], Any]", super().reducer_override)  # type: ignore[redundant-cast]  # pyright sees half
        reduced = reduce(obj)
        if isinstance(obj, type) and MSGSPEC_NOTE in vars(obj) and reduced is not NotImplemented:
            attributes, _slots = reduced[2]
            attributes.pop(MSGSPEC_NOTE, None)
        return reduced


_pickler: Final = cast("Callable[[BytesIO], Any]", _Pickler)


def dumps(subject: object) -> bytes:
    """Return an object as bytes, for `cloudpickle.loads`.

    Raises:
        Exception: it does not pickle.
    """
    file = BytesIO()
    _pickler(file).dump(subject)
    return file.getvalue()
