"""Conditions: `workflow.wait_condition` waits for them; the run checks them whenever nothing else is ready."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context

__all__ = ["Condition", "check_conditions", "settle"]

Condition = tuple[Callable[[], bool], "Future[None]"]
"""The condition that is to hold, and the future of the one who waits for it."""


def settle(conditions: list[Condition]) -> list[Condition]:
    """Look once at each condition, in the order in which they were made, and wake those who wait for one that holds.

    A condition that raises gives its error to the coroutine that waits for it. All are looked at before anybody is
    woken, so that what one sees does not depend on its place.

    Returns:
        Those that are still waited for; their number tells whether any was settled.
    """
    waiting: list[Condition] = []
    settled: list[tuple[Future[None], BaseException | None]] = []
    for condition in conditions:
        fn, future = condition
        if future.done():
            continue
        try:
            if fn():
                settled.append((future, None))
            else:
                waiting.append(condition)
        except (Exception, CancelledError) as error:  # noqa: BLE001 - it belongs to the coroutine that waits
            settled.append((future, error))
    for future, failure in settled:
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
    return waiting


def check_conditions(context: Context) -> bool:
    """Look once at each condition of a run, as code that may only read.

    Returns:
        True if any was settled.
    """
    context.recorder.read_only = "a wait_condition"
    before = len(context.conditions)
    try:
        context.conditions = context.loop.call(settle, context.conditions)
    finally:
        context.recorder.read_only = ""
    return len(context.conditions) < before
