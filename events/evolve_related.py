"""How children, updates and messages to others change the aggregate; a part of the table of `events.execution`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from understudy.events import child as ch
from understudy.events import outbound as out
from understudy.events.child import CHILD, ChildInitiated
from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event
from understudy.events.outbound import OUTBOUND, ExternalCancelRequested, ExternalSignalRequested, OutboundPhase
from understudy.events.state.pending import PendingChild
from understudy.events.transition import advance
from understudy.events.update import UPDATE, UpdateAccepted, UpdateCompleted, UpdatePhase

if TYPE_CHECKING:
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["EVOLVE_RELATED", "NONE", "with_item"]

K = TypeVar("K")
V = TypeVar("V")

NONE: Final[dict[Any, Any]] = {}
"""Stands for each table of an aggregate that has nothing in it, as most have all their lives; only `with_item` adds."""


def with_item(table: dict[K, V], key: K, value: V) -> dict[K, V]:
    """Return the table with one more item: itself, or a new one if it was empty."""
    if not table:
        return {key: value}
    table[key] = value
    return table


def _child_initiated(state: WorkflowExecution, event: ChildInitiated) -> None:
    if event.seq <= state.last_child:
        raise IllegalTransitionError(state=f"child #{event.seq} is not new", event=event.topic)
    state.last_child = event.seq
    state.children = with_item(state.children, event.seq, PendingChild(event))


def _child_moved(
    state: WorkflowExecution, event: ch.ChildStarted | ch.ChildCancelRequested | ch.ChildCancelDelivered
) -> None:
    pending = _pending_child(state, event.seq, event)
    pending.phase = advance(CHILD, pending.phase, event)
    if isinstance(event, ch.ChildStarted):
        pending.run_id = event.run_id
    elif isinstance(event, ch.ChildCancelRequested):
        pending.cancel_reason = event.reason
    else:
        pending.cancel_delivered = True


def _child_done(state: WorkflowExecution, event: ch.ChildStartFailed | ch.ChildCompleted | ch.ChildFailed) -> None:
    pending = _pending_child(state, event.seq, event)
    advance(CHILD, pending.phase, event)
    del state.children[event.seq]


def _pending_child(state: WorkflowExecution, seq: int, event: Event) -> PendingChild:
    pending = state.children.get(seq)
    if pending is None:
        raise IllegalTransitionError(state=f"child #{seq} has no open state", event=event.topic)
    return pending


def _message_asked(state: WorkflowExecution, event: ExternalSignalRequested | ExternalCancelRequested) -> None:
    if event.seq <= state.last_outbound:
        raise IllegalTransitionError(state=f"message #{event.seq} is not new", event=event.topic)
    state.last_outbound = event.seq
    state.outbound = with_item(state.outbound, event.seq, event)


def _message_done(state: WorkflowExecution, event: out.MessageDelivered | out.MessageFailed) -> None:
    phase = OutboundPhase.ASKED if event.seq in state.outbound else None
    advance(OUTBOUND, phase, event)
    del state.outbound[event.seq]


def _update_moved(state: WorkflowExecution, event: UpdateAccepted | UpdateCompleted) -> None:
    known = state.updates.get(event.update_id)
    phase = (
        None if known is None else UpdatePhase.ACCEPTED if isinstance(known, UpdateAccepted) else UpdatePhase.COMPLETED
    )
    advance(UPDATE, phase, event)
    state.updates = with_item(state.updates, event.update_id, event)


EVOLVE_RELATED: Final[dict[type[Event], Callable[[WorkflowExecution, Any], None]]] = {
    UpdateAccepted: _update_moved,
    UpdateCompleted: _update_moved,
    ChildInitiated: _child_initiated,
    ch.ChildCancelRequested: _child_moved,
    ch.ChildStarted: _child_moved,
    ch.ChildCancelDelivered: _child_moved,
    ch.ChildStartFailed: _child_done,
    ch.ChildCompleted: _child_done,
    ch.ChildFailed: _child_done,
    ExternalSignalRequested: _message_asked,
    ExternalCancelRequested: _message_asked,
    out.MessageDelivered: _message_done,
    out.MessageFailed: _message_done,
}
