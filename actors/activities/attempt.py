"""One attempt of an activity: it runs the user's function and ends as exactly one command.

The function itself is called by `actors.activities.call`. Time-outs of an attempt (start-to-close, heartbeat) live
here, in memory: an attempt does not outlive its process, so nor need they. The exception is an attempt that somebody
outside will complete: its code is over, its slot is free, its start-to-close limit is the aggregate's, and only its
heartbeats are still watched here.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from understudy.actors.activities.call import converter_of, execute, failure_of, label_of
from understudy.actors.activities.cancellation import CANCEL_REQUESTED, NOT_FOUND, TIMED_OUT
from understudy.actors.activities.current import current_attempt
from understudy.actors.activities.heartbeats import Heartbeats, throttle
from understudy.actors.activities.log_records import attempt_failed
from understudy.events.failures.exceptions import CancelledError
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.actors.activities.thread_cancel import ThreadCancel
    from understudy.actors.activities.worker_options import WorkerOptions
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import ActivityDefinition
    from understudy.events.activity import ActivityScheduled
    from understudy.events.payloads.payload import Payload

__all__ = ["SHUTDOWN", "AsyncCompletion", "Attempt", "Reports", "canceled", "timed_out"]

SWEPT_SECONDS: Final = 10.0
"""Start-to-close limits from here on are looked at once a second: a loop timer for each costs 3 % of a workflow."""

SHUTDOWN: Final = "worker shutdown"
"""The reason for a cancellation that is no outcome."""


class Reports(NamedTuple):
    """Who is told what becomes of an attempt; called on the loop."""

    outcome: Callable[[Attempt, Payload | None, Failure | None], None]
    """Called once, with the result, or with the failure."""
    heartbeat: Callable[[Attempt], None]
    put_back: Callable[[Attempt], None]
    """Called instead of `outcome` when the worker stopped before the code was done."""
    deferred: Callable[[Attempt], None]
    """Called when the code has ended, and the outcome will come from outside."""


class AsyncCompletion(BaseException):
    """Ends the code of an attempt without an outcome: somebody outside will tell it."""

    def __init__(self) -> None:
        """Say so, where it is met outside of a worker."""
        super().__init__("the activity will be completed from outside")

    def __reduce__(self) -> tuple[type[AsyncCompletion], tuple[()]]:
        """Pickle without arguments, to come back from a process pool."""
        return AsyncCompletion, ()


class Attempt:
    """One attempt, from its dispatch to its outcome; touched on the engine's loop except where said."""

    __slots__ = (
        "_beats",
        "_due",
        "_due_at",
        "_ended",
        "_future",
        "_options",
        "cancel_details",
        "cancel_reason",
        "canceled",
        "canceled_in_thread",
        "details",
        "dispatched_at",
        "due_type",
        "given",
        "has_beaten",
        "info",
        "is_local",
        "key",
        "loop",
        "number",
        "outbound",
        "outside",
        "reports",
        "run_id",
        "scheduled",
        "started_at",
        "thread_cancel",
        "worker",
        "workflow_id",
        "workflow_type",
    )

    def __init__(  # noqa: PLR0913 - what an attempt is made of
        self,
        *,
        run_id: str,
        workflow_id: str,
        workflow_type: str,
        scheduled: ActivityScheduled,
        number: int,
        details: tuple[Payload, ...],
        reports: Reports,
        is_local: bool = False,
    ) -> None:
        """Describe the attempt; nothing runs yet."""
        self.run_id = run_id
        self.workflow_id = workflow_id  # empty: no workflow asked for it, it is a job
        self.workflow_type = workflow_type
        self.scheduled = scheduled
        self.number = number
        self.given = self.details = details
        """Heartbeat details: those of the attempt before; and the same until it gives its own."""
        self.has_beaten = False
        self.reports = reports
        self.outside = False
        """Whether its outcome will come from outside."""
        self.is_local = is_local
        self.key = -scheduled.seq if is_local else scheduled.seq
        """Its number in its run: local activities share the numbers of the others, and are told apart by the sign."""
        self.dispatched_at = self.started_at = 0
        self.worker: WorkerSlots | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.canceled: asyncio.Event | None = None
        self.canceled_in_thread: threading.Event | None = None
        self.cancel_reason = ""
        self.cancel_details: ActivityCancellationDetails | None = None
        """Why it was asked to stop; None: it was not."""
        self.thread_cancel: ThreadCancel | None = None
        self.outbound: Any = None
        """The interceptors of what its code asks; None: there are none."""
        self.info: Any = None
        """What `activity.info()` made of it, once it was asked."""
        self._future: asyncio.Future[Any] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._due_at = math.inf
        self.due_type = TimeoutType.START_TO_CLOSE  # what it has not kept to when its limit is over
        self._beats: Heartbeats | None = None
        self._options: WorkerOptions | None = None
        self._ended = False

    def __repr__(self) -> str:
        """Show type, number and run."""
        return f"<attempt {self.number} of {self.scheduled.activity_type!r} #{self.scheduled.seq} in {self.run_id}>"

    # -- start -------------------------------------------------------------------------------------------------------

    def start(self, worker: WorkerSlots, definition: ActivityDefinition, now: int) -> None:
        """Run on `worker`, which has given it a slot."""
        self.worker = worker
        loop = self.loop = worker.loop
        self._options = worker.options
        self.started_at = now
        limit = self.limit(now) / 1e9
        if limit >= SWEPT_SECONDS:
            self._due_at = loop.time() + limit
        elif limit:
            self._due = loop.call_later(limit, self.time_out, self.due_type)
        if self.scheduled.heartbeat and not self.is_local:
            self.watch_heartbeats(loop, worker.options)
        self._future = loop.create_task(self._run(worker, definition), name=self.scheduled.activity_type)

    def limit(self, now: int) -> int:
        """Return how long it may take, ns; a local one has nobody else to watch over schedule-to-close."""
        scheduled = self.scheduled
        limit = scheduled.start_to_close
        if self.is_local and scheduled.schedule_to_close:
            left = max(scheduled.at + scheduled.schedule_to_close - now, 1)
            if not limit or left < limit:
                self.due_type = TimeoutType.SCHEDULE_TO_CLOSE
                return left
        return limit

    def sweep(self, now: float) -> None:
        """Time out if a long limit is over at loop time `now`, s; asked about once a second."""
        if self._due_at <= now:
            self.time_out(self.due_type)

    async def _run(self, worker: WorkerSlots, definition: ActivityDefinition) -> None:
        current_attempt.set(self)
        try:
            payload = await execute(self, worker, definition)
        except (asyncio.CancelledError, CancelledError) as error:
            if self.cancel_details is not None and self.cancel_details.worker_shutdown:
                self._give_up()
            else:
                self._end(None, canceled(failure_of(self, worker, error), self.cancel_reason))
        except AsyncCompletion:
            self._defer()
        except BaseException as error:
            failure = failure_of(self, worker, error)
            self._end(None, failure)
            attempt_failed(self, failure, error)
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
        """The worker stops: the activity keeps waiting for an outcome, by an attempt elsewhere (AT-LEAST)."""
        if self.worker is not None:
            self.worker.release(self)
        if not self._ended:
            if self._beats is not None:
                self._beats.flush()
            self._settle()
            self.reports.put_back(self)

    def _defer(self) -> None:
        """The code is over, and the outcome will come from outside: the slot is free, the heartbeats go on."""
        if self.is_local:
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
        """Tell no outcome any more, since it is known from elsewhere; code that still runs may go on until it beats."""
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
        """Ask the code to stop: async code gets asyncio's CancelledError, code in a thread that of our exceptions."""
        if self._ended or self.cancel_details is not None:
            return
        if details.worker_shutdown and self._beats is not None:
            self._beats.flush()  # the process may end before the code does
        self._ask_to_stop(reason, details)

    def _ask_to_stop(self, reason: str, details: ActivityCancellationDetails) -> None:
        self.cancel_reason = reason
        self.cancel_details = details
        if self.canceled is not None:
            self.canceled.set()
        if self.canceled_in_thread is not None:
            self.canceled_in_thread.set()
        if self.thread_cancel is not None:
            self.thread_cancel.cancel()
        worker, future = self.worker, self._future
        # Code in a thread goes on whatever its future is told, so it keeps its slot until it ends.
        if worker is not None and future is not None and worker.definition(self.scheduled.activity_type).is_async:
            # Not at once: a task that has not begun would never run, nor end this.
            worker.loop.call_soon(future.cancel, reason)

    def time_out(self, kind: TimeoutType) -> None:
        """End it, because it took too long, or was silent for too long."""
        if self._ended:
            return
        failure = timed_out(kind, self.details)
        self._settle()
        self.reports.outcome(self, None, failure)
        self._ask_to_stop(failure.message, TIMED_OUT)
        attempt_failed(self, failure)

    # -- heartbeats --------------------------------------------------------------------------------------------------

    @property
    def task_queue(self) -> str:
        """Where it was looked for."""
        return self.worker.task_queue if self.worker is not None else self.scheduled.task_queue

    def heartbeat_details(self) -> list[Any]:
        """Return the details of the attempt before as values; any thread."""
        worker = self.worker
        if worker is None:
            return []
        converter = converter_of(self, worker)
        return [converter.decode(p, Any, where="heartbeat details") for p in self.given]

    def beat(self, details: Sequence[Any]) -> None:
        """Take a sign of life; any thread.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """
        worker, loop = self.worker, self.loop
        if worker is None or loop is None:
            return
        where = f"the heartbeat details of {label_of(self)}"
        payloads = converter_of(self, worker).encode_args(details, None, where=where)
        if threading.get_ident() == worker.thread:
            self.heartbeat(payloads)
        else:
            loop.call_soon_threadsafe(self.heartbeat, payloads)

    def heartbeat(self, details: tuple[Payload, ...]) -> None:
        """Take a sign of life; on the loop. Who gives one too late hears that nobody waits for it."""
        if self._ended or self.loop is None:
            if self.cancel_details is None:
                self._ask_to_stop("its outcome is known", NOT_FOUND)
            return
        changed = details != self.details
        self.details = details
        self.has_beaten = True
        if self._options is not None and not self.is_local:
            beats = self._beats or self.watch_heartbeats(self.loop, self._options)
            beats.beat(changed=changed)

    @property
    def unwritten(self) -> tuple[Payload, ...] | None:
        """The latest details, if they are yet to be written down."""
        return self.details if self._beats is not None and self._beats.is_unwritten else None

    def watch_heartbeats(self, loop: asyncio.AbstractEventLoop, options: WorkerOptions) -> Heartbeats:
        """Begin to keep track of heartbeats, and of their time-out."""
        limit = self.scheduled.heartbeat / 1e9
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
    """Return why code was cancelled: for the reason that somebody gave, or for its own if nobody did."""
    if reason:
        return Failure(kind="canceled", message=reason, details=failure.details)
    return msgspec.structs.replace(failure, kind="canceled", message=failure.message or "Cancelled")


def timed_out(kind: TimeoutType, details: tuple[Payload, ...]) -> Failure:
    """Return the failure of an attempt that one of its time-outs struck."""
    name = kind.name.title().replace("_", "")
    return Failure(kind="timeout", message=f"activity {name} timeout", timeout_type=kind, details=details)
