"""Outcomes: the facts that resolve what the code awaits; one function each, found in the table at the end.

A late outcome finds no handle, or one that is done, and changes nothing: the code went on without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from understudy.events import activity as act
from understudy.events.failure import is_cancelled_exception
from understudy.events.timer import TimerFired

if TYPE_CHECKING:
    from understudy.actors.behaviors.context import Context
    from understudy.actors.behaviors.handle import ActivityHandle
    from understudy.events.event import Fact

__all__ = ["OUTCOMES"]


def _completed(context: Context, fact: act.ActivityCompleted | act.LocalActivityCompleted) -> None:
    handle = _take(context, fact)
    if handle is None or handle.done():
        return
    if fact.result is None:
        handle.set_result(None)
        return
    where = f"the result of activity #{fact.seq} of workflow {context.definition.label!r}"
    handle.set_result(context.converter.decode(fact.result, handle.result_hint, where=where))


def _failed(
    context: Context, fact: act.ActivityFailed | act.ActivityTimedOut | act.ActivityCanceled | act.LocalActivityFailed
) -> None:
    handle = _take(context, fact)
    if handle is None or handle.done():
        return
    error = context.failures.to_exception(fact.failure, context.converter)
    if is_cancelled_exception(error):
        handle.end_canceled(error)
    else:
        handle.set_exception(error)


def _take(context: Context, fact: Any) -> ActivityHandle[Any] | None:
    if not isinstance(fact, act.LocalActivityCompleted | act.LocalActivityFailed):
        return context.activities.pop(fact.seq, None)
    local = context.local.pop(fact.seq, None)
    if local is None or local.scheduled.activity_type != fact.activity_type:
        context.refuse(context.cursor - 1, fact, local.scheduled if local else None)
    return local.handle if local else None


def _fired(context: Context, fact: TimerFired) -> None:
    fire = context.timers.pop(fact.seq, None)
    if fire is not None:
        fire()


OUTCOMES: Final[dict[type[Fact], Callable[[Context, Any], None]]] = {
    act.ActivityCompleted: _completed,
    act.LocalActivityCompleted: _completed,
    act.ActivityFailed: _failed,
    act.ActivityTimedOut: _failed,
    act.ActivityCanceled: _failed,
    act.LocalActivityFailed: _failed,
    TimerFired: _fired,
}
