"""An assignment: one attempt of one activity, as its run asks for it and as a worker gets it.

The effects of a turn make it of what the run knows, and hand it to the supervisor of activities. What follows reads
from it and never changes it: task queues, the call of the user's function, log records, another process. An attempt
that is made again, after its worker stopped or after a local back-off, gets a changed copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from understudy.actors.behaviors.definitions.job import is_job
from understudy.events.converters.in_context import for_activity
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from understudy.events.activity import ActivityScheduled
    from understudy.events.payloads.payload import Payload
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.state.pending import PendingActivity

__all__ = ["Assignment", "assignment_of", "local_assignment_of"]

C = TypeVar("C")


class Assignment(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Says which attempt of which activity is to be made, for whom, and where a worker is looked for."""

    run_id: str
    workflow_id: str
    """Empty if no workflow asked for the activity: it is a job."""
    workflow_type: str
    scheduled: ActivityScheduled
    task_queue: str
    key: int
    """The activity's key in its run: local activities share the numbers of the others, and get a minus sign."""
    number: int = 1
    details: tuple[Payload, ...] = ()
    """Heartbeat details of the previous attempt."""
    is_local: bool = False

    @property
    def label(self) -> Phrase:
        """The words by which messages name the activity, and whose it is."""
        workflow_id, scheduled = self.workflow_id, self.scheduled
        if workflow_id:
            return Phrase("activity {!r} of workflow {!r}", (scheduled.activity_type, workflow_id))
        return Phrase("activity {!r} with the id {!r}", (scheduled.activity_type, scheduled.activity_id))

    def as_of(self, converter: C) -> C:
        """Return a converter as it is for this activity: told whose values it converts, if it asks for that."""
        scheduled = self.scheduled
        return for_activity(
            converter,
            activity_id=scheduled.activity_id or str(scheduled.seq),
            activity_type=scheduled.activity_type,
            task_queue=self.task_queue,
            workflow_id=self.workflow_id or None,
            workflow_type=self.workflow_type or None,
            is_local=self.is_local,
        )


def assignment_of(state: WorkflowExecution, pending: PendingActivity) -> Assignment:
    """Return the assignment for the current attempt of an activity that a run waits for."""
    start, scheduled = state.start, pending.scheduled
    alone = is_job(start.workflow_id)
    return Assignment(
        run_id=state.run_id,
        workflow_id="" if alone else start.workflow_id,
        workflow_type="" if alone else start.workflow_type,
        scheduled=scheduled,
        task_queue=scheduled.task_queue or start.task_queue,
        key=scheduled.seq,
        number=pending.attempt,
        details=pending.heartbeat_details,
    )


def local_assignment_of(state: WorkflowExecution, scheduled: ActivityScheduled) -> Assignment:
    """Return the assignment for the first attempt of a local activity, on a worker of the run's own task queue."""
    start = state.start
    return Assignment(
        run_id=state.run_id,
        workflow_id=start.workflow_id,
        workflow_type=start.workflow_type,
        scheduled=scheduled,
        task_queue=start.task_queue,
        key=-scheduled.seq,
        is_local=True,
    )
