"""Side effects: values that are computed once, recorded in line, and the same at every replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from understudy.actors.behaviors.code.context import current

__all__ = ["side_effect"]

T = TypeVar("T")


def side_effect(fn: Callable[[], T]) -> T:
    """Compute a value once and record it in line; every replay gets the recorded value.

    For what is cheap and cannot fail, like reading a configuration; everything else is an activity. The guards are
    off while `fn` runs, and it may ask the workflow for nothing: a replay does not call it, and would miss that.

    Whatever `fn` raises is a bug, also if it is caught: the turn is tried again.

    Raises:
        PayloadEncodeError: the value cannot be stored.
        ReadOnlyContextError: called in a query, a validator, a condition or a side effect; or `fn` asked for something,
            used the run's dice or made a task.
    """
    context = current()
    where = "the value of a side effect"
    payload = context.side_effect(lambda: context.converter.encode(fn(), where=where))
    value: T = context.converter.decode(payload, Any, where=where)
    return value
