"""Activities as the code of a run sees them: a local one that is under way, and the error of one that was cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from understudy.events.failure_errors import ActivityError, CancelledError
from understudy.events.policy import RetryState
from understudy.events.serialization import for_activity

if TYPE_CHECKING:
    from understudy.actors.behaviors.context import Context
    from understudy.actors.behaviors.handle import ActivityHandle
    from understudy.events.activity import ActivityScheduled

__all__ = ["LocalActivities", "LocalActivity", "as_of_activity", "canceled_activity", "tell_converters"]

C = TypeVar("C")


class LocalActivity:
    """A local activity that the code asked for and that has no outcome yet; nothing of it is recorded before."""

    __slots__ = ("canceled", "handle", "scheduled")

    def __init__(self, scheduled: ActivityScheduled, handle: ActivityHandle[Any]) -> None:
        """Wait for an outcome; `scheduled` is never stored, it carries the options."""
        self.scheduled = scheduled
        self.handle = handle
        self.canceled = False


class LocalActivities:
    """Those of one run; made when the first is asked for."""

    __slots__ = ("asked", "dropped", "pending")

    def __init__(self) -> None:
        """Begin with none."""
        self.pending: dict[int, LocalActivity] = {}
        """Without an outcome, by number."""
        self.asked: list[LocalActivity] = []
        self.dropped: list[LocalActivity] = []
        """What the shell has not taken yet: new ones, and those that are to be cancelled."""

    def ask(self, local: LocalActivity) -> None:
        """Let the shell run one."""
        self.pending[local.scheduled.seq] = local
        self.asked.append(local)

    def drop(self, seq: int) -> None:
        """Let the shell cancel one, if it has no outcome."""
        local = self.pending.get(seq)
        if local is not None:
            local.canceled = True
            self.dropped.append(local)

    def take(self) -> tuple[list[LocalActivity], list[LocalActivity]]:
        """Return what was asked and dropped since the last time."""
        asked, dropped = self.asked, self.dropped
        self.asked, self.dropped = [], []
        return asked, dropped


def canceled_activity(scheduled: ActivityScheduled) -> ActivityError:
    """Return the error of an activity that was cancelled without waiting for its outcome."""
    error = ActivityError(
        "Activity cancelled",
        scheduled_event_id=scheduled.seq,
        started_event_id=0,
        identity="",
        activity_type=scheduled.activity_type,
        activity_id=scheduled.activity_id or str(scheduled.seq),
        retry_state=RetryState.CANCEL_REQUESTED,
    )
    error.__cause__ = CancelledError("Cancelled")
    return error


def as_of_activity(  # noqa: PLR0913 - what an activity is known by
    context: Context, of: C, *, seq: int, activity_type: str, options: Mapping[str, Any], is_local: bool
) -> C:
    """Return a converter of the run as it is for the values of one of its activities; the same if it asks for none.

    Args:
        context: of the run.
        of: a payload converter, or a failure converter.
        seq: the activity's number.
        activity_type: its name.
        options: fields of its event; `activity_id` and `task_queue` are looked for.
        is_local: whether it is a local one.
    """
    start = context.execution.start
    return for_activity(
        of,
        activity_id=options.get("activity_id") or str(seq),
        activity_type=activity_type,
        task_queue=options.get("task_queue") or start.task_queue,
        workflow_id=start.workflow_id,
        workflow_type=start.workflow_type,
        is_local=is_local,
    )


def tell_converters(
    context: Context, handle: ActivityHandle[Any], scheduled: ActivityScheduled, *, is_local: bool
) -> None:
    """Let the converters that read an activity's outcome know whose it is."""
    seq, name = scheduled.seq, scheduled.activity_type
    options = {"activity_id": scheduled.activity_id, "task_queue": scheduled.task_queue}
    handle.converter = as_of_activity(
        context, context.converter, seq=seq, activity_type=name, options=options, is_local=is_local
    )
    handle.failures = as_of_activity(
        context, context.failures, seq=seq, activity_type=name, options=options, is_local=is_local
    )
