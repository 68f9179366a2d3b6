"""One attempt of an activity: it runs the user's function and ends as exactly one report.

`call.execute` calls the function itself. The time-outs of an attempt (start-to-close, heartbeat) live here, in memory:
an attempt does not outlive its process, so its time-outs need not. The exception is an attempt that somebody completes
from outside: its code is over, its slot is free, the aggregate watches its start-to-close limit, and only its
heartbeats are still watched here.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from understudy.actors.activities.call import execute, failure_of
from understudy.actors.activities.cancellation import CANCEL_REQUESTED, NOT_FOUND, TIMED_OUT, Cancellation
from understudy.actors.activities.current import AsyncCompletion, converter_of, current_attempt
from understudy.actors.activities.heartbeats import Heartbeats, throttle
from understudy.actors.activities.log_records import attempt_failed
from understudy.events.failures.exceptions import CancelledError
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.actors.activities.current import Outbound
    from understudy.actors.activities.thread_cancel import ThreadCancel
    from understudy.actors.activities.worker_options import WorkerOptions
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import ActivityDefinition
    from understudy.events.payloads.payload import Payload

__all__ = ["SHUTDOWN", "Attempt", "Reports", "canceled", "timed_out"]

SWEPT_SECONDS: Final = 10.0
"""Start-to-close limits of so many seconds or more are checked once a second: a timer each costs 3 % of a workflow."""

SHUTDOWN: Final = "worker shutdown"
"""The reason of a cancellation after which the attempt is made again elsewhere: it is no outcome."""


class Reports(NamedTuple):
    """Callbacks that an attempt reports to; it calls them on the loop."""

    outcome: Callable[[Attempt, Payload | None, Failure | None], None]
    """Takes the result or the failure; called at most once."""
    heartbeat: Callable[[Attempt], None]
    """Writes the latest heartbeat details down."""
    put_back: Callable[[Attempt], None]
    """Called instead of `outcome` if the worker stopped before the code was done."""
    deferred: Callable[[Attempt], None]
    """Called when the code has ended and its outcome will be reported from outside."""


class Attempt:
    """One attempt, from its dispatch to its outcome; touched on the engine's loop except where said."""

    __slots__ = (
        "_beats",
        "_due",
        "_due_at",
        "_ended",
        "_future",
        "_options",
        "assignment",
        "cancellation",
        "details",
        "dispatched_at",
        "due_type",
        "has_beaten",
        "info",
        "loop",
        "outbound",
        "outside",
        "reports",
        "started_at",
        "thread_cancel",
        "worker",
    )

    def __init__(self, assignment: Assignment, reports: Reports) -> None:
        """Describe the attempt; nothing runs yet."""
        self.assignment = assignment
        self.reports = reports
        self.details = assignment.details
        """The latest heartbeat details; those of the previous attempt until the first heartbeat."""
        self.has_beaten = False
        self.outside = False
        """True if the outcome will be reported from outside."""
        self.dispatched_at = self.started_at = 0
        self.worker: WorkerSlots | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.cancellation = Cancellation()
        self.thread_cancel: ThreadCancel | None = None
        self.outbound: Outbound | None = None
        self.info: object = None
        self._future: asyncio.Future[None] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._due_at = math.inf
        self.due_type = TimeoutType.START_TO_CLOSE
        """The time-out that strikes when the limit of the attempt is over."""
        self._beats: Heartbeats | None = None
        self._options: WorkerOptions | None = None
        self._ended = False

    def __repr__(self) -> str:
        """Show type, number and run."""
        what = self.assignment
        return f"<attempt {what.number} of {what.scheduled.activity_type!r} #{what.scheduled.seq} in {what.run_id}>"

    # -- start -------------------------------------------------------------------------------------------------------

    def start(self, worker: WorkerSlots, definition: ActivityDefinition, now: int) -> None:
        """Run the function on `worker`, which has given the attempt a slot."""
        self.worker = worker
        loop = self.loop = worker.loop
        self._options = worker.options
        self.started_at = now
        limit = self.limit(now) / 1e9
        if limit >= SWEPT_SECONDS:
            self._due_at = loop.time() + limit
        elif limit:
            self._due = loop.call_later(limit, self.time_out, self.due_type)
        scheduled = self.assignment.scheduled
        if scheduled.heartbeat and not self.assignment.is_local:
            self.watch_heartbeats(loop, worker.options)
        self._future = loop.create_task(self._run(worker, definition), name=scheduled.activity_type)

    def limit(self, now: int) -> int:
        """Return how long the attempt may take, ns; of a local activity only it watches over schedule-to-close."""
        scheduled = self.assignment.scheduled
        limit = scheduled.start_to_close
        if self.assignment.is_local and scheduled.schedule_to_close:
            left = max(scheduled.at + scheduled.schedule_to_close - now, 1)
            if not limit or left < limit:
                self.due_type = TimeoutType.SCHEDULE_TO_CLOSE
                return left
        return limit

    def sweep(self, now: float) -> None:
        """Time the attempt out if its long limit is over at loop time `now`, s; called about once a second."""
        if self._due_at <= now:
            self.time_out(self.due_type)

    async def _run(self, worker: WorkerSlots, definition: ActivityDefinition) -> None:
        current_attempt.set(self)
        try:
            payload = await execute(self, worker, definition)
        except (asyncio.CancelledError, CancelledError) as error:
            why = self.cancellation
            if why.details is not None and why.details.worker_shutdown:
                self._give_up()
            else:
                self._end(None, canceled(failure_of(self.assignment, worker, error), why.reason))
        except AsyncCompletion:
            self._defer()
        except BaseException as error:
            failure = failure_of(self.assignment, worker, error)
            self._end(None, failure)
            attempt_failed(self.assignment, failure, error)
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            self._end(payload, None)
        finally:
            self._future = None  # the task's context holds the attempt: no cycle is left to the collector

    # -- end ---------------------------------------------------------------------------------------------------------

    def _end(self, payload: Payload | None, failure: Failure | None) -> None:
        if self.worker is not None:
            self.worker.release(self)
        if not self._ended:
            self._settle()
            self.reports.outcome(self, payload, failure)

    def _give_up(self) -> None:
        """End without an outcome, since the worker stops: another worker makes the attempt anew (AT-LEAST)."""
        if self.worker is not None:
            self.worker.release(self)
        if not self._ended:
            if self._beats is not None:
                self._beats.flush()
            self._settle()
            self.reports.put_back(self)

    def _defer(self) -> None:
        """Free the slot after code that left its outcome to somebody outside; heartbeats are still watched."""
        if self.assignment.is_local:
            message = "a local activity cannot be completed from outside: call it by execute_activity instead"
            self._end(None, Failure(kind="application", message=message, type="AsyncCompletion", non_retryable=True))
            return
        if self.worker is not None:
            self.worker.release(self)
            self.worker = None
        if not self._ended:
            self._forget_limit()
            self.outside = True
            self.reports.deferred(self)

    def settle(self) -> None:
        """Report no outcome any more, since it is known already; code that still runs may go on until it beats."""
        if not self._ended:
            self._settle()

    def _settle(self) -> None:
        self._ended = True
        self._forget_limit()
        beats, self._beats = self._beats, None  # they know the attempt: no cycle is left to the collector
        if beats is not None:
            beats.stop()

    def _forget_limit(self) -> None:
        self._due_at = math.inf
        if self._due is not None:
            self._due.cancel()

    def cancel(self, reason: str, details: ActivityCancellationDetails = CANCEL_REQUESTED) -> None:
        """Ask the code to stop, once: async code gets asyncio's CancelledError, code in a thread our CancelledError."""
        if self._ended or self.cancellation.details is not None:
            return
        if details.worker_shutdown and self._beats is not None:
            self._beats.flush()  # the process may end before the code does
        self._ask_to_stop(reason, details)

    def _ask_to_stop(self, reason: str, details: ActivityCancellationDetails) -> None:
        self.cancellation.ask(reason, details)
        if self.thread_cancel is not None:
            self.thread_cancel.cancel()
        worker, future = self.worker, self._future
        # Code in a thread goes on whatever its future is told, so it keeps its slot until it ends.
        if (
            worker is not None
            and future is not None
            and worker.definition(self.assignment.scheduled.activity_type).is_async
        ):
            # Not at once: a task that has not begun would never run, nor end this.
            worker.loop.call_soon(future.cancel, reason)

    def time_out(self, kind: TimeoutType) -> None:
        """End the attempt, because it took too long or was silent for too long, and ask its code to stop."""
        if self._ended:
            return
        failure = timed_out(kind, self.details)
        self._settle()
        self.reports.outcome(self, None, failure)
        self._ask_to_stop(failure.message, TIMED_OUT)
        attempt_failed(self.assignment, failure)

    # -- heartbeats --------------------------------------------------------------------------------------------------

    def heartbeat_details(self) -> list[Any]:
        """Return the heartbeat details of the previous attempt as values; any thread."""
        worker = self.worker
        if worker is None:
            return []
        converter = converter_of(self.assignment, worker)
        return [converter.decode(p, Any, where="heartbeat details") for p in self.assignment.details]

    def beat(self, details: Sequence[Any]) -> None:
        """Take a sign of life; any thread.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """
        worker, loop = self.worker, self.loop
        if worker is None or loop is None:
            return
        where = f"the heartbeat details of {self.assignment.label}"
        payloads = converter_of(self.assignment, worker).encode_args(details, None, where=where)
        if threading.get_ident() == worker.thread:
            self.heartbeat(payloads)
        else:
            loop.call_soon_threadsafe(self.heartbeat, payloads)

    def heartbeat(self, details: tuple[Payload, ...]) -> None:
        """Take a sign of life; on the loop. Code that gives one too late is asked to stop."""
        if self._ended or self.loop is None:
            if self.cancellation.details is None:
                self._ask_to_stop("its outcome is known", NOT_FOUND)
            return
        changed = details != self.details
        self.details = details
        self.has_beaten = True
        if self._options is not None and not self.assignment.is_local:
            beats = self._beats or self.watch_heartbeats(self.loop, self._options)
            beats.beat(changed=changed)

    @property
    def unwritten(self) -> tuple[Payload, ...] | None:
        """The latest heartbeat details if they are not in the journal yet; None if they are."""
        return self.details if self._beats is not None and self._beats.is_unwritten else None

    def watch_heartbeats(self, loop: asyncio.AbstractEventLoop, options: WorkerOptions) -> Heartbeats:
        """Begin to watch the heartbeats and their time-out."""
        limit = self.assignment.scheduled.heartbeat / 1e9
        self.loop, self._options = loop, options
        beats = self._beats = Heartbeats(
            loop,
            limit=limit,
            interval=throttle(limit, options),
            record=lambda: self.reports.heartbeat(self),
            on_silence=lambda: self.time_out(TimeoutType.HEARTBEAT),
        )
        return beats


def canceled(failure: Failure, reason: str) -> Failure:
    """Return the failure of code that was cancelled: with the reason that somebody gave, else with the code's own."""
    if reason:
        return Failure(kind="canceled", message=reason, details=failure.details)
    return msgspec.structs.replace(failure, kind="canceled", message=failure.message or "Cancelled")


def timed_out(kind: TimeoutType, details: tuple[Payload, ...]) -> Failure:
    """Return the failure of an attempt that ran into one of its time-outs."""
    name = kind.name.title().replace("_", "")
    return Failure(kind="timeout", message=f"activity {name} timeout", timeout_type=kind, details=details)
