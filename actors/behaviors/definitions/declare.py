"""Read the marks of `@workflow.defn` and kin into a frozen definition; refuse a definition that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from msgspec.structs import replace

from understudy.actors.behaviors.definitions.definition import (
    HANDLER_MARK,
    INIT_MARK,
    RUN_MARK,
    WORKFLOW_MARK,
    HandlerDefinition,
    HandlerKind,
    WorkflowDefinition,
    is_async,
    label_of,
)
from understudy.actors.behaviors.definitions.dynamic import config_method
from understudy.events.converters.signature import Signature, hints_of
from understudy.events.errors import DefinitionError

__all__ = ["define_workflow"]


def define_workflow(  # noqa: PLR0913 - one parameter for each option of @workflow.defn
    target: type | Callable[..., Any],
    *,
    name: str | None,
    dynamic: bool,
    failure_exception_types: Iterable[type[BaseException]],
    sandboxed: bool,
    deadlock_timeout: float | None,
) -> WorkflowDefinition:
    """Read the marks on a class or function into a definition and leave it on `target`.

    Raises:
        DefinitionError: what is wrong with it, and how to mend it.
    """
    if isinstance(target, type):
        run = _run_method(target)
        _check_init(target, run)
        handlers, config = list(_handlers(target)), config_method(target, dynamic=dynamic)
    else:
        _check_async(target, target)
        run, handlers, config = target, [], None
    definition = WorkflowDefinition(
        name=None if dynamic else (name or _name_of(target)),
        target=target,
        run=run,
        signature=hints_of(run, skip_first=isinstance(target, type)),
        signals=_by_name(target, handlers, HandlerKind.SIGNAL),
        queries=_by_name(target, handlers, HandlerKind.QUERY),
        updates=_by_name(target, handlers, HandlerKind.UPDATE),
        failure_exception_types=tuple(failure_exception_types),
        sandboxed=sandboxed,
        deadlock_timeout=deadlock_timeout,
        dynamic_config=config,
    )
    setattr(target, WORKFLOW_MARK, definition)
    if isinstance(target, type) and run in vars(target).values():
        setattr(run, RUN_MARK, definition)  # so that `Order.run`, a plain function, leads straight back
    return definition


def _run_method(cls: type) -> Callable[..., Any]:
    own = [v for v in vars(cls).values() if getattr(v, RUN_MARK, None)]
    if len(own) > 1:
        names = " and ".join(repr(fn.__name__) for fn in own)
        raise DefinitionError(
            subject=cls.__qualname__, problem=f"it has two @workflow.run methods, {names}", fix="keep one of them"
        )
    if own:
        _check_async(cls, own[0])
        return cast("Callable[..., Any]", own[0])
    for base in cls.__mro__[1:]:
        for attribute in vars(base).values():
            if getattr(attribute, RUN_MARK, None):
                return _inherited_run(cls, attribute)
    raise DefinitionError(
        subject=cls.__qualname__,
        problem="it has no @workflow.run method",
        fix="decorate its main coroutine method: @workflow.run async def run(self, ...)",
    )


def _inherited_run(cls: type, run: Callable[..., Any]) -> Callable[..., Any]:
    override: Callable[..., Any] | None = getattr(cls, run.__name__, None)
    if override is not run:
        raise DefinitionError(
            subject=cls.__qualname__,
            problem=f"it overrides {run.__name__!r}, the @workflow.run method of a base class, without the decorator",
            fix=f"decorate {cls.__qualname__}.{run.__name__} with @workflow.run too",
        )
    return run


def _check_init(cls: type, run: Callable[..., Any]) -> None:
    init: Callable[..., Any] = cls.__init__  # type: ignore[misc]  # no subclass is asked
    if init is object.__init__:
        return
    takes, given = hints_of(init, skip_first=True), hints_of(run, skip_first=True)
    if hasattr(init, INIT_MARK):
        ours, theirs = _typed(init, takes), _typed(run, given)
        if (takes.required, list(ours.values())) != (given.required, list(theirs.values())):
            raise DefinitionError(
                subject=cls.__qualname__,
                problem=f"its @workflow.init takes {ours} and needs {takes.required} of them, its @workflow.run method "
                f"takes {theirs} and needs {given.required}",
                fix="give both the same parameters; only their names may differ",
            )
    elif takes.required:
        raise DefinitionError(
            subject=cls.__qualname__,
            problem=f"its __init__ needs {takes.names}, and nobody gives it any",
            fix="decorate it with @workflow.init, which hands it the arguments of the run, or give it defaults",
        )


def _typed(fn: Callable[..., Any], signature: Signature) -> dict[str, Any]:
    hints: dict[str, Any] = getattr(fn, "__annotations__", {})
    return {name: hints.get(name) for name in signature.names}


def _check_async(owner: object, fn: Callable[..., Any]) -> None:
    if not is_async(fn):
        raise DefinitionError(
            subject=label_of(owner),
            problem=f"{_name_of(fn)!r} is not a coroutine function",
            fix=f"write: async def {_name_of(fn)}(...)",
        )


def _handlers(cls: type) -> Iterator[HandlerDefinition]:
    """Yield all marked methods, base classes first; an override without a mark keeps the mark of the base."""
    seen: dict[str, HandlerDefinition] = {}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            mark = getattr(value, HANDLER_MARK, None)
            if isinstance(mark, HandlerDefinition):
                seen[attribute] = mark
            elif attribute in seen and callable(value):
                old = seen[attribute]
                seen[attribute] = replace(old, fn=value, signature=hints_of(value, skip_first=True))
    return iter(seen.values())


def _by_name(
    target: object, handlers: Iterable[HandlerDefinition], kind: HandlerKind
) -> dict[str | None, HandlerDefinition]:
    table: dict[str | None, HandlerDefinition] = {}
    for handler in handlers:
        if handler.kind is not kind:
            continue
        if handler.name in table:
            raise DefinitionError(
                subject=label_of(target),
                problem=f"two {kind.name.lower()} handlers are called {handler.name!r}",
                fix="give one of them another name",
            )
        table[handler.name] = handler
    return table


def _name_of(fn: Any) -> str:
    """Return the name of a class or function; a partial is called like the function in it."""
    return str(getattr(fn, "func", fn).__name__)
