"""The signature of a function, read once: names, counts and hints of its parameters, and the hint of its result.

Hints are read when they are first asked for, not when the function is decorated: by then the module is complete, and
a hint may name a class that stands below the function. A hint that cannot be resolved counts as `Any`, so that a name
which is imported only for type checkers costs the typed decoding of one parameter, and never the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MethodType, SimpleNamespace
from typing import Any, Final, ParamSpecArgs, get_type_hints
from weakref import WeakKeyDictionary

from understudy.events.errors import ArgumentTypeError

__all__ = ["Signature", "hints_of"]


class Signature:
    """The positional parameters of a callable, and the hint of what it returns.

    Args:
        names: of the parameters that can be given by position, without `self`.
        required: how many of them have no default.
        is_varargs: True if it takes any number of further arguments.
        keyword_only: names of parameters that must be given by keyword.
        resolve: returns the hints by name, `return` among them, when they are first needed.
    """

    __slots__ = ("_hints", "_resolve", "_returns", "_varargs", "is_varargs", "keyword_only", "names", "required")

    def __init__(
        self,
        names: Sequence[str] = (),
        *,
        required: int = 0,
        varargs: str = "",
        keyword_only: Sequence[str] = (),
        resolve: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.names: Final = tuple(names)
        self.required: Final = required
        self.is_varargs: Final = bool(varargs)
        self.keyword_only: Final = tuple(keyword_only)
        self._varargs: Any = varargs
        self._resolve: Callable[[], Mapping[str, Any]] | None = resolve
        self._hints: tuple[Any, ...] = ()
        self._returns: Any = Any

    @property
    def defaults(self) -> int:
        """The number of positional parameters that have a default."""
        return len(self.names) - self.required

    @property
    def hints(self) -> tuple[Any, ...]:
        """The hints of `names`, one for one; `Any` for what has none or cannot be resolved."""
        self._settle()
        return self._hints

    @property
    def returns(self) -> Any:
        """The hint of the result; `NoneType` for None, `Any` if there is no hint."""
        if self._resolve is not None:
            self._settle()
        return self._returns

    def hint_at(self, index: int) -> Any:
        """Return the hint of positional argument `index` (from 0), be it named or one of `*args`."""
        if self._resolve is not None:
            self._settle()
        return self._hints[index] if index < len(self._hints) else self._varargs

    def name_at(self, index: int) -> str:
        """Return the name of positional argument `index` (from 0), or the empty string."""
        return self.names[index] if index < len(self.names) else ""

    def check(self, given: int, *, where: object) -> None:
        """Refuse a number of arguments that does not fit.

        Args:
            given: how many there are.
            where: names what is to be called, for the error.

        Raises:
            ArgumentTypeError: there are too few or too many, or a parameter can only be given by keyword.
        """
        if self.keyword_only:
            raise ArgumentTypeError(
                what=f"the signature of {where}",
                got=f"one with keyword-only parameters ({', '.join(self.keyword_only)})",
                expected="one that takes all arguments by position",
                fix="Give the parameters after * a default, or move them in front of it",
            )
        if given < self.required or (given > len(self.names) and not self.is_varargs):
            raise ArgumentTypeError(
                what=f"the number of arguments of {where}",
                got=str(given),
                expected=self._expected(),
                fix="Pass what it takes; two or more arguments are passed as args=[...]",
            )

    def _expected(self) -> str:
        least, most = self.required, len(self.names)
        names = f" ({', '.join(self.names)})" if self.names else ""
        if self.is_varargs:
            return f"at least {least}{names}"
        return f"{least}{names}" if least == most else f"{least} to {most}{names}"

    def _settle(self) -> None:
        resolve = self._resolve
        if resolve is None:
            return
        hints = resolve()
        self._hints = tuple(hints.get(name, Any) for name in self.names)
        self._returns = hints.get("return", Any)
        self._varargs = hints.get(self._varargs, Any)
        self._resolve = None  # last: a second thread must not see half of it

    def __repr__(self) -> str:
        extra = ", *" if self.is_varargs else ""
        return f"Signature({', '.join(self.names)}{extra}; {self.required} required)"


_CACHE: WeakKeyDictionary[Callable[..., Any], dict[bool | None, Signature]] = WeakKeyDictionary()


def hints_of(fn: Callable[..., Any], *, skip_first: bool | None = None) -> Signature:
    """Return the signature of a callable, for typed arguments and results.

    Args:
        fn: a function, method, partial, class or callable object.
        skip_first: True if its first parameter is bound later, as a method's is; None: if it is called `self`.

    Raises:
        TypeError: `fn` is not callable.
    """
    if isinstance(fn, MethodType):  # a new object at each access: what it binds is what stays
        fn, skip_first = fn.__func__, True
    try:
        known = _CACHE.setdefault(fn, {})
    except TypeError:  # neither hashable nor weakly referable: read it each time
        return _read(fn, skip_first=skip_first)
    if skip_first not in known:
        known[skip_first] = _read(fn, skip_first=skip_first)
    return known[skip_first]


def _read(fn: Callable[..., Any], *, skip_first: bool | None) -> Signature:
    import inspect

    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except ValueError:  # a builtin without a signature
        return Signature(varargs="args")
    if parameters and (parameters[0].name == "self" if skip_first is None else skip_first):
        del parameters[0]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return Signature(
        [p.name for p in positional],
        required=sum(p.default is p.empty for p in positional),
        varargs=next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), ""),
        keyword_only=[p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty],
        resolve=lambda: _hints(_function_of(fn)),
    )


def _function_of(fn: Any) -> Any:
    """Return the function whose annotations are those of `fn`."""
    import functools
    import inspect

    while isinstance(fn, functools.partial):
        fn = fn.func
    if isinstance(fn, type):
        return inspect.getattr_static(fn, "__init__")
    if not inspect.isroutine(fn):
        fn = type(fn).__call__
    return inspect.unwrap(fn)


def _hints(function: Any) -> dict[str, Any]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating an annotation runs whatever it says, and may raise whatever it likes
        own = getattr(function, "__annotations__", {})
        known = getattr(function, "__globals__", {})
        hints = {name: _one_hint(hint, known) for name, hint in own.items()}
    return {name: Any if isinstance(hint, ParamSpecArgs) else hint for name, hint in hints.items()}


def _one_hint(hint: Any, known: dict[str, Any]) -> Any:
    holder: Any = SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(holder, globalns=known, include_extras=True)["hint"]
    except Exception:  # noqa: BLE001 - the same
        return Any
