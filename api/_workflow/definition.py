"""The decorators that declare a workflow: `@workflow.defn`, `run`, `init`, and those for the handlers of its messages.

The decorators leave marks, which `actors.behaviors.definitions.declare` reads into a definition once the class is
complete; `understudy.workflow` shows them to users.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from msgspec.structs import replace

from understudy._calls.targets import checked_kind
from understudy.actors.behaviors.definitions.declare import define_workflow
from understudy.actors.behaviors.definitions.definition import (
    HANDLER_MARK,
    INIT_MARK,
    RUN_MARK,
    HandlerDefinition,
    HandlerKind,
    HandlerUnfinishedPolicy,
    is_async,
)
from understudy.actors.behaviors.definitions.dynamic import DYNAMIC_MARK
from understudy.actors.behaviors.definitions.parameters import (
    DYNAMIC_CODE,
    DYNAMIC_HANDLER,
    check_name,
    check_parameters,
    check_validator,
)
from understudy.events.converters.signature import hints_of
from understudy.events.errors import DefinitionError
from understudy.events.options.durations import to_ns
from understudy.events.options.policies import VersioningBehavior

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.dynamic_config import DynamicWorkflowConfig

__all__ = ["UpdateMethodMultiParam", "defn", "dynamic_config", "init", "query", "run", "signal", "update"]

C = TypeVar("C", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")


@overload
def defn(cls: C) -> C: ...
@overload
def defn(
    *,
    name: str | None = ...,
    sandboxed: bool = ...,
    dynamic: bool = ...,
    failure_exception_types: Sequence[type[BaseException]] = ...,
    versioning_behavior: VersioningBehavior = ...,
    deadlock_timeout: timedelta | None = ...,
) -> Callable[[C], C]: ...
def defn(
    cls: C | None = None,
    *,
    name: str | None = None,
    sandboxed: bool = True,
    dynamic: bool = False,
    failure_exception_types: Sequence[type[BaseException]] = (),
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
    deadlock_timeout: timedelta | None = None,
) -> C | Callable[[C], C]:
    """Declare a class, or a plain async function, a workflow.

    Args:
        cls: the class or function.
        name: the workflow type; None: the name of the class or function.
        sandboxed: False switches the determinism guards and the lint off for this workflow.
        dynamic: take every type that no other workflow of the worker takes.
        failure_exception_types: exceptions that end the run as failed; others are bugs, whose turn is tried again.
        versioning_behavior: accepted so that programs run: a run goes on with the code that its worker has.
        deadlock_timeout: how long one turn may take; None: as the worker says (2 s).

    Raises:
        DefinitionError: what is wrong with the definition.
    """
    checked_kind(versioning_behavior, VersioningBehavior, "versioning_behavior")

    def decorate(target: C) -> C:
        check_name(target, name, dynamic=dynamic)
        definition = define_workflow(
            target,
            name=name,
            dynamic=dynamic,
            failure_exception_types=failure_exception_types,
            sandboxed=sandboxed,
            deadlock_timeout=_limit(deadlock_timeout),
        )
        check_parameters(definition.run, definition.signature, DYNAMIC_CODE if dynamic else ())
        return target

    return decorate if cls is None else decorate(cls)


def _limit(deadlock_timeout: timedelta | None) -> float | None:
    ns = to_ns(deadlock_timeout, name="deadlock_timeout", allow_zero=False)
    return None if ns is None else ns / 1_000_000_000


def run(fn: C) -> C:
    """Declare the main coroutine method of a workflow class."""
    setattr(fn, RUN_MARK, True)
    return fn


def init(init_fn: C) -> C:
    """Declare that `__init__` of a workflow class takes what its run method takes, before any message is handled."""
    if getattr(init_fn, "__name__", "") != "__init__":
        raise DefinitionError(
            subject=getattr(init_fn, "__qualname__", repr(init_fn)),
            problem="@workflow.init is for __init__",
            fix="decorate __init__ with it, or use @workflow.run for the main coroutine method",
        )
    setattr(init_fn, INIT_MARK, True)
    return init_fn


def dynamic_config(fn: Callable[[S], DynamicWorkflowConfig]) -> Callable[[S], DynamicWorkflowConfig]:
    """Declare the method of a dynamic workflow that decides about the settings of each run.

    It is called once the instance is made, in front of the run method, and again in every replay; `workflow.info()`
    tells the type that the run was started as.

    Raises:
        DefinitionError: it is a coroutine function, or takes more than `self`.
    """
    signature = hints_of(fn, skip_first=True)
    name = getattr(fn, "__qualname__", repr(fn))
    if is_async(fn):
        raise DefinitionError(
            subject=name,
            problem="@workflow.dynamic_config cannot be a coroutine function, because it decides at once",
            fix="write: def",
        )
    if signature.names:
        raise DefinitionError(
            subject=name, problem=f"it takes {signature.names}, and nobody gives it any", fix="take self alone"
        )
    setattr(fn, DYNAMIC_MARK, True)
    return fn


@overload
def signal(fn: C) -> C: ...
@overload
def signal(
    *,
    name: str | None = ...,
    dynamic: bool | None = ...,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = ...,
) -> Callable[[C], C]: ...
def signal(
    fn: C | None = None,
    *,
    name: str | None = None,
    dynamic: bool | None = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> C | Callable[[C], C]:
    """Declare a method the handler of a signal; it may be a coroutine.

    Args:
        fn: the method; a dynamic one takes the signal's name and a sequence of `RawValue`.
        name: the signal's name; None: the method's.
        dynamic: take every signal that no other handler takes.
        unfinished_policy: what to do if the workflow ends while the handler runs.
        description: for people.
    """
    return _handler(HandlerKind.SIGNAL, fn, name, bool(dynamic), description, unfinished_policy)


@overload
def query(fn: C) -> C: ...
@overload
def query(*, name: str | None = ..., dynamic: bool | None = ..., description: str | None = ...) -> Callable[[C], C]: ...
def query(
    fn: C | None = None, *, name: str | None = None, dynamic: bool | None = False, description: str | None = None
) -> C | Callable[[C], C]:
    """Declare a method the handler of a query: it reads and returns, it changes nothing and awaits nothing.

    Args:
        fn: the method; a dynamic one takes the query's name and a sequence of `RawValue`.
        name: the query's name; None: the method's.
        dynamic: take every query that no other handler takes.
        description: for people.
    """
    return _handler(HandlerKind.QUERY, fn, name, bool(dynamic), description, HandlerUnfinishedPolicy.ABANDON)


class UpdateMethodMultiParam(Protocol[P, R_co]):
    """A method decorated with `@workflow.update`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co | Awaitable[R_co]:
        """Call the method of the workflow itself."""
        ...

    def validator(self, vfunc: Callable[P, None]) -> Callable[P, None]:
        """Declare a plain method that looks at an update before it is let in; an error of the method refuses it."""
        ...


class UpdateDecorator(Protocol):
    """The result of `@workflow.update(...)` with options."""

    @overload
    def __call__(self, fn: Callable[P, Awaitable[R]]) -> UpdateMethodMultiParam[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R]) -> UpdateMethodMultiParam[P, R]: ...
    def __call__(self, fn: Any) -> Any:
        """Declare `fn` the handler of an update."""
        ...


@overload
def update(fn: Callable[P, Awaitable[R]]) -> UpdateMethodMultiParam[P, R]: ...
@overload
def update(fn: Callable[P, R]) -> UpdateMethodMultiParam[P, R]: ...
@overload
def update(
    *,
    name: str | None = ...,
    dynamic: bool | None = ...,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = ...,
) -> UpdateDecorator: ...
def update(
    fn: Any = None,
    *,
    name: str | None = None,
    dynamic: bool | None = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Any:
    """Declare a method the handler of an update, which changes the workflow and answers; it may be a coroutine.

    `@my_update.validator` declares the plain method, with the same parameters, that may refuse an update before
    anything of it is recorded.

    Args:
        fn: the method; a dynamic one takes the update's name and a sequence of `RawValue`.
        name: the update's name; None: the method's.
        dynamic: take every update that no other handler takes.
        unfinished_policy: what to do if the workflow ends while the handler runs.
        description: for people.
    """

    def decorate(fn: Any) -> Any:
        _ = _handler(HandlerKind.UPDATE, fn, name, bool(dynamic), description, unfinished_policy)
        fn.validator = partial(_set_validator, fn)
        return fn

    return decorate if fn is None else decorate(fn)


def _set_validator(fn: Any, validator: Callable[..., None]) -> Callable[..., None]:
    check_validator(validator, hints_of(fn, skip_first=True), skip_first=True)
    setattr(fn, HANDLER_MARK, replace(getattr(fn, HANDLER_MARK), validator=validator))
    return validator


def _handler(  # noqa: PLR0917 - the options of two decorators
    kind: HandlerKind,
    fn: C | None,
    name: str | None,
    dynamic: bool,  # noqa: FBT001 - private
    description: str | None,
    unfinished_policy: HandlerUnfinishedPolicy,
) -> C | Callable[[C], C]:
    def decorate(fn: C) -> C:
        check_name(fn, name, dynamic=dynamic)
        own = None if dynamic else (name or fn.__name__)
        signature = hints_of(fn, skip_first=True)
        check_parameters(fn, signature, DYNAMIC_HANDLER if dynamic else ())
        definition = HandlerDefinition(kind, own, fn, signature, description or "", unfinished_policy)
        setattr(fn, HANDLER_MARK, definition)
        return fn

    return decorate if fn is None else decorate(fn)
