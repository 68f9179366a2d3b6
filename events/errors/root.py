"""The root of all errors, and how an error makes its text of its fields.

    UnderstudyError                 never raised itself
    ├─ UsageError    (Exception)    you did wrong: the call, the definition or the value has to change
    ├─ EngineError   (Exception)    it went wrong: the store, another process, the engine
    ├─ FailureError  (Exception)    how a workflow or an activity failed: `events.failures.exceptions`
    └─ StopError                    stops workflow code; not an Exception, so that `except Exception` lets it through

The root derives from BaseException because one of its branches has to: what stops a workflow's code must not be caught
by the `except Exception` that every program has somewhere. The other three branches are ordinary Exceptions.

An error with fields is declared like a struct: annotated fields, given by keyword, and two templates over them,
`statement` (what is wrong) and `advice` (what to do next). It needs no `__init__` of its own and pickles by its fields.
It is no `@dataclass` because that costs 0.4 ms of import time a class, 20 ms for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Self, dataclass_transform

__all__ = ["EngineError", "FieldError", "StopError", "UnderstudyError", "UsageError", "nearest_name"]


class UnderstudyError(BaseException):
    """Root of every error of this library: catch it, but raise one of its kinds."""

    __module__ = "understudy.exceptions"

    _abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """Show the public path of our own classes; a user's keeps its module, because pickle finds it there."""
        super().__init_subclass__(**kwargs)
        cls._abstract = abstract
        if cls.__module__.startswith("understudy.events."):
            cls.__module__ = UnderstudyError.__module__

    def __new__(cls, *args: Any, **_kwargs: Any) -> Self:
        """Make the error, unless the class only names a branch of them."""
        if cls._abstract:
            message = f"{cls.__qualname__} names a branch of errors and is never raised itself; raise one of its kinds"
            raise TypeError(message)
        return super().__new__(cls, *args)

    @property
    def cause(self) -> BaseException | None:
        """The error that led to this one; the same as `__cause__`."""
        return self.__cause__


class _Attributes:
    """The attributes of an error by name, as its templates see them."""

    __slots__ = ("_of",)

    def __init__(self, of: object) -> None:
        self._of = of

    def __getitem__(self, name: str) -> Any:
        return getattr(self._of, name)


@dataclass_transform(kw_only_default=True, eq_default=False)
class FieldError(UnderstudyError, abstract=True):
    """An error that is made of fields, all given by keyword.

    Raises:
        TypeError: a field is missing or unknown.
    """

    statement: ClassVar[str] = ""
    """What is wrong: a format string over the attributes, without its full stop."""
    advice: ClassVar[str] = ""
    """What to do next: a format string over the attributes, without its full stop."""

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the fields: what the class and its bases annotate."""
        super().__init_subclass__(**kwargs)
        own = (name for name, hint in cls.__annotations__.items() if "ClassVar" not in str(hint))
        cls._names = tuple(dict.fromkeys((*cls._names, *own)))

    def __init__(self, **fields: Any) -> None:
        for name in self._names:
            if name in fields:
                setattr(self, name, fields.pop(name))
            elif not hasattr(type(self), name):
                message = f"{type(self).__qualname__}() misses its field {name!r}"
                raise TypeError(message)
        if fields:
            message = f"{type(self).__qualname__}() has no field {next(iter(fields))!r}"
            raise TypeError(message)
        super().__init__(str(self))

    def fields(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in self._names}

    def __str__(self) -> str:
        attributes = _Attributes(self)
        parts = (self.statement.format_map(attributes), self.advice.format_map(attributes))
        return " ".join(f"{part.rstrip('.')}." for part in parts)  # a reason at the end may bring its own full stop

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.fields().items())
        return f"{type(self).__qualname__}({inside})"

    def __reduce__(self) -> tuple[Callable[..., FieldError], tuple[Any, ...], dict[str, Any]]:
        # Names only the class, by its public path: a stored pickle outlives the module that this stands in.
        return partial(type(self), **self.fields()), (), dict(self.__dict__)


class UsageError(FieldError, Exception, abstract=True):
    """You did wrong: the call, the definition or the value has to change before it can work."""


class EngineError(FieldError, Exception, abstract=True):
    """It went wrong: nothing about the call was amiss, but the engine or its store could not do it."""


class StopError(FieldError, abstract=True):
    """Stops the code of a workflow; passes through `except Exception`, since a swallowed one would corrupt the run."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the one of `known` that `name` most looks like, or the empty string."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1)), "")
