"""Races: several things at once, each by a name, and the first that comes is told (row A14 of the feature list).

The order in which things are given decides between those that are ready at once, and nothing but the run's own loop is
asked, so a race ends the same way at each replay (SAME-AGAIN).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.loop.waits import wait
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.public import public

__all__ = ["Winner", "select"]

T = TypeVar("T")


@public("understudy.workflow")
@dataclass(frozen=True, slots=True)
class Winner(Generic[T]):
    """The awaitable that came first in a race.

    Attributes:
        name: by which it was given.
        value: what it returned.
    """

    name: str
    value: T


async def select(
    awaitables: Mapping[str, Awaitable[T]] | None = None,
    /,
    *,
    cancel_losers: bool = True,
    **named: Awaitable[T],
) -> Winner[T]:
    """Wait for the first of several things, and say by its name which one it was.

    Coroutines start at once, in the order given. Of what is ready at once, the first in that order wins. When the
    caller is cancelled, so is what was started here; handles and tasks that were given are not.

    Args:
        awaitables: coroutines, handles, tasks or futures by name; for names that Python does not take as keywords.
        cancel_losers: cancel what did not win, and wait until what was started here has ended. False: it goes on.
        **named: more of them.

    Raises:
        BaseException: what the winner raised.
        ArgumentTypeError: something is not awaitable.
        InvalidArgumentError: there is nothing to wait for, or one name stands for two things.
        NotInWorkflowError: called outside of a workflow.
    """
    racers = {**(awaitables or {}), **named}
    try:
        current()
        _check(awaitables or {}, named, cancel_losers=cancel_losers)
    except BaseException:
        for each in racers.values():
            if inspect.iscoroutine(each):
                each.close()
        raise
    futures = {name: asyncio.ensure_future(each) for name, each in racers.items()}
    made = [future for name, future in futures.items() if future is not racers[name]]
    try:
        done, losers = await wait(futures.values(), return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        await _stop(made, made)
        raise
    first = done[0]
    if cancel_losers:
        await _stop(losers, made)
    name = next(name for name, future in futures.items() if future is first)
    return Winner(name, first.result())


def _check(awaitables: Mapping[str, Any], named: Mapping[str, Any], *, cancel_losers: object) -> None:
    if not isinstance(cancel_losers, bool):
        raise ArgumentTypeError(
            what="cancel_losers",
            got=repr(cancel_losers),
            expected="True or False",
            fix="If you race something of that name, give it in a mapping: select({'cancel_losers': ...})",
        )
    if not awaitables and not named:
        raise InvalidArgumentError(what="select()", got="given nothing", expected="at least one awaitable, by its name")
    for name in awaitables:
        if name in named:
            raise InvalidArgumentError(
                what=f"{name!r}", got="the name of two awaitables", expected="a name of its own for each"
            )
    for name, each in (*awaitables.items(), *named.items()):
        if not inspect.isawaitable(each):
            raise ArgumentTypeError(
                what=f"{name!r} of select()", got=repr(each), expected="a coroutine, handle, task or future"
            )


async def _stop(futures: Iterable[asyncio.Future[Any]], made: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel futures that are not done, and wait for those among them that were made here."""
    stopped = [future for future in futures if not future.done()]
    for future in stopped:
        if not isinstance(future, asyncio.Task):  # how a handle ends that lost is nobody's error
            future.add_done_callback(_look)
        future.cancel()
    if ours := [future for future in made if future in stopped]:
        await wait(ours)


def _look(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
