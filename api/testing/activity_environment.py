"""An environment for activity code alone: what `activity.info()`, `heartbeat` and kin find when a test calls it.

There is no engine behind it. The environment stands where an attempt would: it is what the context variable of
`understudy.actors.attempt` holds while the function runs, so every function of `understudy.activity` works as it does
in a worker, and nothing of the product knows about tests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from understudy.activity import Info
from understudy.actors.attempt import Attempt, current_attempt
from understudy.actors.behaviors.definition import is_async
from understudy.actors.worker import WorkerOptions, WorkerSlots
from understudy.events.activity import ActivityScheduled
from understudy.events.converters import DataConverter
from understudy.events.errors import ArgumentTypeError
from understudy.events.policy import to_ns
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.client import Client

__all__ = ["ActivityEnvironment"]

P = ParamSpec("P")
R = TypeVar("R")

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@public("understudy.testing")
class ActivityEnvironment:
    """Runs functions as if they were attempts of an activity.

    Attributes:
        info: what `activity.info()` tells. Change it before `run`, with `dataclasses.replace` of `default_info()`.
            The namespace is always "default", and the task token is made of run id and attempt.
        on_heartbeat: called with the details of each heartbeat, in the thread that gives it; may be set at any time.
        payload_converter: what `activity.payload_converter()` returns and heartbeat details must be storable with;
            set it before `run`.
    """

    def __init__(self, client: Client | None = None) -> None:
        """Begin with default facts.

        Args:
            client: what `activity.client()` returns; None: it raises NotInActivityError.
        """
        self.info: Info = self.default_info()
        self.on_heartbeat: Callable[..., object] = _ignore
        self.payload_converter = DataConverter.default.payload_converter
        self._client = client
        self._cancel_reason = ""
        self._stopping = False
        self._running: set[_EnvironmentAttempt] = set()

    def __repr__(self) -> str:
        """Show what runs in it."""
        state = f", cancelled: {self._cancel_reason}" if self._cancel_reason else ""
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
            Exception: what `fn` raises, as it is.
        """
        if not callable(fn):
            raise ArgumentTypeError(what="fn", got=repr(fn), expected="a function, a method or a callable object")
        if is_async(fn):
            function = cast("Callable[..., Coroutine[Any, Any, Any]]", fn)
            return cast("R", self._run_async(function, args, kwargs))
        with self._attempt(None):
            return fn(*args, **kwargs)

    def cancel(self, reason: str = "cancelled by the test") -> None:
        """Ask what runs, and whatever is run later, to stop; any thread. Only the first call does something.

        Async code gets `asyncio.CancelledError`; plain code is not interrupted, it asks `activity.is_cancelled()`.

        Args:
            reason: the message of the CancelledError.
        """
        if self._cancel_reason:
            return
        self._cancel_reason = reason or "cancelled"
        for attempt in list(self._running):
            attempt.do(partial(attempt.stop, self._cancel_reason))

    def worker_shutdown(self) -> None:
        """Tell what runs, and whatever is run later, that the worker stops; any thread. Only the first call counts."""
        if self._stopping:
            return
        self._stopping = True
        for attempt in list(self._running):
            attempt.do(attempt.slots.begin_shutdown)

    async def _run_async(
        self, fn: Callable[..., Coroutine[Any, Any, Any]], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        with self._attempt(asyncio.get_running_loop()) as attempt:
            attempt.task = asyncio.ensure_future(fn(*args, **kwargs))
            if self._cancel_reason:
                attempt.task.cancel(self._cancel_reason)
            return await attempt.task

    @contextmanager
    def _attempt(self, loop: asyncio.AbstractEventLoop | None) -> Generator[_EnvironmentAttempt]:
        attempt = _EnvironmentAttempt(self, self._slots(loop), has_loop=loop is not None)
        if self._cancel_reason:
            attempt.stop(self._cancel_reason)
        if self._stopping:
            attempt.slots.begin_shutdown()
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
        )


class _EnvironmentAttempt(Attempt):
    """An attempt without an engine: facts in, nothing out."""

    __slots__ = ("_environment", "_has_loop", "slots", "task")

    def __init__(self, environment: ActivityEnvironment, slots: WorkerSlots, *, has_loop: bool) -> None:
        info = environment.info
        super().__init__(
            # An activity may stand alone there; the hints here are those of the engine, which has no such thing.
            run_id=cast("str", info.workflow_run_id),
            workflow_id=cast("str", info.workflow_id),
            workflow_type=cast("str", info.workflow_type),
            scheduled=_scheduled(info),
            number=info.attempt,
            details=(),
            outcome=_ignore,
            on_heartbeat=_ignore,
            put_back=_ignore,
            is_local=info.is_local,
        )
        self.dispatched_at = _ns(info.current_attempt_scheduled_time)
        self.started_at = _ns(info.started_time)
        self.worker = self.slots = slots
        self.task: asyncio.Future[Any] | None = None
        self._environment = environment
        self._has_loop = has_loop

    def do(self, fn: Callable[[], object]) -> None:
        """Call `fn` where the attempt may be touched: on its loop if it has one."""
        if self._has_loop and threading.get_ident() != self.slots.thread:
            self.slots.loop.call_soon_threadsafe(fn)
        else:
            fn()

    def stop(self, reason: str) -> None:
        """Be cancelled."""
        self.cancel_reason = reason
        if self.canceled is not None:
            self.canceled.set()
        if self.canceled_in_thread is not None:
            self.canceled_in_thread.set()
        if self.task is not None:
            self.task.cancel(reason)

    def heartbeat_details(self) -> list[Any]:
        """Return the details of the attempt before, as the test wants them."""
        return list(self._environment.info.heartbeat_details)

    def beat(self, details: Sequence[Any]) -> None:
        """Tell the test of a sign of life, if its details could be stored."""
        where = f"the heartbeat details of activity {self.scheduled.activity_type!r}"
        self.slots.converter.encode_args(details, None, where=where)
        self._environment.on_heartbeat(*details)


def _ignore(*_: object) -> None:
    """Nobody asked."""


def _scheduled(info: Info) -> ActivityScheduled:
    """Return the event that an engine would have for these facts."""
    policy = info.retry_policy
    return ActivityScheduled(
        at=_ns(info.scheduled_time),
        seq=1,
        activity_type=info.activity_type,
        activity_id=info.activity_id,
        task_queue=info.task_queue,
        schedule_to_close=to_ns(info.schedule_to_close_timeout, name="info.schedule_to_close_timeout") or 0,
        start_to_close=to_ns(info.start_to_close_timeout, name="info.start_to_close_timeout") or 0,
        heartbeat=to_ns(info.heartbeat_timeout, name="info.heartbeat_timeout") or 0,
        retry_policy=policy.to_stored() if policy is not None else None,
    )


def _ns(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1_000
