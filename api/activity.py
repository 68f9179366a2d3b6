"""What activity code is written with: the decorator, facts about the attempt, heartbeats, cancellation.

Names, parameters and meaning are those of Temporal's Python SDK. The functions find their attempt through a context
variable, which holds in async activities and in the threads of plain ones.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from understudy.actors.attempt import Attempt, current_attempt
from understudy.actors.behaviors.definition import ACTIVITY_MARK, ActivityDefinition, is_async
from understudy.events.errors import DefinitionError, NotInActivityError
from understudy.events.policy import RetryPolicy, from_ns
from understudy.events.signature import hints_of

if TYPE_CHECKING:
    from understudy.client import Client
    from understudy.events.payload import PayloadConverter

__all__ = [
    "Info",
    "LoggerAdapter",
    "client",
    "defn",
    "heartbeat",
    "in_activity",
    "info",
    "is_cancelled",
    "is_worker_shutdown",
    "logger",
    "payload_converter",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
]

C = TypeVar("C", bound=Callable[..., Any])


@overload
def defn(fn: C) -> C: ...
@overload
def defn(
    *, name: str | None = ..., no_thread_cancel_exception: bool = ..., dynamic: bool = ...
) -> Callable[[C], C]: ...
def defn(
    fn: C | None = None,
    *,
    name: str | None = None,
    no_thread_cancel_exception: bool = False,
    dynamic: bool = False,
) -> C | Callable[[C], C]:
    """Declare a function, a method, or the `__call__` of a class, an activity.

    Args:
        fn: async functions run on the worker's event loop, plain ones in its executor.
        name: the activity type; None: the function's name.
        no_thread_cancel_exception: accepted so that programs run; code in threads is never interrupted, it asks
            `is_cancelled()`.
        dynamic: take every type that no other activity of the worker takes; called with a sequence of `RawValue`.

    Raises:
        DefinitionError: what is wrong with the definition.
    """

    def decorate(fn: C) -> C:
        if isinstance(fn, type) or not callable(fn):
            raise DefinitionError(
                subject=getattr(fn, "__qualname__", repr(fn)),
                problem="an activity is a function or a method",
                fix="decorate the class's __call__ method instead",
            )
        own = None if dynamic else (name or fn.__name__)
        is_method = "self" in fn.__code__.co_varnames[:1] if hasattr(fn, "__code__") else False
        signature = hints_of(fn, skip_first=is_method)
        setattr(fn, ACTIVITY_MARK, ActivityDefinition(own, fn, signature, is_async(fn), no_thread_cancel_exception))
        return fn

    return decorate if fn is None else decorate(fn)


@dataclass(frozen=True)
class Info:
    """Facts about an attempt."""

    activity_id: str
    activity_type: str
    attempt: int
    current_attempt_scheduled_time: datetime
    heartbeat_details: Sequence[Any]
    heartbeat_timeout: timedelta | None
    is_local: bool
    namespace: str
    retry_policy: RetryPolicy | None
    schedule_to_close_timeout: timedelta | None
    scheduled_time: datetime
    start_to_close_timeout: timedelta | None
    started_time: datetime
    task_queue: str
    task_token: bytes
    workflow_id: str | None
    workflow_namespace: str | None
    workflow_run_id: str | None
    workflow_type: str | None

    @property
    def idempotency_key(self) -> str:
        """The same for all attempts of this activity and for no other: send it to services that de-duplicate."""
        return f"{self.workflow_run_id}/{self.activity_id}"


def _attempt() -> Attempt:
    try:
        return current_attempt.get()
    except LookupError:
        raise NotInActivityError(call=f"activity.{sys._getframe(1).f_code.co_name}()") from None  # noqa: SLF001 - whose call it is


def in_activity() -> bool:
    """Whether activity code is running here."""
    return current_attempt.get(None) is not None


def info() -> Info:
    """Return facts about the attempt.

    Raises:
        NotInActivityError: called outside of an activity.
    """
    attempt = _attempt()
    scheduled = attempt.scheduled
    seq = str(scheduled.seq)
    return Info(
        activity_id=scheduled.activity_id or seq,
        activity_type=scheduled.activity_type,
        attempt=attempt.number,
        current_attempt_scheduled_time=_time(attempt.dispatched_at),
        heartbeat_details=attempt.heartbeat_details(),
        heartbeat_timeout=_duration(scheduled.heartbeat),
        is_local=attempt.is_local,
        namespace="default",
        retry_policy=RetryPolicy.from_stored(scheduled.retry_policy) if scheduled.retry_policy is not None else None,
        schedule_to_close_timeout=_duration(scheduled.schedule_to_close),
        scheduled_time=_time(scheduled.at),
        start_to_close_timeout=_duration(scheduled.start_to_close),
        started_time=_time(attempt.started_at),
        task_queue=attempt.task_queue,
        task_token=f"{attempt.run_id}/{seq}/{attempt.number}".encode(),
        workflow_id=attempt.workflow_id,
        workflow_namespace="default",
        workflow_run_id=attempt.run_id,
        workflow_type=attempt.workflow_type,
    )


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1_000_000_000, UTC)


def _duration(ns: int) -> timedelta | None:
    return from_ns(ns) if ns else None


def heartbeat(*details: Any) -> None:
    """Give a sign of life, with details that the next attempt finds in `info().heartbeat_details`.

    Any thread. Details are written down rarely (the first at once, then at most every 5 s), so a crash may lose the
    latest; an attempt that fails hands on its last ones.

    Raises:
        NotInActivityError: called outside of an activity.
        PayloadEncodeError: the details cannot be stored.
    """
    attempt = _attempt()
    attempt.beat(details)


def is_cancelled() -> bool:
    """Whether the attempt was asked to stop: by its workflow, by a time-out, or because the worker stops."""
    return bool(_attempt().cancel_reason)


def is_worker_shutdown() -> bool:
    """Whether the worker is stopping; there is time to finish, but not for ever."""
    worker = _attempt().worker
    return worker is not None and worker.shutting_down


async def wait_for_cancelled() -> None:
    """Wait until the attempt is asked to stop; for async activities. Its own task is cancelled then, too."""
    attempt = _attempt()
    if attempt.canceled is None:
        attempt.canceled = asyncio.Event()
        if attempt.cancel_reason:
            attempt.canceled.set()
    await attempt.canceled.wait()


def wait_for_cancelled_sync(timeout: timedelta | float | None = None) -> None:
    """Wait until the attempt is asked to stop, or `timeout` (seconds) has passed; blocks, for activities in threads."""
    attempt = _attempt()
    if attempt.canceled_in_thread is None:
        attempt.canceled_in_thread = threading.Event()
    if not attempt.cancel_reason:  # whoever sets it looks for the event afterwards
        attempt.canceled_in_thread.wait(_seconds(timeout))


async def wait_for_worker_shutdown() -> None:
    """Wait until the worker stops; for async activities."""
    worker = _attempt().worker
    if worker is not None:
        await worker.wait_for_shutdown()


def wait_for_worker_shutdown_sync(timeout: timedelta | float | None = None) -> None:
    """Wait until the worker stops, or `timeout` (seconds) has passed; blocks, for activities in threads."""
    worker = _attempt().worker
    if worker is not None:
        worker.stopping.wait(_seconds(timeout))


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


def payload_converter() -> PayloadConverter:
    """Return the converter that the attempt's values go through."""
    worker = _attempt().worker
    if worker is None:
        raise NotInActivityError(call="activity.payload_converter()")
    return worker.converter


def client() -> Client:
    """Return the client of the worker that runs the attempt, to start or signal other workflows with."""
    worker = _attempt().worker
    if worker is None or worker.client is None:
        raise NotInActivityError(call="activity.client()")
    return worker.client  # type: ignore[no-any-return]  # the engine does not know the client's class


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the attempt's ids."""

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        """Log through `logger`."""
        super().__init__(logger, extra or {})
        self.activity_info_on_message = True
        self.activity_info_on_extra = True

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the attempt's ids to the message and to the record's `activity` attribute."""
        attempt = current_attempt.get(None)
        if attempt is None:
            return msg, kwargs
        details = {
            "workflow_id": attempt.workflow_id,
            "run_id": attempt.run_id,
            "activity_type": attempt.scheduled.activity_type,
            "activity_id": attempt.scheduled.activity_id or str(attempt.scheduled.seq),
            "attempt": attempt.number,
        }
        if self.activity_info_on_extra:
            kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {}), "activity": details}
        if self.activity_info_on_message:
            msg = f"{msg} ({details})"
        return msg, kwargs


logger: Final = LoggerAdapter(logging.getLogger("understudy.activity"))
