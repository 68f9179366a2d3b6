"""The view of a stand-alone activity, read from the events of the run behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.definitions.job import activity_id_of, job_of
from understudy.events.activity import (
    ACTIVITY_ENDS,
    ActivityCompletionDeferred,
    ActivityHeartbeatRecorded,
    ActivityRetryScheduled,
    ActivityScheduled,
)
from understudy.events.workflow import CLOSING, WorkflowCancelRequested, WorkflowStarted

if TYPE_CHECKING:
    from understudy.events.event import Event
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["JobView"]


class JobView:
    """A job as its events tell of it; times in ns since the epoch, 0: not known, or not yet."""

    def __init__(self, run_id: str, events: Sequence[Event]) -> None:
        """Read the events of a run, from the first one on."""
        started: Any = events[0]
        self.started: WorkflowStarted = started
        self.job = job_of(started)
        self.activity_id = activity_id_of(started.workflow_id)
        self.run_id = run_id
        self.scheduled_at = 0
        """The time when the activity was asked for, which is later than the start if that was delayed."""
        self.attempt = 1
        self.outside = False
        """True if the attempt is completed from outside."""
        self.cancel_requested: WorkflowCancelRequested | None = None
        self.heartbeats = 0
        self.heartbeat_at = 0
        self.heartbeat_details: tuple[Payload, ...] = ()
        self.attempt_ended_at = 0
        self.next_at = 0
        """The time when the next attempt is due, while the activity backs off."""
        self.last_failure: Failure | None = None
        self.identity = ""
        """The identity of the worker that completed it."""
        self.closing: Event | None = None
        for event in events:
            see = _SEEN.get(type(event))
            if see is not None:
                see(self, event)

    def _scheduled(self, event: ActivityScheduled) -> None:
        self.scheduled_at = event.at

    def _cancel(self, event: WorkflowCancelRequested) -> None:
        self.cancel_requested = event

    def _beat(self, event: ActivityHeartbeatRecorded) -> None:
        self.heartbeats += 1
        self.heartbeat_at = event.at
        self.heartbeat_details = event.details

    def _deferred(self, _event: ActivityCompletionDeferred) -> None:
        self.outside = True

    def _again(self, event: ActivityRetryScheduled) -> None:
        self.attempt = event.attempt + 1
        self.outside = False
        self.attempt_ended_at, self.next_at = event.at, event.next_at
        self.last_failure = event.failure
        if event.heartbeat_details is not None:
            self.heartbeat_details = event.heartbeat_details

    def _ended(self, event: Any) -> None:
        self.attempt = event.attempt
        self.attempt_ended_at, self.next_at = event.at, 0
        self.identity = getattr(event, "identity", "")
        failure: Failure | None = getattr(event, "failure", None)
        if failure is not None:
            self.last_failure = failure.cause or failure

    def _closed(self, event: Event) -> None:
        self.closing = event


_SEEN: Final[dict[type[Event], Callable[[JobView, Any], None]]] = {
    ActivityScheduled: JobView._scheduled,  # noqa: SLF001 - the table belongs to the class above
    WorkflowCancelRequested: JobView._cancel,  # noqa: SLF001 - the same
    ActivityHeartbeatRecorded: JobView._beat,  # noqa: SLF001 - the same
    ActivityCompletionDeferred: JobView._deferred,  # noqa: SLF001 - the same
    ActivityRetryScheduled: JobView._again,  # noqa: SLF001 - the same
    **dict.fromkeys(ACTIVITY_ENDS, JobView._ended),  # noqa: SLF001 - the same
    **dict.fromkeys(CLOSING, JobView._closed),  # noqa: SLF001 - the same
}
