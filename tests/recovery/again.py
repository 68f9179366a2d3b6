"""Replays: does a recorded history lead the same code to the same requests, state and result?

That is SAME-AGAIN, and it is asked in two ways. `replay` is the product's own: the code is held against the record.
`perform` is a small shell of our own: it hands the code the recorded facts one by one, as if they happened now, and
collects what the code asks for, down to every option and the result. A run with a side effect cannot be performed
again: its value would be another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from understudy.actors.behaviors.code.run import Phase, Run
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, workflow_of
from understudy.converter import DataConverter
from understudy.events.event import Event, Fact, Request, encode_event
from understudy.events.marker import SideEffectRecorded
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.workflow import TurnDeferred, TurnResumed, WorkflowTerminated, WorkflowTimedOut

__all__ = ["definitions", "perform", "replay", "shape"]

_IGNORED: Final = frozenset({"source", "stack_trace", "new_run_id"})
"""Where in the code a request came from is for people; the id of a following run is the shell's."""


def definitions(workflows: Sequence[Any]) -> dict[str, WorkflowDefinition]:
    """Return workflow definitions by type."""
    return {definition.label: definition for definition in map(workflow_of, workflows)}


def new_run(definition: WorkflowDefinition, execution: WorkflowExecution) -> Run:
    """Make the coroutine side of a run, as an actor does."""
    converter = DataConverter.default
    return Run(definition, execution, converter.payload_converter, converter.failure_converter)


def replay(known: Mapping[str, WorkflowDefinition], run_id: str, events: Sequence[Event]) -> Run:
    """Replay a history; the caller closes the run that is returned.

    Raises:
        AssertionError: the code is not where the record ends.
        NondeterminismError: the code asked for something else than the record says.
    """
    state = fold(run_id, events)
    run = new_run(known[state.start.workflow_type], state)
    run.replay(events)
    by_code = not state.is_open and not isinstance(state.closed, WorkflowTerminated | WorkflowTimedOut)
    assert (run.phase is Phase.CLOSED) == by_code, f"SAME-AGAIN: {run} of {state}"
    assert bool(run.deferred) == (state.deferred is not None), f"SAME-AGAIN: {len(run.deferred)} deferred of {state}"
    return run


def perform(known: Mapping[str, WorkflowDefinition], run_id: str, events: Sequence[Event]) -> None:
    """Perform a history again and hold every request against the recorded one.

    Raises:
        AssertionError: they differ.
    """
    if any(isinstance(event, SideEffectRecorded) for event in events):
        return
    state = WorkflowExecution(run_id)
    waits = {event.since for event in events if isinstance(event, TurnDeferred)}
    asked: list[Event] = []
    run: Run | None = None
    for version, event in enumerate(events, 1):
        apply(state, event)
        if run is None:
            run = new_run(known[state.start.workflow_type], state)
        deferred = run.deferred  # the code is asked about it: what has ended is not cancelled
        if isinstance(event, Fact):
            if deferred or version in waits:
                deferred.append((version, event))
            else:
                asked += run.activate(event, event.at)
        elif isinstance(event, TurnResumed) and deferred and deferred[0][0] <= event.through:
            taken = deferred.take(event.through)
            asked += run.activate(taken.fact, event.at, taken.messages)
    recorded = [event for event in events if isinstance(event, Request)]
    if run is not None:
        run.close()
    for again, before in zip(asked, recorded, strict=False):
        assert shape(again) == shape(before), f"SAME-AGAIN: run {run_id}: {again} instead of {before}"
    assert len(asked) == len(recorded), f"SAME-AGAIN: run {run_id}: {len(asked)} requests instead of {len(recorded)}"


def shape(event: Event, *ignored: str) -> Any:
    """Return an event as plain data, without what may differ between two performances."""
    left_out = _IGNORED.union(ignored)

    def without(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if name not in left_out}

    return [event.topic, json.loads(encode_event(event), object_hook=without)]
