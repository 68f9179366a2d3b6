"""The functions of `understudy.activity` for running code: facts, heartbeats, cancellation, the end of the worker.

Each finds the attempt that it is called in by a context variable, and asks it by the protocol `RunningAttempt`: so the
functions are the same in a coroutine, in a thread, in another process and in a test without an engine.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

from understudy.actors.activities.cancellation import ActivityCancellationDetails
from understudy.actors.activities.current import AsyncCompletion, RunningAttempt, converter_of, current_attempt
from understudy.actors.activities.thread_cancel import Shield
from understudy.events.errors import NotInActivityError
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._activity.info import Info
    from understudy._client.client import Client
    from understudy._metrics import MetricMeter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = [
    "cancellation_details",
    "client",
    "heartbeat",
    "in_activity",
    "info",
    "is_cancelled",
    "is_worker_shutdown",
    "metric_meter",
    "payload_converter",
    "raise_complete_async",
    "shield_thread_cancel_exception",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
]


def _attempt() -> RunningAttempt:
    try:
        return current_attempt.get()
    except LookupError:
        raise NotInActivityError(call=f"activity.{sys._getframe(1).f_code.co_name}()") from None  # noqa: SLF001 - whose call it is


@public("understudy.activity")
def in_activity() -> bool:
    """Return True if activity code is running here."""
    return current_attempt.get(None) is not None


@public("understudy.activity")
def info() -> Info:
    """Return facts about the attempt.

    Raises:
        NotInActivityError: called outside of an activity.
    """
    attempt = _attempt()
    if attempt.outbound is not None:
        return cast("Info", attempt.outbound.info())
    return cast("Info | None", attempt.info) or _facts(attempt)


def _facts(attempt: RunningAttempt) -> Info:
    """Return the facts about an attempt; shielded, since an interrupted import would leave its lock behind."""
    with Shield(attempt.thread_cancel):
        from understudy._activity.info import info_of

        return info_of(attempt)


@public("understudy.activity")
def heartbeat(*details: Any) -> None:
    """Give a sign of life, with details that the next attempt finds in `info().heartbeat_details`.

    Any thread. Details are written down now and then: the first at once, later ones at the end of an interval, which
    is 0.8 of the heartbeat time-out, or 30 s without one, and 60 s at most (options of the worker). A crash may lose
    those of the last interval; an attempt that fails hands on its very last ones.

    Raises:
        NotInActivityError: called outside of an activity.
        PayloadEncodeError: the details cannot be stored.
        CancelledError: in a thread, if a cancellation came while this ran.
    """
    attempt = _attempt()
    with Shield(attempt.thread_cancel):
        if attempt.outbound is None:
            attempt.beat(details)
        else:
            attempt.outbound.heartbeat(*details)


@public("understudy.activity")
def is_cancelled() -> bool:
    """Return True if the attempt was asked to stop: by its workflow, by a time-out, or because the worker stops."""
    return _attempt().cancellation.details is not None


@public("understudy.activity")
def cancellation_details() -> ActivityCancellationDetails | None:
    """Return the reasons why the attempt was asked to stop, or None if it was not; once said, they do not change.

    Raises:
        NotInActivityError: called outside of an activity.
    """
    return _attempt().cancellation.details


@public("understudy.activity")
def shield_thread_cancel_exception() -> AbstractContextManager[None]:
    """Hold back the CancelledError of code in a thread while a `with` block runs.

    A cancellation that comes meanwhile is raised at the end of the outermost such block, also if the block returns, and
    instead of what it raises. In async activities, in other processes, and in activities with
    `no_thread_cancel_exception` there is nothing to hold back.

    Raises:
        NotInActivityError: called outside of an activity.
        CancelledError: at the end of the block, if a cancellation came in it.
    """
    return Shield(_attempt().thread_cancel)


@public("understudy.activity")
def raise_complete_async() -> NoReturn:
    """End the code of this attempt without an outcome; somebody outside reports it by an `AsyncActivityHandle`.

    The attempt frees its slot and stays open: its time-outs still count, and after a restart it is waited for, and its
    code does not run again. Give `info().task_token`, or the ids, to whoever completes it before you call this.

    Raises:
        AsyncCompletion: always; it is a BaseException and has to get out of the activity.
    """
    raise AsyncCompletion


@public("understudy.activity")
def is_worker_shutdown() -> bool:
    """Return True if the worker is stopping; there is time to finish, but not for ever."""
    worker = _attempt().worker
    return worker is not None and worker.shutting_down


@public("understudy.activity")
async def wait_for_cancelled() -> None:
    """Wait until the attempt is asked to stop; for async activities. Its own task is cancelled then, too."""
    await _attempt().cancellation.wait()


@public("understudy.activity")
def wait_for_cancelled_sync(timeout: timedelta | float | None = None) -> None:
    """Wait until the attempt is asked to stop, or `timeout` (seconds) has passed; blocks, for activities in threads.

    Where a cancellation is raised in the thread, it comes here; see `shield_thread_cancel_exception`.
    """
    _ = _attempt().cancellation.wait_in_thread(_seconds(timeout))


@public("understudy.activity")
async def wait_for_worker_shutdown() -> None:
    """Wait until the worker stops; for async activities."""
    worker = _attempt().worker
    if worker is not None:
        await worker.wait_for_shutdown()


@public("understudy.activity")
def wait_for_worker_shutdown_sync(timeout: timedelta | float | None = None) -> None:
    """Wait until the worker stops, or `timeout` (seconds) has passed; blocks, for activities in threads."""
    worker = _attempt().worker
    if worker is not None:
        worker.stopping.wait(_seconds(timeout))


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


@public("understudy.activity")
def payload_converter() -> PayloadConverter:
    """Return the converter that the attempt's values go through."""
    attempt = _attempt()
    if attempt.worker is None:
        raise NotInActivityError(call="activity.payload_converter()")
    return converter_of(attempt.assignment, attempt.worker)


@public("understudy.activity")
def client() -> Client:
    """Return the client of the worker that runs the attempt, to start or signal other workflows with.

    Raises:
        NotInActivityError: called outside of an activity, in another process, or where a test has given no client.
    """
    worker, call = _attempt().worker, "activity.client()"
    if worker is None:
        raise NotInActivityError(call=call)
    if worker.client is None:
        raise NotInActivityError(
            call=call,
            where="where there is no client: in an ActivityEnvironment without one, or in another process",
            fix="In a test, pass one: ActivityEnvironment(client=...); else use it in a coroutine or a thread",
        )
    return cast("Client", worker.client)


@public("understudy.activity")
def metric_meter() -> MetricMeter:
    """Return the meter to count and measure with; it knows the activity type, the task queue and the namespace.

    Raises:
        NotInActivityError: called outside of an activity.
    """
    attempt = _attempt()
    meter = cast("MetricMeter | None", attempt.worker.meter if attempt.worker is not None else None)
    if meter is None:
        with Shield(attempt.thread_cancel):
            from understudy._metrics import MetricMeter

            return MetricMeter.noop
    facts = _facts(attempt)
    return meter.with_additional_attributes(
        {"namespace": facts.namespace, "task_queue": facts.task_queue, "activity_type": facts.activity_type}
    )
