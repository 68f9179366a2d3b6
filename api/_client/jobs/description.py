"""Views of stand-alone activities that a client is given: a count, an entry of a list, a description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from understudy._client.jobs.errors import cause_of
from understudy._temporal.versioning import WorkerDeploymentVersion
from understudy.events.converters.data_converter import DataConverter
from understudy.events.converters.in_context import for_activity
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.durations import from_ns
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.options.search_attributes import TypedSearchAttributes, from_stored
from understudy.events.payloads.payload import Payload
from understudy.events.public import public
from understudy.events.workflow import WorkflowCanceled, WorkflowCompleted, WorkflowFailed, WorkflowTerminated

if TYPE_CHECKING:
    from understudy._client.jobs.view import JobView

__all__ = [
    "ActivityExecution",
    "ActivityExecutionCount",
    "ActivityExecutionCountAggregationGroup",
    "ActivityExecutionDescription",
    "ActivityExecutionStatus",
    "PendingActivityState",
    "described",
    "execution_of",
    "status_of",
]


@public("understudy.client")
class ActivityExecutionStatus(IntEnum):
    """The status of a stand-alone activity."""

    UNSPECIFIED = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    TIMED_OUT = 6
    PAUSED = 7


@public("understudy.client")
class PendingActivityState(IntEnum):
    """The state of a stand-alone activity that is running."""

    UNSPECIFIED = 0
    SCHEDULED = 1
    """It waits: for its start, for a worker, or to be tried again."""
    STARTED = 2
    CANCEL_REQUESTED = 3
    PAUSED = 4
    PAUSE_REQUESTED = 5


@public("understudy.client")
@dataclass(frozen=True)
class ActivityExecutionCountAggregationGroup:
    """One group of a count."""

    count: int
    group_values: Sequence[Any]
    """The values that all of the group have in common."""


@public("understudy.client")
@dataclass(frozen=True)
class ActivityExecutionCount:
    """A count of stand-alone activities."""

    count: int
    groups: Sequence[ActivityExecutionCountAggregationGroup]
    """Empty: nothing was grouped."""


@public("understudy.client")
@dataclass(frozen=True, eq=False, kw_only=True)
class ActivityExecution:
    """A stand-alone activity, as a list has it."""

    activity_id: str
    activity_run_id: str | None
    activity_type: str
    close_time: datetime | None
    execution_duration: timedelta | None
    """From the start to the end; None: it has not ended."""
    execution_time: datetime | None
    """The time when its first attempt may begin: its start, and the start delay."""
    namespace: str
    schedule_time: datetime
    """The time when it was started."""
    status: ActivityExecutionStatus
    task_queue: str
    typed_search_attributes: TypedSearchAttributes


@public("understudy.client")
@dataclass(frozen=True, eq=False, kw_only=True)
class ActivityExecutionDescription(ActivityExecution):
    """A stand-alone activity, as `describe` found it.

    That an attempt begins is not recorded, so what is said of the attempt under way is what this process knows of it.
    """

    attempt: int
    """The number of the attempt, from 1."""
    canceled_reason: str | None
    """The reason why somebody asked to cancel it; None: nobody did, or no reason was given."""
    current_retry_interval: timedelta | None
    """The time that it waits for its next attempt; None: it does not wait."""
    expiration_time: datetime | None
    """The time when its schedule-to-close time-out strikes."""
    heartbeat_timeout: timedelta | None
    last_attempt_complete_time: datetime | None
    last_deployment_version: WorkerDeploymentVersion | None
    """None: workers have no versions."""
    last_heartbeat_time: datetime | None
    """The time when heartbeat details were last written down, which is now and then."""
    last_started_time: datetime | None
    """The time when the attempt under way began; None: none is under way."""
    last_worker_identity: str | None
    """The worker that makes the attempt under way, or the one who has completed the activity."""
    next_attempt_schedule_time: datetime | None
    priority: Priority
    retry_policy: RetryPolicy | None
    """None: that of all activities."""
    run_state: PendingActivityState | None
    """None: it is not running."""
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    start_delay: timedelta | None
    total_heartbeat_count: int
    """The number of times that heartbeat details were written down, in all attempts."""
    data_converter: DataConverter = field(repr=False)
    """The converter that turns the payloads below into values."""
    _payloads: PayloadConverter = field(repr=False)
    _input: tuple[Payload, ...] | None = field(repr=False)
    _outcome: Event | None = field(repr=False)
    _details: tuple[Payload, ...] = field(repr=False)
    _last_failure: Failure | None = field(repr=False)

    def has_heartbeat_details(self) -> bool:
        """True if there are heartbeat details, and they were asked for."""
        return bool(self._details)

    async def heartbeat_details(self, type_hints: list[type] | None = None) -> list[Any] | None:
        """Return the details of the last heartbeat; None: there are none, or they were not asked for.

        Args:
            type_hints: the types to decode them to; None: as JSON gives it.
        """
        return self._values(self._details, type_hints, "heartbeat details") if self._details else None

    def has_last_failure(self) -> bool:
        """True if an attempt has failed, and that was asked for."""
        return self._last_failure is not None

    async def last_failure(self) -> BaseException | None:
        """Return what the last attempt that failed raised; None: none has, or it was not asked for."""
        return None if self._last_failure is None else self._exception(self._last_failure)

    def has_input(self) -> bool:
        """True if the arguments were asked for."""
        return self._input is not None

    async def input(self, type_hints: list[type] | None = None) -> list[Any] | None:
        """Return the arguments; None: they were not asked for.

        Args:
            type_hints: the types to decode them to; None: as JSON gives it.
        """
        return None if self._input is None else self._values(self._input, type_hints, "arguments")

    def has_result(self) -> bool:
        """True if it has completed, and the outcome was asked for."""
        return isinstance(self._outcome, WorkflowCompleted)

    async def result(self, type_hint: type | None = None) -> Any | None:
        """Return its result; None: it has none, or the outcome was not asked for.

        Args:
            type_hint: the type to decode it to; None: as JSON gives it.
        """
        outcome = self._outcome
        if not isinstance(outcome, WorkflowCompleted) or outcome.result is None:
            return None
        return self._values((outcome.result,), None if type_hint is None else [type_hint], "result")[0]

    def has_outcome_failure(self) -> bool:
        """True if it has ended without a result, and the outcome was asked for."""
        return self._outcome is not None and not self.has_result()

    async def outcome_failure(self) -> BaseException | None:
        """Return the failure that it ended with; None: it has a result, is running, or nobody asked for the outcome."""
        if self._outcome is None or self.has_result():
            return None
        return cause_of(self._outcome, self.data_converter.failure_converter, self._payloads)

    def _values(self, payloads: tuple[Payload, ...], hints: list[type] | None, what: str) -> list[Any]:
        where = f"the {what} of activity {self.activity_id!r}"
        wanted = [*(hints or ()), *[Any] * len(payloads)]
        return [
            self._payloads.decode(payload, hint, where=where) for payload, hint in zip(payloads, wanted, strict=False)
        ]

    def _exception(self, failure: Failure) -> BaseException:
        return self.data_converter.failure_converter.to_exception(failure, self._payloads)


_STATUS: Final[dict[type[Event], ActivityExecutionStatus]] = {
    WorkflowCompleted: ActivityExecutionStatus.COMPLETED,
    WorkflowFailed: ActivityExecutionStatus.FAILED,
    WorkflowCanceled: ActivityExecutionStatus.CANCELED,
    WorkflowTerminated: ActivityExecutionStatus.TERMINATED,
}


def status_of(closing: Event | None) -> ActivityExecutionStatus:
    """Return the status of a job that an event has closed; None: no event has."""
    if closing is None:
        return ActivityExecutionStatus.RUNNING
    if isinstance(closing, WorkflowFailed) and closing.failure.kind == "timeout":
        return ActivityExecutionStatus.TIMED_OUT
    return _STATUS[type(closing)]


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1_000_000_000, UTC)


def _time(ns: int) -> datetime | None:
    return _moment(ns) if ns else None


def _duration(ns: int) -> timedelta | None:
    return from_ns(ns) if ns else None


def _common(view: JobView) -> dict[str, Any]:
    started, closing = view.started, view.closing
    begun, ended = _moment(started.at), _moment(closing.at) if closing is not None else None
    return {
        "activity_id": view.activity_id,
        "activity_run_id": view.run_id,
        "activity_type": view.job.activity_type,
        "close_time": ended,
        "execution_duration": ended - begun if ended is not None else None,
        "execution_time": _moment(started.at + view.job.start_delay),
        "namespace": "default",
        "schedule_time": begun,
        "status": status_of(closing),
        "task_queue": started.task_queue,
        "typed_search_attributes": from_stored(started.search_attributes),
    }


def execution_of(view: JobView) -> ActivityExecution:
    """Return the entry of a job in a list."""
    return ActivityExecution(**_common(view))


def described(
    view: JobView,
    converter: DataConverter,
    *,
    under_way: tuple[int, str] | None,
    included: frozenset[str],
) -> ActivityExecutionDescription:
    """Return the description of a job.

    Args:
        view: the job as its events tell of it.
        converter: turns payloads into values.
        under_way: since when an attempt is at work, ns since the epoch, and who makes it; None: none is.
        included: of `INCLUDED` of the handle, those that are wanted.
    """
    job, started = view.job, view.started
    asked, is_open = view.cancel_requested, view.closing is None
    since, identity = under_way or (0, view.identity)
    backing_off = view.next_at if is_open and under_way is None else 0
    scheduled_at = view.scheduled_at or started.at + job.start_delay
    return ActivityExecutionDescription(
        **_common(view),
        attempt=view.attempt,
        canceled_reason=(asked.reason or None) if asked is not None else None,
        current_retry_interval=_duration(backing_off - view.attempt_ended_at) if backing_off else None,
        expiration_time=_time(scheduled_at + job.schedule_to_close) if job.schedule_to_close else None,
        heartbeat_timeout=_duration(job.heartbeat),
        last_attempt_complete_time=_time(view.attempt_ended_at),
        last_deployment_version=None,
        last_heartbeat_time=_time(view.heartbeat_at),
        last_started_time=_time(since),
        last_worker_identity=identity or None,
        next_attempt_schedule_time=_time(backing_off),
        priority=Priority(
            priority_key=job.priority or None,
            fairness_key=job.fairness_key or None,
            fairness_weight=job.fairness_weight,
        ),
        retry_policy=RetryPolicy.from_stored(job.retry_policy) if job.retry_policy is not None else None,
        run_state=_run_state(view, at_work=under_way is not None or view.outside) if is_open else None,
        schedule_to_close_timeout=_duration(job.schedule_to_close),
        schedule_to_start_timeout=_duration(job.schedule_to_start),
        start_to_close_timeout=_duration(job.start_to_close),
        start_delay=_duration(job.start_delay),
        total_heartbeat_count=view.heartbeats,
        data_converter=converter,
        _payloads=_payloads_of(view, converter),
        _input=started.input[1:] if "include_input" in included else None,
        _outcome=view.closing if "include_outcome" in included else None,
        _details=view.heartbeat_details if "include_heartbeat_details" in included else (),
        _last_failure=view.last_failure if "include_last_failure" in included else None,
    )


def _payloads_of(view: JobView, converter: DataConverter) -> PayloadConverter:
    """Return the converter between the values of a job and payloads."""
    return for_activity(
        converter.payload_converter,
        activity_id=view.activity_id,
        activity_type=view.job.activity_type,
        task_queue=view.started.task_queue,
        workflow_id=None,
        workflow_type=None,
    )


def _run_state(view: JobView, *, at_work: bool) -> PendingActivityState:
    if view.cancel_requested is not None:
        return PendingActivityState.CANCEL_REQUESTED
    return PendingActivityState.STARTED if at_work else PendingActivityState.SCHEDULED
