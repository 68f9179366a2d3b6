"""The data that is kept with the run: memo, search attributes, details, and the result that the run before it left.

`understudy.workflow` shows all of it to users; it is used from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.code.context import current
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from understudy.events.options.search_attributes import SearchAttributes, SearchAttributeUpdate
    from understudy.events.payloads.payload import Payload

__all__ = [
    "get_current_details",
    "get_last_completion_result",
    "get_last_failure",
    "has_last_completion_result",
    "is_failure_exception",
    "memo",
    "memo_value",
    "new_random",
    "random_seed",
    "register_random_seed_callback",
    "set_current_details",
    "upsert_memo",
    "upsert_search_attributes",
]

_NO_VALUE: Final[Any] = object()


def memo() -> Mapping[str, Any]:
    """Return the run's memo, each value as JSON gives it."""
    context = current()
    return {
        key: context.converter.decode(value, Any, where=f"memo {key!r}") for key, value in context.upserts.memo.items()
    }


def memo_value(key: str, default: Any = _NO_VALUE, *, type_hint: type | None = None) -> Any:
    """Return one value of the memo.

    Args:
        key: its name.
        default: what to return if there is none.
        type_hint: the type to decode it to.

    Raises:
        KeyError: there is none, and no default.
    """
    context = current()
    payload = context.upserts.memo.get(key)
    if payload is not None:
        return context.converter.decode(payload, Any if type_hint is None else type_hint, where=f"memo {key!r}")
    if default is _NO_VALUE:
        raise KeyError(key)
    return default


def upsert_memo(updates: Mapping[str, Any]) -> None:
    """Change some values of the run's memo.

    Args:
        updates: new values by name; None takes a value away.

    Raises:
        PayloadEncodeError: a value cannot be stored.
    """
    context = current()
    changes: dict[str, Payload | None] = {}
    for key, value in updates.items():
        if not isinstance(key, str) or not key:
            raise InvalidArgumentError(what="a key of memo", got=repr(key), expected="a name")
        changes[key] = None if value is None else context.converter.encode(value, where=f"memo {key!r}")
    context.upserts.upsert_memo(changes)


def upsert_search_attributes(attributes: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> None:
    """Change some of the run's search attributes.

    Args:
        attributes: updates of typed keys, `[KEY.value_set("x"), OTHER.value_unset()]`; or lists of values by name,
            where an empty one takes the attribute away.

    Raises:
        ArgumentTypeError: it is neither.
    """
    from understudy.events.options.search_attributes import changes_of

    current().upserts.upsert_search_attributes(changes_of(attributes))


def get_current_details() -> str:
    """Return the text that the run says about itself now; empty: nothing."""
    return current().upserts.details


def set_current_details(description: str) -> None:
    """Set the text that the run says about itself, for people who look at it; the text before is gone.

    Raises:
        ArgumentTypeError: it is no str.
    """
    if not isinstance(description, str):
        raise ArgumentTypeError(what="description", got=repr(description), expected="a str")
    current().upserts.set_details(description)


# -- the run before --------------------------------------------------------------------------------------------------


def has_last_completion_result() -> bool:
    """Return True if a run of this cron schedule has completed before, with something else than None."""
    return current().execution.start.last_result is not None


def get_last_completion_result(type_hint: type | None = None) -> Any | None:
    """Return the result of the last run of this cron schedule that completed; None: there is none.

    Args:
        type_hint: the type to decode it to.

    Raises:
        PayloadDecodeError: it does not fit.
    """
    context = current()
    last = context.execution.start.last_result
    if last is None:
        return None
    hint = Any if type_hint is None else type_hint
    return context.converter.decode(last, hint, where="the last completion result")


def get_last_failure() -> BaseException | None:
    """Return the error of the run before this one, if that failed under a retry policy or a cron schedule."""
    context = current()
    last = context.execution.start.last_failure
    return None if last is None else context.failures.to_exception(last, context.converter)


def is_failure_exception(err: BaseException) -> bool:
    """Return True if an exception would end the run as failed; any other is a bug, whose turn is tried again."""
    return current().inbox.is_failure(err)


# -- dice ------------------------------------------------------------------------------------------------------------


def random_seed() -> int:
    """Return the number that the run's dice are seeded with; it never changes in a run."""
    return int.from_bytes(current().recorder.seed.encode(), "big")


def register_random_seed_callback(callback: Callable[[int], None]) -> None:
    """Do nothing: the seed of a run never changes. Kept so that programs written for one run.

    Raises:
        ArgumentTypeError: it is no function.
    """
    if not callable(callback):
        raise ArgumentTypeError(what="callback", got=repr(callback), expected="a function")
    current()


def new_random(name: str | None = None) -> Random:
    """Return another generator, the same at every replay; not for secrets.

    Args:
        name: generators of different names give different numbers; None: the numbers of `workflow.random()`.
    """
    seed = current().recorder.seed
    return Random(seed if name is None else f"{seed}:{name}")  # noqa: S311 - repeatable, not secret
