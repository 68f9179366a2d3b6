"""Check the parameters of workflows, activities and handlers: all come by position; dynamic ones take a fixed list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from understudy.actors.behaviors.definitions.definition import is_async
from understudy.events.converters.signature import Signature, hints_of
from understudy.events.errors import DefinitionError

__all__ = ["DYNAMIC_CODE", "DYNAMIC_HANDLER", "check_name", "check_parameters", "check_validator"]

DYNAMIC_CODE: Final = ("args: Sequence[RawValue]",)
"""The parameters of a dynamic workflow or activity."""
DYNAMIC_HANDLER: Final = ("name: str", *DYNAMIC_CODE)
"""The parameters of a dynamic signal, query or update."""


def check_parameters(fn: Callable[..., Any], signature: Signature, dynamic: tuple[str, ...] = ()) -> None:
    """Refuse a function that cannot take the arguments that it will be called with.

    Args:
        fn: the function.
        signature: the parameters that it has.
        dynamic: the arguments of a dynamic one; empty: it is none.

    Raises:
        DefinitionError: it takes something else, or something by keyword only.
    """
    subject = _name_of(fn)
    if signature.keyword_only:
        raise DefinitionError(
            subject=subject,
            problem=f"it needs {', '.join(signature.keyword_only)} by keyword, and all arguments come by position",
            fix="give what stands behind the * a default, or move it in front",
        )
    most = len(signature.names)
    if dynamic and not (signature.required <= len(dynamic) and (len(dynamic) <= most or signature.is_varargs)):
        raise DefinitionError(
            subject=subject,
            problem=f"a dynamic one is called with ({', '.join(dynamic)}), and it takes {signature.names}",
            fix="let it take these",
        )


def check_name(subject: Callable[..., Any], name: str | None, *, dynamic: bool) -> None:
    """Refuse a dynamic definition with a name.

    Raises:
        DefinitionError: it has one.
    """
    if dynamic and name is not None:
        raise DefinitionError(
            subject=_name_of(subject),
            problem=f"it is dynamic, which is for what no other has a name for, and it is called {name!r}",
            fix="leave out name or dynamic",
        )


def check_validator(validator: Callable[..., Any], of: Signature, *, skip_first: bool) -> None:
    """Refuse a function that cannot be the validator of an update.

    Args:
        validator: the function.
        of: the parameters of the update's handler.
        skip_first: True if it is a method that is not bound.

    Raises:
        DefinitionError: it is a coroutine function, or takes something else than the update.
    """
    own = hints_of(validator, skip_first=skip_first)
    if is_async(validator):
        raise DefinitionError(
            subject=_name_of(validator),
            problem="the validator of an update cannot be a coroutine function, because it decides at once",
            fix=f"write: def {getattr(validator, '__name__', 'validate')}(...)",
        )
    if (of.names, of.required) != (own.names, own.required):
        raise DefinitionError(
            subject=_name_of(validator),
            problem=f"it takes {own.names}, and the update that it looks at {of.names}",
            fix="give both the same parameters",
        )


def _name_of(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__qualname__", None) or repr(fn))
