"""What a client sees of a run: its description at one moment, and its history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

import msgspec

from understudy.events.catalogue import TOPICS, decode_event
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Event, encode_event
from understudy.events.policy import WorkflowExecutionStatus

if TYPE_CHECKING:
    from understudy.actors.service import Snapshot
    from understudy.events.payload import Payload, PayloadConverter
    from understudy.events.search import TypedSearchAttributes

__all__ = ["PendingActivityInfo", "WorkflowExecutionDescription", "WorkflowHistory", "describe"]


@dataclass(frozen=True)
class PendingActivityInfo:
    """An activity without an outcome."""

    activity_id: str
    activity_type: str
    phase: str
    attempt: int
    next_attempt_at: datetime | None
    last_failure: str | None


@dataclass(frozen=True)
class WorkflowExecutionDescription:
    """A run, as `describe` found it."""

    id: str
    run_id: str
    workflow_type: str
    task_queue: str
    status: WorkflowExecutionStatus | None
    start_time: datetime
    execution_time: datetime
    close_time: datetime | None
    history_length: int
    attempt: int
    search_attributes: dict[str, Any]
    pending_activities: tuple[PendingActivityInfo, ...]
    pending_timers: int
    phase: str
    """recovering, running, deferred, draining, stopped; or passivated: not in memory."""
    waiting_for: str | None
    """What the run needs before its code can go on: a worker, or a mended program; None: nothing."""
    failed_turns: int
    """How often in a row its code failed."""
    next_turn_at: datetime | None
    """When failed code is tried again."""
    static_summary: str | None
    static_details: str | None
    _memo: Mapping[str, Payload] = field(repr=False)
    _converter: PayloadConverter = field(repr=False)

    @property
    def typed_search_attributes(self) -> TypedSearchAttributes:
        """The search attributes, by their typed keys."""
        from understudy.events.search import from_stored

        return from_stored(self.search_attributes)

    async def memo(self) -> dict[str, Any]:
        """Return the memo, each value as JSON gives it."""
        return {key: self._converter.decode(value, Any, where=f"memo {key!r}") for key, value in self._memo.items()}


@dataclass(frozen=True)
class WorkflowHistory:
    """The events of one run."""

    workflow_id: str
    run_id: str
    events: tuple[Event, ...]

    def to_json(self) -> str:
        """Return the history as JSON that `from_json` reads, one event a line; payloads stay as they are."""
        named = {"workflow_id": self.workflow_id, "run_id": self.run_id}
        lines = b",\n".join(map(_as_json, self.events))
        return (msgspec.json.encode(named)[:-1] + b',"events":[\n' + lines + b"\n]}\n").decode()

    def to_json_dict(self) -> dict[str, Any]:
        """Return the JSON of `to_json` as plain Python data; numbers become Python's, so 1.10 comes back as 1.1."""
        data: dict[str, Any] = json.loads(self.to_json())
        return data

    @overload
    @staticmethod
    def from_json(workflow_id: str, history: str | Mapping[str, Any]) -> WorkflowHistory: ...
    @overload
    @staticmethod
    def from_json(workflow_id: str | Mapping[str, Any]) -> WorkflowHistory: ...
    @staticmethod
    def from_json(
        workflow_id: str | Mapping[str, Any], history: str | Mapping[str, Any] | None = None
    ) -> WorkflowHistory:
        """Return the history that `to_json` or `to_json_dict` wrote, also an earlier release's.

        Args:
            workflow_id: the id that the history shall have; it may be left out, then the history's own counts.
            history: what was written.

        Raises:
            InvalidArgumentError: it is no such JSON.
        """
        own_id, written = (None, workflow_id) if history is None else (str(workflow_id), history)
        try:
            text = written if isinstance(written, str) else json.dumps(written)
            stored = msgspec.json.decode(text, type=_StoredHistory)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise _no_history(error) from error
        events = tuple(_from_json(number, fields) for number, fields in enumerate(stored.events, 1))
        return WorkflowHistory(own_id if own_id is not None else stored.workflow_id, stored.run_id, events)


class _StoredHistory(msgspec.Struct):
    """What `to_json` writes: of each event the fields of its own, and its topic."""

    workflow_id: str
    run_id: str
    events: list[dict[str, msgspec.Raw]]


def _as_json(event: Event) -> bytes:
    topic = msgspec.json.encode({"topic": TOPICS[type(event)]})
    return topic[:-1] + b"," + encode_event(event)[1:]  # every event has a time, so there is something behind the comma


def _from_json(number: int, fields: dict[str, msgspec.Raw]) -> Event:
    try:
        topic = msgspec.json.decode(fields.pop("topic"), type=str)
        return decode_event(topic, msgspec.json.encode(fields))
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise _no_history(error, f"event {number}: ") from error


def _no_history(error: Exception, where: str = "") -> InvalidArgumentError:
    return InvalidArgumentError(
        what="the history",
        got=f"{where}{error!r}",
        expected="JSON that WorkflowHistory.to_json wrote",
        fix="Pass what to_json or to_json_dict of this or an earlier release returned",
    )


def _time(ns: int | None) -> datetime | None:
    return datetime.fromtimestamp(ns / 1_000_000_000, UTC) if ns else None


def describe(snapshot: Snapshot, converter: PayloadConverter) -> WorkflowExecutionDescription:
    """Return what a snapshot says, for users."""
    state = snapshot.execution
    started = state.start
    begun = datetime.fromtimestamp(started.at / 1_000_000_000, UTC)
    trouble = snapshot.trouble
    waiting = f"{type(trouble).__name__}: {trouble}" if trouble is not None else None
    if waiting is None and state.deferred is not None and state.is_open:
        waiting = state.deferred.reason
    return WorkflowExecutionDescription(
        id=started.workflow_id,
        run_id=state.run_id,
        workflow_type=started.workflow_type,
        task_queue=started.task_queue,
        status=state.status,
        start_time=begun,
        execution_time=_time(started.first_turn_at) or begun,
        close_time=_time(state.closed.at) if state.closed is not None else None,
        history_length=state.version,
        attempt=started.attempt,
        search_attributes=dict(state.search_attributes),
        pending_activities=tuple(
            PendingActivityInfo(
                activity_id=pending.scheduled.activity_id or str(pending.scheduled.seq),
                activity_type=pending.scheduled.activity_type,
                phase=pending.phase.label,
                attempt=pending.attempt,
                next_attempt_at=_time(pending.next_at),
                last_failure=pending.last_failure.message if pending.last_failure is not None else None,
            )
            for pending in state.activities.values()
        ),
        pending_timers=len(state.timers),
        phase=snapshot.phase,
        waiting_for=waiting,
        failed_turns=snapshot.failed_turns,
        next_turn_at=_time(snapshot.retry_at),
        static_summary=started.summary or None,
        static_details=started.details or None,
        _memo=state.memo,
        _converter=converter,
    )
