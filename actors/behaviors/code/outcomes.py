"""Outcomes: the facts that resolve what the code awaits; one function each, found in the table at the end.

A late outcome finds no handle, or one that is done, and changes nothing: the code went on without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from understudy.events import activity as act
from understudy.events import child as ch
from understudy.events import outbound as out
from understudy.events.errors import PayloadError
from understudy.events.failures.exceptions import FailureError, is_cancelled_exception
from understudy.events.payloads.payload import Phrase
from understudy.events.timer import TimerFired

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context
    from understudy.actors.behaviors.code.handles import ActivityHandle, DurableHandle
    from understudy.events.event import Fact
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["OUTCOMES", "is_declared"]


def is_declared(error: BaseException | None, types: tuple[type[BaseException], ...]) -> bool:
    """True if an exception is an outcome of a workflow, and no bug; `types`: those that its definition adds to ours.

    What a payload converter raises counts as what it is, since it comes as the cause of an error of ours.
    """
    if isinstance(error, (FailureError, TimeoutError, *types)):
        return True
    return isinstance(error, PayloadError) and isinstance(error.__cause__, types)


def _completed(context: Context, fact: act.ActivityCompleted | act.LocalActivityCompleted) -> None:
    where = Phrase("the result of activity #{} of workflow {!r}", (fact.seq, context.execution.start.workflow_type))
    _succeed(_take(context, fact), fact.result, where)


def _failed(
    context: Context, fact: act.ActivityFailed | act.ActivityTimedOut | act.ActivityCanceled | act.LocalActivityFailed
) -> None:
    _fail(_take(context, fact), fact.failure)


def _succeed(handle: DurableHandle[Any] | None, result: Payload | None, where: Phrase) -> None:
    if handle is None or handle.done():
        return
    if result is None:
        handle.set_result(None)
        return
    try:
        value = handle.converter.decode(result, handle.result_hint, where=where)
    except FailureError as error:
        handle.set_exception(error)
    else:
        handle.set_result(value)


def _fail(handle: DurableHandle[Any] | None, failure: Failure) -> None:
    if handle is None or handle.done():
        return
    error = handle.failures.to_exception(failure, handle.converter)
    if is_cancelled_exception(error):
        handle.end_canceled(error)
    else:
        handle.set_exception(error)


def _take(context: Context, fact: Any) -> ActivityHandle[Any] | None:
    if not isinstance(fact, act.LocalActivityCompleted | act.LocalActivityFailed):
        return context.activities.pop(fact.seq, None)
    local = context.local.pending.pop(fact.seq, None) if context.local is not None else None
    if local is None or local.scheduled.activity_type != fact.activity_type:
        context.recorder.refuse(context.recorder.cursor - 1, fact, local.scheduled if local else None)
    return local.handle if local else None


def _fired(context: Context, fact: TimerFired) -> None:
    fire = context.timers.pop(fact.seq, None)
    if fire is not None:
        fire()


def _child_completed(context: Context, fact: ch.ChildCompleted) -> None:
    where = Phrase("the result of child #{} of workflow {!r}", (fact.seq, context.execution.start.workflow_type))
    _succeed(context.children.open.pop(fact.seq, None), fact.result, where)


def _child_failed(context: Context, fact: ch.ChildFailed) -> None:
    _fail(context.children.open.pop(fact.seq, None), fact.failure)


def _delivered(context: Context, fact: out.MessageDelivered) -> None:
    context.outbound.message_ended(fact.seq, None)


def _not_delivered(context: Context, fact: out.MessageFailed) -> None:
    context.outbound.message_ended(fact.seq, context.failures.to_exception(fact.failure, context.converter))


OUTCOMES: Final[dict[type[Fact], Callable[[Context, Any], None]]] = {
    act.ActivityCompleted: _completed,
    act.LocalActivityCompleted: _completed,
    act.ActivityFailed: _failed,
    act.ActivityTimedOut: _failed,
    act.ActivityCanceled: _failed,
    act.LocalActivityFailed: _failed,
    TimerFired: _fired,
    ch.ChildStarted: lambda context, fact: context.children.child_started(fact),
    ch.ChildStartFailed: lambda context, fact: context.children.child_not_started(fact),
    ch.ChildCancelDelivered: lambda context, fact: context.children.cancel_delivered(fact),
    ch.ChildCompleted: _child_completed,
    ch.ChildFailed: _child_failed,
    out.MessageDelivered: _delivered,
    out.MessageFailed: _not_delivered,
}
