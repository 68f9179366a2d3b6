"""The supervisor of activities: makes attempts of assignments, and tells their runs how they ended.

Each activity of a run has at most one attempt in flight (`in_flight`); the task queues (`task_queues`) choose the
worker that runs it. After a crash nothing is in flight: recovery dispatches every activity that has no outcome
(AT-LEAST), except those whose outcome somebody reports from outside; for those it waits on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from random import random
from typing import TYPE_CHECKING, Any, Final

import msgspec

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
from understudy.actors.supervision.supervisor import Directive, Strategy, Supervisor
from understudy.actors.timers import Alarms
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.clock import Clock
    from understudy.actors.dispatch import Dispatcher
    from understudy.events.payloads.payload import Payload
    from understudy.events.state.pending import PendingActivity

__all__ = ["ActivitySupervisor"]


_ESCALATE: Final = Strategy(directive=lambda _: Directive.ESCALATE)
"""An attempt that failed is not restarted here: its run decides by the retry policy, and that is on the record."""


class ActivitySupervisor(Supervisor["Attempt", Failure]):
    """Keeps all attempts of one system; used on the engine's loop.

    Args:
        dispatcher: whose loop it is.
        clock: the time, ns since the epoch.
        tell: takes the command that an outcome is to a run, by its id.
    """

    def __init__(self, dispatcher: Dispatcher, clock: Clock, tell: Callable[[str, Command], None]) -> None:
        super().__init__(dispatcher, "activities", _ESCALATE)
        self._loop = loop = dispatcher.loop
        self._tell = tell
        self.alarms = Alarms(loop, clock)
        """Wake attempts that back off or wait for a slot not for ever, and workers whose rate is used up."""
        self._in_flight = InFlight(self.alarms)
        self._queues = TaskQueues(loop, clock, self._in_flight, self.alarms)
        self._reports = Reports(self._ended, self._beat, self._put_back, self._deferred)
        self._local = LocalActivities(clock, self._in_flight, self._queues, tell)

    def __len__(self) -> int:
        """Count the attempts that wait or run."""
        return len(self._in_flight)

    def __repr__(self) -> str:
        """Show how many attempts there are."""
        return f"<activities: {self._in_flight!r}>"

    @property
    def children(self) -> Mapping[str, Attempt]:
        """The attempts in flight, by run id and key."""
        return self._in_flight.by_name()

    @property
    def is_running(self) -> bool:
        """True if an attempt is at work, here or outside: it does not wait for a worker, back off or sleep."""
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
        """Return the time when an activity's attempt began, ns since the epoch, and its worker; None if none runs."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is None or not attempt.started_at:
            return None
        return attempt.started_at, attempt.worker.identity if attempt.worker is not None else ""

    # -- workers -----------------------------------------------------------------------------------------------------

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let `worker` take attempts of its task queue."""
        self._queues.add_worker(worker)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Give no more attempts to `worker`."""
        self._queues.remove_worker(worker)

    def close(self) -> None:
        """Stop all alarms; the last heartbeats from outside are told before."""
        for attempt in self._in_flight.outside():
            if attempt.unwritten is not None:
                self._beat(attempt)
            self._let_go(attempt)
        self.alarms.close()

    # -- attempts ----------------------------------------------------------------------------------------------------

    def is_in_flight(self, run_id: str, seq: int) -> bool:
        """Return True if an attempt of this activity waits or runs here."""
        return self._in_flight.find(run_id, seq) is not None

    def dispatch(self, assignment: Assignment) -> None:
        """Make an attempt as soon as a worker has a slot; nothing if it is in flight."""
        found = self._in_flight.find(assignment.run_id, assignment.key)
        if found is not None:
            if found.assignment.number >= assignment.number:
                return
            unwritten = found.unwritten  # somebody else told how it ended: it is over, and its details count
            if unwritten is not None:
                assignment = msgspec.structs.replace(assignment, details=unwritten)
            self._let_go(found)
        self._queues.enqueue(Attempt(assignment, self._reports))

    def dispatch_local(self, assignment: Assignment) -> None:
        """Run a local activity, unless it is in flight; its retries stay in memory, only its end is told."""
        if self._in_flight.find(assignment.run_id, assignment.key) is None:
            self._local.start(assignment)

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
        """Stop all attempts that a closed run left behind; nobody waits for them any more."""
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

    def _put_back(self, attempt: Attempt) -> None:
        """Make an attempt anew on the next worker of its queue, since its worker stopped before it was done."""
        self._in_flight.forget(attempt)
        again = msgspec.structs.replace(attempt.assignment, details=attempt.details)
        self._queues.enqueue(Attempt(again, self._reports))

    # -- outside -----------------------------------------------------------------------------------------------------

    def wait_outside(self, assignment: Assignment) -> None:
        """Watch the heartbeats of an attempt that somebody completes from outside, after its run came back.

        The heartbeat time-out begins anew: while there was no engine, nobody could give a heartbeat.
        """
        if self._in_flight.find(assignment.run_id, assignment.key) is None:
            attempt = Attempt(assignment, self._reports)
            attempt.outside = True
            attempt.watch_heartbeats(self._loop, WorkerOptions())
            self._in_flight.keep(attempt)

    def time_out_outside(self, run_id: str, pending: PendingActivity) -> None:
        """Time out an attempt that somebody should have completed from outside by now."""
        seq = pending.scheduled.seq
        attempt = self._in_flight.find(run_id, seq)
        if attempt is not None and attempt.assignment.number == pending.attempt:
            attempt.time_out(TimeoutType.START_TO_CLOSE)
            return
        failure = timed_out(TimeoutType.START_TO_CLOSE, pending.heartbeat_details)
        self._tell(run_id, FailActivity(seq=seq, attempt=pending.attempt, failure=failure, dice=random()))  # noqa: S311 - jitter

    def beat_outside(self, run_id: str, seq: int, number: int, details: tuple[Payload, ...]) -> bool:
        """Take a sign of life from outside; return False if no such attempt is under way here."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is None or attempt.assignment.number != number or attempt.loop is None:
            return False
        attempt.heartbeat(details)
        return True

    def unwritten(self, run_id: str, seq: int) -> tuple[Payload, ...] | None:
        """Return the latest heartbeat details of an attempt if they are not in the journal yet, else None."""
        attempt = self._in_flight.find(run_id, seq)
        return attempt.unwritten if attempt is not None else None

    def told_outside(self, run_id: str, seq: int, number: int) -> None:
        """Drop the attempt: somebody outside reported its outcome, which is on disk."""
        attempt = self._in_flight.find(run_id, seq)
        if attempt is not None and attempt.assignment.number == number:
            self._let_go(attempt)

    def _deferred(self, attempt: Attempt) -> None:
        assignment = attempt.assignment
        limit = assignment.scheduled.start_to_close
        close_by = attempt.started_at + limit if limit else 0
        command = DeferActivity(seq=assignment.scheduled.seq, attempt=assignment.number, close_by=close_by)
        self._tell(assignment.run_id, command)

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def _beat(self, attempt: Attempt) -> None:
        assignment = attempt.assignment
        command = RecordHeartbeat(seq=assignment.scheduled.seq, attempt=assignment.number, details=attempt.details)
        self._tell(assignment.run_id, command)

    def _ended(self, attempt: Attempt, result: Any, failure: Failure | None) -> None:
        if failure is not None:
            self.failed(attempt, failure)
            return
        self._in_flight.forget(attempt)
        seq, number = attempt.assignment.scheduled.seq, attempt.assignment.number
        identity = attempt.worker.identity if attempt.worker else ""
        command = CompleteActivity(seq=seq, attempt=number, result=result, identity=identity)
        self._tell(attempt.assignment.run_id, command)

    def failed(self, child: Attempt, failure: Failure) -> None:
        """Tell the run of an attempt that it has failed; the run decides whether there is another."""
        self._in_flight.forget(child)
        command = FailActivity(
            seq=child.assignment.scheduled.seq,
            attempt=child.assignment.number,
            failure=failure,
            heartbeat_details=child.details if child.has_beaten else None,
            dice=random(),  # noqa: S311 - jitter
        )
        self._tell(child.assignment.run_id, command)
