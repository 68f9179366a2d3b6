"""Local activities: their retries stay in memory, and only their end is told to their run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import random
from typing import TYPE_CHECKING, Any

from understudy.actors.activities.attempt import Attempt, Reports
from understudy.actors.behaviors.decisions.activities import activity_failure
from understudy.actors.behaviors.decisions.commands import Command, CompleteLocalActivity, FailLocalActivity
from understudy.actors.behaviors.decisions.retry import DEFAULT_ACTIVITY_RETRY, next_attempt
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState
from understudy.events.state.pending import PendingActivity

if TYPE_CHECKING:
    from understudy.actors.activities.in_flight import InFlight
    from understudy.actors.activities.task_queues import TaskQueues
    from understudy.actors.clock import Clock
    from understudy.events.activity import ActivityScheduled

__all__ = ["LocalActivities"]


class LocalActivities:
    """The local activities of one system; used on the engine's loop."""

    def __init__(
        self, clock: Clock, in_flight: InFlight, queues: TaskQueues, tell: Callable[[str, Command], None]
    ) -> None:
        """Begin with none; `tell(run_id, command)` takes outcomes to their runs."""
        self._clock = clock
        self._in_flight = in_flight
        self._queues = queues
        self._tell = tell

    def start(  # noqa: PLR0913, PLR0917 - what an attempt is made of
        self, run_id: str, workflow_id: str, workflow_type: str, scheduled: ActivityScheduled, queue: str, number: int
    ) -> None:
        """Run attempt `number` as soon as a worker of `queue` has a slot."""
        attempt = Attempt(
            run_id=run_id,
            workflow_id=workflow_id,
            workflow_type=workflow_type,
            scheduled=scheduled,
            number=number,
            details=(),
            reports=Reports(
                outcome=partial(self._ended, queue),
                heartbeat=_ignore,
                put_back=partial(self._put_back, queue),
                deferred=_ignore,
            ),
            is_local=True,
        )
        self._queues.enqueue(attempt, queue)

    def _put_back(self, queue: str, attempt: Attempt) -> None:
        self._in_flight.forget(attempt)
        self.start(
            attempt.run_id,
            attempt.workflow_id,
            attempt.workflow_type,
            attempt.scheduled,
            queue,
            attempt.number,
        )

    def _ended(self, queue: str, attempt: Attempt, result: Any, failure: Failure | None) -> None:
        self._in_flight.forget(attempt)
        scheduled = attempt.scheduled
        if failure is None:
            command = CompleteLocalActivity(
                seq=scheduled.seq,
                activity_type=scheduled.activity_type,
                activity_id=scheduled.activity_id,
                attempt=attempt.number,
                result=result,
            )
            self._tell(attempt.run_id, command)
            return
        state = RetryState.CANCEL_REQUESTED
        if failure.kind != "canceled":
            limit = scheduled.schedule_to_close
            at, state = next_attempt(
                scheduled.retry_policy or DEFAULT_ACTIVITY_RETRY,
                failure,
                attempt=attempt.number,
                now=self._clock(),
                deadline=scheduled.at + limit if limit else None,
                dice=random(),  # noqa: S311 - jitter
            )
            if at is not None:
                self._retry(attempt, queue, at)
                return
        wrapped = activity_failure(PendingActivity(scheduled), failure, state, "Activity task failed")
        end = FailLocalActivity(
            seq=scheduled.seq,
            activity_type=scheduled.activity_type,
            activity_id=scheduled.activity_id,
            attempt=attempt.number,
            failure=wrapped,
        )
        self._tell(attempt.run_id, end)

    def _retry(self, attempt: Attempt, queue: str, at: int) -> None:
        self._in_flight.keep(attempt)
        attempt.worker = None

        def again() -> None:
            if self._in_flight.holds(attempt):
                self._in_flight.forget(attempt)
                self.start(
                    attempt.run_id,
                    attempt.workflow_id,
                    attempt.workflow_type,
                    attempt.scheduled,
                    queue,
                    attempt.number + 1,
                )

        self._in_flight.wake(attempt, at, again)


def _ignore(_attempt: Attempt) -> None:
    """Write nothing: nothing of a local activity is written before its end."""
