"""Facts about the run, and the logger that is silent in replays; `understudy.workflow` shows them to users."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.context import Context, current
from understudy.events.errors import InvalidArgumentError, NotInWorkflowError
from understudy.events.policy import RetryPolicy, from_ns

if TYPE_CHECKING:
    from understudy.events.payload import Payload, PayloadConverter
    from understudy.events.search import SearchAttributes, SearchAttributeUpdate, TypedSearchAttributes

__all__ = [
    "Info",
    "LoggerAdapter",
    "all_handlers_finished",
    "cancellation_reason",
    "in_workflow",
    "info",
    "instance",
    "logger",
    "memo",
    "memo_value",
    "payload_converter",
    "unsafe",
    "upsert_memo",
    "upsert_search_attributes",
]

_NO_VALUE: Final[Any] = object()
SUGGESTED_EVENTS: Final = 4_096
"""Where Temporal's server begins to suggest it, too."""
_DEFAULT_TASK_TIMEOUT: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class Info:
    """Facts about a run."""

    attempt: int
    continued_run_id: str | None
    cron_schedule: str | None
    execution_timeout: timedelta | None
    first_execution_run_id: str
    namespace: str
    raw_memo: Mapping[str, Any]
    retry_policy: RetryPolicy | None
    run_id: str
    run_timeout: timedelta | None
    search_attributes: Mapping[str, Any]
    start_time: datetime
    task_queue: str
    task_timeout: timedelta
    workflow_id: str
    workflow_start_time: datetime
    workflow_type: str

    @property
    def typed_search_attributes(self) -> TypedSearchAttributes:
        """The search attributes, by their typed keys."""
        from understudy.events.search import from_stored

        return from_stored(self.search_attributes)

    def get_current_history_length(self) -> int:
        """Return how many events the run has now."""
        return current().history_length

    def is_continue_as_new_suggested(self) -> bool:
        """Whether the history has become so long that a fresh one would be better: from 4,096 events on."""
        return current().history_length >= SUGGESTED_EVENTS


def info() -> Info:
    """Return facts about the run.

    Raises:
        NotInWorkflowError: called outside of a workflow.
    """
    context = current()
    return _info(context)


def _info(context: Context) -> Info:
    execution = context.execution
    started = execution.start
    at = datetime.fromtimestamp(started.at / 1_000_000_000, UTC)
    return Info(
        attempt=started.attempt,
        continued_run_id=started.continued_run_id or None,
        cron_schedule=None,
        execution_timeout=from_ns(started.execution_timeout) if started.execution_timeout else None,
        first_execution_run_id=started.first_run_id or execution.run_id,
        namespace="default",
        raw_memo=context.memo,
        retry_policy=RetryPolicy.from_stored(started.retry_policy) if started.retry_policy is not None else None,
        run_id=execution.run_id,
        run_timeout=from_ns(started.run_timeout) if started.run_timeout else None,
        search_attributes=context.search_attributes,
        start_time=at,
        task_queue=started.task_queue,
        task_timeout=from_ns(started.task_timeout) if started.task_timeout else _DEFAULT_TASK_TIMEOUT,
        workflow_id=started.workflow_id,
        workflow_start_time=at,
        workflow_type=started.workflow_type,
    )


def in_workflow() -> bool:
    """Whether workflow code is running here."""
    try:
        current()
    except NotInWorkflowError:
        return False
    return True


def instance() -> Any:
    """Return the instance of the workflow class; None for a workflow that is a function."""
    return current().instance


def memo() -> Mapping[str, Any]:
    """Return the run's memo, each value as JSON gives it."""
    context = current()
    return {key: context.converter.decode(value, Any, where=f"memo {key!r}") for key, value in context.memo.items()}


def memo_value(key: str, default: Any = _NO_VALUE, *, type_hint: type | None = None) -> Any:
    """Return one value of the memo.

    Args:
        key: its name.
        default: what to return if there is none.
        type_hint: what to decode it to.

    Raises:
        KeyError: there is none, and no default.
    """
    context = current()
    payload = context.memo.get(key)
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
    context.upsert_memo(changes)


def upsert_search_attributes(attributes: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> None:
    """Change some of the run's search attributes.

    Args:
        attributes: updates of typed keys, `[KEY.value_set("x"), OTHER.value_unset()]`; or lists of values by name,
            where an empty one takes the attribute away.

    Raises:
        ArgumentTypeError: it is neither.
    """
    from understudy.events.search import changes_of

    current().upsert_search_attributes(changes_of(attributes))


def payload_converter() -> PayloadConverter:
    """Return the converter that the run's values go through."""
    return current().converter


def cancellation_reason() -> str | None:
    """Return why the run was asked to cancel; None: it was not, or no reason was given."""
    asked = current().cancel_requested
    return (asked.reason or None) if asked is not None else None


def all_handlers_finished() -> bool:
    """Whether no signal handler is still running; a good `wait_condition` before a workflow returns."""
    return not current().running_handlers


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the run's ids and is silent in replays, so that each line is logged once."""

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        """Log through `logger`."""
        super().__init__(logger, extra or {})
        self.log_during_replay = False
        self.workflow_info_on_message = True
        self.workflow_info_on_extra = True

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run's ids to the message and to the record's `workflow` attribute."""
        if not in_workflow():
            return msg, kwargs
        started = current().execution.start
        details = {
            "workflow_id": started.workflow_id,
            "run_id": current().execution.run_id,
            "workflow_type": started.workflow_type,
            "task_queue": started.task_queue,
            "attempt": started.attempt,
        }
        if self.workflow_info_on_extra:
            kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {}), "workflow": details}
        if self.workflow_info_on_message:
            msg = f"{msg} ({details})"
        return msg, kwargs

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's own name
        """Whether a message of `level` would be logged here and now."""
        if not self.log_during_replay and in_workflow() and current().is_replaying:
            return False
        return super().isEnabledFor(level)


logger: Final = LoggerAdapter(logging.getLogger("understudy.workflow"))


class unsafe:  # noqa: N801 - a namespace with the name that Temporal's SDK gives it
    """What breaks determinism unless used with care."""

    @staticmethod
    def is_replaying() -> bool:
        """Whether the code is led through recorded events; never decide by it what the workflow does."""
        return current().is_replaying

    @staticmethod
    def sandbox_unrestricted() -> AbstractContextManager[None]:
        """Switch the determinism guards off in this block."""
        from understudy.actors.guard import unguarded

        return unguarded()

    @staticmethod
    def imports_passed_through() -> AbstractContextManager[None]:
        """Do nothing: there is no import sandbox. Kept so that programs written for one run."""
        from contextlib import nullcontext

        return nullcontext()
