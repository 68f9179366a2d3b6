"""What a turn gathers: events for the store, and answers that wait for it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pykka
import pytest

from tests.actors.standing import owner
from understudy.actors.dispatch import Reply
from understudy.actors.runs.turn import Part, Turn
from understudy.events.errors import EngineStoppedError, WorkflowClosedError
from understudy.events.signal import SignalReceived
from understudy.events.store.port import Append

LATE = WorkflowClosedError(workflow_id="order-1", run_id="run-1", outcome="COMPLETED")
LOST = EngineStoppedError(reason="the disk is gone")


def told(text: str) -> SignalReceived:
    """An event."""
    return SignalReceived(at=1, name=text)


@pytest.fixture(name="turn")
def a_turn() -> Turn:
    return Turn(owner(), now=7, after=3)


def answered(future: pykka.Future[Any]) -> Any:
    """What a future holds."""
    return future.get(timeout=0)


def test_a_turn_begins_with_the_empty_part_of_its_owner(turn: Turn) -> None:
    assert (turn.now, turn.own.after, turn.own.events) == (7, 3, [])
    assert turn.own.run.run_id == "run-1"
    assert turn.is_empty
    assert not turn.own.woken


def test_a_part_is_an_append_behind_the_version_it_builds_on(turn: Turn) -> None:
    turn.own.events += [told("one"), told("two")]
    assert turn.own.append() == Append("run-1", 3, (told("one"), told("two")))
    assert not turn.is_empty


def test_a_turn_in_which_only_another_actor_has_something_to_store_is_not_empty(turn: Turn) -> None:
    next_run = Part(owner(run_id="run-2"), 0)
    turn.parts.append(next_run)
    empty = [turn.is_empty]
    next_run.events.append(told("one"))
    empty.append(turn.is_empty)
    assert empty == [True, False]
    assert turn.own.run.run_id == "run-1"


def test_answers_are_given_once_a_value_or_an_error_each(turn: Turn) -> None:
    value: pykka.ThreadingFuture[Any] = pykka.ThreadingFuture()
    error: pykka.ThreadingFuture[Any] = pykka.ThreadingFuture()
    turn.answers += [(value, 5, None), (error, None, LATE)]
    turn.answer()
    turn.answer()  # pykka's future may be set only once
    assert answered(value) == 5
    with pytest.raises(WorkflowClosedError) as caught:
        answered(error)
    assert caught.value is LATE


def test_an_error_is_answered_with_the_place_where_it_was_raised(turn: Turn) -> None:
    future: pykka.ThreadingFuture[Any] = pykka.ThreadingFuture()
    try:
        raise LATE
    except WorkflowClosedError as error:
        turn.answers.append((future, None, error))
        line = sys.exc_info()[2]
    turn.answer()
    with pytest.raises(WorkflowClosedError) as caught:
        answered(future)
    assert line is not None
    assert line.tb_lineno in {entry.lineno + 1 for entry in caught.traceback}


async def test_a_turn_that_was_not_stored_tells_everybody_why_also_whom_it_would_have_refused(turn: Turn) -> None:
    loop = asyncio.get_running_loop()
    hoping, refused = loop.create_future(), loop.create_future()
    turn.answers += [(Reply(hoping), 5, None), (Reply(refused), None, LATE)]
    turn.refuse(LOST)
    assert hoping.exception() is LOST
    assert refused.exception() is LOST
