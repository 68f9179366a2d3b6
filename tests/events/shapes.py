"""The stored shape of each event and of what is embedded in events, as plain data for the golden file.

A field is written as its type, and with its default where it has one: events leave defaults out, so another default is
another meaning of every event that is stored.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any, Final, get_args

import msgspec

from understudy.events.catalogue import CATALOGUE
from understudy.events.failures.failure import ApplicationErrorCategory, Failure
from understudy.events.options.policies import ActivityCancellationType, ResetChildren, RetryState, TimeoutType
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.workflow import ResetMark

__all__ = ["current_shapes", "shape_of"]

_MODULE: Final = re.compile(r"[A-Za-z_][\w.]*\.(?=[A-Za-z_])")
_EMBEDDED: Final = (Failure, Payload, ResetMark, StoredRetryPolicy)
_NUMBERED: Final[tuple[type[IntEnum], ...]] = (
    ActivityCancellationType,
    ApplicationErrorCategory,
    ResetChildren,
    RetryState,
    TimeoutType,
)


def shape_of(cls: type[msgspec.Struct]) -> dict[str, str]:
    """The fields of a struct by name, each as its type and default."""
    return {field.encode_name: f"{_hint(field.type)}{_default(field)}" for field in msgspec.structs.fields(cls)}


def _hint(hint: Any) -> str:
    """A type by its name alone: a class may move to another module without touching a stored row."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else _MODULE.sub("", str(hint))


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return ""
    made = field.default_factory
    default = made() if callable(made) else field.default
    return f" = {default!r}"


def current_shapes() -> dict[str, Any]:
    """The whole of what the golden file holds."""
    return {
        "events": {topic: shape_of(cls) for topic, cls in sorted(CATALOGUE.items())},
        "embedded": {cls.__name__: shape_of(cls) for cls in _EMBEDDED},
        "numbered": {cls.__name__: {member.name: int(member) for member in cls} for cls in _NUMBERED},
    }
