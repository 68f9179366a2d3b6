"""Effects: what the shell does once a turn's events are on disk (EFFECT-AFTER).

One function an event, in the table at the end; most events have none. `make_up` does the same for a run that comes
back: from the state, not from events, since a crash may have swallowed any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

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
    from understudy.actors.relations.children import Related
    from understudy.actors.runs.actor import WorkflowActor
    from understudy.actors.runs.supervisor import Workflows
    from understudy.actors.runs.turn import Part
    from understudy.actors.runs.waiters import Outcomes
    from understudy.actors.timers import Timers
    from understudy.events.event import Event
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["Effects"]


class Effects:
    """The doer; used on the engine's loop."""

    related: Related
    """Set by the composition root, since it acts through what acts through this."""

    def __init__(
        self, workflows: Workflows, activities: ActivitySupervisor, timers: Timers, outcomes: Outcomes
    ) -> None:
        """Do things through these."""
        self.workflows = workflows
        self.activities = activities
        self.timers = timers
        self.outcomes = outcomes

    def of_part(self, part: Part) -> None:
        """Do what the events of one actor's part of a committed turn ask for."""
        actor = part.actor
        if self.outcomes.tails:
            self.outcomes.grew(actor.run_id)
        for event in part.events:
            effect = _EFFECTS.get(type(event))
            if effect is not None:
                effect(self, actor, event)
        state = actor.state
        if not state.is_open:
            return
        run = actor.run
        for scheduled in part.local:
            # Rebuilt code asks again for local activities whose outcome is already queued in the mailbox: skip those.
            if run is not None and run.local(scheduled.seq) is not None:
                self.activities.dispatch_local(local_assignment_of(state, scheduled))
        for seq in part.local_dropped:
            self.activities.cancel_local(actor.run_id, seq, "cancelled by the workflow")
        if part.woken:
            self._start_due_attempts(actor)
        self._see_to_time(actor)

    def make_up(self, actor: WorkflowActor, ended: AbstractSet[tuple[int, int]]) -> None:
        """Do what a run that came back may have lost: attempts that have not `ended`, cancellations, its wake-up."""
        state = actor.state
        now = self.workflows.clock()
        for pending in attempts_due(state, now):
            if (pending.scheduled.seq, pending.attempt) in ended:
                continue
            if pending.phase is ActivityPhase.CANCELING:
                self._cancel(actor, pending.scheduled.seq)
            else:
                self._dispatch(actor, pending.scheduled.seq)
        for pending in state.activities.values():
            if pending.outside and pending.scheduled.heartbeat:
                self.activities.wait_outside(assignment_of(state, pending))
        self.outcomes.back(actor.run_id, state.updates)
        for child in list(state.children.values()):
            self.related.look_at_child(actor, child)
        for message in list(state.outbound.values()):
            self.related.send(actor, message, again=True)
        self._see_to_time(actor)

    def make_up_end(self, actor: WorkflowActor, closing: Event, *, again: bool = True) -> None:
        """Tell who still waits for the end of a run that came back closed: its last turn was lost only by report."""
        self.timers.forget(actor.run_id)
        self.activities.drop_all(actor.run_id, "the workflow closed")
        self.outcomes.back(actor.run_id, actor.state.updates)
        self.outcomes.closed(actor.run_id, closing)
        self.related.settle(actor, again=again)
        self.related.tell_parent(actor, closing)

    def _see_to_time(self, actor: WorkflowActor) -> None:
        """Arm the next wake-up."""
        self.timers.set(actor.run_id, actor.state.next_deadline())

    def left(self, actor: WorkflowActor) -> None:
        """The run leaves memory: a wake-up that its execution row has, and that is far off, leaves with it."""
        state, row = actor.state, actor.last_row
        if row is not None and row[1] == state.next_deadline():
            self.timers.release(actor.run_id, beyond=self.timers.horizon)

    def _start_due_attempts(self, actor: WorkflowActor) -> None:
        """Dispatch every attempt whose back-off is over, and end those outside that have taken too long."""
        now = self.workflows.clock()
        for pending in attempts_due(actor.state, now):
            if pending.phase is ActivityPhase.BACKING_OFF:
                self._dispatch(actor, pending.scheduled.seq)
        for pending in overdue(actor.state, now):
            self.activities.time_out_outside(actor.run_id, pending)

    # -- one method an event -----------------------------------------------------------------------------------------

    def _scheduled(self, actor: WorkflowActor, event: ActivityScheduled) -> None:
        self._dispatch(actor, event.seq)

    def _dispatch(self, actor: WorkflowActor, seq: int) -> None:
        state = actor.state
        pending = state.activities.get(seq)
        if pending is None or pending.phase is ActivityPhase.CANCELING:
            return
        self.activities.dispatch(assignment_of(state, pending))

    def _cancel_requested(self, actor: WorkflowActor, event: ActivityCancelRequested) -> None:
        self._cancel(actor, event.seq)

    def _cancel(self, actor: WorkflowActor, seq: int) -> None:
        pending = actor.state.activities.get(seq)
        if pending is not None and not pending.outside:  # whoever completes it hears of it at the next heartbeat
            self.activities.cancel(actor.run_id, seq, pending.attempt, _why(actor.state))

    def _timed_out(self, actor: WorkflowActor, event: ActivityTimedOut) -> None:
        if event.timeout_type is TimeoutType.SCHEDULE_TO_CLOSE:
            self.activities.drop(actor.run_id, event.seq, "ScheduleToClose timeout")

    def _child_initiated(self, actor: WorkflowActor, event: ChildInitiated) -> None:
        self.related.start_child(actor, event.seq)

    def _child_cancel_requested(self, actor: WorkflowActor, event: ChildCancelRequested) -> None:
        self.related.cancel_child(actor, event.seq)

    def _message_asked(self, actor: WorkflowActor, event: ExternalSignalRequested | ExternalCancelRequested) -> None:
        self.related.send(actor, event)

    def _unpaused(self, actor: WorkflowActor, _event: WorkflowUnpaused) -> None:
        actor.drop_code()  # it has not seen what came meanwhile: new code takes that up
        self.workflows.try_at_once(actor.run_id)

    def _updated(self, actor: WorkflowActor, event: UpdateCompleted) -> None:
        self.outcomes.updated(actor.run_id, event)

    def _closed(self, actor: WorkflowActor, event: Event) -> None:
        self.make_up_end(actor, event, again=False)
        self.workflows.closed(actor)


def _why(state: WorkflowExecution) -> str:
    """Return why a run cancels an activity, for its code."""
    if not is_job(state.start.workflow_id):
        return "cancelled by the workflow"
    asked = state.cancel_requested
    return (asked.reason if asked is not None else "") or "Cancelled"


_EFFECTS: Final[dict[type[Event], Callable[[Effects, WorkflowActor, Any], None]]] = {
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
