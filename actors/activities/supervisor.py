"""Activities: attempts wait for a slot on a worker of their task queue, run, and report to their run.

Each (run, activity number) is in flight at most once (`actors.activities.in_flight`); who runs it is the business of
the task queues (`actors.activities.task_queues`). After a crash nothing is in flight, and recovery dispatches every
activity without an outcome (AT-LEAST), but for those whose outcome is to come from outside: for those it waits on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import random
from typing import TYPE_CHECKING, Any

from understudy.actors.activities.attempt import Attempt, Reports, timed_out
from understudy.actors.activities.cancellation import NOT_FOUND, TIMED_OUT, ActivityCancellationDetails
from understudy.actors.activities.in_flight import InFlight
from understudy.actors.activities.local import LocalActivities
from understudy.actors.activities.task_queues import TaskQueues
from understudy.actors.activities.worker_options import WorkerOptions
from understudy.actors.behaviors.decisions.commands import (
    Command,
    CompleteActivity,
    DeferActivity,
    FailActivity,
    RecordHeartbeat,
)
from understudy.actors.behaviors.definitions.job import is_job
from understudy.actors.timers import Alarms
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.clock import Clock
    from understudy.events.activity import ActivityScheduled
    from understudy.events.payloads.payload import Payload
    from understudy.events.state.pending import PendingActivity

__all__ = ["Activities"]


class Activities:
    """All attempts of one system; used on the engine's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, tell: Callable[[str, Command], None]) -> None:
        """Begin without workers; `tell(run_id, command)` takes outcomes to their runs."""
        self._loop = loop
        self._tell = tell
        self.alarms = Alarms(loop, clock)
        """Of attempts that wait for a slot, and not for ever, or back off; and of workers whose rate is used up."""
        self._in_flight = InFlight(self.alarms)
        self._queues = TaskQueues(loop, clock, self._in_flight, self.alarms)
        self._reports = Reports(self._ended, self._beat, self._put_back, self._deferred)
        self._local = LocalActivities(clock, self._in_flight, self._queues, tell)

    def __len__(self) -> int:
        """Count the attempts that wait or run."""
        return len(self._in_flight)

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"<activities: {self._in_flight!r}>"

    @property
    def is_running(self) -> bool:
        """Whether an attempt is at work, here or outside, and not waiting for a worker or backing off."""
        return self._in_flight.is_running

    @contextmanager
    def asleep(self, attempt: Attempt) -> Generator[None]:
        """Return a context in which the code of an attempt waits for nothing but time."""
        sleepers = self._in_flight.asleep
        sleepers.add(attempt)
        try:
            yield
        finally:
            sleepers.discard(attempt)

    def under_way(self, run_id: str, seq: int) -> tuple[int, str] | None:
        """Return since when an attempt of this activity is at work, ns since the epoch, and who is; None: nobody."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is None or not attempt.started_at:
            return None
        return attempt.started_at, attempt.worker.identity if attempt.worker is not None else ""

    # -- workers -----------------------------------------------------------------------------------------------------

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let `worker` take attempts of its task queue."""
        self._queues.add_worker(worker)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Give `worker` no more attempts."""
        self._queues.remove_worker(worker)

    def close(self) -> None:
        """Watch over nothing any more; the last heartbeats from outside are told before."""
        for attempt in self._in_flight.outside():
            if attempt.unwritten is not None:
                self._beat(attempt)
            self._let_go(attempt)
        self.alarms.close()

    # -- attempts ----------------------------------------------------------------------------------------------------

    def is_in_flight(self, run_id: str, seq: int) -> bool:
        """Whether an attempt of this activity waits or runs here."""
        return self._in_flight.find(run_id, seq) is not None

    def dispatch(self, run_id: str, workflow_id: str, workflow_type: str, pending: PendingActivity, queue: str) -> None:
        """Run the next attempt of an activity as soon as a worker has a slot; nothing if it is in flight."""
        details = pending.heartbeat_details
        found = self._in_flight.find(run_id, pending.scheduled.seq)
        if found is not None:
            if found.number >= pending.attempt:
                return
            unwritten = found.unwritten  # somebody else told how it ended: it is over, and its details count
            details = details if unwritten is None else unwritten
            self._let_go(found)
        attempt = self._attempt(run_id, workflow_id, workflow_type, pending, details)
        self._queues.enqueue(attempt, pending.scheduled.task_queue or queue)

    def dispatch_local(
        self, run_id: str, workflow_id: str, workflow_type: str, scheduled: ActivityScheduled, queue: str
    ) -> None:
        """Run a local activity; its retries stay in memory, only its end is told."""
        if self._in_flight.find(run_id, -scheduled.seq) is None:
            self._local.start(run_id, workflow_id, workflow_type, scheduled, queue, 1)

    def cancel(self, run_id: str, seq: int, number: int, reason: str) -> None:
        """Ask an attempt to stop; one that has not begun, or backs off, ends as cancelled at once.

        Whoever completes one from outside hears of it at the next heartbeat.
        """
        attempt = self._in_flight.find(run_id, seq)
        if attempt is not None and attempt.outside:
            return
        if attempt is not None and attempt.worker is not None:
            attempt.cancel(reason)
            return
        if attempt is not None:
            self._in_flight.forget(attempt)
        failure = Failure(kind="canceled", message=reason)
        self._tell(run_id, FailActivity(seq=seq, attempt=number, failure=failure))

    def cancel_local(self, run_id: str, seq: int, reason: str) -> None:
        """Ask a local activity to stop; one that has not begun, or backs off, ends as cancelled at once."""
        attempt = self._in_flight.find(run_id, -seq)
        if attempt is not None and attempt.worker is not None:
            attempt.cancel(reason)
        elif attempt is not None:
            attempt.reports.outcome(attempt, None, Failure(kind="canceled", message=reason))

    def drop(self, run_id: str, seq: int, reason: str) -> None:
        """Stop an attempt whose activity timed out as a whole."""
        self._drop(run_id, seq, reason, TIMED_OUT)

    def drop_all(self, run_id: str, reason: str) -> None:
        """Stop whatever a closed run left behind; nobody waits for it any more."""
        for key in self._in_flight.keys(run_id):
            self._drop(run_id, key, reason, NOT_FOUND)

    def _drop(self, run_id: str, key: int, reason: str, details: ActivityCancellationDetails) -> None:
        attempt = self._in_flight.find(run_id, key)
        if attempt is None:
            return
        if attempt.worker is not None:
            attempt.cancel(reason, details)
        else:
            self._let_go(attempt)

    def _let_go(self, attempt: Attempt) -> None:
        attempt.settle()
        self._in_flight.forget(attempt)

    def _attempt(
        self,
        run_id: str,
        workflow_id: str,
        workflow_type: str,
        pending: PendingActivity,
        details: tuple[Payload, ...],
    ) -> Attempt:
        if is_job(workflow_id):
            workflow_id = workflow_type = ""
        return Attempt(
            run_id=run_id,
            workflow_id=workflow_id,
            workflow_type=workflow_type,
            scheduled=pending.scheduled,
            number=pending.attempt,
            details=details,
            reports=self._reports,
        )

    def _put_back(self, attempt: Attempt) -> None:
        """The worker stopped before the attempt was done: the next one of its queue makes it anew."""
        self._in_flight.forget(attempt)
        again = Attempt(
            run_id=attempt.run_id,
            workflow_id=attempt.workflow_id,
            workflow_type=attempt.workflow_type,
            scheduled=attempt.scheduled,
            number=attempt.number,
            details=attempt.details,
            reports=self._reports,
        )
        self._queues.enqueue(again, attempt.task_queue)

    # -- outside -----------------------------------------------------------------------------------------------------

    def wait_outside(self, run_id: str, workflow_id: str, workflow_type: str, pending: PendingActivity) -> None:
        """Watch the heartbeats of an attempt that somebody outside completes, of a run that came back.

        Its time of silence begins anew: while there was no engine, nobody could give a heartbeat.
        """
        if self._in_flight.find(run_id, pending.scheduled.seq) is None:
            attempt = self._attempt(run_id, workflow_id, workflow_type, pending, pending.heartbeat_details)
            attempt.outside = True
            attempt.watch_heartbeats(self._loop, WorkerOptions())
            self._in_flight.keep(attempt)

    def time_out_outside(self, run_id: str, pending: PendingActivity) -> None:
        """End an attempt that somebody outside should have completed by now."""
        seq = pending.scheduled.seq
        attempt = self._in_flight.find(run_id, seq)
        if attempt is not None and attempt.number == pending.attempt:
            attempt.time_out(TimeoutType.START_TO_CLOSE)
            return
        failure = timed_out(TimeoutType.START_TO_CLOSE, pending.heartbeat_details)
        self._tell(run_id, FailActivity(seq=seq, attempt=pending.attempt, failure=failure, dice=random()))  # noqa: S311 - jitter

    def beat_outside(self, run_id: str, seq: int, number: int, details: tuple[Payload, ...]) -> bool:
        """Take a sign of life from outside; False: no such attempt is under way here."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is None or attempt.number != number or attempt.loop is None:
            return False
        attempt.heartbeat(details)
        return True

    def unwritten(self, run_id: str, seq: int) -> tuple[Payload, ...] | None:
        """Return the latest heartbeat details of an attempt, if they are yet to be written down."""
        attempt = self._in_flight.find(run_id, seq)
        return attempt.unwritten if attempt is not None else None

    def told_outside(self, run_id: str, seq: int, number: int) -> None:
        """Somebody outside has told how an attempt ended: what is left of it here counts no more."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is not None and attempt.number == number:
            self._let_go(attempt)

    def _deferred(self, attempt: Attempt) -> None:
        limit = attempt.scheduled.start_to_close
        close_by = attempt.started_at + limit if limit else 0
        self._tell(attempt.run_id, DeferActivity(seq=attempt.scheduled.seq, attempt=attempt.number, close_by=close_by))

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def _beat(self, attempt: Attempt) -> None:
        self._tell(
            attempt.run_id,
            RecordHeartbeat(seq=attempt.scheduled.seq, attempt=attempt.number, details=attempt.details),
        )

    def _ended(self, attempt: Attempt, result: Any, failure: Failure | None) -> None:
        self._in_flight.forget(attempt)
        seq, number = attempt.scheduled.seq, attempt.number
        if failure is None:
            identity = attempt.worker.identity if attempt.worker else ""
            command: Command = CompleteActivity(seq=seq, attempt=number, result=result, identity=identity)
        else:
            command = FailActivity(
                seq=seq,
                attempt=number,
                failure=failure,
                heartbeat_details=attempt.details if attempt.has_beaten else None,
                dice=random(),  # noqa: S311 - jitter
            )
        self._tell(attempt.run_id, command)
