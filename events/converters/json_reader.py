"""Typed reading of JSON: from a hint to the function that reads it.

msgspec compiles most hints into a decoder in C. It refuses some that people write: unions of several dataclasses, of
several types that are strings in JSON, of a pydantic model and anything else, enums whose values are neither all
strings nor all integers, literals of enum members, dataclasses with an InitVar. For these the hint is rewritten: the
part that msgspec refuses is replaced by a stand-in, a class made on the spot that msgspec hands to our hook, which
reads that part by hand. All else keeps its C decoder.

A union is read by trying: what fits and differs from the JSON by the fewest keys wins, the earlier one among equals,
`str` last of all. That can only tell records apart whose field names differ, or that have a literal field of different
values; a union where neither holds is refused at once rather than read wrongly. So is `str | bytes` inside of another
type, since bytes are strings in JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from understudy.events.converters.json_hooks import (
    class_of,
    from_json,
    is_array,
    is_model,
    is_object,
    read_model,
    type_name,
)
from understudy.events.converters.json_records import RecordField, alike, fields_of, make_record

__all__ = ["Reader"]

Read = Callable[[Any], Any]

_MOST_HINTS: Final = 4096
"""The cache is emptied at that size: hints are few, unless somebody makes them in a loop."""

_BYTES: Final = (bytes, bytearray, memoryview)
_MISFIT: Final = (TypeError, ValueError, KeyError)
_UNION: Final[Any] = Union
"""For unions of members that are data here; a checker takes `Union[...]` for a hint."""
_ANY_KEYS: Final = 1000
"""The score of a plain dict in a union: it takes any keys, so every record that fits comes first."""


class Reader:
    """Makes, and remembers, what reads a hint.

    Args:
        custom: asked first for classes that msgspec does not know: `custom(cls, plain)` returns an instance made of
            plain JSON, or NotImplemented.
    """

    __slots__ = ("_by_identity", "_custom", "by_hint")

    def __init__(self, custom: Callable[[Any, Any], Any] | None = None) -> None:
        self._custom = custom
        self._by_identity: dict[int, tuple[Any, Read]] = {}
        self.by_hint: dict[Any, Read] = {}
        """What was made so far, by hint; public because a dict is faster to ask than a method."""
        self._forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the arguments: what was made of them does not pickle."""
        return Reader, (self._custom,)

    def _forget(self) -> None:
        self._by_identity.clear()
        self.by_hint.clear()
        untyped: Read = msgspec.json.Decoder().decode
        self.by_hint[None] = self.by_hint[Any] = self.by_hint[object] = untyped

    def reading(self, hint: Any) -> Read:
        """Return the function that reads `hint` from JSON (bytes or `msgspec.Raw`); None means untyped.

        Raises:
            TypeError: nothing can read such a hint; the message says why.
            NameError: a class of it has an annotation that cannot be resolved.
        """
        try:
            known = self.by_hint.get(hint)
        except TypeError:  # unhashable, such as Annotated with a list: by identity, which holding on to it keeps true
            kept = self._by_identity.get(id(hint))
            if kept is None:
                kept = self._by_identity[id(hint)] = (hint, self._make(hint))
            return kept[1]
        if known is None:
            if len(self.by_hint) + len(self._by_identity) >= _MOST_HINTS:
                self._forget()
            known = self.by_hint[hint] = self._make(hint)
        return known

    def _make(self, hint: Any) -> Read:
        if is_model(hint) and self._custom is None:
            return lambda data: read_model(hint, data)
        return msgspec.json.Decoder(_Rewriter(self).rewrite(hint), dec_hook=self._hook).decode

    def _hook(self, cls: Any, plain: Any) -> Any:
        if self._custom is not None and type(cls) is not _StandIn:
            made = self._custom(cls, plain)
            if made is not NotImplemented:
                return made
        return from_json(cls, plain, self._hook)


class _StandIn(type):
    """The type of stand-ins: all that their hook makes counts as an instance."""

    def __instancecheck__(cls, instance: object) -> bool:
        return True


def _stand_in(read: Read) -> Any:
    """Return a class that `from_json` reads plain JSON into by `read`."""
    return _StandIn("StandIn", (), {"__understudy_read__": staticmethod(read)})


class _Rewriter:
    """Replaces what msgspec refuses in one hint."""

    __slots__ = ("_depth", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = 0

    def rewrite(self, hint: Any) -> Any:
        """Return a hint that msgspec takes, for the same JSON."""
        if _refusal(hint) is None:
            return hint
        self._depth += 1
        try:
            return self._replace(hint)
        finally:
            self._depth -= 1

    def _replace(self, hint: Any) -> Any:  # noqa: PLR0911 - one for each form of hint
        origin, args = get_origin(hint), get_args(hint)
        if hasattr(hint, "__supertype__"):  # a NewType
            return self.rewrite(hint.__supertype__)
        if origin is Annotated:
            return self.rewrite(args[0])
        if origin is Union or origin is UnionType:
            return self._union(hint, args)
        if origin is Literal:
            return _one_of([(arg.value if isinstance(arg, Enum) else arg, arg) for arg in args], hint)
        if _is_enum(hint):
            return _one_of([(member.value, member) for member in hint], hint)
        if origin is not None and args:
            parts = tuple(part if part is ... else self.rewrite(part) for part in args)
            if parts != args and _refusal(origin[parts]) is None:
                return origin[parts]
        refusal = _refusal(hint)
        if fields_of(hint) is None or hasattr(hint, "__struct_fields__"):
            raise refusal or TypeError(type_name(hint))
        return _stand_in(lambda plain: self._record(hint, plain))

    def _union(self, hint: Any, args: tuple[Any, ...]) -> Any:
        members = [member for member in args if member is not NoneType]
        none = (NoneType,) if NoneType in args else ()
        whole = _UNION[(*(self.rewrite(member) for member in members), *none)]
        if _refusal(whole) is None:
            return whole
        if self._depth == 1:  # bytes alone in a payload are marked as such and never come here
            members = [member for member in members if member not in _BYTES]
        elif any(member in _BYTES for member in members):
            raise TypeError(f"{type_name(hint)}: bytes are strings in JSON, so it cannot tell which one it is")
        if reason := alike(members):
            raise TypeError(f"{type_name(hint)}: {reason}")
        members.sort(key=lambda member: member is str)
        return _UNION[(_stand_in(lambda plain: self._best(hint, members, plain)), *none)]

    def _best(self, hint: Any, members: list[Any], plain: Any) -> Any:
        data, fits, faults = msgspec.json.encode(plain), list[tuple[int, int]](), list[str]()
        values = list[Any]()
        for member in members:
            try:
                value = self._reader.reading(member)(data)
            except _MISFIT as error:
                faults.append(f"{type_name(member)} ({error})")
                continue
            fits.append((_distance(member, plain), len(values)))
            values.append(value)
        if not fits:
            raise TypeError(f"it fits no member of {type_name(hint)}: {'; '.join(faults)}")
        return values[min(fits)[1]]

    def _record(self, hint: Any, plain: Any) -> Any:
        fields = fields_of(hint) or ()
        cls = get_origin(hint) or hint
        by_name: Any = plain
        if is_array(plain) and issubclass(cls, tuple):
            by_name = {field.name: item for field, item in zip(fields, plain, strict=False)}
        if not is_object(by_name):
            raise TypeError(f"Expected `{type_name(hint)}`, got `{class_of(plain).__name__}`")
        values = {
            field.name: self._field(field, by_name) for field in fields if field.required or field.name in by_name
        }
        return make_record(cls, values)

    def _field(self, field: RecordField, plain: dict[str, Any]) -> Any:
        if field.name not in plain:
            raise ValueError(f"Object missing required field `{field.name}`")
        try:
            return self._reader.reading(field.hint)(msgspec.json.encode(plain[field.name]))
        except _MISFIT as error:
            raise ValueError(f"{error} - at `.{field.name}`") from error


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _refusal(hint: Any) -> TypeError | None:
    """Return why msgspec has no decoder for `hint`, if it has none."""
    try:
        msgspec.json.Decoder(hint)
    except TypeError as error:
        return error
    return None


def _one_of(choices: list[tuple[Any, Any]], hint: Any) -> Any:
    """Return a stand-in for a choice between values, each to be read as something."""
    by_json = {msgspec.json.encode(value): made for value, made in choices}

    def read(plain: Any) -> Any:
        data = msgspec.json.encode(plain)
        if data not in by_json:
            raise ValueError(f"{data.decode()} is not one of {type_name(hint)}")
        return by_json[data]

    return _stand_in(read)


def _distance(member: Any, plain: Any) -> int:
    """Return by how many keys the JSON differs from what `member` would have written."""
    if not is_object(plain):
        return 0
    fields = fields_of(member)
    return _ANY_KEYS if fields is None else len({field.name for field in fields} ^ plain.keys())
