"""Records, looked at from one side: what fields a class has in JSON, and how it is made of them.

A record is a dataclass, an attrs class, a Struct, a TypedDict, a NamedTuple or a pydantic model. `json_reader` needs to
know their fields where msgspec refuses to read one of them, or where it has to choose between several.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from understudy.events.converters.json_hooks import class_of, is_model, is_object, type_name

__all__ = ["RecordField", "alike", "fields_of", "hides", "make_record", "substitute", "unfold"]


class RecordField(NamedTuple):
    """One field of a record: its name in JSON, its hint, and True in `required` if JSON must have it."""

    name: str
    hint: Any
    required: bool


def substitute(hint: Any, by_variable: dict[Any, Any]) -> Any:
    """Return `hint` with type variables replaced."""
    if isinstance(hint, TypeVar):
        return by_variable.get(hint, hint)
    parameters: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    if not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(by_variable.get(parameter, parameter) for parameter in parameters)]


def fields_of(hint: Any) -> tuple[RecordField, ...] | None:
    """Return the fields of a record class (or of a generic one with its arguments), None for anything else.

    Raises:
        NameError: an annotation of it cannot be resolved.
    """
    cls = get_origin(hint) or hint
    listed = _listed(cls)
    if listed is None:
        return None
    by_variable = dict(zip(getattr(cls, "__parameters__", ()), get_args(hint), strict=False))
    hints = get_type_hints(cls, include_extras=True)
    return tuple(RecordField(name, substitute(hints.get(name, Any), by_variable), req) for name, req in listed)


def _listed(cls: object) -> list[tuple[str, bool]] | None:
    """Return the names of a record's fields, each with True if it must be there."""
    if not isinstance(cls, type):
        return None
    return _listed_of(cls)


def _listed_of(cls: Any) -> list[tuple[str, bool]] | None:  # noqa: PLR0911 - one for each kind of record
    if is_model(cls):
        return [(name, field.is_required()) for name, field in _get(cls, "model_fields").items()]
    if issubclass(cls, msgspec.Struct):
        return [(field.encode_name, field.required) for field in msgspec.structs.fields(cls)]
    if dataclasses.is_dataclass(cls):
        missing = dataclasses.MISSING
        return [(f.name, f.default is missing and f.default_factory is missing) for f in dataclasses.fields(cls)]
    if hasattr(cls, "__attrs_attrs__"):
        nothing = sys.modules["attr"].NOTHING
        return [(field.name, field.default is nothing) for field in _get(cls, "__attrs_attrs__")]
    if hasattr(cls, "_field_defaults"):  # a NamedTuple
        return [(name, name not in _get(cls, "_field_defaults")) for name in _get(cls, "_fields")]
    if hasattr(cls, "__required_keys__"):  # a TypedDict
        return [(name, name in _get(cls, "__required_keys__")) for name in cls.__annotations__]
    return None


def _get(cls: Any, name: str) -> Any:
    return getattr(cls, name)


def make_record(cls: Any, values: dict[str, Any]) -> Any:
    """Return the record of class `cls` (not a Struct, not a model) with `values` in its fields; defaults fill the rest.

    A dataclass is filled without `__init__`, like msgspec does it: an InitVar is not stored, and what its
    `__post_init__` made of it is, so that is not run again.
    """
    if not dataclasses.is_dataclass(cls):
        if hasattr(cls, "__attrs_attrs__"):
            aliases = {field.name: field.alias for field in _get(cls, "__attrs_attrs__") if field.init}
            values = {aliases[name]: value for name, value in values.items() if name in aliases}
        return cls(**values)
    made: Any = object.__new__(_as_type(cls))
    for field in dataclasses.fields(cls):
        if field.name in values:
            value = values[field.name]
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            value = field.default
        object.__setattr__(made, field.name, value)
    post_init: Callable[[], None] | None = getattr(made, "__post_init__", None)
    if post_init is not None and not _has_init_variables(cls):
        post_init()
    return made


def _as_type(cls: Any) -> type[Any]:
    return cls  # type: ignore[no-any-return]  # a dataclass, so a class


def _has_init_variables(cls: Any) -> bool:
    every: dict[str, Any] = _get(cls, "__dataclass_fields__")
    return any(str(getattr(field, "_field_type", "")).endswith("_FIELD_INITVAR") for field in every.values())


def alike(members: list[Any]) -> str:
    """Return why the JSON of two of these members of a union cannot be told apart, or the empty string."""
    known = [
        (member, {field.name: field.hint for field in fields}) for member in members if (fields := fields_of(member))
    ]
    for index, (one, mine) in enumerate(known):
        for other, theirs in known[index + 1 :]:
            if mine.keys() == theirs.keys() and not any(_apart(mine[name], theirs[name]) for name in mine):
                return (
                    f"{type_name(one)} and {type_name(other)} have the same fields, so JSON cannot tell which one it "
                    "is: give both a field of different literals, such as kind: Literal['a'] and kind: Literal['b']"
                )
    for member, _ in known:
        if isinstance(member, type) and issubclass(member, msgspec.Struct) and member.__struct_config__.omit_defaults:
            return f"{type_name(member)} leaves out its defaults: declare it with tag=True to make it known"
    return ""


def _apart(one: Any, other: Any) -> bool:
    """True if two hints are literals without a value in common."""
    return get_origin(one) is Literal and get_origin(other) is Literal and not {*get_args(one)} & {*get_args(other)}


def hides(hint: Any) -> bool:
    """True if `hint` names an attrs class with a private attribute, which msgspec reads but does not write.

    Such a class inside of an untyped container is not found here, and loses its private attributes.
    """
    try:
        return _hides(hint)
    except TypeError:  # unhashable, so not to be remembered
        return _hidden(hint, set())


@lru_cache(maxsize=4096)
def _hides(hint: Any) -> bool:
    return _hidden(hint, set())


def _hidden(hint: Any, seen: set[int]) -> bool:
    if id(hint) in seen or is_model(hint):  # pydantic writes what is in its models
        return False
    seen.add(id(hint))
    cls = get_origin(hint) or hint
    if any(field.name.startswith("_") for field in getattr(cls, "__attrs_attrs__", ())):
        return True
    if any(_hidden(part, seen) for part in (*get_args(hint), getattr(hint, "__supertype__", None))):
        return True
    try:
        fields = fields_of(hint) or ()
    except (NameError, TypeError):  # reading it says what is wrong with it
        return False
    return any(_hidden(field.hint, seen) for field in fields)


def unfold(value: Any) -> Any:
    """Return `value` with its attrs classes and dataclasses as dicts; all else stays for msgspec to write."""
    cls = class_of(value)
    if hasattr(cls, "__attrs_attrs__"):
        return {field.name: unfold(getattr(value, field.name)) for field in _get(cls, "__attrs_attrs__")}
    if dataclasses.is_dataclass(cls):
        return {field.name: unfold(getattr(value, field.name)) for field in dataclasses.fields(cls)}
    if is_object(value):
        return {key: unfold(item) for key, item in value.items()}
    if issubclass(cls, (list, tuple, set, frozenset)):
        return [unfold(item) for item in value]
    return value
