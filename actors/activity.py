"""Activities: attempts wait for a slot on a worker of their task queue, run, and report to their run.

The service holds what is in flight: each (run, activity number) is here at most once, also while its run's actor is
passivated or being rebuilt, so a run that comes back does not dispatch again what still runs. After a crash nothing is
in flight, and recovery dispatches every activity without an outcome (AT-LEAST).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from random import random
from typing import TYPE_CHECKING, Any

from understudy.actors.attempt import Attempt
from understudy.actors.behaviors.command import (
    Command,
    CompleteActivity,
    CompleteLocalActivity,
    FailActivity,
    FailLocalActivity,
    RecordHeartbeat,
)
from understudy.actors.behaviors.decide import activity_failure
from understudy.actors.behaviors.retry import DEFAULT_ACTIVITY_RETRY, next_attempt
from understudy.actors.timer import Alarms
from understudy.events.errors import UnknownActivityTypeError
from understudy.events.execution import PendingActivity
from understudy.events.failure import Failure
from understudy.events.policy import RetryState, TimeoutType

if TYPE_CHECKING:
    from understudy.actors.clock import Clock
    from understudy.actors.worker import WorkerSlots
    from understudy.events.activity import ActivityScheduled

__all__ = ["Activities"]


class Activities:
    """All attempts of one system; used on the engine's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, tell: Callable[[str, Command], None]) -> None:
        """Begin without workers; `tell(run_id, command)` takes outcomes to their runs."""
        self._loop = loop
        self._clock = clock
        self._tell = tell
        self._workers: dict[str, list[WorkerSlots]] = {}
        self._waiting: dict[str, deque[Attempt]] = {}
        self._in_flight: dict[str, dict[int, Attempt]] = {}
        self.alarms = Alarms(loop, clock)  # of attempts that wait for a slot, and not for ever, or back off

    def __len__(self) -> int:
        """Count the attempts that wait or run."""
        return sum(map(len, self._in_flight.values()))

    @property
    def is_running(self) -> bool:
        """Whether an attempt is at work, and not waiting for a worker or backing off."""
        return any(attempt.worker is not None for of_run in self._in_flight.values() for attempt in of_run.values())

    # -- workers -----------------------------------------------------------------------------------------------------

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let `worker` take attempts of its task queue."""
        worker.on_release = self._released
        self._workers.setdefault(worker.task_queue, []).append(worker)
        self._serve(worker.task_queue)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Give `worker` no more attempts."""
        workers = self._workers.get(worker.task_queue, [])
        if worker in workers:
            workers.remove(worker)
        worker.on_release = None

    # -- attempts ----------------------------------------------------------------------------------------------------

    def is_in_flight(self, run_id: str, seq: int) -> bool:
        """Whether an attempt of this activity waits or runs here."""
        return self._find(run_id, seq) is not None

    def dispatch(self, run_id: str, workflow_id: str, workflow_type: str, pending: PendingActivity, queue: str) -> None:
        """Run the next attempt of an activity as soon as a worker has a slot; nothing if one is in flight."""
        seq = pending.scheduled.seq
        if self._find(run_id, seq) is not None:
            return
        attempt = Attempt(
            run_id=run_id,
            workflow_id=workflow_id,
            workflow_type=workflow_type,
            scheduled=pending.scheduled,
            number=pending.attempt,
            details=pending.heartbeat_details,
            outcome=self._ended,
            on_heartbeat=self._beat,
            put_back=self._put_back,
        )
        self._enqueue(attempt, pending.scheduled.task_queue or queue)

    def dispatch_local(
        self, run_id: str, workflow_id: str, workflow_type: str, scheduled: ActivityScheduled, queue: str
    ) -> None:
        """Run a local activity; its retries stay in memory, only its end is told."""
        if self._find(run_id, -scheduled.seq) is None:
            self._start_local(run_id, workflow_id, workflow_type, scheduled, queue, 1)

    def cancel(self, run_id: str, seq: int, number: int, reason: str) -> None:
        """Ask an attempt to stop; one that has not begun, or backs off, ends as cancelled at once."""
        attempt = self._find(run_id, seq)
        if attempt is not None and attempt.worker is not None:
            attempt.cancel(reason)
            return
        if attempt is not None:
            self._forget(attempt)
        failure = Failure(kind="canceled", message=reason)
        self._tell(run_id, FailActivity(seq=seq, attempt=number, failure=failure))

    def cancel_local(self, run_id: str, seq: int, reason: str) -> None:
        """Ask a local activity to stop; one that has not begun, or backs off, ends as cancelled at once."""
        attempt = self._find(run_id, -seq)
        if attempt is not None and attempt.worker is not None:
            attempt.cancel(reason)
        elif attempt is not None:
            attempt.outcome(attempt, None, Failure(kind="canceled", message=reason))

    def drop(self, run_id: str, seq: int, reason: str) -> None:
        """Stop an attempt whose activity already has its outcome."""
        self._drop(run_id, seq, reason)

    def drop_all(self, run_id: str, reason: str) -> None:
        """Stop whatever a closed run left behind; nobody waits for it any more."""
        for key in list(self._in_flight.get(run_id, ())):
            self._drop(run_id, key, reason)

    def _find(self, run_id: str, key: int) -> Attempt | None:
        of_run = self._in_flight.get(run_id)
        return of_run.get(key) if of_run is not None else None

    def _drop(self, run_id: str, key: int, reason: str) -> None:
        attempt = self._find(run_id, key)
        if attempt is None:
            return
        if attempt.worker is not None:
            attempt.cancel(reason)
        else:
            self._forget(attempt)

    def _start_local(  # noqa: PLR0913, PLR0917 - what an attempt is made of
        self, run_id: str, workflow_id: str, workflow_type: str, scheduled: ActivityScheduled, queue: str, number: int
    ) -> None:
        attempt = Attempt(
            run_id=run_id,
            workflow_id=workflow_id,
            workflow_type=workflow_type,
            scheduled=scheduled,
            number=number,
            details=(),
            outcome=lambda ended, result, failure: self._local_ended(ended, queue, result, failure),
            on_heartbeat=self._beat,
            put_back=self._put_back,
            is_local=True,
        )
        self._enqueue(attempt, queue)

    # -- waiting and running -----------------------------------------------------------------------------------------

    def _enqueue(self, attempt: Attempt, queue: str) -> None:
        attempt.dispatched_at = self._clock()
        self._keep(attempt)
        waiting = self._waiting.get(queue)
        if not waiting:
            worker = self._free_worker(queue, attempt)
            if worker is not None:
                self._start(worker, attempt)
                return
        if waiting is None:
            waiting = self._waiting[queue] = deque()
        waiting.append(attempt)
        limit = attempt.scheduled.schedule_to_start
        if limit:
            self.alarms.set(_name(attempt), attempt.dispatched_at + limit, partial(self._too_late, attempt))

    def _serve(self, queue: str) -> None:
        waiting = self._waiting.get(queue)
        while waiting:
            attempt = waiting[0]
            if self._find(attempt.run_id, attempt.key) is attempt:
                worker = self._free_worker(queue, attempt)
                if worker is None:
                    return
                self._start(worker, attempt)
            waiting.popleft()

    def _free_worker(self, queue: str, attempt: Attempt) -> WorkerSlots | None:
        """Return a worker with a slot that knows the activity; if none of the queue does, one that will say so."""
        name, known, unknowing = attempt.scheduled.activity_type, False, None
        for worker in self._workers.get(queue, ()):
            if worker.knows(name):
                known = True
                if worker.has_slot():
                    return worker
            elif unknowing is None and worker.has_slot():
                unknowing = worker
        return None if known else unknowing

    def _released(self, worker: WorkerSlots) -> None:
        if self._waiting.get(worker.task_queue):
            self._loop.call_soon(self._serve, worker.task_queue)

    def _start(self, worker: WorkerSlots, attempt: Attempt) -> None:
        _silence(self.alarms, attempt)
        try:
            definition = worker.definition(attempt.scheduled.activity_type)
        except UnknownActivityTypeError as error:
            failure = Failure(kind="application", message=str(error), type="NotFoundError")
            attempt.outcome(attempt, None, failure)
            return
        worker.running.add(attempt)
        attempt.start(worker, definition, self._clock())

    def _put_back(self, attempt: Attempt) -> None:
        """The worker stopped before the attempt was done: the next one of its queue makes it anew."""
        self._forget(attempt)
        again = Attempt(
            run_id=attempt.run_id,
            workflow_id=attempt.workflow_id,
            workflow_type=attempt.workflow_type,
            scheduled=attempt.scheduled,
            number=attempt.number,
            details=attempt.details,
            outcome=attempt.outcome,
            on_heartbeat=attempt.on_heartbeat,
            put_back=attempt.put_back,
            is_local=attempt.is_local,
        )
        self._enqueue(again, attempt.task_queue)

    def _too_late(self, attempt: Attempt) -> None:
        if attempt.worker is None and self._find(attempt.run_id, attempt.key) is attempt:
            failure = Failure(
                kind="timeout",
                message="activity ScheduleToStart timeout",
                timeout_type=TimeoutType.SCHEDULE_TO_START,
            )
            attempt.outcome(attempt, None, failure)

    def _keep(self, attempt: Attempt) -> None:
        of_run = self._in_flight.get(attempt.run_id)
        if of_run is None:
            of_run = self._in_flight[attempt.run_id] = {}
        of_run[attempt.key] = attempt

    def _forget(self, attempt: Attempt) -> None:
        of_run = self._in_flight.get(attempt.run_id)
        if of_run is not None and of_run.get(attempt.key) is attempt:
            _silence(self.alarms, attempt)
            del of_run[attempt.key]
            if not of_run:
                del self._in_flight[attempt.run_id]

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def _beat(self, attempt: Attempt) -> None:
        self._tell(
            attempt.run_id,
            RecordHeartbeat(seq=attempt.scheduled.seq, attempt=attempt.number, details=attempt.details),
        )

    def _ended(self, attempt: Attempt, result: Any, failure: Failure | None) -> None:
        self._forget(attempt)
        seq, number = attempt.scheduled.seq, attempt.number
        if failure is None:
            identity = attempt.worker.identity if attempt.worker else ""
            command: Command = CompleteActivity(seq=seq, attempt=number, result=result, identity=identity)
        else:
            command = FailActivity(
                seq=seq,
                attempt=number,
                failure=failure,
                heartbeat_details=attempt.details or None,
                dice=random(),  # noqa: S311 - jitter
            )
        self._tell(attempt.run_id, command)

    def _local_ended(self, attempt: Attempt, queue: str, result: Any, failure: Failure | None) -> None:
        self._forget(attempt)
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
                self._retry_local(attempt, queue, at)
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

    def _retry_local(self, attempt: Attempt, queue: str, at: int) -> None:
        self._keep(attempt)
        attempt.worker = None

        def again() -> None:
            if self._find(attempt.run_id, attempt.key) is attempt:
                self._forget(attempt)
                self._start_local(
                    attempt.run_id,
                    attempt.workflow_id,
                    attempt.workflow_type,
                    attempt.scheduled,
                    queue,
                    attempt.number + 1,
                )

        self.alarms.set(_name(attempt), at, again)


def _silence(alarms: Alarms, attempt: Attempt) -> None:
    if alarms.waiting:
        alarms.forget(_name(attempt))


def _name(attempt: Attempt) -> str:
    """Return a name that no other attempt in flight has."""
    return f"{attempt.run_id}/{attempt.key}"
