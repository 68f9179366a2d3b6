"""Facts about the run, and the logger that is silent in replays; `understudy.workflow` shows them to users."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.context import Context, current
from understudy.actors.behaviors.inbox import current_update
from understudy.events.errors import NotInWorkflowError
from understudy.events.policy import Priority, RetryPolicy, from_ns
from understudy.metrics import MetricMeter

if TYPE_CHECKING:
    from understudy.events.payload import Payload, PayloadConverter
    from understudy.events.search import SearchAttributes, TypedSearchAttributes
    from understudy.events.workflow import WorkflowStarted

__all__ = [
    "Info",
    "LoggerAdapter",
    "ParentInfo",
    "RootInfo",
    "cancellation_reason",
    "extern_functions",
    "in_workflow",
    "info",
    "info_of",
    "instance",
    "logger",
    "metric_meter",
    "payload_converter",
    "unsafe",
]

SUGGESTED_EVENTS: Final = 4_096
"""Where Temporal's server begins to suggest it, too."""
_DEFAULT_TASK_TIMEOUT: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class ParentInfo:
    """The run that has started this one as its child."""

    namespace: str
    run_id: str
    workflow_id: str


@dataclass(frozen=True)
class RootInfo:
    """The run at the top of a tree of children."""

    run_id: str
    workflow_id: str


@dataclass(frozen=True)
class Info:
    """Facts about a run."""

    attempt: int
    continued_run_id: str | None
    cron_schedule: str | None
    execution_timeout: timedelta | None
    first_execution_run_id: str
    headers: Mapping[str, Payload]
    namespace: str
    original_execution_run_id: str
    parent: ParentInfo | None
    root: RootInfo | None
    priority: Priority
    raw_memo: Mapping[str, Payload]
    retry_policy: RetryPolicy | None
    run_id: str
    run_timeout: timedelta | None
    start_time: datetime
    task_queue: str
    task_timeout: timedelta
    workflow_id: str
    workflow_start_time: datetime
    workflow_type: str
    _attributes: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)

    @property
    def search_attributes(self) -> SearchAttributes:
        """The search attributes as lists of values, by name."""
        from understudy.events.search import untyped

        return untyped(self.typed_search_attributes)

    @property
    def typed_search_attributes(self) -> TypedSearchAttributes:
        """The search attributes, by their typed keys."""
        from understudy.events.search import from_stored

        return from_stored(self._attributes)

    def get_current_build_id(self) -> str:
        """Return the empty string: workers have no versions. Kept so that programs written for one run."""
        return ""

    def get_current_history_size(self) -> int:
        """Return how many bytes the run's events have, as they are encoded; measured at each call, for rare use."""
        return current().history_size

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
    if context.chain is not None:
        facts: Info = context.chain.outbound.info()
        return facts
    return info_of(context)


def info_of(context: Context) -> Info:
    """Return facts about a run."""
    execution = context.execution
    started = execution.start
    at = datetime.fromtimestamp(started.at / 1_000_000_000, UTC)
    return Info(
        attempt=started.attempt,
        continued_run_id=started.continued_run_id or None,
        cron_schedule=started.cron_schedule or None,
        execution_timeout=from_ns(started.execution_timeout) if started.execution_timeout else None,
        first_execution_run_id=started.first_run_id or execution.run_id,
        headers=started.headers,
        namespace="default",
        original_execution_run_id=started.seed or execution.run_id,
        parent=_parent(started),
        root=_root(started),
        priority=_priority(started),
        raw_memo=context.kept.memo,
        retry_policy=RetryPolicy.from_stored(started.retry_policy) if started.retry_policy is not None else None,
        run_id=execution.run_id,
        run_timeout=from_ns(started.run_timeout) if started.run_timeout else None,
        start_time=at,
        task_queue=started.task_queue,
        task_timeout=from_ns(started.task_timeout) if started.task_timeout else _DEFAULT_TASK_TIMEOUT,
        workflow_id=started.workflow_id,
        workflow_start_time=at,
        workflow_type=started.workflow_type,
        _attributes=context.kept.search_attributes,
    )


def _parent(started: WorkflowStarted) -> ParentInfo | None:
    if not started.parent_run_id:
        return None
    return ParentInfo(namespace="default", run_id=started.parent_run_id, workflow_id=started.parent_workflow_id)


def _root(started: WorkflowStarted) -> RootInfo | None:
    if not started.root_run_id:
        return None
    return RootInfo(run_id=started.root_run_id, workflow_id=started.root_workflow_id)


def _priority(started: WorkflowStarted) -> Priority:
    return Priority(
        priority_key=started.priority or None,
        fairness_key=started.fairness_key or None,
        fairness_weight=started.fairness_weight,
    )


def in_workflow() -> bool:
    """Whether workflow code is running here."""
    try:
        current()
    except NotInWorkflowError:
        return False
    return True


def extern_functions() -> Mapping[str, Callable[..., Any]]:
    """Return the functions that interceptors of the worker have left for workflow code, by name."""
    interception = current().definition.interception
    return interception.extern_functions if interception is not None else {}


def instance() -> Any:
    """Return the instance of the workflow class; None for a workflow that is a function."""
    return current().instance


def payload_converter() -> PayloadConverter:
    """Return the converter that the run's values go through."""
    return current().converter


def metric_meter() -> MetricMeter:
    """Return the meter to count and measure with; it counts nothing yet.

    Raises:
        NotInWorkflowError: called outside of a workflow.
    """
    current()
    return MetricMeter.noop


def cancellation_reason() -> str | None:
    """Return why the run was asked to cancel, empty if no reason was given; None: it was not."""
    asked = current().cancel_requested
    return asked.reason if asked is not None else None


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the run's ids and is silent in replays, so that each line is logged once."""

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        """Log through `logger`."""
        super().__init__(logger, extra or {})
        self.log_during_replay = False
        self.workflow_info_on_message = True
        """Whether messages end with the run's ids."""
        self.workflow_info_on_extra = True
        """Whether records have the run's ids, as a dict `workflow`."""
        self.full_workflow_info_on_extra = False
        """Whether records have all of `workflow.info()`, as `workflow_info`."""
        self.disable_sandbox = False
        """Whether handlers and formatters may do what workflow code may not; see `unsafe_disable_sandbox`."""

    @property
    def base_logger(self) -> logging.Logger:
        """The logger behind it, to give handlers and levels to."""
        return self.logger

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run's ids to the message and to the record; in the handler of an update, its id and name, too."""
        if not in_workflow():
            return msg, kwargs
        details, extra = _log_details(), dict[str, Any]()
        if self.workflow_info_on_extra:
            extra["workflow"] = extra["temporal_workflow"] = details
        if self.full_workflow_info_on_extra:
            extra["workflow_info"] = info()
        if extra:
            kwargs["extra"] = {**(self.extra or {}), **extra, **(kwargs.get("extra") or {})}
        if self.workflow_info_on_message:
            msg = f"{msg} ({details})"
        return msg, kwargs

    def log(self, level: int, msg: object, *args: Any, stacklevel: int = 1, **kwargs: Any) -> None:
        """Log a message; `stacklevel` 1: the record names the line that called."""
        with unsafe.sandbox_unrestricted() if self.disable_sandbox else nullcontext():
            super().log(level, msg, *args, stacklevel=stacklevel + 1, **kwargs)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's own name
        """Whether a message of `level` would be logged here and now."""
        if not self.log_during_replay and in_workflow() and current().is_replaying:
            return False
        return super().isEnabledFor(level)

    def unsafe_disable_sandbox(self, value: bool = True) -> None:  # noqa: FBT001, FBT002 - Temporal's signature
        """Switch the determinism guards off while handlers and formatters run, or on again."""
        self.disable_sandbox = value


def _log_details() -> dict[str, Any]:
    context = current()
    started, update = context.execution.start, current_update.get()
    details: dict[str, Any] = {
        "attempt": started.attempt,
        "namespace": "default",
        "run_id": context.execution.run_id,
        "task_queue": started.task_queue,
        "workflow_id": started.workflow_id,
        "workflow_type": started.workflow_type,
    }
    if update is not None:
        details["update_id"], details["update_name"] = update
    return details


logger: Final = LoggerAdapter(logging.getLogger("understudy.workflow"))


class unsafe:  # noqa: N801 - a namespace with the name that Temporal's SDK gives it
    """What breaks determinism unless used with care."""

    @staticmethod
    def is_replaying() -> bool:
        """Whether the code is led through recorded events; never decide by it what the workflow does."""
        return current().is_replaying

    @staticmethod
    def is_replaying_history_events() -> bool:
        """Whether the code is led through recorded events; queries and validators are never part of that."""
        return current().is_replaying

    @staticmethod
    def is_read_only() -> bool:
        """Whether the code may only read: it is a query, a validator of an update, or a `wait_condition`."""
        return bool(current().read_only)

    @staticmethod
    def sandbox_unrestricted() -> AbstractContextManager[None]:
        """Switch the determinism guards off in this block."""
        from understudy.actors.guard import unguarded

        return unguarded()

    @staticmethod
    def imports_passed_through() -> AbstractContextManager[None]:
        """Do nothing: there is no import sandbox. Kept so that programs written for one run."""
        return nullcontext()
