"""Settings that a dynamic workflow decides for each run: it stands for many types, which may differ in them.

`@workflow.dynamic_config` marks the method that decides. It is called once the instance is made, in front of the run
function, and so again in every replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from understudy.events.errors import DefinitionError

__all__ = ["DYNAMIC_MARK", "config_method", "failure_types"]

DYNAMIC_MARK: Final = "__understudy_dynamic_config__"


def config_method(cls: type, *, dynamic: bool) -> Callable[[Any], Any] | None:
    """Return the method that is marked; None: there is none.

    Raises:
        DefinitionError: there are two, or the workflow is not dynamic.
    """
    found: dict[str, Callable[[Any], Any]] = {
        name: method
        for base in reversed(cls.__mro__)
        for name, method in vars(base).items()
        if hasattr(method, DYNAMIC_MARK)
    }
    if not found:
        return None
    names = " and ".join(map(repr, found))
    if len(found) > 1:
        raise DefinitionError(
            subject=cls.__qualname__,
            problem=f"it has two @workflow.dynamic_config methods, {names}",
            fix="keep one of them",
        )
    if not dynamic:
        raise DefinitionError(
            subject=cls.__qualname__,
            problem=f"{names} is for dynamic workflows, and this one has a name",
            fix="say @workflow.defn(dynamic=True), or give what it returns to @workflow.defn",
        )
    return next(iter(found.values()))


def failure_types(
    config: object, declared: Sequence[type[BaseException]], all_types: Sequence[type[BaseException]], subject: str
) -> tuple[type[BaseException], ...]:
    """Return the exceptions that end a run as failed.

    Args:
        config: the value that the method returned.
        declared: the exceptions that the decorator names.
        all_types: those, and behind them those that the worker names.
        subject: the method, for the error.

    Raises:
        DefinitionError: it returned something else than a DynamicWorkflowConfig.
    """
    from understudy.actors.behaviors.definitions.dynamic_config import DynamicWorkflowConfig

    if not isinstance(config, DynamicWorkflowConfig):
        raise DefinitionError(
            subject=subject,
            problem=f"it returned {config!r}, where a workflow.DynamicWorkflowConfig is expected",
            fix="return workflow.DynamicWorkflowConfig(...)",
        )
    if config.failure_exception_types is None:
        return tuple(all_types)
    return (*config.failure_exception_types, *all_types[len(declared) :])
