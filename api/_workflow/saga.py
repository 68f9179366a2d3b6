"""Sagas: steps that are taken back when a later one fails (row A10 of the feature list).

Each step is followed by what takes it back. When the block ends by an exception or a cancellation, that is done in
reverse order, all of it, whatever fails on the way. The exception that ended the block stays the one that is raised.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, ParamSpec, Self

from understudy._workflow.log import logger
from understudy.actors.behaviors.definitions.definition import ACTIVITY_MARK, activity_of
from understudy.actors.behaviors.loop.waits import wait
from understudy.events.errors import ArgumentTypeError
from understudy.events.public import public

__all__ = ["Saga"]

P = ParamSpec("P")


@public("understudy.workflow")
class Saga:
    """Compensations, to be run in reverse order if the block ends by an exception.

        async with workflow.Saga() as saga:
            await charge(order)
            saga.add(refund, order)
            await ship(order)

    Cancelling does not stop compensations that run. Continuing as new is no failure, and runs none.

    Args:
        parallel: run them all at once.
        compensate_on: the exceptions after which to run them; a cancellation always counts.

    Attributes:
        failures: what compensations raised, in the order in which they failed.
    """

    def __init__(self, *, parallel: bool = False, compensate_on: Sequence[type[Exception]] = (Exception,)) -> None:
        self.failures: list[BaseException] = []
        self._notes: list[str] = []
        self._parallel = parallel
        self._on = tuple(compensate_on)
        self._steps: list[_Step] = []

    def __repr__(self) -> str:
        """Show the compensations that would run."""
        names = ", ".join(step.name for step in reversed(self._steps)) or "nothing"
        return f"<Saga to compensate by {names}; {len(self.failures)} failed>"

    def add(self, compensation: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remember the call that takes back the step that was just done.

        Args:
            compensation: an activity function, which runs as an activity with the options of its decorator, or one
                with others (`refund.options(...)`); or any other function, async or not.
            *args: its arguments.
            **kwargs: more of them.

        Raises:
            ArgumentTypeError: it is no function, or an activity that takes another number of arguments.
        """
        fn = _function(compensation)
        if hasattr(fn, ACTIVITY_MARK):
            if not kwargs:
                activity_of(fn).signature.check(len(args), where=f"compensation {_name(fn)}")
            fn = fn.options()
        self._steps.append(_Step(_name(compensation), lambda: fn(*args, **kwargs)))

    async def compensate(self) -> Sequence[BaseException]:
        """Run the compensations now, and forget them; return what they raised.

        Raises:
            asyncio.CancelledError: the caller was cancelled meanwhile; they have run all the same.
        """
        steps, self._steps = self._steps[::-1], []
        before = len(self.failures)
        if steps and (canceled := await _outlast(asyncio.ensure_future(self._run(steps)))) is not None:
            raise canceled
        return self.failures[before:]

    async def _run(self, steps: Sequence[_Step]) -> None:
        if self._parallel:
            await asyncio.gather(*map(self._run_one, steps))
        else:
            for step in steps:
                await self._run_one(step)

    async def _run_one(self, step: _Step) -> None:
        try:
            outcome = step.run()
            if inspect.isawaitable(outcome):
                await outcome
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the others have to run all the same
            self.failures.append(error)
            self._notes.append(f"Compensation {step.name} failed: {type(error).__name__}: {error}")
            logger.warning("compensation %s failed: %s: %s", step.name, type(error).__name__, error)

    async def __aenter__(self) -> Self:
        """Begin; what was added before counts, too."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Compensate, if the block failed or was cancelled; its error is raised, with a note for each failure."""
        if error is None or not isinstance(error, (asyncio.CancelledError, *self._on)):
            return
        with suppress(asyncio.CancelledError):  # the error that ended the block is raised, not this one
            await self.compensate()
        for note in self._notes:
            error.add_note(note)


class _Step(NamedTuple):
    """One compensation of a saga."""

    name: str
    run: Callable[[], Any]


async def _outlast(task: asyncio.Future[None]) -> asyncio.CancelledError | None:
    """Wait until a task is done, however often the caller is cancelled; return the caller's last cancellation."""
    canceled = None
    while not task.done():
        try:
            await wait([task])
        except asyncio.CancelledError as error:
            canceled = error
    task.result()
    return canceled


def _name(fn: Any) -> str:
    return str(getattr(fn, "__qualname__", None) or repr(fn))


def _function(given: Any) -> Any:
    """Return a compensation that is a function.

    Raises:
        ArgumentTypeError: it is something else, perhaps what calling the function returned.
    """
    if callable(given):
        return given
    if inspect.iscoroutine(given):
        given.close()
    raise ArgumentTypeError(
        what="a compensation",
        got=repr(given),
        expected="a function",
        fix="Pass the function and its arguments, without calling it: saga.add(refund, order)",
    )
