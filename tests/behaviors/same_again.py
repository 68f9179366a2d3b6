"""SAME-AGAIN of a rehearsal: its facts lead to the same events, result and state, from wherever its stream is cut.

Replayed whole, and cut behind every activation, with new code going on live from there: what is produced is held
against what was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.behaviors.rehearsal import Rehearsal, new_run, payload
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.decisions.activation import Activation, Deferred, recorded
from understudy.events.event import Event, Fact, Request
from understudy.events.marker import SideEffectRecorded
from understudy.events.state.evolve import apply, fold
from understudy.events.workflow import TurnDeferred, TurnResumed

__all__ = ["same_again"]


def same_again(rehearsal: Rehearsal, *, most: int = 100) -> None:
    """Check SAME-AGAIN: the stream leads new code to the same requests, result and state, from wherever it is cut.

    Args:
        rehearsal: The run as it stands.
        most: In how many places, spread evenly, it is cut; beside the beginning and the end.

    Raises:
        AssertionError: another event came at some place.
        NondeterminismError: the product's own check says so.
    """
    events, run_id = rehearsal.events, rehearsal.execution.run_id
    # A deferral is stored together with the fact that it is about, requests with the fact that led to them, and what
    # comes with a start with that.
    cuts = [at for at, event in enumerate(events) if at and not _is_stored_with_another(event)]
    for cut in [0, *cuts[:: max(1, len(cuts) // most)], len(events)]:
        run = _go_on(rehearsal.code, run_id, events, cut)
        assert run.phase is rehearsal.run.phase, f"SAME-AGAIN: {run} after a cut behind event {cut}"
        assert [fact for _, fact in run.deferred] == [fact for _, fact in rehearsal.run.deferred]
        run.close()


def _is_stored_with_another(event: Event) -> bool:
    return isinstance(event, Request | TurnDeferred) or getattr(event, "with_start", False)


def _go_on(code: Any, run_id: str, events: Sequence[Event], cut: int) -> Run:
    """Replay `events` up to `cut`, and activate the facts behind it live."""
    state = fold(run_id, events[:cut])
    run = new_run(code, state)
    run.replay(events[:cut])
    run.take_local()
    produced = list(events[:cut])
    waits = {event.since for event in events if isinstance(event, TurnDeferred)}
    position = cut
    while position < len(events):
        event, position = events[position], position + 1
        if isinstance(event, Request):
            continue
        resumed = isinstance(event, TurnResumed)  # it is recorded behind the activation, and stands in front of it
        together, asked = [event], list[Request]()
        if not resumed:
            apply(state, event)
        waiting = state.deferred is not None or state.version in waits
        for taken in _to_activate(run.deferred, events, position, state.version, waiting=waiting):
            if not (resumed or waiting):
                for message in taken.messages:
                    apply(state, message)
                together += taken.messages
                position = taken.through
            asked += run.activate(taken.fact, event.at, taken.messages)
        if resumed:
            apply(state, event)
        for request in asked:
            apply(state, request)
        produced += [*together, *asked]
    assert list(map(shape, produced)) == list(map(shape, events)), f"SAME-AGAIN: after a cut behind event {cut}"
    return run


def _to_activate(
    deferred: Deferred, events: Sequence[Event], position: int, version: int, *, waiting: bool
) -> list[Activation]:
    event = events[position - 1]
    if isinstance(event, Fact):
        if not deferred and not waiting:
            return [recorded(events, position)]
        deferred.append((version, event))
    taken: list[Activation] = []
    if isinstance(event, TurnResumed) and deferred and deferred[0][0] <= event.through:
        taken.append(deferred.take(event.through))
    return taken


def shape(event: Event) -> Event:
    """An event without what a second performance may have otherwise: a side effect is computed anew."""
    return msgspec.structs.replace(event, value=payload(None)) if isinstance(event, SideEffectRecorded) else event
