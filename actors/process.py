"""Activities in a process pool: function, arguments and outcome cross by cloudpickle.

cloudpickle carries what pickle refuses: lambdas, closures, functions of `__main__`. What the function raises is brought
back as it is where it pickles, and as its nearest picklable likeness where it does not, so that a strange exception
never takes the pool down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import Context
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

import cloudpickle

from understudy.actors.cancellation import current_attempt
from understudy.actors.remote_attempt import Stand
from understudy.events.failure import ApplicationError

if TYPE_CHECKING:
    from understudy.actors.attempt import Attempt

__all__ = ["run_in_process"]

MSGSPEC_NOTE: Final = "__msgspec_cache__"
"""What msgspec leaves on a class that it has read or written; it does not pickle, and is made anew when needed."""


class _Pickler(cloudpickle.Pickler):
    """cloudpickle, for classes that go by value (of `__main__`, or local ones) without msgspec's note on them."""

    def reducer_override(self, obj: Any) -> Any:
        reduce = cast("Callable[[Any], Any]", super().reducer_override)  # type: ignore[redundant-cast]  # pyright sees half
        reduced = reduce(obj)
        if isinstance(obj, type) and MSGSPEC_NOTE in vars(obj) and reduced is not NotImplemented:
            attributes, _slots = reduced[2]
            attributes.pop(MSGSPEC_NOTE, None)
        return reduced


_pickler: Final = cast("Callable[[BytesIO], Any]", _Pickler)


def _dumps(subject: object) -> bytes:
    file = BytesIO()
    _pickler(file).dump(subject)
    return file.getvalue()


async def run_in_process(
    attempt: Attempt, loop: asyncio.AbstractEventLoop, executor: Executor, fn: Callable[..., Any], args: Sequence[Any]
) -> Any:
    """Run `fn(*args)`, the code of an attempt, in `executor`, a process pool, and return its result.

    Raises:
        BaseException: what `fn` raised.
    """
    with Stand(attempt) as remote:
        work = _dumps((remote, fn, tuple(args)))
        ok, outcome = cloudpickle.loads(await loop.run_in_executor(executor, _work, work))
    if ok:
        return outcome
    raise outcome


def _work(work: bytes) -> bytes:
    """Run in the child: unpack, call, pack."""
    remote, fn, args = cloudpickle.loads(work)
    variables = Context()  # a forked child inherits that of whatever attempt it was forked in, which is not this one
    try:
        remote.arrive()
        variables.run(current_attempt.set, remote)
        outcome = (True, variables.run(fn, *args))
    except Exception as error:  # noqa: BLE001 - it crosses to the parent and is raised there
        outcome = (False, error)
    try:
        return _dumps(outcome)
    except Exception as unpicklable:  # noqa: BLE001 - anything may be in a user's result
        kind = type(outcome[1]).__name__
        text = f"{kind} cannot cross from the process pool: {unpicklable}; it said: {outcome[1]}"
        return _dumps((False, ApplicationError(text, type=kind, non_retryable=outcome[0])))
