"""The options of an activity: what they are called, what they may be, and how events hold them.

Options come from two places, the decorator of the activity and the call, and the call's win. Both are checked and
turned into fields of an `ActivityScheduled` here: those of a decorator once, when its module is imported. Only what is
said counts as said, so a call may also take a decorator's option back by None.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, TypedDict, TypeVar

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, nearest_name
from understudy.events.options.durations import to_ns
from understudy.events.options.policies import ActivityCancellationType
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy

__all__ = [
    "DEFAULT_START_TO_CLOSE_NS",
    "PRESETS",
    "ActivityConfig",
    "ActivityOptions",
    "LocalActivityConfig",
    "LocalActivityOptions",
    "local_defaults",
    "shows",
    "stored_options",
]

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_START_TO_CLOSE_NS: Final = 300 * 1_000_000_000
"""Used if neither close time-out is given: 300 s (row B2 of the feature list), where Temporal refuses the call."""

Preset = Literal["quick", "medium", "long"]


class ActivityOptions(TypedDict, total=False):
    """The options of an activity whose result type is known; see `start_activity`."""

    preset: Preset | None
    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    versioning_intent: object
    summary: str | None
    priority: Priority | None


class ActivityConfig(ActivityOptions, total=False):
    """The options of an activity, to keep and to pass as `**config`; see `start_activity`."""

    result_type: type | None


class LocalActivityOptions(TypedDict, total=False):
    """The options of a local activity whose result type is known; see `start_local_activity`."""

    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    local_retry_threshold: timedelta | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None


class LocalActivityConfig(LocalActivityOptions, total=False):
    """The options of a local activity, to keep and to pass as `**config`; see `start_local_activity`."""

    result_type: type | None


PRESETS: Final[Mapping[str, tuple[timedelta, timedelta]]] = {
    "quick": (timedelta(seconds=10), timedelta(seconds=3)),
    "medium": (timedelta(seconds=300), timedelta(seconds=30)),
    "long": (timedelta(seconds=3600), timedelta(seconds=60)),
}
"""Start-to-close and heartbeat time-out by name."""

_Fields = dict[str, Any]


def _preset(fields: _Fields, name: str, value: object) -> None:
    if value is None:
        return
    times = PRESETS.get(value) if isinstance(value, str) else None
    if times is None:
        raise InvalidArgumentError(what=name, got=repr(value), expected=" or ".join(map(repr, PRESETS)))
    for field, time in zip(("start_to_close", "heartbeat"), times, strict=True):
        fields[field] = to_ns(time, name=name)


def _time(fields: _Fields, name: str, value: Any) -> None:
    fields[name.removesuffix("_timeout")] = to_ns(value, name=name) or 0


def _text(fields: _Fields, name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a str")
    fields[name] = value or ""


def _policy(fields: _Fields, name: str, value: object) -> None:
    if value is not None and not isinstance(value, RetryPolicy):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an understudy.common.RetryPolicy")
    fields[name] = None if value is None else value.to_stored()


def _kind(fields: _Fields, name: str, value: object) -> None:
    if not isinstance(value, ActivityCancellationType):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a workflow.ActivityCancellationType")
    fields[name] = value


def _priority(fields: _Fields, name: str, value: object) -> None:
    priority = Priority.default if value is None else value
    if not isinstance(priority, Priority):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an understudy.common.Priority")
    fields["priority"] = priority.priority_key or 0
    fields["fairness_key"] = priority.fairness_key or ""
    fields["fairness_weight"] = priority.fairness_weight


def _as_it_is(fields: _Fields, name: str, value: object) -> None:
    fields[name] = value


def _dropped(fields: _Fields, name: str, value: object) -> None:
    """Drop an option that has no meaning here, so that programs which say it run."""


_STORE: Final[Mapping[str, Callable[[_Fields, str, Any], None]]] = {
    "task_queue": _text,
    "result_type": _as_it_is,
    "schedule_to_close_timeout": _time,
    "schedule_to_start_timeout": _time,
    "start_to_close_timeout": _time,
    "heartbeat_timeout": _time,
    "retry_policy": _policy,
    "local_retry_threshold": _dropped,
    "cancellation_type": _kind,
    "activity_id": _text,
    "versioning_intent": _dropped,
    "summary": _text,
    "priority": _priority,
    "preset": _preset,
}

_NOT_LOCAL: Final = frozenset({"task_queue", "heartbeat", "priority", "fairness_key", "fairness_weight"})


def stored_options(options: Mapping[str, Any], of: type[Any] = ActivityConfig) -> _Fields:
    """Return options as fields of an `ActivityScheduled`; `result_type` stays among them as it is.

    Args:
        options: as a user gave them; those of a preset give way to the others.
        of: the TypedDict that says which there are.

    Raises:
        ArgumentTypeError: there is no such option, or it is of the wrong type.
        InvalidArgumentError: an option cannot be.
    """
    fields: _Fields = {}
    if not options:
        return fields
    if "preset" in options and "preset" in of.__annotations__:
        _preset(fields, "preset", options["preset"])
    for name, value in options.items():
        if name not in of.__annotations__:
            raise _unknown(name, of)
        if name != "preset":
            _STORE[name](fields, name, value)
    return fields


def _unknown(name: str, of: type[Any]) -> ArgumentTypeError:
    nearest = nearest_name(name, tuple(of.__annotations__))
    return ArgumentTypeError(
        what="an option of an activity",
        got=repr(name),
        expected=f"one of {', '.join(sorted(of.__annotations__))}",
        fix=f"Perhaps {nearest!r} was meant" if nearest else "",
    )


def local_defaults(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a decorator that a local activity takes."""
    return {name: value for name, value in fields.items() if name not in _NOT_LOCAL}


_DEFAULTS: Final = {"cancellation_type": ActivityCancellationType.TRY_CANCEL, "priority": Priority.default}


def shows(of: type[Any]) -> Callable[[F], F]:
    """Return a decorator that shows the options of a function with `**options` one by one, with their defaults."""
    keyword = inspect.Parameter.KEYWORD_ONLY

    def show(fn: F) -> F:
        signature = inspect.signature(fn)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = [
            inspect.Parameter(name, keyword, default=_DEFAULTS.get(name), annotation=annotation)
            for name, annotation in of.__annotations__.items()
        ]
        shown: Any = fn
        shown.__signature__ = signature.replace(parameters=[*own, *options])
        return fn

    return show
