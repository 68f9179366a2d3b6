"""Effects: what the shell does once a turn's events are on disk (EFFECT-AFTER).

One function an event, in the table at the end; most events have none. `make_up` does the same for a run that comes
back: from the state, not from events, since a crash may have swallowed any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from understudy.actors.activities.assignment import assignment_of, local_assignment_of
from understudy.actors.behaviors.decisions.activities import attempts_due, overdue
from understudy.actors.behaviors.definitions.job import is_job
from understudy.events.activity import ActivityCancelRequested, ActivityPhase, ActivityScheduled, ActivityTimedOut
from understudy.events.child import ChildCancelRequested, ChildInitiated
from understudy.events.options.policies import TimeoutType
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested
from understudy.events.update import UpdateCompleted
from understudy.events.workflow import CLOSING, WorkflowUnpaused

if TYPE_CHECKING:
    from understudy.actors.activities.supervisor import ActivitySupervisor
    from understudy.actors.clock import Clock
    from understudy.actors.relations.children import Children
    from understudy.actors.relations.closing import Closing
    from understudy.actors.relations.outbound import Outbound
    from understudy.actors.runs.live_run import LiveRun
    from understudy.actors.runs.turn import Part
    from understudy.actors.runs.waiters import Waiters
    from understudy.actors.timers import Timers
    from understudy.events.event import Event
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["Effects", "Relations"]


class Relations(NamedTuple):
    """The parts of a system that deal with several runs: with children, with messages, with ends of runs."""

    children: Children
    outbound: Outbound
    closing: Closing


class Effects:
    """Does what follows a commit; used on the engine's loop.

    Args:
        clock: the time, ns since the epoch.
        activities: makes attempts.
        timers: wakes runs.
        waiters: those who wait for ends and updates.
        relations: returns what runs have to do with other runs; asked for when a run has to do with another.
        try_at_once: lets a run whose code is not live try it now, by run id.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands everything in
        self,
        *,
        clock: Clock,
        activities: ActivitySupervisor,
        timers: Timers,
        waiters: Waiters,
        relations: Callable[[], Relations],
        try_at_once: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._activities = activities
        self._timers = timers
        self._waiters = waiters
        self._relations = relations
        self._try_at_once = try_at_once

    def of_part(self, part: Part) -> None:
        """Do what the events of one run's part of a committed turn ask for."""
        run = part.run
        if self._waiters.tails:
            self._waiters.grew(run.run_id)
        for event in part.events:
            effect = _EFFECTS.get(type(event))
            if effect is not None:
                effect(self, run, event)
        state = run.state
        if not state.is_open:
            return
        code = run.code
        for scheduled in part.new_local_activities:
            # Rebuilt code asks again for local activities whose outcome is already queued in the mailbox: skip those.
            if code is not None and code.local(scheduled.seq) is not None:
                self._activities.dispatch_local(local_assignment_of(state, scheduled))
        for seq in part.canceled_local_activities:
            self._activities.cancel_local(run.run_id, seq, "cancelled by the workflow")
        if part.woken:
            self._start_due_attempts(run)
        self._see_to_time(run)

    def make_up(self, run: LiveRun, ended: AbstractSet[tuple[int, int]]) -> None:
        """Do what a run that came back may have lost: attempts that have not `ended`, cancellations, its wake-up."""
        state = run.state
        now = self._clock()
        for pending in attempts_due(state, now):
            if (pending.scheduled.seq, pending.attempt) in ended:
                continue
            if pending.phase is ActivityPhase.CANCELING:
                self._cancel(run, pending.scheduled.seq)
            else:
                self._dispatch(run, pending.scheduled.seq)
        for pending in state.activities.values():
            if pending.outside and pending.scheduled.heartbeat:
                self._activities.wait_outside(assignment_of(state, pending))
        self._waiters.back(run.run_id, state.updates)
        for child in list(state.children.values()):
            self._relations().children.look_at_child(run, child)
        for message in list(state.outbound.values()):
            self._relations().outbound.send(run, message, again=True)
        self._see_to_time(run)

    def make_up_end(self, run: LiveRun, closing: Event, *, again: bool = True) -> None:
        """Tell those who wait for the end of a run that came back closed: only the report of its last turn was lost."""
        self._timers.forget(run.run_id)
        self._activities.drop_all(run.run_id, "the workflow closed")
        self._waiters.back(run.run_id, run.state.updates)
        self._waiters.closed(run.run_id, closing)
        if run.state.owes:
            self._relations().closing.settle(run, again=again)
        if run.state.start.parent_run_id:
            self._relations().children.tell_parent(run, closing)

    def _see_to_time(self, run: LiveRun) -> None:
        """Set the next wake-up of a run."""
        self._timers.set(run.run_id, run.state.next_deadline())

    def left(self, run: LiveRun) -> None:
        """Let a wake-up leave memory with its run, if its execution row has it and it is far off."""
        state, row = run.state, run.last_row
        if row is not None and row[1] == state.next_deadline():
            self._timers.release(run.run_id, beyond=self._timers.horizon)

    def _start_due_attempts(self, run: LiveRun) -> None:
        """Dispatch every attempt whose back-off is over, and end those outside that have taken too long."""
        now = self._clock()
        for pending in attempts_due(run.state, now):
            if pending.phase is ActivityPhase.BACKING_OFF:
                self._dispatch(run, pending.scheduled.seq)
        for pending in overdue(run.state, now):
            self._activities.time_out_outside(run.run_id, pending)

    # -- one method an event -----------------------------------------------------------------------------------------

    def _scheduled(self, run: LiveRun, event: ActivityScheduled) -> None:
        self._dispatch(run, event.seq)

    def _dispatch(self, run: LiveRun, seq: int) -> None:
        state = run.state
        pending = state.activities.get(seq)
        if pending is None or pending.phase is ActivityPhase.CANCELING:
            return
        self._activities.dispatch(assignment_of(state, pending))

    def _cancel_requested(self, run: LiveRun, event: ActivityCancelRequested) -> None:
        self._cancel(run, event.seq)

    def _cancel(self, run: LiveRun, seq: int) -> None:
        pending = run.state.activities.get(seq)
        if pending is not None and not pending.outside:  # whoever completes it hears of it at the next heartbeat
            self._activities.cancel(run.run_id, seq, pending.attempt, _why(run.state))

    def _timed_out(self, run: LiveRun, event: ActivityTimedOut) -> None:
        if event.timeout_type is TimeoutType.SCHEDULE_TO_CLOSE:
            self._activities.drop(run.run_id, event.seq, "ScheduleToClose timeout")

    def _child_initiated(self, run: LiveRun, event: ChildInitiated) -> None:
        self._relations().children.start_child(run, event.seq)

    def _child_cancel_requested(self, run: LiveRun, event: ChildCancelRequested) -> None:
        self._relations().children.cancel_child(run, event.seq)

    def _message_asked(self, run: LiveRun, event: ExternalSignalRequested | ExternalCancelRequested) -> None:
        self._relations().outbound.send(run, event)

    def _unpaused(self, run: LiveRun, _event: WorkflowUnpaused) -> None:
        run.drop_code()  # it has not seen the facts that came meanwhile: new code takes them up
        self._try_at_once(run.run_id)

    def _updated(self, run: LiveRun, event: UpdateCompleted) -> None:
        self._waiters.updated(run.run_id, event)

    def _closed(self, run: LiveRun, event: Event) -> None:
        self.make_up_end(run, event, again=False)


def _why(state: WorkflowExecution) -> str:
    """Return the reason why a run cancels an activity, for the activity's code."""
    if not is_job(state.start.workflow_id):
        return "cancelled by the workflow"
    asked = state.cancel_requested
    return (asked.reason if asked is not None else "") or "Cancelled"


_EFFECTS: Final[dict[type[Event], Callable[[Effects, LiveRun, Any], None]]] = {
    ActivityScheduled: Effects._scheduled,  # noqa: SLF001 - the table belongs to the class above
    ActivityCancelRequested: Effects._cancel_requested,  # noqa: SLF001
    ActivityTimedOut: Effects._timed_out,  # noqa: SLF001
    ChildInitiated: Effects._child_initiated,  # noqa: SLF001
    ChildCancelRequested: Effects._child_cancel_requested,  # noqa: SLF001
    ExternalSignalRequested: Effects._message_asked,  # noqa: SLF001
    ExternalCancelRequested: Effects._message_asked,  # noqa: SLF001
    WorkflowUnpaused: Effects._unpaused,  # noqa: SLF001
    UpdateCompleted: Effects._updated,  # noqa: SLF001
    **dict.fromkeys(CLOSING, Effects._closed),  # noqa: SLF001
}
