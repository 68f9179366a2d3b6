"""Decisions: (state, command, now) -> events. One function a command, found in the table at the end.

A decision changes nothing and does nothing: the events it returns are applied by whoever asked, and what is to be done
about them follows from the events (`actors.effects`). Late and duplicate input gets no events: that is what keeps
ONCE-RECORDED. A message to a closed run is refused (CLOSED).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from understudy.actors.behaviors.decisions.activities import DECIDE_ACTIVITY, reported, schedule_to_close_passed
from understudy.actors.behaviors.decisions.children import DECIDE_CHILD
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    PauseWorkflow,
    ReportActivity,
    SignalWorkflow,
    TerminateWorkflow,
    UnpauseWorkflow,
    UpdateWorkflow,
    Wake,
)
from understudy.events.errors import WorkflowClosedError
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import DeadlineKind
from understudy.events.timer import TimerFired
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import (
    TurnDeferred,
    WorkflowCancelRequested,
    WorkflowPaused,
    WorkflowTerminated,
    WorkflowTimedOut,
    WorkflowUnpaused,
)

__all__ = ["decide"]


def decide(state: WorkflowExecution, command: Command, now: int) -> list[Event]:
    """Return the events that `command` means for `state` at `now` (ns since the epoch); none for late input.

    Raises:
        WorkflowClosedError: a message came for a closed run.
    """
    return _DECIDE[type(command)](state, command, now)


def _closed(state: WorkflowExecution) -> WorkflowClosedError:
    return WorkflowClosedError(
        workflow_id=state.start.workflow_id, run_id=state.run_id, outcome=state.status.name if state.status else ""
    )


def _seen(state: WorkflowExecution, request_id: str) -> bool:
    return bool(request_id) and state.message_ids is not None and request_id in state.message_ids


def _signal(state: WorkflowExecution, command: SignalWorkflow, now: int) -> list[Event]:
    if _seen(state, command.request_id):
        return []
    if not state.is_open:
        raise _closed(state)
    return [
        SignalReceived(
            at=now,
            name=command.name,
            input=command.input,
            headers=command.headers,
            identity=command.identity,
            request_id=command.request_id,
            failure=command.failure,
        )
    ]


def _update(state: WorkflowExecution, command: UpdateWorkflow, now: int) -> list[Event]:
    if command.update_id in state.updates:
        return []
    if not state.is_open:
        raise _closed(state)
    return [
        UpdateAccepted(
            at=now,
            update_id=command.update_id,
            name=command.name,
            input=command.input,
            headers=command.headers,
            identity=command.identity,
        )
    ]


def _cancel(state: WorkflowExecution, command: CancelWorkflow, now: int) -> list[Event]:
    asked = state.cancel_requested
    if asked is not None and command.request_id and asked.request_id == command.request_id:
        return []
    if not state.is_open:
        raise _closed(state)
    if asked is not None:
        return []
    return [
        WorkflowCancelRequested(at=now, reason=command.reason, identity=command.identity, request_id=command.request_id)
    ]


def _terminate(state: WorkflowExecution, command: TerminateWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    return [WorkflowTerminated(at=now, reason=command.reason, details=command.details, identity=command.identity)]


def _pause(state: WorkflowExecution, command: PauseWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    if state.paused is not None:
        return []
    paused = WorkflowPaused(at=now, note=command.note, freeze_timers=command.freeze_timers, identity=command.identity)
    if state.deferred is not None:
        return [paused]
    return [paused, TurnDeferred(at=now, since=state.version + 2, reason="the workflow is paused")]


def _unpause(state: WorkflowExecution, command: UnpauseWorkflow, now: int) -> list[Event]:
    if not state.is_open:
        raise _closed(state)
    return [] if state.paused is None else [WorkflowUnpaused(at=now, note=command.note, identity=command.identity)]


def _wake(state: WorkflowExecution, _command: Wake, now: int) -> list[Event]:
    """Turn what is due into events; due attempts need none, nor those to time out (`attempts_due`, `overdue`)."""
    events: list[Event] = []
    for _at, kind, seq in state.pop_due(now):
        if kind is DeadlineKind.TIMER:
            events.append(TimerFired(at=now, seq=seq))
        elif kind is DeadlineKind.ACTIVITY_TIMEOUT:
            events.append(schedule_to_close_passed(state.activities[seq], now))
        elif kind is DeadlineKind.RUN_TIMEOUT:
            return [*events, WorkflowTimedOut(at=now)]
    return events


_DECIDE: Final[dict[type[Command], Callable[[WorkflowExecution, Any, int], list[Event]]]] = {
    SignalWorkflow: _signal,
    UpdateWorkflow: _update,
    CancelWorkflow: _cancel,
    TerminateWorkflow: _terminate,
    PauseWorkflow: _pause,
    UnpauseWorkflow: _unpause,
    Wake: _wake,
    ReportActivity: lambda state, command, now: decide(state, reported(state, command), now),
    **DECIDE_ACTIVITY,
    **DECIDE_CHILD,
}
