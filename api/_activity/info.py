"""`activity.Info`: the facts about an attempt, made once, when it is first asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from understudy.actors.activities.log_records import ATTEMPT_DETAILS
from understudy.events.options.durations import from_ns
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.actors.activities.current import RunningAttempt

__all__ = ["Info", "info_of", "log_details"]


@public("understudy.activity")
@dataclass(frozen=True)
class Info:
    """Facts about an attempt.

    Tests get one from `ActivityEnvironment.default_info()` and change it with `dataclasses.replace`.
    """

    activity_id: str
    activity_type: str
    attempt: int
    current_attempt_scheduled_time: datetime
    heartbeat_details: Sequence[Any]
    """The heartbeat details that the previous attempt gave."""
    heartbeat_timeout: timedelta | None
    is_local: bool
    namespace: str
    schedule_to_close_timeout: timedelta | None
    scheduled_time: datetime
    start_to_close_timeout: timedelta | None
    started_time: datetime
    task_queue: str
    task_token: bytes
    """Names this attempt to `Client.get_async_activity_handle`."""
    workflow_id: str | None
    workflow_namespace: str | None
    workflow_run_id: str | None
    workflow_type: str | None
    priority: Priority
    retry_policy: RetryPolicy | None
    activity_run_id: str | None = None
    """The run of a stand-alone activity; None: a workflow asked for the activity."""

    @property
    def in_workflow(self) -> bool:
        """True if a workflow asked for the activity."""
        return self.workflow_id is not None

    @property
    def idempotency_key(self) -> str:
        """The same for all attempts of this activity and for no other: send it to services that de-duplicate."""
        return f"{self.workflow_run_id or self.activity_run_id}/{self.activity_id}"


def info_of(attempt: RunningAttempt) -> Info:
    """Return the facts about an attempt; any thread."""
    info = attempt.info
    if not isinstance(info, Info):
        info = attempt.info = _made(attempt)
    return info


def log_details(attempt: RunningAttempt) -> Mapping[str, Any]:
    """Return the fields of a log record about an attempt."""
    info = info_of(attempt)
    return {name: getattr(info, name) for name in ATTEMPT_DETAILS}


def _made(attempt: RunningAttempt) -> Info:
    assignment = attempt.assignment
    scheduled = assignment.scheduled
    seq = str(scheduled.seq)
    in_workflow = bool(assignment.workflow_id)
    return Info(
        activity_id=scheduled.activity_id or seq,
        activity_type=scheduled.activity_type,
        attempt=assignment.number,
        current_attempt_scheduled_time=_time(attempt.dispatched_at),
        heartbeat_details=attempt.heartbeat_details(),
        heartbeat_timeout=_duration(scheduled.heartbeat),
        is_local=assignment.is_local,
        namespace="default",
        schedule_to_close_timeout=_duration(scheduled.schedule_to_close),
        scheduled_time=_time(scheduled.at),
        start_to_close_timeout=_duration(scheduled.start_to_close),
        started_time=_time(attempt.started_at),
        task_queue=assignment.task_queue,
        task_token=f"{assignment.run_id}/{seq}/{assignment.number}".encode(),
        workflow_id=assignment.workflow_id or None,
        workflow_namespace="default" if in_workflow else None,
        workflow_run_id=assignment.run_id if in_workflow else None,
        workflow_type=assignment.workflow_type or None,
        activity_run_id=None if in_workflow else assignment.run_id,
        priority=Priority(
            priority_key=scheduled.priority or None,
            fairness_key=scheduled.fairness_key or None,
            fairness_weight=scheduled.fairness_weight or None,
        ),
        retry_policy=RetryPolicy.from_stored(scheduled.retry_policy) if scheduled.retry_policy is not None else None,
    )


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1_000_000_000, UTC)


def _duration(ns: int) -> timedelta | None:
    return from_ns(ns) if ns else None
