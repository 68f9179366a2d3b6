"""The description of a run: its state at one moment, as a client sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload

from understudy._calls.targets import NO_ARG
from understudy.events.activity import ActivityPhase
from understudy.events.converters.in_context import for_workflow
from understudy.events.options.policies import WorkflowExecutionStatus

if TYPE_CHECKING:
    from understudy.actors.requests.service import Snapshot
    from understudy.events.converters.data_converter import DataConverter
    from understudy.events.failures.failure import Failure
    from understudy.events.options.search_attributes import SearchAttributes, TypedSearchAttributes
    from understudy.events.payloads.payload import Payload
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.state.pending import PendingActivity
    from understudy.events.workflow import WorkflowStarted

__all__ = [
    "PauseInfo",
    "PendingActivityInfo",
    "PendingChildInfo",
    "WorkflowExecutionDescription",
    "described",
]

D = TypeVar("D")
T = TypeVar("T")


@dataclass(frozen=True)
class PendingActivityInfo:
    """An activity without an outcome."""

    activity_id: str
    activity_type: str
    phase: str
    """scheduled: an attempt waits or runs; backing off; outside: its outcome is to come from outside; canceling."""
    attempt: int
    next_attempt_at: datetime | None
    """The time when the attempt may begin or might have begun; None: somebody outside ends it, its code is over."""
    last_failure: str | None


@dataclass(frozen=True)
class PendingChildInfo:
    """A child without an outcome."""

    workflow_id: str
    run_id: str | None
    """Its first run; None: it has not started yet."""
    workflow_type: str
    phase: str


@dataclass(frozen=True)
class PauseInfo:
    """Says since when a run is paused, and why."""

    note: str
    since: datetime
    identity: str
    """The one who has paused it; `understudy`: the engine, because its code failed too often."""
    freeze_timers: bool
    """True if its timers stand still meanwhile."""


@dataclass(frozen=True)
class WorkflowExecutionDescription:
    """A run, as `describe` found it."""

    id: str
    run_id: str
    namespace: str
    workflow_type: str
    task_queue: str
    status: WorkflowExecutionStatus | None
    parent_id: str | None
    """The workflow that has started it as a child."""
    parent_run_id: str | None
    root_id: str | None
    """The workflow at the top of the tree of children; this one, if it has no parent."""
    root_run_id: str | None
    start_time: datetime
    execution_time: datetime
    """The time when its first turn was, or is, due."""
    close_time: datetime | None
    history_length: int
    attempt: int
    current_details: str
    """The text that the run says about itself now; see `workflow.set_current_details`."""
    paused: PauseInfo | None
    """None: it is not paused."""
    pending_activities: tuple[PendingActivityInfo, ...]
    pending_children: tuple[PendingChildInfo, ...]
    pending_timers: int
    phase: str
    """recovering, running, deferred, draining, stopped; or passivated: not in memory."""
    waiting_for: str | None
    """The thing that the run needs before its code can go on: a worker, or a mended program; None: nothing."""
    failed_turns: int
    """The number of turns in a row in which its code failed."""
    next_turn_at: datetime | None
    """The time when the engine tries failed code again."""
    _start: WorkflowStarted = field(repr=False)
    _attributes: Mapping[str, object] = field(repr=False)
    _memo: Mapping[str, Payload] = field(repr=False)
    _data_converter: DataConverter = field(repr=False)

    @property
    def data_converter(self) -> DataConverter:
        """The converter that turns the run's payloads into values."""
        return self._data_converter

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

    async def static_summary(self) -> str | None:
        """Return the line for people that the run was started with."""
        return self._start.summary or None

    async def static_details(self) -> str | None:
        """Return the text for people that the run was started with."""
        return self._start.details or None

    async def memo(self) -> Mapping[str, Any]:
        """Return the memo, each value as JSON gives it."""
        return {key: self._memo_value(key, Any) for key in self._memo}

    @overload
    async def memo_value(self, key: str, default: Any = ...) -> Any: ...
    @overload
    async def memo_value(self, key: str, *, type_hint: type[T]) -> T: ...
    @overload
    async def memo_value(self, key: str, default: D, *, type_hint: type[T]) -> D | T: ...
    async def memo_value(self, key: str, default: Any = NO_ARG, *, type_hint: type | None = None) -> Any:
        """Return one value of the memo.

        Args:
            key: its name.
            default: in place of a value that is not there.
            type_hint: the type to decode the value to; None: as JSON gives it.

        Raises:
            KeyError: there is no such value, and no default.
            PayloadDecodeError: the value does not fit the hint.
        """
        if key in self._memo:
            return self._memo_value(key, Any if type_hint is None else type_hint)
        if default is NO_ARG:
            raise KeyError(key)
        return default

    def _memo_value(self, key: str, hint: Any) -> Any:
        return self._data_converter.payload_converter.decode(self._memo[key], hint, where=f"memo {key!r}")


def _time(ns: int | None) -> datetime | None:
    return datetime.fromtimestamp(ns / 1_000_000_000, UTC) if ns else None


def described(snapshot: Snapshot, data_converter: DataConverter) -> WorkflowExecutionDescription:
    """Return a run as a snapshot of the engine shows it.

    Args:
        snapshot: the run's state and its troubles.
        data_converter: the client's; it is asked for one in the context of the workflow.
    """
    state = snapshot.execution
    started = state.start
    converter = for_workflow(data_converter, started.workflow_id)
    begun = datetime.fromtimestamp(started.at / 1_000_000_000, UTC)
    return WorkflowExecutionDescription(
        id=started.workflow_id,
        run_id=state.run_id,
        namespace="default",
        workflow_type=started.workflow_type,
        task_queue=started.task_queue,
        status=state.status,
        parent_id=started.parent_workflow_id or None,
        parent_run_id=started.parent_run_id or None,
        root_id=started.root_workflow_id or started.workflow_id,
        root_run_id=started.root_run_id or state.run_id,
        start_time=begun,
        execution_time=_time(started.first_turn_at) or begun,
        close_time=_time(state.closed.at) if state.closed is not None else None,
        history_length=state.version,
        attempt=started.attempt,
        current_details=state.current_details,
        paused=_pause(state),
        pending_activities=_activities(state, converter),
        pending_children=_children(state),
        pending_timers=len(state.timers),
        phase=snapshot.phase,
        waiting_for=_waiting_for(snapshot),
        failed_turns=snapshot.failed_turns,
        next_turn_at=_time(snapshot.retry_at),
        _start=started,
        _attributes=dict(state.search_attributes),
        _memo=state.memo,
        _data_converter=converter,
    )


def _waiting_for(snapshot: Snapshot) -> str | None:
    state, trouble = snapshot.execution, snapshot.trouble
    if trouble is not None:
        return f"{type(trouble).__name__}: {trouble}"
    return state.deferred.reason if state.deferred is not None and state.is_open else None


def _pause(state: WorkflowExecution) -> PauseInfo | None:
    paused = state.paused
    if paused is None:
        return None
    return PauseInfo(
        note=paused.note,
        since=datetime.fromtimestamp(paused.at / 1_000_000_000, UTC),
        identity=paused.identity,
        freeze_timers=paused.freeze_timers,
    )


def _activities(state: WorkflowExecution, converter: DataConverter) -> tuple[PendingActivityInfo, ...]:
    return tuple(
        PendingActivityInfo(
            activity_id=pending.scheduled.activity_id or str(pending.scheduled.seq),
            activity_type=pending.scheduled.activity_type,
            phase="outside" if _is_outside(pending) else pending.phase.label,
            attempt=pending.attempt,
            next_attempt_at=None if pending.outside else _time(pending.next_at),
            last_failure=_message(pending.last_failure, converter) if pending.last_failure is not None else None,
        )
        for pending in state.activities.values()
    )


def _message(failure: Failure, converter: DataConverter) -> str:
    """Return a failure's message, which the failure converter may have hidden; as it is stored, if that fails."""
    try:
        error = converter.failure_converter.from_failure(failure, converter.payload_converter)
    except Exception:  # noqa: BLE001 - the user's converter; whoever describes a run in trouble needs all the rest
        return failure.message
    return str(getattr(error, "message", "") or failure.message)


def _is_outside(pending: PendingActivity) -> bool:
    """True if the outcome is to come from outside, and nobody has asked those there to stop."""
    return pending.outside and pending.phase is ActivityPhase.SCHEDULED


def _children(state: WorkflowExecution) -> tuple[PendingChildInfo, ...]:
    """Return the children that an open run waits for; a closed run waits for none."""
    return tuple(
        PendingChildInfo(
            workflow_id=child.initiated.workflow_id,
            run_id=child.run_id or None,
            workflow_type=child.initiated.workflow_type,
            phase=child.phase.name.lower(),
        )
        for child in state.children.values()
        if state.is_open
    )
