"""Refuses the outside world to workflow code, while workflow code runs and on its thread only.

`actors.behaviors.guard.rules` says which calls are refused. `install` puts a thin wrapper at the seam of each: the
attribute of a module or class that every such call passes through. A wrapper asks one dict whether its own thread is
under guard; if not, it calls the original, which costs everyone else 40 to 100 ns a call. A turn puts its thread under
guard with `enter` and takes it out with `leave`: a dict store each, 0.2 us together.

A wrapper under guard then looks at who called. Walking outwards from the call:
- an engine frame before any user's frame: the engine called, not the workflow; allowed. The same if the engine records
  what comes out (`workflow.side_effect`).
- a frame of an observer (import, logging, traceback, a debugger, a finalizer): it cannot steer the workflow; allowed.
- otherwise the innermost frame that is not the standard library's is where the call has to change. A frame of the
  user's own code is preferred to one of an installed package.

What slips past the wrappers: C types (`datetime.now`), and functions taken by value before `install` (`from time import
time`). For the second, `cover` puts the wrappers into a module's own names. For both, `enter(deep=True)` looks at every
call through `sys.setprofile`: too dear for always, so a turn does it for the first few live activations of each
workflow definition. What both miss shows as a NondeterminismError if it changes what the workflow does.

Not taken: `sys.addaudithook`. It would see files, sockets and sleeps however they are reached, but it can never be
taken out again, and `id()` and `sys._getframe()` are audited as well: with an empty hook `copy.deepcopy` took twice as
long in the whole process (77 to 153 us for a small document, CPython 3.11; the same ratio with 3.12 and 3.13).
"""

from __future__ import annotations

import sys
import threading
from _thread import get_ident
from collections.abc import Callable, Iterable, MutableMapping
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType
from typing import Any, Final

from understudy.actors.behaviors.guard.rules import GUARD_MARK, OBSERVERS, RECORDED, RULES, Rule, instead_of, loaded
from understudy.actors.process_tuning import is_hook
from understudy.events.errors import DeterminismError

__all__ = ["DEEP_ACTIVATIONS", "cover", "enter", "install", "leave", "module_source", "unguarded", "uninstall"]

DEEP_ACTIVATIONS: Final = 3
"""The number of live activations of each workflow definition that get a deep look."""

_frame_at = sys._getframe  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - nothing public gives a caller's frame
_ENGINE: Final = "understudy"
_STANDARD: Final = sys.stdlib_module_names
_SUPPORTS: Final = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")
_NO_ARGUMENTS: Final = frozenset(
    {"random.random"}
    | {f"time.{name}{unit}" for name in ("monotonic", "perf_counter", "process_time") for unit in ("", "_ns")}
    | {"time.time", "time.time_ns"}
)
"""Functions without arguments that are called often: their wrappers pass none on, which halves the cost."""

_active: dict[int, bool] = {}
"""The threads under guard; a wrapper asks it first, and it is empty most of the time."""
_special: dict[int, _Activation] = {}
"""The activations to be remembered, by thread; empty most of the time."""


class _Activation:
    """Remembers an activation that broke a rule, has a deep look, or was interrupted."""

    __slots__ = ("looking", "violation")

    def __init__(self) -> None:
        self.looking = False
        self.violation: DeterminismError | None = None


def enter(*, deep: bool = False) -> int:
    """Put the calling thread under guard; to be followed by `leave` in a `finally`.

    A thread that is under guard already begins anew: the watchdog may have torn it out of a turn in front of `leave`.

    Args:
        deep: look at every single call, too (0.3 us each: 6 times slower); skipped while another profiler is at work.

    Returns:
        What `leave` wants back.
    """
    ident = get_ident()
    if deep or _special:
        _prepare(ident, deep=deep)
    _active[ident] = True
    return ident


def leave(token: int) -> DeterminismError | None:
    """Take the calling thread out of guard; harmless a second time.

    Returns:
        The first violation of this activation, to be raised in case that the code swallowed it.
    """
    if token in _active:
        del _active[token]  # noqa: RUF051 - in two thirds of the time that `pop` takes
    return _forget(token) if _special else None


def _prepare(ident: int, *, deep: bool) -> None:
    _forget(ident)
    if deep and sys.getprofile() is None:
        _special[ident] = activation = _Activation()
        activation.looking = True
        sys.setprofile(_look)


def _forget(ident: int) -> DeterminismError | None:
    activation = _special.pop(ident, None)
    if activation is None:
        return None
    if activation.looking and sys.getprofile() is _look:
        sys.setprofile(None)
    return activation.violation


class _Unguarded:
    """Takes the thread out of guard for a `with` block that must not await; harmless outside workflow code."""

    __slots__ = ("_activation",)

    def __enter__(self) -> None:
        ident = get_ident()
        self._activation = _special.setdefault(ident, _Activation()) if _active.pop(ident, False) else None

    def __exit__(self, *_exc: object) -> None:
        # A block that did await may end in a later activation, or in none: this one must not come back to life then.
        ident = get_ident()
        if self._activation is not None and _special.get(ident) is self._activation:
            _active[ident] = True


def unguarded() -> _Unguarded:
    """Return a context manager in which the calling thread may do anything; do not await inside it."""
    return _Unguarded()


# -- judging one call -----------------------------------------------------------------------------------------------


def _refuse(call: str, frame: FrameType | None) -> None:
    """Raise the error for `call`, made from `frame`, unless the call is not the workflow's."""
    call, site = _site(call, frame)
    if site is None:
        return
    error = DeterminismError(call=call, instead=instead_of(call), file=site.f_code.co_filename, line=site.f_lineno)
    activation = _special.setdefault(get_ident(), _Activation())
    if activation.violation is None:
        activation.violation = error
    raise error


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _site(call: str, frame: FrameType | None) -> tuple[str, FrameType | None]:
    """Return the user's call and its frame; the frame is None if the call is allowed."""
    site: FrameType | None = None
    while frame is not None:
        package = _package(frame)
        if package == _ENGINE:
            break
        if package in _observers or frame.f_code.co_name == "__del__" or is_hook(frame.f_code):
            return call, None
        if package not in _STANDARD:
            if site is None or (_is_library(site) and not _is_library(frame)):
                site = frame
        elif site is None:
            call = _known_call(frame) or call
        frame = frame.f_back
    while frame is not None and _package(frame) == _ENGINE:
        if frame.f_code.co_name in RECORDED:
            return call, None
        frame = frame.f_back
    return call, site


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith("<") or "site-packages" in file or "dist-packages" in file


def _known_call(frame: FrameType) -> str | None:
    """Return the rule of the Python function in `frame`: `uuid.uuid4` says more than the `os.urandom` inside it."""
    known = _codes.get(frame.f_code)
    if known is None:
        return None
    call, owner = known
    return call if owner is None or frame.f_locals.get("self") is owner else None


def _look(frame: FrameType, event: str, arg: Any) -> None:  # pragma: no cover - no tracing inside a profile function
    """Look deep: as a profile function, see each call before it happens."""
    call: str | None
    caller: FrameType | None
    if event == "c_call":
        call, caller = _calls.get(arg), frame
    elif event == "call" and frame.f_code in _codes:
        call, caller = _known_call(frame), frame.f_back
    else:
        return
    if call is not None and get_ident() in _active:
        _refuse(call, caller)


# -- the wrappers ---------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_observers: set[str] = set(OBSERVERS)
_wrappers: dict[int, tuple[Any, Any]] = {}
"""Each original and its wrapper, by the id of the original; holding the original keeps its id taken."""
_replaced: list[tuple[Any, str, Any, Any]] = []
_covered: list[tuple[MutableMapping[str, Any], str, Any, Any]] = []
_calls: dict[object, str] = {}
_codes: dict[CodeType, tuple[str, object | None]] = {}


class _Seam:
    """Stands as `self` in the wrappers of C functions.

    A wrapper of these is a bound method: like a C function, and unlike a Python one, it does not bind again when it
    stands in a class (`class Stopwatch: clock = time.perf_counter`), and it pickles as what it stands for.
    """

    __slots__ = ("module",)

    def __init__(self, module: str) -> None:
        self.module = module

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        from importlib import import_module

        return import_module, (self.module,)


def _wrap_bare(call: str, original: Callable[[], Any]) -> Callable[..., Any]:
    def guarded(_seam: _Seam) -> Any:
        if _active and get_ident() in _active:
            _refuse(call, _frame_at(1))
        return original()

    return guarded


def _wrap_bound(rule: Rule, original: Callable[..., Any]) -> Callable[..., Any]:
    call, harmless_from = rule.call, rule.harmless_from

    def guarded(_seam: _Seam, *args: Any, **kwargs: Any) -> Any:
        if _active and get_ident() in _active and not _is_harmless(harmless_from, args, kwargs):
            _refuse(call, _frame_at(1))
        return original(*args, **kwargs)

    return guarded


def _wrap_plain(rule: Rule, original: Callable[..., Any], *, method: bool) -> Callable[..., Any]:
    call, harmless_from = rule.call, rule.harmless_from
    own = 1 if method else 0

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _active and get_ident() in _active and not _is_harmless(harmless_from, args[own:], kwargs):
            _refuse(call, _frame_at(1))
        return original(*args, **kwargs)

    return guarded


def _is_harmless(harmless_from: int | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if harmless_from is None:
        return False
    given = sum(value is not None for value in (*args, *kwargs.values()))
    return given >= harmless_from


def _wrapper(rule: Rule, original: Any, owner: object) -> Any:
    """Make the wrapper of `original`, which looks like the original to inspection and pickling."""
    from functools import wraps

    if isinstance(original, FunctionType):
        wrapper = wraps(original)(_wrap_plain(rule, original, method=isinstance(owner, type)))
        wrapper.__dict__[GUARD_MARK] = original
        return wrapper
    inner = _wrap_bare(rule.call, original) if rule.call in _NO_ARGUMENTS else _wrap_bound(rule, original)
    inner = wraps(original)(inner)
    # As a bound method it would lose one parameter of the original's signature: `(*args, **kwargs)` says less, but
    # nothing false. To parse the 33 signatures anew would be most of the time that `install` takes.
    del inner.__dict__["__wrapped__"]
    inner.__annotations__ = {}
    inner.__dict__[GUARD_MARK] = original
    return MethodType(inner, _Seam(rule.call.rpartition(".")[0] or "builtins"))


def install(*, observers: Iterable[str] = ()) -> None:
    """Put the wrappers in place, and those for modules that were loaded since the last call; from any thread.

    Args:
        observers: further top-level packages that only look on, such as a logging or tracing library of your own.
    """
    import concurrent.futures.thread as threads
    import random
    import socket
    import subprocess
    import uuid

    del random, socket, subprocess, threads, uuid  # they have to be loaded: workflow code may import them later
    with _lock:
        _observers.update(observers)
        for rule in RULES.values():
            if rule.seam is not None:
                _stand_at(rule, rule.seam)
            _index(rule)


def _stand_at(rule: Rule, seam: str) -> None:
    """Replace the attribute `seam` by a wrapper, unless one is there or its module is not loaded."""
    path, _, name = seam.rpartition(".")
    owner = loaded(path)
    original = getattr(owner, name, None)
    if original is None or hasattr(original, GUARD_MARK):
        return
    known = _wrappers.get(id(original))  # `io.open` is `builtins.open`, and must stay so
    if known is None:
        wrapper = _wrapper(rule, original, owner)
        _wrappers[id(original)] = known = (original, wrapper)
        _share_abilities(original, wrapper)
    setattr(owner, name, known[1])
    _replaced.append((owner, name, *known))


def _share_abilities(original: Any, wrapper: Any) -> None:
    """Put `wrapper` beside `original` in the sets that say what an `os` function can: shutil asks them."""
    import os

    for name in _SUPPORTS:
        able: set[Any] = getattr(os, name)
        if original in able:
            able.add(wrapper)


def _index(rule: Rule) -> None:
    """Collect the calls that the deep look finds, and the Python functions that errors name by their own name."""
    if rule.severity != "error" or rule.harmless_from is not None:
        return
    target = loaded(rule.call)
    target = getattr(target, GUARD_MARK, target)
    if isinstance(target, BuiltinFunctionType):
        _calls.setdefault(target, rule.call)
    elif isinstance(target, FunctionType):
        _codes[target.__code__] = (rule.call, None)
    elif isinstance(target, MethodType):  # the functions of `random` are methods of one hidden instance
        _codes.setdefault(target.__func__.__code__, (rule.call, target.__self__))


def cover(names: MutableMapping[str, Any]) -> None:
    """Put the wrappers into a module's own names, where it holds originals (`from time import time`).

    Args:
        names: the `__dict__` of a module that holds workflow code; its names keep their meaning.
    """
    with _lock:
        for name, value in list(names.items()):
            known = _wrappers.get(id(value))
            if known is not None and known[0] is value:
                names[name] = known[1]
                _covered.append((names, name, *known))


def uninstall() -> None:
    """Take all wrappers away again; leave alone what others have replaced meanwhile."""
    import os

    with _lock:
        for owner, name, original, wrapper in reversed(_replaced):
            if getattr(owner, name, None) is wrapper:
                setattr(owner, name, original)
        for names, name, original, wrapper in reversed(_covered):
            if names.get(name) is wrapper:
                names[name] = original
        for name in _SUPPORTS:
            getattr(os, name).difference_update(wrapper for _, wrapper in _wrappers.values())
        for table in (_replaced, _covered, _wrappers, _calls, _codes):
            table.clear()
        _observers.clear()
        _observers.update(OBSERVERS)


# -- for the lint ---------------------------------------------------------------------------------------------------


def module_source(filename: str, names: dict[str, Any]) -> str | None:
    """Return the text of a module's file for the lint, or None where there is none (a console, `exec`).

    Args:
        filename: as in the code object.
        names: the module's `__dict__`; its loader may know the text (zip files).
    """
    import linecache

    return "".join(linecache.getlines(filename, names)) or None
