"""Local activities: their retries stay in memory, and their run hears of nothing but their end.

An attempt ends as the last one of its activity, or it backs off and the next one takes its place. What was lost with
the process begins again with attempt 1, since no attempt was written down.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING, Any

import msgspec

from understudy.actors.activities.attempt import Attempt, Reports
from understudy.actors.behaviors.decisions.activities import activity_failure
from understudy.actors.behaviors.decisions.commands import Command, CompleteLocalActivity, FailLocalActivity
from understudy.actors.behaviors.decisions.retry import DEFAULT_ACTIVITY_RETRY, next_attempt
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState
from understudy.events.state.pending import PendingActivity

if TYPE_CHECKING:
    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.in_flight import InFlight
    from understudy.actors.activities.task_queues import TaskQueues
    from understudy.actors.clock import Clock

__all__ = ["LocalActivities"]


class LocalActivities:
    """The local activities of one system; used on the engine's loop."""

    def __init__(
        self, clock: Clock, in_flight: InFlight, queues: TaskQueues, tell: Callable[[str, Command], None]
    ) -> None:
        """Begin without activities; `tell(run_id, command)` takes outcomes to their runs."""
        self._clock = clock
        self._in_flight = in_flight
        self._queues = queues
        self._tell = tell
        self._reports = Reports(outcome=self._ended, heartbeat=_ignore, put_back=self._put_back, deferred=_ignore)

    def start(self, assignment: Assignment) -> None:
        """Make an attempt as soon as a worker of its task queue has a slot."""
        self._queues.enqueue(Attempt(assignment, self._reports))

    def _put_back(self, attempt: Attempt) -> None:
        self._in_flight.forget(attempt)
        self.start(attempt.assignment)

    def _ended(self, attempt: Attempt, result: Any, failure: Failure | None) -> None:
        self._in_flight.forget(attempt)
        assignment = attempt.assignment
        scheduled, number = assignment.scheduled, assignment.number
        if failure is None:
            command = CompleteLocalActivity(
                seq=scheduled.seq,
                activity_type=scheduled.activity_type,
                activity_id=scheduled.activity_id,
                attempt=number,
                result=result,
            )
            self._tell(assignment.run_id, command)
            return
        state = RetryState.CANCEL_REQUESTED
        if failure.kind != "canceled":
            limit = scheduled.schedule_to_close
            at, state = next_attempt(
                scheduled.retry_policy or DEFAULT_ACTIVITY_RETRY,
                failure,
                attempt=number,
                now=self._clock(),
                deadline=scheduled.at + limit if limit else None,
                dice=random(),  # noqa: S311 - jitter
            )
            if at is not None:
                self._retry(attempt, at)
                return
        wrapped = activity_failure(PendingActivity(scheduled), failure, state, "Activity task failed")
        end = FailLocalActivity(
            seq=scheduled.seq,
            activity_type=scheduled.activity_type,
            activity_id=scheduled.activity_id,
            attempt=number,
            failure=wrapped,
        )
        self._tell(assignment.run_id, end)

    def _retry(self, attempt: Attempt, at: int) -> None:
        self._in_flight.keep(attempt)
        attempt.worker = None

        def again() -> None:
            if self._in_flight.holds(attempt):
                self._in_flight.forget(attempt)
                self.start(msgspec.structs.replace(attempt.assignment, number=attempt.assignment.number + 1))

        self._in_flight.wake(attempt, at, again)


def _ignore(_attempt: Attempt) -> None:
    """Write nothing down: nothing of a local activity is written before its end."""
