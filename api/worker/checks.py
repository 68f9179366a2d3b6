"""Checks of the arguments of a worker.

What would change the meaning of a program if it were ignored is refused (`refuse_what_is_not_applied`); what its code
needs comes out as the engine wants it. All of it is kept by name (`keeps_config`), for the checks and for `config()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from understudy.actors.activities.worker_options import WorkerOptions
from understudy.events.errors import ArgumentTypeError, DefinitionError, InvalidArgumentError
from understudy.events.options.durations import to_ns

if TYPE_CHECKING:
    from understudy.worker.config import WorkerConfig

__all__ = [
    "checked_executor",
    "checked_options",
    "checked_pause",
    "keeps_config",
    "refuse_methods",
    "refuse_no_client",
    "refuse_nothing_to_do",
    "refuse_what_is_not_applied",
    "seconds",
]

P = ParamSpec("P")

_DEFAULTS: Final = WorkerOptions()

_NOT_APPLIED: Final = {
    "nexus_service_handlers": "There is no Nexus: let an activity call the service",
    "plugins": "Set what the plugin would set, and enter what it would enter around run()",
    "tuner": "Pass max_concurrent_activities",
}
"""Parameters that would change the meaning of a program if they were ignored, and what to do instead."""


def keeps_config(init: Callable[P, None]) -> Callable[P, None]:
    """Return an `__init__` that first keeps its arguments by name, given or not, as `self._config`."""
    known: Any = init
    names = known.__code__.co_varnames[: known.__code__.co_argcount + known.__code__.co_kwonlyargcount]

    @wraps(init)
    def keeping(*args: P.args, **kwargs: P.kwargs) -> None:
        given = {**known.__kwdefaults__, **dict(zip(names, args, strict=False)), **kwargs}
        made: Any = args[0]
        made._config = {name: given[name] for name in names[1:] if name in given}  # noqa: SLF001 - of the class above
        init(*args, **kwargs)

    return keeping


def refuse_what_is_not_applied(config: WorkerConfig) -> None:
    """Refuse arguments that would change the program's meaning if they were ignored, and those that do not go together.

    Raises:
        InvalidArgumentError: it is there; the error says what to do instead.
    """
    for name, fix in _NOT_APPLIED.items():
        if config.get(name):
            raise InvalidArgumentError(
                what=name, got=repr(config.get(name)), expected="nothing, since it is not applied,", fix=fix
            )
    versioned, build = config.get("use_worker_versioning"), config.get("build_id")
    if versioned and not build:
        raise InvalidArgumentError(what="build_id", got=repr(build), expected="the build, with use_worker_versioning,")
    if config.get("deployment_config") is not None and (versioned or build):
        raise InvalidArgumentError(
            what="deployment_config",
            got="given beside build_id or use_worker_versioning",
            expected="one way to name the build",
            fix="Leave out build_id and use_worker_versioning, which are the older way",
        )


def checked_options(config: WorkerConfig) -> WorkerOptions:
    """Return the numbers of a worker.

    Raises:
        ArgumentTypeError: one is of the wrong type.
        InvalidArgumentError: one cannot be.
    """
    for name in ("max_concurrent_workflow_tasks", "max_concurrent_local_activities", "max_concurrent_nexus_tasks"):
        _number(config.get(name), name)
    activities = _number(config.get("max_concurrent_activities"), "max_concurrent_activities")
    cached = _number(config.get("max_cached_workflows"), "max_cached_workflows", least=0)
    return WorkerOptions(
        max_concurrent_activities=_DEFAULTS.max_concurrent_activities if activities is None else activities,
        max_activities_per_second=_rate(config.get("max_activities_per_second"), "max_activities_per_second"),
        max_task_queue_activities_per_second=_rate(
            config.get("max_task_queue_activities_per_second"), "max_task_queue_activities_per_second"
        ),
        max_cached_workflows=cached or 0,
        idle_seconds=seconds(config.get("workflow_idle_timeout"), "workflow_idle_timeout"),
        graceful_shutdown=seconds(config.get("graceful_shutdown_timeout"), "graceful_shutdown_timeout"),
        default_heartbeat_throttle=seconds(
            config.get("default_heartbeat_throttle_interval"), "default_heartbeat_throttle_interval"
        ),
        max_heartbeat_throttle=seconds(
            config.get("max_heartbeat_throttle_interval"), "max_heartbeat_throttle_interval"
        ),
    )


def checked_pause(config: WorkerConfig) -> int:
    """Return the number of failed turns in a row that pause a run; 0: none do.

    Raises:
        ArgumentTypeError: it is no int.
        InvalidArgumentError: it is less than 1.
    """
    return _number(config.get("pause_after_failed_turns"), "pause_after_failed_turns") or 0


def seconds(value: timedelta | None, name: str, *, allow_zero: bool = True) -> float:
    """Return a duration in seconds.

    Raises:
        InvalidArgumentError: it cannot be.
    """
    return (to_ns(value, name=name, allow_zero=allow_zero) or 0) / 1e9


def _number(value: object, name: str, *, least: int = 1) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an int")
    if value < least:
        raise InvalidArgumentError(what=name, got=repr(value), expected=f"{least} or more")
    return value


def _rate(value: object, name: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a number")
    if not value > 0:
        raise InvalidArgumentError(what=name, got=repr(value), expected="more than 0")
    return value


def refuse_no_client(client: object) -> None:
    """Refuse a client that a worker cannot work for.

    Raises:
        ArgumentTypeError: it is no client.
    """
    from understudy._client.client import Client

    if not isinstance(client, Client):
        raise ArgumentTypeError(what="client", got=repr(client), expected="an understudy.client.Client")


def refuse_nothing_to_do(
    task_queue: object, activities: Sequence[Callable[..., Any]], workflows: Sequence[type | Callable[..., Any]]
) -> None:
    """Refuse a worker without a task queue, and one without anything to do.

    Raises:
        InvalidArgumentError: it is so.
    """
    if not isinstance(task_queue, str) or not task_queue:
        raise InvalidArgumentError(what="task_queue", got=repr(task_queue), expected="a name")
    if not activities and not workflows:
        raise InvalidArgumentError(
            what="activities and workflows",
            got="nothing",
            expected="at least one definition",
            fix="Pass workflows=[...] or activities=[...]",
        )


def refuse_methods(activities: Sequence[Callable[..., Any]]) -> None:
    """Refuse `Payments.charge` where `Payments(...).charge` is meant, and `Charge` where `Charge(...)` is.

    Raises:
        DefinitionError: one is so.
    """
    for activity in activities:
        names = getattr(getattr(activity, "__code__", None), "co_varnames", ())
        is_method = names[:1] == ("self",) and not hasattr(activity, "__self__")
        if is_method or isinstance(activity, type):
            raise DefinitionError(
                subject=getattr(activity, "__qualname__", repr(activity)),
                problem=f"it is a {'method' if is_method else 'class'} without its object",
                fix="pass activities=[payments.charge]" if is_method else "pass an object: activities=[Charge(db)]",
            )


def checked_executor(executor: Executor | None) -> Executor | None:
    """Return the executor that threads or processes come from.

    Raises:
        ArgumentTypeError: it is no executor.
    """
    if executor is not None and not isinstance(executor, Executor):
        raise ArgumentTypeError(what="activity_executor", got=repr(executor), expected="a concurrent.futures.Executor")
    return executor
