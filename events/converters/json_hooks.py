"""The hooks of msgspec: further types become JSON, and come back.

msgspec reads and writes dataclasses, Structs, attrs classes, enums, dates, UUIDs, Decimals, bytes and all containers of
these without help. `to_json` and `from_json` are its hooks for the rest: pydantic models, paths, addresses, time zones,
fractions, numpy values, and what is a str, int or float with a class of its own.

None of these libraries is imported here: who has a pydantic model has imported pydantic. A model is known by what its
class carries.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Container, Iterable, Mapping, MappingView, Reversible, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeGuard, get_args, get_origin

import msgspec

__all__ = [
    "class_of",
    "from_json",
    "is_array",
    "is_model",
    "is_object",
    "nonfinite_at",
    "read_model",
    "to_json",
    "type_name",
]

_TEXT_MODULES: Final = frozenset({"fractions", "ipaddress", "pathlib", "zoneinfo"})
"""Standard modules whose classes make themselves of the text that `str` makes of them."""

_NATIVE: Final = frozenset({bool, dict, frozenset, list, set, tuple, type(None)})
"""What msgspec writes by itself wherever it may stand, and asks about only where it is the key of a dict."""
_LIST: Final[Any] = list
_DICT: Final[Any] = dict
"""For hints whose arguments are data here."""
_ABSTRACT: Final = frozenset({Container, Iterable, Reversible})
"""What a list is, and msgspec has no decoder for."""
_CONTAINERS: Final[dict[Any, Callable[[Any], Any]]] = {
    deque: lambda args: _LIST[args] if args else _LIST,
    OrderedDict: lambda args: _DICT[args] if args else _DICT,
    defaultdict: lambda args: _DICT[args] if args else _DICT,
    Counter: lambda args: _DICT[(*args, int)] if args else _DICT[Any, int],
    **dict.fromkeys(_ABSTRACT, lambda args: _LIST[args] if args else _LIST),
}
"""Containers that are made of a plain one, and the hint for that one, by their arguments."""
_FIRST: Final[dict[Any, tuple[None]]] = {defaultdict: (None,)}
"""What a container takes in front of its content: the factory of a defaultdict is code and not stored."""
_SCALARS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, bytes),
)
_LISTABLE: Final[tuple[type, ...]] = (deque, Sequence, AbstractSet, MappingView)


def type_name(of: object) -> str:
    """Return how an error names a type or hint: with its module, unless that says nothing."""
    if isinstance(of, type):
        if of.__module__ in {"builtins", "__main__"}:
            return of.__qualname__
        return f"{of.__module__}.{of.__qualname__.rpartition('<locals>.')[2]}"
    return repr(of).replace("typing.", "").replace("NoneType", "None")


def is_model(cls: object) -> bool:
    """True if `cls` is a pydantic model (version 2)."""
    return isinstance(cls, type) and hasattr(cls, "__pydantic_serializer__") and hasattr(cls, "model_validate_json")


def _is_text_type(cls: type) -> bool:
    return any(base.__module__.partition(".")[0] in _TEXT_MODULES for base in cls.__mro__)


def to_json(value: Any) -> Any:
    """Return something that msgspec can write for a value that it cannot.

    Raises:
        TypeError: nothing says how the value becomes JSON.
        ValueError: a pydantic model writes something that is not JSON, such as a bare NaN.
    """
    if is_model(class_of(value)):
        # By field names and without computed fields: what comes out is what the model takes in again.
        text: str = value.model_dump_json(round_trip=True, warnings="error")
        if "NaN" in text or "Infinity" in text:
            msgspec.json.decode(text)
        return msgspec.Raw(text.encode())
    return _plain(value)


def class_of(value: object) -> type[Any]:
    """Return the class of a value, as far as a type checker has to know."""
    return type(value)


def is_object(plain: Any) -> TypeGuard[dict[str, Any]]:
    """True if plain JSON is an object."""
    return isinstance(plain, dict)


def is_array(plain: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """True if plain JSON is an array."""
    return isinstance(plain, (list, tuple))


def _plain(value: Any) -> Any:
    cls = class_of(value)
    if cls in _NATIVE:
        raise TypeError(f"a dict key of type {cls.__name__} has no form in JSON")
    for scalar, plain in _SCALARS:
        if issubclass(cls, scalar):
            return plain(value)
    if _is_text_type(cls):
        return str(value)
    if issubclass(cls, Mapping):
        return dict(value)
    if issubclass(cls, _LISTABLE):
        return list(value)
    if cls.__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"objects of type {type_name(cls)} are not JSON and do not say how they become it")


_MADE_OF: Final = (str, int, float)


def from_json(cls: Any, plain: Any, hook: Callable[[Any, Any], Any] | None = None) -> Any:
    """Return the instance of a class that msgspec does not know, made of plain JSON.

    Args:
        cls: the class, or a generic alias of one.
        plain: the JSON.
        hook: does this for the classes inside of it; None: this function.

    Raises:
        TypeError: nothing says how the class is made of it.
        ValueError: the class refuses it.
    """
    container = get_origin(cls) or cls
    if container in _CONTAINERS:
        hint = _CONTAINERS[container](get_args(cls))
        made: Any = msgspec.convert(plain, hint, dec_hook=hook or from_json, str_keys=True)
        return made if container in _ABSTRACT else container(*_FIRST.get(container, ()), made)
    if isinstance(cls, type):
        read: Callable[[Any], Any] | None = getattr(cls, "__understudy_read__", None)
        if read is not None:
            return read(plain)
        if is_model(cls):
            return read_model(cls, msgspec.json.encode(plain))
        made_of = (str,) if _is_text_type(cls) else tuple(base for base in _MADE_OF if issubclass(cls, base))
        if isinstance(plain, made_of) and not isinstance(plain, bool):
            return cls(plain)
    raise TypeError(f"nothing says how a {type_name(cls)} is made of JSON of type {type(plain).__name__}")


def read_model(model: Any, data: Any) -> Any:
    """Return the pydantic model in `data`, UTF-8 JSON with fields by their names or their aliases.

    Raises:
        ValueError: what does not fit, in one line.
    """
    try:
        return model.model_validate_json(bytes(data), by_alias=True, by_name=True)
    except ValueError as error:
        details: Any = getattr(error, "errors", None)
        if details is None:
            raise
        faults = [f"{item['msg']} - at `${_path(item['loc'])}`" for item in details(include_url=False)]
        raise ValueError("; ".join(faults)) from error


def _path(location: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


def _loose(value: Any) -> Any:
    """Do as `to_json`, but leave a model open to be looked into, and count what is opaque as finite."""
    try:
        return value.model_dump(round_trip=True) if is_model(class_of(value)) else _plain(value)
    except TypeError:
        return None


_msgpack = msgspec.msgpack.Encoder(enc_hook=_loose).encode


def nonfinite_at(value: Any) -> str:
    """Return the path of the first NaN or infinity in `value`, or the empty string if all its numbers are finite.

    JSON has no such numbers; msgspec and pydantic write them as null, which would be read as something else.
    """
    try:
        packed = _msgpack(value)
    except (TypeError, ValueError, OverflowError):  # a dict or an integer that MessagePack does not take
        packed = b"\xcb\x7f"
    # In MessagePack a float is 0xcb and eight bytes, and starts with 0x7f or 0xff if its exponent is all ones: two
    # searches at the speed of C rule nearly everything out, where walking a small dataclass costs ten times as much.
    if packed.find(b"\xcb\x7f") < 0 and packed.find(b"\xcb\xff") < 0:
        return ""
    return _search(msgspec.to_builtins(value, enc_hook=_loose, str_keys=True), "$")


def _search(plain: Any, path: str) -> str:
    if isinstance(plain, float):
        return "" if abs(plain) <= sys.float_info.max else path
    items: Any = ()
    if is_object(plain):
        items = ((f"{path}.{key}", item) for key, item in plain.items())
    elif is_array(plain):
        items = ((f"{path}[{index}]", item) for index, item in enumerate(plain))
    return next((found for at, item in items if (found := _search(item, at))), "")
