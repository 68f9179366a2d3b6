"""The first turn of a run: its start, and the messages that its code takes before its first step.

A run may be started together with a signal or an update (signal-with-start, update-with-start), and updates may wait
for the code of a start that was put off. The code takes these messages between its making and its first step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.decisions.commands import UpdateWorkflow
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.runs.code_host import CodeHost, tellable
from understudy.events.workflow import TurnResumed, WorkflowStarted

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from understudy.actors.behaviors.decisions.activation import Activation
    from understudy.actors.runs.turn import Part, Turn
    from understudy.events.event import Fact

__all__ = ["begin_with_messages", "take_start"]


def begin_with_messages(
    host: CodeHost, turn: Turn, part: Part, started: WorkflowStarted, messages: Sequence[Envelope[Any]]
) -> None:
    """Start a run together with messages, which its code takes before its first step."""
    host.fold(part, started)
    run = host.run
    if started.first_turn_at > turn.now:
        host.defer(turn, part, 1, "the first turn is due later", None)
    else:
        run.code = host.new_code(turn, part, 1)
        if run.code is None:
            host.defer(turn, part, 1, str(run.trouble), None)
    if _deliver(host, turn, part, started, (), messages):
        host.step(turn, part, started, 1)


def take_start(host: CodeHost, turn: Turn, version: int, taken: Activation) -> bool:
    """Activate a deferred start; first deliver the updates that waited for its code. False: the code failed."""
    run = host.run
    waiting, run.updates_waiting_for_code = run.updates_waiting_for_code, []
    started: Any = taken.fact
    if not _deliver(host, turn, turn.own, started, taken.messages, waiting):
        return False
    resumed = TurnResumed(at=turn.now, through=run.state.version)
    return host.step(turn, turn.own, started, version, (), resumed)


def _deliver(  # noqa: PLR0913, PLR0917 - a start, the messages in front of it, and where they go
    host: CodeHost,
    turn: Turn,
    part: Part,
    started: WorkflowStarted,
    facts: Sequence[Fact],
    envelopes: Sequence[Envelope[Any]],
) -> bool:
    """Deliver messages before the first step, as `Run.activate` does. False: the code failed.

    Args:
        host: of the code.
        turn: this one.
        part: where new events go.
        started: the start, not activated yet.
        facts: messages that are recorded.
        envelopes: messages that are to be.
    """
    run = host.run
    _try(host, turn, part, lambda code: code.prepare(started, turn.now))
    for fact in facts:
        _try(host, turn, part, partial(Run.ahead, message=fact, now=turn.now))
    taken = bool(facts)
    for envelope in envelopes:
        taken |= _take(host, turn, part, envelope)
    if run.code is not None and not taken:  # the instance ran a turn that is in no event: build it anew
        run.drop_code()
        run.code = host.new_code(turn, part, 1)
    return run.code is not None


def _try(host: CodeHost, turn: Turn, part: Part, do: Callable[[Run], None]) -> None:
    code = host.run.code
    if code is None:
        return
    try:
        host.guarded(code, do, code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a bug in code is not an outcome of the workflow
        host.code_failed(turn, part, 1, error)


def _take(host: CodeHost, turn: Turn, part: Part, envelope: Envelope[Any]) -> bool:
    """Record a message and let the code take it; False: nothing was recorded."""
    run, message, reply = host.run, envelope.message, envelope.reply_to
    is_update = type(message) is UpdateWorkflow and message.update_id not in run.state.updates
    if is_update and run.code is None:
        run.updates_waiting_for_code.append(envelope)
        return False
    refused: Any = None
    error: BaseException | None = None
    try:
        refused = host.refused_update(turn, envelope) if is_update else None
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # noqa: BLE001 - a refusal, or the watchdog's
        error = tellable(caught)
        run.drop_code()  # the validator has changed the workflow, or was stopped in the middle
        host.defer(turn, part, 1, f"{type(error).__name__} in the validator of an update", None)
        host.host.wake_after_commit(run)
    if reply is not None:
        turn.answers.append((reply, refused, error))
    if refused is not None or error is not None:
        return False
    events = decide(run.state, message, turn.now)
    for event in events:
        fact: Any = msgspec.structs.replace(event, with_start=True)
        host.fold(part, fact)
        _try(host, turn, part, partial(Run.ahead, message=fact, now=turn.now))
    return bool(events)
