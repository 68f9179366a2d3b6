"""Activities in a process pool: function, arguments and outcome cross by cloudpickle.

cloudpickle carries what pickle refuses: lambdas, closures, functions of `__main__`. An exception of the function comes
back as it is if it pickles, else as an ApplicationError with its type and text, so that a strange exception never takes
the pool down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import Context
from typing import TYPE_CHECKING, Any

import cloudpickle

from understudy.actors.activities.current import current_attempt
from understudy.actors.activities.pickling import dumps
from understudy.events.failures.exceptions import ApplicationError

if TYPE_CHECKING:
    from understudy.actors.activities.remote import AttemptServer, RemoteAttempt

__all__ = ["run_in_process"]


async def run_in_process(
    server: AttemptServer,
    loop: asyncio.AbstractEventLoop,
    executor: Executor,
    fn: Callable[..., Any],
    args: Sequence[Any],
) -> Any:
    """Run `fn(*args)`, the code of an attempt, in `executor`, a process pool, and return its result.

    Args:
        server: answers what the code asks of its attempt.
        loop: the engine's loop.
        executor: the process pool.
        fn: the function to call.
        args: its positional arguments.

    Raises:
        BaseException: what `fn` raised.
    """
    with server as remote:
        work = dumps((remote, fn, tuple(args)))
        ok, outcome = cloudpickle.loads(await loop.run_in_executor(executor, _work, work))
    if ok:
        return outcome
    raise outcome


def _work(work: bytes) -> bytes:
    """Unpack the work, call the function and pack the outcome; runs in the pool's process."""
    remote: RemoteAttempt
    remote, fn, args = cloudpickle.loads(work)
    variables = Context()  # a forked child inherits that of whatever attempt it was forked in, which is not this one
    try:
        remote.attach()
        variables.run(current_attempt.set, remote)
        outcome = (True, variables.run(fn, *args))
    except Exception as error:  # noqa: BLE001 - it crosses to the parent and is raised there
        outcome = (False, error)
    try:
        return dumps(outcome)
    except Exception as unpicklable:  # noqa: BLE001 - anything may be in a user's result
        kind = type(outcome[1]).__name__
        text = f"{kind} cannot cross from the process pool: {unpicklable}; it said: {outcome[1]}"
        return dumps((False, ApplicationError(text, type=kind, non_retryable=outcome[0])))
