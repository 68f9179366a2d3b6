"""JSON by Temporal's recipe: an encoder class for the way out, type converters for the way in.

They are for programs that bring their own; what is not theirs to decide goes the usual way
(`events.converters.json_hooks`, `events.converters.json_reader`). A type converter is asked about every hint on the way
down, also about those that JSON has, so a value is walked by hand as far as hints have parts: slower than the reader,
and only where somebody has a converter.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, NewType, Union, get_args, get_origin

import msgspec

from understudy.events.converters.json_hooks import class_of, is_array, is_model, is_object, to_json, type_name
from understudy.events.converters.json_reader import Reader
from understudy.events.converters.json_records import fields_of, make_record, unfold
from understudy.events.public import public

__all__ = ["AdvancedJSONEncoder", "JSONTypeConverter", "JSONTypeConverterUnhandled", "TypedReader", "value_to_type"]

_WHATEVER: Final = (None, Any, object)
_MADE: Final[dict[Any, Callable[[Iterable[Any]], Any]]] = {
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    AbstractSet: frozenset,
    deque: deque,
}
"""Containers that are made of a list; all others stay one."""


@public("understudy.converter")
class AdvancedJSONEncoder(json.JSONEncoder):
    """The encoder of Python's `json` for all that payloads take: dataclasses, attrs, models, enums, dates, sets, bytes.

    Derive from it to encode further types: `default` is asked for what `json` does not know.
    """

    def default(self, o: Any) -> Any:
        """Return something that `json` can write; what is inside of it comes here in turn.

        Raises:
            TypeError: nothing says how `o` becomes JSON.
        """
        if is_dataclass(class_of(o)) or hasattr(class_of(o), "__attrs_attrs__"):
            return unfold(o)
        try:
            return msgspec.json.decode(_write(o))
        except TypeError:
            values: Any = o
            if isinstance(o, Iterable) and not isinstance(o, Mapping):
                return list[Any](values)
            raise


_write: Final = msgspec.json.Encoder(enc_hook=to_json, decimal_format="string", uuid_format="canonical").encode

JSONTypeConverterUnhandled = NewType("JSONTypeConverterUnhandled", object)
"""The type of `JSONTypeConverter.Unhandled`."""

_Unhandled = JSONTypeConverterUnhandled


@public("understudy.converter")
class JSONTypeConverter(ABC):
    """Makes values of some types of plain JSON."""

    Unhandled: ClassVar[JSONTypeConverterUnhandled] = _Unhandled(object())
    """What `to_typed_value` returns for a hint that is not its business."""

    @abstractmethod
    def to_typed_value(self, hint: type[Any], value: Any) -> Any | JSONTypeConverterUnhandled | None:
        """Return what `value`, plain JSON, is by `hint`; or `Unhandled`."""


def value_to_type(hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()) -> Any:
    """Return plain JSON as what a hint says.

    Args:
        hint: what it is to be.
        value: what `json.loads` returns: a scalar, a list, a dict.
        custom_converters: asked first, in order, about the hint and about each of its parts.

    Raises:
        TypeError: it does not fit.
        ValueError: the same.
    """
    return (TypedReader(custom_converters) if custom_converters else _plain).value(hint, value)


class TypedReader:
    """Reads plain JSON by hints, part by part.

    Args:
        converters: asked first, in order, about a hint and about each of its parts.
    """

    __slots__ = ("_converters", "_reader")

    def __init__(self, converters: Sequence[JSONTypeConverter] = ()) -> None:
        self._converters = converters
        self._reader = Reader(self._custom if converters else None)

    def _custom(self, hint: Any, value: Any) -> Any:
        for converter in self._converters:
            made = converter.to_typed_value(hint, value)
            if made is not JSONTypeConverter.Unhandled:
                return made
        return NotImplemented

    def value(self, hint: Any, value: Any) -> Any:  # noqa: PLR0911 - one for each form of hint
        """Return plain JSON as what a hint says; see `value_to_type`."""
        made = self._custom(hint, value)
        if made is not NotImplemented:
            return made
        if hint in _WHATEVER:
            return value
        if hasattr(hint, "__supertype__"):  # a NewType
            return self.value(hint.__supertype__, value)
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self.value(args[0], value)
        if not self._converters:
            return self._read(hint, value)
        if origin is Union or origin is UnionType:
            return self._first(hint, args, value)
        if args and isinstance(origin, type):
            return self._container(hint, origin, args, value)
        return self._record(hint, value)

    def _first(self, hint: Any, members: tuple[Any, ...], value: Any) -> Any:
        for member in members:
            try:
                return self.value(member, value)
            except Exception:  # noqa: BLE001, S112 - whatever a converter raises, it is not this member
                continue
        raise TypeError(f"it fits no member of {type_name(hint)}")

    def _container(self, hint: Any, origin: type[Any], args: tuple[Any, ...], value: Any) -> Any:
        if issubclass(origin, Mapping) and is_object(value) and len(args) == 2:  # noqa: PLR2004 - key and value
            return {self._key(args[0], key): self.value(args[1], item) for key, item in value.items()}
        if issubclass(origin, Iterable) and not issubclass(origin, Mapping) and is_array(value):
            parts: Sequence[Any] = args[:1] * len(value)
            if origin is tuple and args[-1] is not ...:
                parts = args
            items = [self.value(part, item) for part, item in zip(parts, value, strict=True)]
            return _MADE.get(origin, list)(items)
        return self._record(hint, value)

    def _key(self, hint: Any, key: str) -> Any:
        made = self._custom(hint, key)
        return next(iter(self._read(dict[hint, Any], {key: None}))) if made is NotImplemented else made

    def _record(self, hint: Any, value: Any) -> Any:
        cls: Any = get_origin(hint) or hint
        fields = None if is_model(cls) or hasattr(cls, "__struct_fields__") else fields_of(hint)
        if fields is None or not is_object(value):
            return self._read(hint, value)
        missing = [field.name for field in fields if field.required and field.name not in value]
        if missing:
            raise TypeError(f"Object missing required field `{missing[0]}`")
        return make_record(cls, {f.name: self.value(f.hint, value[f.name]) for f in fields if f.name in value})

    def _read(self, hint: Any, value: Any) -> Any:
        if class_of(value) is hint:
            return value  # a decoder class may have made it already
        return self._reader.reading(hint)(_write(value))


_plain: Final = TypedReader()
