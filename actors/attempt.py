"""One attempt of an activity: it runs the user's function and ends as exactly one command.

Async functions run as a task on the engine's loop, plain functions in the worker's executor; a process pool gets the
function and its arguments by cloudpickle. Time-outs of an attempt (start-to-close, heartbeat) live here, in memory:
an attempt does not outlive its process, so nor need they. Heartbeat details are handed to the journal rarely (the
first at once, later ones at most every `HEARTBEAT_RECORD_SECONDS`), so that a crash loses seconds of progress and not
the database its breath.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

from understudy.events.failure import Failure
from understudy.events.policy import TimeoutType

if TYPE_CHECKING:
    from understudy.actors.behaviors.definition import ActivityDefinition
    from understudy.actors.worker import WorkerSlots
    from understudy.events.activity import ActivityScheduled
    from understudy.events.payload import Payload

__all__ = ["HEARTBEAT_RECORD_SECONDS", "SHUTDOWN", "Attempt", "Outcome", "current_attempt"]

HEARTBEAT_RECORD_SECONDS: Final = 5.0
SWEPT_SECONDS: Final = 10.0
"""Start-to-close limits from here on are looked at once a second: a loop timer for each costs 3 % of a workflow."""

SHUTDOWN: Final = "worker shutdown"
"""The reason for a cancellation that is no outcome."""

current_attempt: contextvars.ContextVar[Attempt] = contextvars.ContextVar("understudy_attempt")
"""The attempt whose code is running, on the loop and in threads."""

Outcome = Callable[["Attempt", "Payload | None", "Failure | None"], None]
"""Called once, on the loop, with the result, or with the failure."""


class Attempt:
    """One attempt, from its dispatch to its outcome; touched on the engine's loop except where said."""

    __slots__ = (
        "_beat_at",
        "_beat_recorded_at",
        "_due",
        "_due_at",
        "_due_type",
        "_ended",
        "_future",
        "_watch",
        "cancel_reason",
        "canceled",
        "canceled_in_thread",
        "details",
        "dispatched_at",
        "is_local",
        "key",
        "loop",
        "number",
        "on_heartbeat",
        "outcome",
        "put_back",
        "run_id",
        "scheduled",
        "started_at",
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
        outcome: Outcome,
        on_heartbeat: Callable[[Attempt], None],
        put_back: Callable[[Attempt], None],
        is_local: bool = False,
    ) -> None:
        """Describe the attempt; nothing runs yet."""
        self.run_id = run_id
        self.workflow_id = workflow_id
        self.workflow_type = workflow_type
        self.scheduled = scheduled
        self.number = number
        self.details = details
        """Heartbeat details: first those of the attempt before, then its own."""
        self.outcome = outcome
        self.on_heartbeat = on_heartbeat
        self.put_back = put_back
        """Called instead of `outcome` when the worker stopped before the code was done."""
        self.is_local = is_local
        self.key = -scheduled.seq if is_local else scheduled.seq
        """Its number in its run: local activities share the numbers of the others, and are told apart by the sign."""
        self.dispatched_at = self.started_at = 0
        self.worker: WorkerSlots | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.canceled: asyncio.Event | None = None
        self.canceled_in_thread: threading.Event | None = None
        self.cancel_reason = ""
        self._future: asyncio.Future[Any] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._due_at = math.inf
        self._due_type = TimeoutType.START_TO_CLOSE
        self._watch: asyncio.TimerHandle | None = None
        self._ended = False
        self._beat_at = 0.0
        self._beat_recorded_at = -1e9

    def __repr__(self) -> str:
        """Show type, number and run."""
        return f"<attempt {self.number} of {self.scheduled.activity_type!r} #{self.scheduled.seq} in {self.run_id}>"

    # -- start -------------------------------------------------------------------------------------------------------

    def start(self, worker: WorkerSlots, definition: ActivityDefinition, now: int) -> None:
        """Run on `worker`, which has given it a slot."""
        self.worker = worker
        loop = self.loop = worker.loop
        self.started_at = now
        self._beat_at = loop.time()
        limit = self._limit(now) / 1e9
        if limit >= SWEPT_SECONDS:
            self._due_at = self._beat_at + limit
        elif limit:
            self._due = loop.call_later(limit, self._time_out, self._due_type)
        if self.scheduled.heartbeat and not self.is_local:
            self._watch_heartbeat()
        self._future = loop.create_task(self._run(worker, definition))

    def _limit(self, now: int) -> int:
        """Return how long it may take, ns; a local one has nobody else to watch over schedule-to-close."""
        scheduled = self.scheduled
        limit = scheduled.start_to_close
        if self.is_local and scheduled.schedule_to_close:
            left = max(scheduled.at + scheduled.schedule_to_close - now, 1)
            if not limit or left < limit:
                self._due_type = TimeoutType.SCHEDULE_TO_CLOSE
                return left
        return limit

    def sweep(self, now: float) -> None:
        """Time out if a long limit is over at loop time `now`, s; asked about once a second."""
        if self._due_at <= now:
            self._time_out(self._due_type)

    async def _run(self, worker: WorkerSlots, definition: ActivityDefinition) -> None:
        current_attempt.set(self)
        try:
            args = self._arguments(worker, definition)
            if definition.is_async:
                result = await definition.fn(*args)
            else:
                result = await self._run_in_executor(worker, definition, args)
            payload = None if result is None else self._encode(worker, definition, result)
        except asyncio.CancelledError as error:
            if self.cancel_reason == SHUTDOWN:
                self._give_up()
            else:
                self._end(None, self._cancellation(worker, error))
        except BaseException as error:
            self._end(None, worker.failures.to_failure(error, worker.converter))
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            self._end(payload, None)
        finally:
            self._future = None  # the task's context holds the attempt: no cycle is left to the collector

    def _arguments(self, worker: WorkerSlots, definition: ActivityDefinition) -> Any:
        payloads = self.scheduled.input
        where = f"activity {self.scheduled.activity_type!r} of workflow {self.workflow_id!r}"
        if definition.name is None:
            return [worker.converter.raw(payloads)]
        definition.signature.check(len(payloads), where=where)
        return worker.converter.decode_args(payloads, definition.signature, where=where)

    def _encode(self, worker: WorkerSlots, definition: ActivityDefinition, result: Any) -> Payload:
        where = f"the result of activity {self.scheduled.activity_type!r} of workflow {self.workflow_id!r}"
        return worker.converter.encode(result, definition.signature.returns, where=where)

    async def _run_in_executor(self, worker: WorkerSlots, definition: ActivityDefinition, args: Any) -> Any:
        executor: Executor = worker.executor_for_plain()
        loop = worker.loop
        if worker.is_process_pool:
            from understudy.actors.process import run_in_process

            return await run_in_process(loop, executor, definition.fn, args)
        variables = contextvars.copy_context()

        def work() -> Any:
            if self.cancel_reason:  # it waited for a thread, and nobody wants it any more
                raise asyncio.CancelledError(self.cancel_reason)
            return variables.run(definition.fn, *args)

        return await loop.run_in_executor(executor, work)

    # -- end ---------------------------------------------------------------------------------------------------------

    def _cancellation(self, worker: WorkerSlots, error: BaseException) -> Failure:
        """Why the code was cancelled."""
        failure = worker.failures.to_failure(error, worker.converter)
        return Failure(kind="canceled", message=self.cancel_reason or failure.message or "Cancelled")

    def _end(self, payload: Payload | None, failure: Failure | None) -> None:
        if self.worker is not None:
            self.worker.release(self)
        if self._ended:
            return
        self._settle()
        self.outcome(self, payload, failure)

    def _give_up(self) -> None:
        """The worker stops: the activity keeps waiting for an outcome, by an attempt elsewhere (AT-LEAST)."""
        if self.worker is not None:
            self.worker.release(self)
        if not self._ended:
            self._settle()
            self.put_back(self)

    def _settle(self) -> None:
        self._ended = True
        self._due_at = math.inf
        if self._due is not None:
            self._due.cancel()
        if self._watch is not None:
            self._watch.cancel()

    @property
    def ended(self) -> bool:
        """Whether the outcome is known; the code may still run, in a thread that cannot be stopped."""
        return self._ended

    def cancel(self, reason: str) -> None:
        """Ask the code to stop: async code gets CancelledError, code in a thread asks `activity.is_cancelled()`."""
        if self._ended or self.cancel_reason:
            return
        self._ask_to_stop(reason)

    def _ask_to_stop(self, reason: str) -> None:
        self.cancel_reason = reason
        if self.canceled is not None:
            self.canceled.set()
        if self.canceled_in_thread is not None:
            self.canceled_in_thread.set()
        worker, future = self.worker, self._future
        if worker is not None and future is not None and self._stoppable(worker):
            worker.loop.call_soon(future.cancel)  # not at once: a task that has not begun would never run, nor end this

    def _stoppable(self, worker: WorkerSlots) -> bool:
        """Code in a thread goes on whatever its future is told, so it keeps its slot until it ends by itself."""
        return worker.definition(self.scheduled.activity_type).is_async

    def _time_out(self, kind: TimeoutType) -> None:
        if self._ended:
            return
        name = kind.name.title().replace("_", "")
        failure = Failure(kind="timeout", message=f"activity {name} timeout", timeout_type=kind, details=self.details)
        self._settle()
        self.outcome(self, None, failure)
        self._ask_to_stop(f"{name} timeout")

    # -- heartbeats --------------------------------------------------------------------------------------------------

    @property
    def task_queue(self) -> str:
        """Where it was looked for."""
        return self.worker.task_queue if self.worker is not None else self.scheduled.task_queue

    def heartbeat_details(self) -> list[Any]:
        """Return the details as values; any thread."""
        worker = self.worker
        if worker is None:
            return []
        return [worker.converter.decode(p, Any, where="heartbeat details") for p in self.details]

    def beat(self, details: Sequence[Any]) -> None:
        """Take a sign of life; any thread.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """
        worker, loop = self.worker, self.loop
        if worker is None or loop is None:
            return
        where = f"the heartbeat details of activity {self.scheduled.activity_type!r} of workflow {self.workflow_id!r}"
        payloads = worker.converter.encode_args(details, None, where=where)
        if threading.get_ident() == worker.thread:
            self.heartbeat(payloads)
        else:
            loop.call_soon_threadsafe(self.heartbeat, payloads)

    def heartbeat(self, details: tuple[Payload, ...]) -> None:
        """Take a sign of life; on the loop."""
        if self._ended or self.loop is None:
            return
        now = self._beat_at = self.loop.time()
        if details != self.details:
            self.details = details
            if now - self._beat_recorded_at >= HEARTBEAT_RECORD_SECONDS and not self.is_local:
                self._beat_recorded_at = now
                self.on_heartbeat(self)

    def _watch_heartbeat(self) -> None:
        if self._ended or self.loop is None:
            return
        limit = self.scheduled.heartbeat / 1e9
        left = self._beat_at + limit - self.loop.time()
        if left <= 0:
            self._time_out(TimeoutType.HEARTBEAT)
            return
        self._watch = self.loop.call_later(left, self._watch_heartbeat)
