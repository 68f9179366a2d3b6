"""Task queues: attempts wait for a worker with a free slot, and are served in the order in which they came.

An attempt begins if a worker of its queue knows the activity and has a slot, and if neither that worker's rate nor the
queue's is used up. Local activities take slots like others, but no rate holds them back. If no worker of the queue
knows the activity, one of them takes the attempt only to say so.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from understudy.actors.activities.log_records import attempt_failed
from understudy.actors.activities.token_bucket import TokenBucket
from understudy.events.errors import UnknownActivityTypeError
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    import asyncio

    from understudy.actors.activities.attempt import Attempt
    from understudy.actors.activities.in_flight import InFlight
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.clock import Clock
    from understudy.actors.timers import Alarms

__all__ = ["TaskQueues"]


class TaskQueues:
    """Keeps all task queues of one system, and their workers; used on the engine's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, in_flight: InFlight, alarms: Alarms) -> None:
        """Begin without workers; `alarms` wake workers and queues whose rate is used up."""
        self._loop = loop
        self._clock = clock
        self._in_flight = in_flight
        self._alarms = alarms
        self._workers: dict[str, list[WorkerSlots]] = {}
        self._waiting: dict[str, deque[Attempt]] = {}
        self._rates: dict[str, TokenBucket] = {}
        """The limits on the attempts of a queue, all its workers together; the latest worker with a rate sets it."""

    def __repr__(self) -> str:
        """Show how many attempts wait."""
        return f"<task queues: {sum(map(len, self._waiting.values()))} attempts wait>"

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let `worker` take attempts of its task queue."""
        worker.on_release = self._released
        per_second = worker.options.max_task_queue_activities_per_second
        if per_second:
            self._rates[worker.task_queue] = TokenBucket(per_second)
        self._workers.setdefault(worker.task_queue, []).append(worker)
        self._serve(worker.task_queue)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Give no more attempts to `worker`."""
        workers = self._workers.get(worker.task_queue, [])
        if worker in workers:
            workers.remove(worker)
        worker.on_release = None
        self._alarms.forget(_alarm(worker))
        if not workers and self._rates.pop(worker.task_queue, None) is not None:
            self._alarms.forget(_queue_alarm(worker.task_queue))

    def enqueue(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a worker of its task queue has a slot for it."""
        assignment = attempt.assignment
        queue = assignment.task_queue
        attempt.dispatched_at = self._clock()
        self._in_flight.keep(attempt)
        waiting = self._waiting.get(queue)
        if not waiting or assignment.is_local:  # a local one waits for a slot, and not for those who wait for a rate
            worker = self._free_worker(queue, attempt)
            if worker is not None:
                self._start(worker, attempt)
                return
        if waiting is None:
            waiting = self._waiting[queue] = deque()
        waiting.append(attempt)
        limit = assignment.scheduled.schedule_to_start
        if limit:
            self._in_flight.wake(attempt, attempt.dispatched_at + limit, partial(self._too_late, attempt))

    def _serve(self, queue: str) -> None:
        waiting = self._waiting.get(queue)
        while waiting:
            attempt = waiting[0]
            if self._in_flight.holds(attempt):
                worker = self._free_worker(queue, attempt)
                if worker is None:
                    return
                self._start(worker, attempt)
            waiting.popleft()

    def _free_worker(self, queue: str, attempt: Attempt) -> WorkerSlots | None:
        """Return a worker with a slot that knows the activity; if none of the queue does, one that will say so."""
        name, known, unknowing = attempt.assignment.scheduled.activity_type, False, None
        rate = self._rates.get(queue)
        if rate is not None and not self._may_begin(queue, _queue_alarm(queue), rate, attempt):
            return None
        for worker in self._workers.get(queue, ()):
            if worker.knows(name):
                known = True
                rate = worker.rate
                if worker.has_slot() and (rate is None or self._may_begin(queue, _alarm(worker), rate, attempt)):
                    return worker
            elif unknowing is None and worker.has_slot():
                unknowing = worker
        return None if known else unknowing

    def _may_begin(self, queue: str, alarm: str, rate: TokenBucket, attempt: Attempt) -> bool:
        """Return True if a rate lets an attempt begin now; if not, serve the queue when the rate does."""
        if attempt.assignment.is_local or rate.ready_at <= self._clock():
            return True
        self._alarms.set(alarm, rate.ready_at, partial(self._serve, queue))
        return False

    def _released(self, worker: WorkerSlots) -> None:
        if self._waiting.get(worker.task_queue):
            self._loop.call_soon(self._serve, worker.task_queue)

    def _start(self, worker: WorkerSlots, attempt: Attempt) -> None:
        self._in_flight.silence(attempt)
        try:
            definition = worker.definition(attempt.assignment.scheduled.activity_type)
        except UnknownActivityTypeError as error:
            failure = Failure(kind="application", message=str(error), type="NotFoundError")
            attempt.reports.outcome(attempt, None, failure)
            attempt_failed(attempt.assignment, failure)
            return
        now = self._clock()
        if not attempt.assignment.is_local:
            for rate in (worker.rate, self._rates.get(worker.task_queue)):
                if rate is not None:
                    rate.take(now)
        worker.running.add(attempt)
        attempt.start(worker, definition, now)

    def _too_late(self, attempt: Attempt) -> None:
        if attempt.worker is None and self._in_flight.holds(attempt):
            failure = Failure(
                kind="timeout",
                message="activity ScheduleToStart timeout",
                timeout_type=TimeoutType.SCHEDULE_TO_START,
            )
            attempt.reports.outcome(attempt, None, failure)
            attempt_failed(attempt.assignment, failure)


def _alarm(worker: WorkerSlots) -> str:
    """Return the name of the alarm of a worker's rate."""
    return f"the rate of worker {id(worker)}"


def _queue_alarm(queue: str) -> str:
    """Return the name of the alarm of a queue's rate."""
    return f"the rate of task queue {queue}"
