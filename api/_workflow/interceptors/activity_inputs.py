"""The call of an activity as an input of interceptors: fields of an event become options, and fields again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from understudy._calls.activity_options import ActivityConfig, LocalActivityConfig, local_defaults, stored_options
from understudy._workflow.interceptors.inputs import Own, StartActivityInput, StartLocalActivityInput, own_fields
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.definitions.definition import ActivityDefinition
from understudy.events.options.durations import from_ns
from understudy.events.options.policies import ActivityCancellationType
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import NO_HEADERS

__all__ = ["activity_input", "activity_of_input", "fields_of", "local_activity_input", "local_fields_of"]

Fields = Mapping[str, Any]

_TIMES: Final = ("schedule_to_close", "schedule_to_start", "start_to_close")


def activity_input(activity: str | ActivityDefinition, args: Sequence[Any], fields: Fields) -> StartActivityInput:
    """Return the input of interceptors for a call; `fields` as `stored_options` returns them."""
    if isinstance(activity, ActivityDefinition):
        fields = {**activity.options, **fields}
    return StartActivityInput(
        **_common(activity, args, fields),
        task_queue=fields.get("task_queue") or None,
        heartbeat_timeout=_time(fields, "heartbeat"),
        disable_eager_execution=False,
        versioning_intent=None,
        priority=Priority(
            priority_key=fields.get("priority") or None,
            fairness_key=fields.get("fairness_key") or None,
            fairness_weight=fields.get("fairness_weight"),
        ),
        _own=Own(_known(activity), source_line()),
    )


def local_activity_input(
    activity: str | ActivityDefinition, args: Sequence[Any], fields: Fields, threshold: timedelta | None
) -> StartLocalActivityInput:
    """Return the input of interceptors for the call of a local activity."""
    if isinstance(activity, ActivityDefinition):
        fields = {**local_defaults(activity.options), **fields}
    common = _common(activity, args, fields)
    return StartLocalActivityInput(**common, local_retry_threshold=threshold, _own=Own(_known(activity)))


def _common(activity: str | ActivityDefinition, args: Sequence[Any], fields: Fields) -> dict[str, Any]:
    """Return the fields that the two kinds of input have in common."""
    known = _known(activity)
    stored, result_type = fields.get("retry_policy"), fields.get("result_type")
    return {
        "activity": activity if isinstance(activity, str) else activity.label,
        "args": args,
        "activity_id": fields.get("activity_id") or None,
        **{f"{name}_timeout": _time(fields, name) for name in _TIMES},
        "retry_policy": None if stored is None else RetryPolicy.from_stored(stored),
        "cancellation_type": fields.get("cancellation_type", ActivityCancellationType.TRY_CANCEL),
        "headers": NO_HEADERS,
        "summary": fields.get("summary") or None,
        "arg_types": list(known.signature.hints) if known is not None else None,
        "ret_type": known.signature.returns if result_type is None and known is not None else result_type,
    }


def _known(activity: str | ActivityDefinition) -> ActivityDefinition | None:
    return None if isinstance(activity, str) else activity


def _time(fields: Fields, name: str) -> timedelta | None:
    ns = fields.get(name)
    return from_ns(ns) if ns else None


def activity_of_input(asked: StartActivityInput | StartLocalActivityInput) -> str | ActivityDefinition:
    """Return the activity that the input names: the one of the call, unless an interceptor gave it another name."""
    known: ActivityDefinition | None = own_fields(asked).target
    return known if known is not None and known.label == asked.activity else asked.activity


def fields_of(asked: StartActivityInput) -> dict[str, Any]:
    """Return the options of an input as fields of an event, all of them.

    Raises:
        ArgumentTypeError: an interceptor made one of the wrong type.
        InvalidArgumentError: it made one that cannot be.
    """
    return _fields(asked, ActivityConfig)


def local_fields_of(asked: StartLocalActivityInput) -> dict[str, Any]:
    """Return the options of an input as fields of an event, all of them; see `fields_of`."""
    return _fields(asked, LocalActivityConfig)


def _fields(asked: Any, of: type[Any]) -> dict[str, Any]:
    given = {name: getattr(asked, name) for name in of.__annotations__ if hasattr(asked, name)}
    return stored_options({**given, "result_type": asked.ret_type}, of)
