"""An environment for activity code alone: a test runs the code in it, and `activity.info()` and kin work.

There is no engine behind it. The environment stands where an attempt would: it is what the context variable of
`understudy.actors.activities.current` holds while the function runs, so every function of `understudy.activity`
works as it does in a worker, and nothing of the product knows about tests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from understudy._activity.info import Info
from understudy._metrics import MetricMeter
from understudy.actors.activities.assignment import Assignment
from understudy.actors.activities.cancellation import CANCEL_REQUESTED, ActivityCancellationDetails, Cancellation
from understudy.actors.activities.current import current_attempt
from understudy.actors.activities.thread_cancel import ThreadCancel
from understudy.actors.activities.worker_options import WorkerOptions
from understudy.actors.activities.worker_slots import WorkerSlots
from understudy.actors.behaviors.definitions.definition import activity_of, is_async
from understudy.events.activity import ActivityScheduled
from understudy.events.converters.data_converter import DataConverter
from understudy.events.errors import ArgumentTypeError, DefinitionError
from understudy.events.options.priority import Priority
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy.actors.activities.current import Outbound
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["ActivityEnvironment"]

P = ParamSpec("P")
R = TypeVar("R")

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@public("understudy.testing")
class ActivityEnvironment:
    """Runs functions as if they were attempts of an activity.

    Attributes:
        info: what `activity.info()` tells. Change it before `run`, with `dataclasses.replace` of `default_info()`.
        on_heartbeat: called with the details of each heartbeat, in the thread that gives it; may be set at any time.
        payload_converter: what `activity.payload_converter()` returns and heartbeat details must be storable with;
            set it before `run`.
        metric_meter: what `activity.metric_meter()` is made of; set it before `run`. It counts nothing by default.
    """

    def __init__(self, client: Client | None = None) -> None:
        """Begin with default facts.

        Args:
            client: what `activity.client()` returns; None: it raises NotInActivityError.
        """
        self.info: Info = self.default_info()
        self.on_heartbeat: Callable[..., object] = _ignore
        self.payload_converter: PayloadConverter = DataConverter.default.payload_converter
        self.metric_meter = MetricMeter.noop
        self._client = client
        self._cancelled: ActivityCancellationDetails | None = None
        self._stopping = False
        self._running: set[_EnvironmentAttempt] = set()

    def __repr__(self) -> str:
        """Show the activity that runs in it."""
        state = ", cancelled" if self._cancelled is not None else ""
        return f"<ActivityEnvironment of {self.info.activity_type!r}, {len(self._running)} running{state}>"

    @staticmethod
    def default_info() -> Info:
        """Return the facts that an environment begins with: attempt 1 of an activity of a workflow called "test"."""
        return Info(
            activity_id="test",
            activity_type="unknown",
            attempt=1,
            current_attempt_scheduled_time=_EPOCH,
            heartbeat_details=[],
            heartbeat_timeout=None,
            is_local=False,
            namespace="default",
            priority=Priority.default,
            retry_policy=None,
            schedule_to_close_timeout=timedelta(seconds=1),
            scheduled_time=_EPOCH,
            start_to_close_timeout=timedelta(seconds=1),
            started_time=_EPOCH,
            task_queue="test",
            task_token=b"test-run/1/1",
            workflow_id="test",
            workflow_namespace="default",
            workflow_run_id="test-run",
            workflow_type="test",
        )

    def run(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `fn` as an attempt of an activity.

        A plain function runs here and now, in the calling thread. For an async one this returns a coroutine, which runs
        it in a task of its own, so that `cancel` can reach it.

        Args:
            fn: the activity, or any other callable; decorated or not.
            *args: its positional arguments.
            **kwargs: its keyword arguments.

        Returns:
            What `fn` returns; for an async function what to await for it.

        Raises:
            ArgumentTypeError: `fn` cannot be called.
            BaseException: what `fn` raises, as it is; also what `activity.raise_complete_async()` raises.
        """
        if not callable(fn):
            raise ArgumentTypeError(what="fn", got=repr(fn), expected="a function, a method or a callable object")
        if is_async(fn):
            function = cast("Callable[..., Coroutine[Any, Any, Any]]", fn)
            return cast("R", self._run_async(function, args, kwargs))
        with self._attempt(None) as attempt:
            if _is_uninterrupted(fn):
                return fn(*args, **kwargs)
            attempt.thread_cancel = ThreadCancel()
            return attempt.thread_cancel.run(fn, *args, **kwargs)

    def cancel(self, cancellation_details: ActivityCancellationDetails = CANCEL_REQUESTED) -> None:
        """Ask the code that runs, and all that is run later, to stop; any thread. Only the first call does something.

        Async code gets `asyncio.CancelledError`. In a plain function that runs, `understudy.exceptions.CancelledError`
        is raised, unless its definition says `no_thread_cancel_exception=True`.

        Args:
            cancellation_details: what `activity.cancellation_details()` tells then.
        """
        if self._cancelled is not None:
            return
        self._cancelled = cancellation_details
        for attempt in list(self._running):
            attempt.do(partial(attempt.stop, cancellation_details))

    def worker_shutdown(self) -> None:
        """Tell all code that runs, or is run later, that the worker stops; any thread. Only the first call counts."""
        if self._stopping:
            return
        self._stopping = True
        for attempt in list(self._running):
            attempt.do(attempt.worker.begin_shutdown)

    async def _run_async(
        self, fn: Callable[..., Coroutine[Any, Any, Any]], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        with self._attempt(asyncio.get_running_loop()) as attempt:
            attempt.task = asyncio.ensure_future(fn(*args, **kwargs))
            if self._cancelled is not None:
                attempt.task.cancel()
            return await attempt.task

    @contextmanager
    def _attempt(self, loop: asyncio.AbstractEventLoop | None) -> Generator[_EnvironmentAttempt]:
        attempt = _EnvironmentAttempt(self, self._slots(loop), has_loop=loop is not None)
        if self._cancelled is not None:
            attempt.stop(self._cancelled)
        if self._stopping:
            attempt.worker.begin_shutdown()
        self._running.add(attempt)
        token = current_attempt.set(attempt)
        try:
            yield attempt
        finally:
            current_attempt.reset(token)
            self._running.discard(attempt)

    def _slots(self, loop: asyncio.AbstractEventLoop | None) -> WorkerSlots:
        return WorkerSlots(
            task_queue=self.info.task_queue,
            identity="test",
            workflows={},
            activities={},
            executor=None,
            options=WorkerOptions(),
            loop=cast("asyncio.AbstractEventLoop", loop),  # None: a plain function, for which nobody asks
            converter=self.payload_converter,
            failures=DataConverter.default.failure_converter,
            client=self._client,
            meter=self.metric_meter,
        )


class _EnvironmentAttempt:
    """An attempt without an engine, a `RunningAttempt`: it tells the facts that the test gave, and records nothing."""

    def __init__(self, environment: ActivityEnvironment, worker: WorkerSlots, *, has_loop: bool) -> None:
        self.assignment = _assignment(environment.info)
        self.info: object = environment.info
        self.worker = worker
        self.cancellation = Cancellation()
        self.thread_cancel: ThreadCancel | None = None
        self.outbound: Outbound | None = None
        self.dispatched_at = self.started_at = 0
        self.task: asyncio.Future[Any] | None = None
        self._environment = environment
        self._has_loop = has_loop

    def __repr__(self) -> str:
        what = self.assignment
        return f"<attempt {what.number} of {what.scheduled.activity_type!r} #{what.scheduled.seq} in {what.run_id}>"

    def do(self, fn: Callable[[], object]) -> None:
        """Call `fn` where the attempt may be touched: on its loop if it has one."""
        if self._has_loop and threading.get_ident() != self.worker.thread:
            self.worker.loop.call_soon_threadsafe(fn)
        else:
            fn()

    def stop(self, details: ActivityCancellationDetails) -> None:
        """Ask the code to stop, as an engine would."""
        self.cancellation.ask("", details)
        if self.thread_cancel is not None:
            self.thread_cancel.cancel()
        if self.task is not None:
            self.task.cancel()

    def heartbeat_details(self) -> list[Any]:
        """Return the details that the test has put into the facts."""
        return list(self._environment.info.heartbeat_details)

    def beat(self, details: Sequence[Any]) -> None:
        """Give the test a sign of life, if its details can be stored."""
        where = f"the heartbeat details of activity {self.assignment.scheduled.activity_type!r}"
        self.worker.converter.encode_args(details, None, where=where)
        self._environment.on_heartbeat(*details)


def _ignore(*_: object) -> None:
    """Take a heartbeat that no test looks at."""


def _is_uninterrupted(fn: object) -> bool:
    """Return True if the definition of a plain function says that no cancellation is raised in it."""
    try:
        return activity_of(fn).no_thread_cancel_exception
    except DefinitionError:
        return False


def _assignment(info: Info) -> Assignment:
    """Return the assignment that an engine would have for an activity of that name; the facts tell all else."""
    scheduled = ActivityScheduled(
        at=0, seq=1, activity_type=info.activity_type, activity_id=info.activity_id, task_queue=info.task_queue
    )
    return Assignment(
        # An activity may stand alone in the facts; the hints here are those of the engine, which has no such thing.
        run_id=cast("str", info.workflow_run_id),
        workflow_id=cast("str", info.workflow_id),
        workflow_type=cast("str", info.workflow_type),
        scheduled=scheduled,
        task_queue=info.task_queue,
        key=scheduled.seq,
        number=info.attempt,
        is_local=info.is_local,
    )
