"""The activities of a run, as its code sees them: those without an outcome, normal and local, and their ids.

Also what goes with each: the error of one that was cancelled, and converters that know whose values they convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from understudy.events.converters.in_context import for_activity
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Request
from understudy.events.failures.exceptions import ActivityError, CancelledError
from understudy.events.options.policies import RetryState

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.handles import ActivityHandle
    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.events.activity import ActivityScheduled
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Activities", "LocalActivities", "LocalActivity", "as_of_activity", "canceled_activity", "tell_converters"]

C = TypeVar("C")

_MOST_DIGITS: Final = 16
"""More than the number of any activity has."""


class Activities(dict[int, "ActivityHandle[Any]"]):
    """The activities of one run that have no outcome, by number; no two of them have the same id."""

    __slots__ = ("_ids", "_numbers")

    def __init__(self) -> None:
        """Begin without any activity."""
        super().__init__()
        self._ids: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        """The ids that the code has given, by number, and the numbers by id; without an id, the number is the id."""

    def name(self, recorder: Recorder, scheduled: ActivityScheduled) -> None:
        """Remember the id of an activity that the code asks for.

        Raises:
            InvalidArgumentError: an open activity has it; who completes it from outside could not say which is meant.
        """
        if not (scheduled.activity_id or self._ids) or recorder.read_only or recorder.closed:
            return
        name = scheduled.activity_id or str(scheduled.seq)
        other = self._open(name)
        if other and not _is_recorded(recorder, scheduled):
            raise InvalidArgumentError(
                what="activity_id",
                got=f"{name!r}, the id of activity #{other} of this run, which is still open",
                expected="an id that no open activity has",
                fix="Give each an id of its own, or wait until the other one has ended; a cancelled one is open until "
                "it has",
            )
        if scheduled.activity_id:
            self._ids[scheduled.seq], self._numbers[name] = name, scheduled.seq

    def _open(self, name: str) -> int:
        """Return the number of the open activity with this id; 0: there is none."""
        number = self._numbers.get(name, 0)
        if number not in self and name.isdecimal() and len(name) < _MOST_DIGITS:
            number = int(name)
            if number in self._ids or str(number) != name:
                return 0
        return number if number in self else 0


def _is_recorded(recorder: Recorder, scheduled: ActivityScheduled) -> bool:
    """True if a replay finds the activity at its place: an engine that did not look at ids has let it in."""
    for recorded in recorder.history[recorder.cursor :] if recorder.cursor >= 0 else ():
        if scheduled.same_request(recorded):
            return True
        if not (isinstance(recorded, Request) and recorded.may_be_missing):
            break
    return False


class LocalActivity:
    """A local activity that the code asked for and that has no outcome yet; nothing of it is recorded before."""

    __slots__ = ("canceled", "handle", "scheduled")

    def __init__(self, scheduled: ActivityScheduled, handle: ActivityHandle[Any]) -> None:
        """Wait for an outcome; `scheduled` is never stored, it carries the options."""
        self.scheduled = scheduled
        self.handle = handle
        self.canceled = False


class LocalActivities:
    """The local activities of one run; made when the code asks for the first."""

    __slots__ = ("canceled_local_activities", "new_local_activities", "pending")

    def __init__(self) -> None:
        """Begin without any activity."""
        self.pending: dict[int, LocalActivity] = {}
        """The local activities without an outcome, by number."""
        self.new_local_activities: list[LocalActivity] = []
        self.canceled_local_activities: list[LocalActivity] = []
        """The local activities that the shell has not taken yet: to be run, and to be cancelled."""

    def ask(self, local: LocalActivity) -> None:
        """Let the shell run a local activity."""
        self.pending[local.scheduled.seq] = local
        self.new_local_activities.append(local)

    def cancel(self, seq: int) -> None:
        """Let the shell cancel a local activity, if it has no outcome."""
        local = self.pending.get(seq)
        if local is not None:
            local.canceled = True
            self.canceled_local_activities.append(local)

    def take(self) -> tuple[list[LocalActivity], list[LocalActivity]]:
        """Return the new and the canceled local activities since the last call."""
        taken = self.new_local_activities, self.canceled_local_activities
        self.new_local_activities, self.canceled_local_activities = [], []
        return taken


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
    start: WorkflowStarted, of: C, *, seq: int, activity_type: str, options: Mapping[str, Any], is_local: bool
) -> C:
    """Return a converter of the run that knows it converts values of one activity; the same one if it takes no context.

    Args:
        start: the first event of the run.
        of: a payload converter, or a failure converter.
        seq: the activity's number.
        activity_type: its name.
        options: fields of its event; `activity_id` and `task_queue` are looked for.
        is_local: True if it is a local one.
    """
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
    start: WorkflowStarted, handle: ActivityHandle[Any], scheduled: ActivityScheduled, *, is_local: bool
) -> None:
    """Replace a handle's converters, which are the run's, by those of its activity."""
    seq, name = scheduled.seq, scheduled.activity_type
    options = {"activity_id": scheduled.activity_id, "task_queue": scheduled.task_queue}
    handle.converter = as_of_activity(
        start, handle.converter, seq=seq, activity_type=name, options=options, is_local=is_local
    )
    handle.failures = as_of_activity(
        start, handle.failures, seq=seq, activity_type=name, options=options, is_local=is_local
    )
