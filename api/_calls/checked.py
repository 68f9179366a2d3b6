"""Checks that all doors make before anything is stored, and stored forms: ids, names, durations, policies, memos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definitions.job import JOB_PREFIX, is_job
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options.durations import to_ns
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy, StoredRetryPolicy

if TYPE_CHECKING:
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = [
    "checked_any_id",
    "checked_id",
    "checked_interceptors",
    "checked_name",
    "stored_attributes",
    "stored_memo",
    "stored_ns",
    "stored_policy",
    "stored_priority",
]

ID_LIMIT: Final = 1_000
"""Characters in a workflow id; Temporal's limit, too."""


def checked_id(value: object, name: str = "workflow id") -> str:
    """Return a workflow id, if it is valid.

    Raises:
        InvalidArgumentError: it is no str, empty, longer than 1,000 characters, or looks like that of a job.
    """
    found = checked_any_id(value, name)
    if is_job(found):
        raise InvalidArgumentError(
            what=name,
            got=repr(found),
            expected=f"one that does not begin with {JOB_PREFIX!r}",
            fix="Take another id; what is called so inside is a stand-alone activity, see Client.get_activity_handle",
        )
    return found


def checked_any_id(value: object, name: str) -> str:
    """Return the id of any kind of thing, if it is valid.

    Raises:
        InvalidArgumentError: it is no str, empty, or longer than 1,000 characters.
    """
    if not isinstance(value, str):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a str")
    if not value:
        raise InvalidArgumentError(what=name, got="''", expected="1 to 1,000 characters")
    if len(value) > ID_LIMIT:
        raise InvalidArgumentError(
            what=name, got=f"{value[:40]!r}… ({len(value):,} characters)", expected="1 to 1,000 characters"
        )
    return value


def stored_priority(priority: object) -> dict[str, Any]:
    """Return the fields of an event that hold a priority; none for None and for one that says nothing."""
    if priority is None or priority is Priority.default:
        return {}
    if not isinstance(priority, Priority):
        raise ArgumentTypeError(what="priority", got=repr(priority), expected="an understudy.common.Priority")
    return {
        "priority": priority.priority_key or 0,
        "fairness_key": priority.fairness_key or "",
        "fairness_weight": priority.fairness_weight,
    }


def stored_ns(value: timedelta | None, name: str) -> int:
    """Return a duration as events hold it; None: 0, which is no limit."""
    return 0 if value is None else to_ns(value, name=name) or 0


def stored_policy(policy: object) -> StoredRetryPolicy:
    """Return a retry policy as events hold it."""
    if not isinstance(policy, RetryPolicy):
        raise ArgumentTypeError(what="retry_policy", got=repr(policy), expected="an understudy.common.RetryPolicy")
    return policy.to_stored()


def stored_memo(memo: Mapping[str, Any], converter: PayloadConverter) -> dict[str, Payload]:
    """Return a memo as events hold it."""
    return {
        checked_name(key, "a key of memo"): converter.encode(value, where=f"memo {key!r}")
        for key, value in memo.items()
    }


def checked_name(value: object, name: str) -> str:
    """Return a name, if the value is one that is valid."""
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(what=name, got=repr(value), expected="a name")
    return value


def stored_attributes(attributes: Any) -> dict[str, object]:
    from understudy.events.options.search_attributes import to_stored

    return to_stored(attributes)


def checked_interceptors(given: Sequence[Any], kind: type, door: str) -> tuple[Any, ...]:
    """Return interceptors of one kind.

    Args:
        given: the value that a user passed.
        kind: their class.
        door: where users import it.

    Raises:
        ArgumentTypeError: one is something else.
    """
    for each in given:
        if not isinstance(each, kind):
            raise ArgumentTypeError(
                what="interceptors",
                got=repr(each),
                expected=f"an {door}.Interceptor",
                fix=f"Pass an instance of a class that extends {door}.Interceptor",
            )
    return tuple(given)
