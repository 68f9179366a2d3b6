"""Each durable command in three histories: it suspends, it completed, it is still waiting (SAME-AGAIN)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from tests.behaviors.plays import Cart, Patient, either, local_step, nap, step, timed_step, twice
from tests.behaviors.rehearsal import Rehearsal, payload, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import ActivityScheduled
from understudy.events.options.policies import ActivityCancellationType
from understudy.events.timer import TimerStarted


class Durable(NamedTuple):
    """A durable command: the code that gives it, what it asks for, what completes it, and what comes of that."""

    name: str
    code: Any
    args: tuple[Any, ...]
    asked: list[str]
    happens: list[tuple[Any, ...]]
    result: Any


SCHEDULED, STARTED = "activity.scheduled", "timer.started"

DURABLE: Final = [
    Durable("activity", step, (3,), [SCHEDULED], [("complete", 1, 7)], 7),
    Durable("activity that returns nothing", step, (3,), [SCHEDULED], [("complete", 1)], None),
    Durable("local activity", local_step, (3,), [], [("complete_local", 1, 4)], 4),
    Durable("timer", nap, (2.5,), [STARTED], [("fire",)], "awake"),
    Durable("condition", Patient, (None,), [], [("signal", "give", 5)], 5),
    Durable("condition in time", Patient, (9,), [STARTED], [("signal", "give", 5)], 5),
    Durable("condition too late", Patient, (9,), [STARTED], [("fire",)], "too late"),
    Durable("limit kept", timed_step, (3,), [STARTED, SCHEDULED], [("complete", 1, 7)], 7),
    Durable("limit not kept", timed_step, (3,), [STARTED, SCHEDULED], [("fire",)], "too late"),
    Durable("race won", either, (3,), [SCHEDULED, STARTED], [("complete", 1, 7)], "paid"),
    Durable("race lost", either, (3,), [SCHEDULED, STARTED], [("fire",)], "late"),
    Durable(
        "gather",
        twice,
        ("a", "b"),
        [SCHEDULED, SCHEDULED],
        [("complete", 2, "B"), ("complete", 1, "A")],
        ["A", "B"],
    ),
    Durable(
        "signal handler",
        Cart,
        (),
        [],
        [("signal", "fetch", "a"), ("signal", "close"), ("complete", 1, "A")],
        ["A"],
    ),
]


@pytest.fixture(name="durable", params=DURABLE, ids=lambda durable: durable.name)
def a_durable(request: pytest.FixtureRequest) -> Durable:
    found: Durable = request.param
    return found


def test_it_suspends(durable: Durable) -> None:
    run = Rehearsal(durable.code, *durable.args)
    assert run.topics == ["workflow.started", *durable.asked]
    assert run.run.phase is Phase.RUNNING
    assert run.execution.is_open
    same_again(run)


def test_it_completed(durable: Durable) -> None:
    run = Rehearsal(durable.code, *durable.args)
    for method, *args in durable.happens:
        getattr(run, method)(*args)
    assert run.result == durable.result
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_it_is_still_waiting_when_something_else_happens_and_when_its_code_was_rebuilt(durable: Durable) -> None:
    run = Rehearsal(durable.code, *durable.args)
    before = len(run.events)
    run.signal("nobody has a handler for this")
    assert topics(run.events[before:]) == ["signal.received"]
    same_again(run)
    run.rebuild()
    assert len(run.events) == before + 1
    assert run.run.phase is Phase.RUNNING
    if durable.code is not Cart:  # its dynamic handler takes every signal
        for method, *args in durable.happens:
            getattr(run, method)(*args)
        assert run.result == durable.result
        same_again(run)


# -- what is asked for -----------------------------------------------------------------------------------------------


def test_an_activity_is_asked_for_with_its_number_its_arguments_and_the_line_of_the_call() -> None:
    asked = Rehearsal(step, 3).last
    assert isinstance(asked, ActivityScheduled)
    assert (asked.seq, asked.activity_type, asked.input) == (1, "charge", (payload(3),))
    assert asked.cancellation_type is ActivityCancellationType.TRY_CANCEL
    assert asked.source.startswith("plays.py:")


def test_a_timer_is_asked_for_with_the_time_at_which_it_fires() -> None:
    run = Rehearsal(nap, 2.5)
    assert isinstance(run.last, TimerStarted)
    assert run.last.fire_at == run.now + 2_500_000_000
    assert run.last.source.startswith("plays.py:")


def test_activities_and_local_activities_share_their_numbers_and_timers_have_their_own() -> None:
    @workflow.defn
    async def mixed() -> None:
        _ = workflow.start_activity("one")
        _ = workflow.start_local_activity("two")
        _ = workflow.start_activity("three")
        await workflow.sleep(1)

    run = Rehearsal(mixed)
    assert [getattr(event, "seq", 0) for event in run.events] == [0, 1, 3, 1]
    assert run.local(2).activity_type == "two"
    same_again(run)


def test_a_timer_that_is_no_longer_waited_for_is_cancelled_and_one_that_fired_is_not() -> None:
    run = Rehearsal(timed_step, 3)
    assert topics(run.complete(1, 7)) == ["activity.completed", "timer.canceled", "workflow.completed"]
    run = Rehearsal(timed_step, 3)
    assert topics(run.fire()) == ["timer.fired", "activity.cancel_requested", "workflow.completed"]


def test_a_wait_of_no_length_needs_no_timer() -> None:
    assert Rehearsal(nap, 0).topics == ["workflow.started", "workflow.completed"]
    assert Rehearsal(Patient, 0).topics == ["workflow.started", "workflow.completed"]


def test_what_a_workflow_asked_for_and_did_not_wait_for_stands_in_front_of_its_end() -> None:
    @workflow.defn
    async def hasty() -> str:
        _ = workflow.start_activity("left behind")
        return "done"

    run = Rehearsal(hasty)
    assert run.topics == ["workflow.started", "activity.scheduled", "workflow.completed"]
    same_again(run)
