"""Resetting: the stream of a new run that is an old one up to an event, and goes on from there.

A stream is cut where the code took a turn: what is kept ends with the fact, or the facts, that the turn was about. They
count as deferred, so the new run's code takes them up again, live, in front of what is sent to it once more. The new
run keeps the old one's dice, and the ids of the children and messages that it remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from understudy.actors.behaviors.decisions.activation import Deferred, recorded
from understudy.events.activity import ActivityScheduled
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Event, Fact
from understudy.events.options.policies import ResetChildren
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import ResetMark, TurnDeferred, TurnResumed, WorkflowStarted

if TYPE_CHECKING:
    from understudy.actors.behaviors.decisions.commands import ResetWorkflow

__all__ = ["Reset", "reset"]


class Reset(NamedTuple):
    """The new run that a reset makes."""

    events: list[Event]
    """The stream of the new run."""
    state: WorkflowExecution
    """The aggregate of that stream."""
    last_child: int
    """The number of the last child that the new run remembers."""


class _Cut(NamedTuple):
    kept: int
    """The number of events that stay."""
    since: int
    """The version of the first fact that is to be taken up anew."""


def reset(run_id: str, events: Sequence[Event], command: ResetWorkflow, new_run_id: str, now: int) -> Reset:
    """Return the stream that the new run begins with.

    Args:
        run_id: of the old run.
        events: its stream.
        command: what was asked for.
        new_run_id: of the new run.
        now: ns since the epoch.

    Raises:
        InvalidArgumentError: the run has no such event.
    """
    if command.event_id > len(events):
        raise InvalidArgumentError(
            what=f"event_id of run {run_id!r}", got=str(command.event_id), expected=f"1 to {len(events)}"
        )
    cut = _cut(events, command.event_id)
    before = fold(run_id, events[: cut.kept])
    stream: list[Event] = [
        _started(before, command, new_run_id, now),
        *_kept(before, events[1 : cut.kept], now),
        TurnDeferred(at=now, since=cut.since, reason="the workflow was reset"),
        *_again(before, events[cut.kept :], command, now),
    ]
    return Reset(stream, fold(new_run_id, stream), before.last_child)


def _cut(events: Sequence[Event], event_id: int) -> _Cut:
    """Return where the turn begins that event number `event_id` belongs to."""
    waits = {event.since for event in events if type(event) is TurnDeferred}
    waiting, cut = False, _Cut(recorded(events, 1).through, 1)
    deferred = Deferred()
    for position, event in enumerate(events[:event_id], 1):
        if isinstance(event, Fact):
            if waiting or deferred or position in waits:
                deferred.append((position, event))
            elif not getattr(event, "with_start", False):
                cut = _Cut(recorded(events, position).through, position)
        elif type(event) is TurnDeferred:
            waiting = True
        elif type(event) is TurnResumed:
            waiting, cut = False, _Cut(position - 1, deferred[0][0] if deferred else position)
            if deferred and deferred[0][0] <= event.through:
                deferred.take(event.through)
    return cut


def _started(before: WorkflowExecution, command: ResetWorkflow, new_run_id: str, now: int) -> WorkflowStarted:
    start = before.start
    own = None if command.children is ResetChildren.ADOPT else before.last_child
    mark = ResetMark(run_id=new_run_id, messages_after=before.last_outbound, children_after=own)
    return msgspec.structs.replace(
        start,
        seed=start.seed or before.run_id,
        resets=(*start.resets, mark),
        first_run_id=start.first_run_id or before.run_id,
        first_turn_at=now,  # so that the run's time-out begins anew; its code sees the old times
        execution_deadline=now + start.execution_timeout if start.execution_timeout else 0,
        request_id="",
    )


def _kept(before: WorkflowExecution, events: Sequence[Event], now: int) -> list[Event]:
    """Return the events of the part that stays; the limits of activities that are under way there begin anew."""
    return [
        msgspec.structs.replace(event, at=now)
        if isinstance(event, ActivityScheduled) and event.schedule_to_close and event.seq in before.activities
        else event
        for event in events
    ]


def _again(
    before: WorkflowExecution, dropped: Sequence[Event], command: ResetWorkflow, now: int
) -> list[SignalReceived | UpdateAccepted]:
    """Return the messages of the part that is cut off, as they are sent to the new run."""

    def is_sent(event: Event) -> bool:
        if isinstance(event, SignalReceived):
            return command.reapply_signals
        return isinstance(event, UpdateAccepted) and command.reapply_updates and event.update_id not in before.updates

    messages: list[Any] = [event for event in dropped if is_sent(event)]
    return [msgspec.structs.replace(message, at=now, with_start=False) for message in messages]
