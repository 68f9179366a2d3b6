"""The surface of two modules of one name, Temporal's and ours, and every way in which ours falls short of theirs.

What counts as theirs is stated here once (`public_names`): the names that a module offers and defines. Left out are
names with a leading underscore, what it only passes on from another module (each name is compared at its own door),
and the type variables and protocols of `temporalio.types`, which no program imports.

A difference is a place and what is amiss there. A place is written as a program writes it:

    client.Client                       a name
    client.Client.count_workflows       a member of a class: a method, a property, a field, a member of an enum
    client.Client.connect(tls)          a parameter; of a class, `worker.Worker(tuner)`, one of its constructor
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import typing_extensions

from tests.house.tree import modules, under

__all__ = ["MODULES", "differences"]

MODULES = (
    *("activity", "client", "common", "converter", "exceptions", "service", "testing", "worker", "workflow"),
    "worker.workflow_sandbox",
)
"""The modules that programs import from."""

BACK_ROOM = "temporalio.nexus.system."
"""Where a function is defined that only `temporalio.workflow` offers."""

ALIASES = (types.UnionType, types.GenericAlias, type(typing.Union[int, str]), type(typing.List[int]))  # noqa: UP006, UP007 - as older aliases are made
REQUIRED, UNSET, UNKNOWN = "required", "a private mark for unset", "what the TypedDict of its options says"
EMPTY = inspect.Parameter.empty
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

Problems = Iterator[tuple[str, str]]
"""Places and what is amiss there."""


def differences() -> dict[str, str]:
    """Every place where ours is not what theirs is, and what is amiss."""
    return {place: problem for module in MODULES for place, problem in of_module(module)}


def of_module(name: str) -> Problems:
    """What differs in one module."""
    theirs, ours = importlib.import_module(f"temporalio.{name}"), importlib.import_module(f"understudy.{name}")
    for public in public_names(theirs):
        place = f"{name}.{public}"
        if public in ours.__all__:
            yield from of_thing(place, getattr(theirs, public), getattr(ours, public))
        else:
            yield place, "missing"


def public_names(module: types.ModuleType) -> list[str]:
    """The names that a module of theirs offers and defines."""
    offered = getattr(module, "__all__", None) or list(vars(module))
    return sorted(name for name in offered if not name.startswith("_") and is_own(module, getattr(module, name)))


def is_own(module: types.ModuleType, thing: Any) -> bool:
    """Whether a module defines a thing, and is not only where it passes through."""
    if isinstance(thing, types.ModuleType | typing.TypeVar | typing.ParamSpec):
        return False
    if isinstance(thing, ALIASES):
        return True
    home = str(getattr(thing, "__module__", ""))
    return home == module.__name__ or home.startswith((f"{module.__name__}.", BACK_ROOM))


# -- names -----------------------------------------------------------------------------------------------------------


def of_thing(place: str, theirs: Any, ours: Any) -> Problems:
    """What differs between two things of one name."""
    if isinstance(theirs, type):
        if not isinstance(ours, type):
            yield place, f"a class is expected, not {ours!r}"
        else:
            yield from of_class(place, theirs, ours)
    elif callable(theirs) and not isinstance(theirs, ALIASES):
        yield from of_function(place, theirs, ours, skip=0)


def of_class(place: str, theirs: type, ours: type) -> Problems:
    """What differs between two classes: constructor and public members."""
    for member in public_members(theirs):
        if member not in all_members(ours):
            yield f"{place}.{member}", "missing"
        elif issubclass(theirs, enum.Enum):
            yield from of_choice(f"{place}.{member}", theirs, ours, member)
        else:
            yield from of_member(f"{place}.{member}", inspect.getattr_static(theirs, member, None), ours, member)
    is_made = not inspect.isabstract(theirs) and not typing_extensions.is_typeddict(theirs)
    if is_made and not issubclass(theirs, enum.Enum):
        yield from of_function(place, constructor(theirs), constructor(ours), skip=1)


def of_choice(place: str, theirs: Any, ours: Any, member: str) -> Problems:
    """What differs between two members of an enum."""
    choice, own = theirs.__members__.get(member), getattr(ours, "__members__", {}).get(member)
    if choice is not None and (own is None or own.value != choice.value):
        yield place, f"{own!r} instead of {choice!r}"


def of_member(place: str, theirs: Any, ours: type, name: str) -> Problems:
    """What differs between two members of classes."""
    own = inspect.getattr_static(ours, name, None)
    if not callable(unwrapped(theirs)):
        return
    if not callable(unwrapped(own)):
        yield place, "a method is expected"
    elif isinstance(theirs, classmethod | staticmethod) and not isinstance(own, classmethod | staticmethod):
        yield place, "it is called on the class"
    else:
        skip = 0 if isinstance(theirs, staticmethod) else 1
        own_skip = 0 if isinstance(own, staticmethod) else 1
        yield from of_function(place, unwrapped(theirs), unwrapped(own), skip=skip, own_skip=own_skip)


def unwrapped(member: Any) -> Any:
    """The function of a class's or static method."""
    return member.__func__ if isinstance(member, classmethod | staticmethod) else member


def constructor(cls: type) -> Any:
    """What takes the arguments when a class is called."""
    initializer: Any = cls.__init__  # type: ignore[misc]  # it is asked of the class
    if initializer is msgspec.Struct.__init__:  # it takes anything, and the class says what
        return of_struct(cls)
    if initializer is not object.__init__:
        return initializer
    return nothing if cls.__new__ is object.__new__ else cls.__new__


def of_struct(cls: type) -> Any:
    """A function that takes what a struct takes."""

    def taking(self: object, *args: Any, **options: Any) -> None: ...

    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    own: Any = taking
    own.__signature__ = inspect.Signature([self, *inspect.signature(cls).parameters.values()])
    return own


def nothing(self: object) -> None:
    """Take what `object()` takes."""


def public_members(cls: type) -> list[str]:
    """What a class and its bases of the same library define; not what Python's own bases bring."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("temporalio")]
    found = {name for base in bases for name in (*vars(base), *vars(base).get("__annotations__", {}))}
    return sorted(name for name in found if not name.startswith("_"))


def all_members(cls: type) -> set[str]:
    """The names that an instance of a class answers to, as far as the class tells."""
    declared = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set[str]()
    return declared | fields | set(dir(cls))


# -- parameters ------------------------------------------------------------------------------------------------------


def of_function(place: str, theirs: Any, ours: Any, *, skip: int, own_skip: int | None = None) -> Problems:
    """What differs between two functions, behind the `skip` parameters that are not the caller's."""
    if not callable(ours):
        yield place, f"a function is expected, not {ours!r}"
        return
    if inspect.iscoroutinefunction(theirs) != inspect.iscoroutinefunction(ours):
        yield place, "it is awaited in one, and not in the other"
    wanted, own = parameters(theirs, skip), parameters(ours, skip if own_skip is None else own_skip)
    for index, (name, parameter) in enumerate(wanted.items()):
        where = f"{place}({name})"
        if name not in own:
            yield where, "missing"
        else:
            yield from of_parameter(where, index, parameter, list(own).index(name), own[name])
    for name, parameter in own.items():
        if name not in wanted and parameter.default is EMPTY and parameter.kind not in VARIADIC:
            yield f"{place}({name})", "required, where the other has none"


def of_parameter(
    place: str, index: int, theirs: inspect.Parameter, own_index: int, ours: inspect.Parameter
) -> Problems:
    """What differs between two parameters."""
    if theirs.kind is not ours.kind:
        yield place, f"{ours.kind.description} instead of {theirs.kind.description}"
    elif theirs.kind in POSITIONAL and index != own_index:
        yield place, f"argument {own_index + 1} instead of {index + 1}"
    elif ours.default != UNKNOWN and plain(theirs.default) != plain(ours.default):
        yield place, f"{plain(ours.default)} instead of {plain(theirs.default)}"


def parameters(function: Any, skip: int) -> dict[str, inspect.Parameter]:
    """The parameters of a function by name; the keys of an unpacked TypedDict are parameters, too."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # Python's own, written in C: it says nothing of what it takes
        return {}
    found: dict[str, inspect.Parameter] = {}
    for parameter in list(signature.parameters.values())[skip:]:
        if parameter.name.startswith("_"):
            continue
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD or not (options := unpacked(function, parameter.name)):
            found[parameter.name] = parameter
        for option in options if parameter.kind is inspect.Parameter.VAR_KEYWORD else ():
            found[option] = inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=UNKNOWN)
    return found


def unpacked(function: Any, name: str) -> list[str]:
    """The keys of the TypedDict that `**name` unpacks, if it does."""
    names = for_type_checkers() if under(str(getattr(function, "__module__", "")), "understudy") else None
    hint = typing.get_type_hints(function, localns=names).get(name)
    inside = typing.get_args(hint)
    return list(inside[0].__annotations__) if typing.get_origin(hint) is typing.Unpack and inside else []


@functools.cache
def for_type_checkers() -> dict[str, Any]:
    """What our modules offer, by name: a hint may name what is imported for type checkers only."""
    loaded = [importlib.import_module(module.name) for module in modules()]
    return {name: getattr(module, name) for module in loaded for name in getattr(module, "__all__", ())}


def plain(default: Any) -> str:
    """A default as text that is equal where the meaning is: `()` is what is written for `[]` that nobody may change."""
    if isinstance(default, list | tuple | dict | set | frozenset | types.MappingProxyType):
        return repr(list(default)) if default else "empty"
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    if isinstance(default, type):
        return REQUIRED if default is EMPTY else default.__name__
    if type(default).__module__.startswith(("temporalio", "understudy")) and not is_plain(default):
        return f"a {type(default).__name__}"
    if type(default) is object or "unset" in type(default).__name__.lower():
        return UNSET
    return repr(default)


def is_plain(default: Any) -> bool:
    """Whether a value is made of plain fields, which its text shows."""
    own = getattr(type(default), "__struct_fields__", ())
    names = own or [f.name for f in dataclasses.fields(default)] if own or dataclasses.is_dataclass(default) else ()
    return bool(names) and all(isinstance(getattr(default, name), str | int | float | bool | None) for name in names)
