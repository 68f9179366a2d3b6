"""`workflow.info`: the facts about a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from understudy.actors.behaviors.code.context import Context, current
from understudy.events.options.durations import from_ns
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from understudy.events.options.search_attributes import SearchAttributes, TypedSearchAttributes
    from understudy.events.payloads.payload import Payload
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Info", "ParentInfo", "RootInfo", "info", "info_of"]

SUGGESTED_EVENTS: Final = 4_096
"""The number of events from which Temporal's server begins to suggest it, too."""
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
        from understudy.events.options.search_attributes import untyped

        return untyped(self.typed_search_attributes)

    @property
    def typed_search_attributes(self) -> TypedSearchAttributes:
        """The search attributes, by their typed keys."""
        from understudy.events.options.search_attributes import from_stored

        return from_stored(self._attributes)

    def get_current_build_id(self) -> str:
        """Return the empty string: workers have no versions. Kept so that programs written for one run."""
        return ""

    def get_current_history_size(self) -> int:
        """Return the number of bytes of the run's events, as they are encoded; measured at each call, for rare use."""
        return current().recorder.history_size

    def get_current_history_length(self) -> int:
        """Return the number of events that the run has now."""
        return current().recorder.history_length

    def is_continue_as_new_suggested(self) -> bool:
        """Return True if the history has become so long that a fresh one would be better: from 4,096 events on."""
        return current().recorder.history_length >= SUGGESTED_EVENTS


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
        raw_memo=context.upserts.memo,
        retry_policy=RetryPolicy.from_stored(started.retry_policy) if started.retry_policy is not None else None,
        run_id=execution.run_id,
        run_timeout=from_ns(started.run_timeout) if started.run_timeout else None,
        start_time=at,
        task_queue=started.task_queue,
        task_timeout=from_ns(started.task_timeout) if started.task_timeout else _DEFAULT_TASK_TIMEOUT,
        workflow_id=started.workflow_id,
        workflow_start_time=at,
        workflow_type=started.workflow_type,
        _attributes=context.upserts.search_attributes,
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
