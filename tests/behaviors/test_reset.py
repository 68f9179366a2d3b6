"""Resetting: the stream of the new run, for every event of the old one."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.behaviors.plays import Cart, charge, pack
from tests.behaviors.rehearsal import START, Rehearsal, lead, payloads
from tests.behaviors.reset_stage import BASE, LATER, NEW, NEWEST, OLD, Errand, cart, reset_to, world
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.actors.behaviors.decisions.commands import PauseWorkflow, ResetWorkflow, UnpauseWorkflow
from understudy.actors.behaviors.decisions.reset import reset
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import TurnDeferred, TurnResumed, WorkflowStarted


def in_any_order(result: list[Any]) -> list[Any]:
    """A result without the order in which the handlers were done."""
    *others, told, child, ribbon, last = result
    return [*others, sorted(told), child, ribbon, last]


EVERY_EVENT: Final = range(1, len(BASE.events) + 1)


# -- every event -----------------------------------------------------------------------------------------------------


def test_the_errand_has_all_kinds_of_events() -> None:
    assert sorted(BASE.result[6]) == ["four", "one", "three", "two"]
    wanted = {"turn.resumed", "workflow.paused", "local_activity.completed", "side_effect.recorded", "timer.fired"}
    wanted |= {"child.completed", "message.delivered", "update.completed", "signal.received", "activity.completed"}
    assert wanted <= set(BASE.topics)
    same_again(BASE)


@pytest.mark.parametrize("event_id", EVERY_EVENT)
def test_after_a_reset_to_any_event_the_run_comes_to_the_same_result_and_does_the_same_again(event_id: int) -> None:
    run = reset_to(BASE, event_id)
    assert run.execution.version == len(run.events)
    while world(run):
        pass
    assert run.outcome() == "two!"
    assert in_any_order(run.result) == in_any_order(BASE.result)
    same_again(run)


@pytest.mark.parametrize("event_id", EVERY_EVENT)
def test_a_reset_run_can_be_reset_again_to_any_of_its_events(event_id: int) -> None:
    once = reset_to(BASE, len(BASE.events) // 2)
    while world(once):
        pass
    run = reset_to(once, min(event_id, len(once.events)), new=NEWEST)
    while world(run):
        pass
    assert sorted(run.result[6]) == ["four", "one", "three", "two"]
    assert run.result[0] == BASE.result[0]
    same_again(run)


@pytest.mark.parametrize("event_id", EVERY_EVENT)
def test_a_run_may_be_reset_before_it_has_taken_up_what_waits_for_it(event_id: int) -> None:
    once = reset_to(BASE, event_id)
    run = reset_to(once, len(once.events), new=NEWEST)
    while world(run):
        pass
    assert sorted(run.result[6]) == ["four", "one", "three", "two"]
    same_again(run)


@pytest.mark.parametrize("event_id", EVERY_EVENT)
def test_what_is_kept_ends_in_front_of_the_turn_of_the_event(event_id: int) -> None:
    made = reset(OLD, BASE.events, ResetWorkflow(event_id=event_id), NEW, LATER)
    at = next(place for place, event in enumerate(made.events) if event.at == LATER)
    assert isinstance(made.events[at], TurnDeferred)
    kept = made.events[1:at]
    assert kept == BASE.events[1:at]
    assert at <= event_id
    assert made.last_child == fold(NEW, BASE.events[:at]).last_child


# -- what is kept, and what is sent again ----------------------------------------------------------------------------


def test_signals_that_came_later_are_sent_to_the_new_run_in_their_order() -> None:
    run = reset_to(cart("a", "b", "c"), 3)
    assert [event.at for event in run.events] == [START, START, START, LATER, LATER, LATER]
    while world(run):
        pass
    assert run.result == ["a", "b", "c"]


def test_signals_that_came_later_are_left_out_if_that_is_wanted() -> None:
    run = reset_to(cart("a", "b", "c"), 3, reapply_signals=False)
    while world(run):
        pass
    assert run.query("count") == 2


def test_updates_that_came_later_are_sent_again_or_left_out_apart_from_signals() -> None:
    run = Rehearsal(Errand, 7, run_id=OLD)
    run.update("ask", "two", update_id="u-1")
    run.signal("tell", "three")
    both, signals, updates, neither = (
        [type(event) for event in reset_to(run, 1, reapply_signals=one, reapply_updates=other).events[2:]]
        for one, other in ((True, True), (True, False), (False, True), (False, False))
    )
    assert both == [UpdateAccepted, SignalReceived]
    assert (signals, updates, neither) == ([SignalReceived], [UpdateAccepted], [])


def test_a_request_to_cancel_that_came_later_is_not_sent_again_and_one_in_front_stays() -> None:
    run = Rehearsal(Cart, run_id=OLD)
    run.signal("put", "a")
    run.cancel()
    assert reset_to(run, 2).execution.cancel_requested is None
    again = reset_to(run, 3)
    assert again.execution.cancel_requested is not None
    again.resume()
    assert again.topics[-1] == "workflow.canceled"


def test_an_update_that_the_new_run_knows_already_is_not_sent_to_it_again() -> None:
    run = Rehearsal(Errand, 7, run_id=OLD)
    run.update("ask", "two", update_id="u-1")
    run.complete(2, "two")
    made = reset_to(run, 4)
    assert [event.update_id for event in made.events if isinstance(event, UpdateAccepted)] == ["u-1"]
    while made.run.deferred:
        made.resume()
    made.complete(2, "two")
    assert made.outcome("u-1") == "two!"


@pytest.mark.parametrize("event_id", [1, 2])
def test_messages_that_came_with_the_start_stay_with_it(event_id: int) -> None:
    messages = [SignalReceived(at=START, name="put", input=payloads(["a"]), with_start=True)]
    run = Rehearsal(Cart, run_id=OLD, messages=messages)
    run.signal("close")
    again = reset_to(run, event_id, reapply_signals=False)
    again.resume()
    assert again.query("count") == 1
    again.signal("close")
    assert again.result == ["a"]
    same_again(again)


def test_messages_that_came_with_a_start_that_had_to_wait_stay_with_it_too() -> None:
    signal = SignalReceived(at=START, name="put", input=payloads(["a"]), with_start=True)
    start = Rehearsal(Cart, run_id=OLD).events[0]
    waiting: list[Event] = [start, signal, TurnDeferred(at=START, since=1, reason="no worker")]
    made = reset(OLD, waiting, ResetWorkflow(event_id=3, reapply_signals=False), NEW, LATER)
    assert [type(event) for event in made.events] == [WorkflowStarted, SignalReceived, TurnDeferred]


def test_code_that_was_mended_takes_another_way_from_the_turn_on() -> None:
    @workflow.defn(name="Bill")
    async def wrong(amount: int) -> int:
        paid = await workflow.execute_activity(charge, amount)
        return paid + await workflow.execute_activity(charge, -amount)

    @workflow.defn(name="Bill")
    async def mended(amount: int) -> int:
        paid = await workflow.execute_activity(charge, amount)
        return paid + len(await workflow.execute_activity(pack, "a"))

    run = Rehearsal(wrong, 7, run_id=OLD)
    run.complete(1, 7)
    run.complete(2, -7)
    again = reset_to(run, 3, mended)
    while world(again):
        pass
    assert again.result == 8
    assert lead(mended, again.events, run_id=NEW).phase is Phase.CLOSED


def test_a_pause_in_front_of_the_turn_is_over_in_the_new_run() -> None:
    run = Rehearsal(Cart, run_id=OLD)
    run.signal("put", "a")
    run.do(PauseWorkflow())
    run.record(SignalReceived(at=run.now, name="put", input=payloads(["b"])))
    for event_id in range(1, len(run.events) + 1):
        again = reset_to(run, event_id)
        assert again.execution.paused is None
        while world(again):
            pass
        assert again.query("count") == 2


def test_the_turn_of_a_fact_that_was_never_taken_is_the_last_one_that_was() -> None:
    run = Rehearsal(Cart, run_id=OLD)
    run.signal("put", "a")
    run.defer(SignalReceived(at=run.now, name="put", input=payloads(["b"])), reason="ValueError in the code")
    for event_id in (2, 3, 4):
        again = reset_to(run, event_id)
        assert [type(event) for event in again.events[1:]] == [SignalReceived, TurnDeferred, SignalReceived]


def test_a_turn_that_took_nothing_is_no_trouble() -> None:
    run = Rehearsal(Cart, run_id=OLD)
    run.do(PauseWorkflow())
    run.do(UnpauseWorkflow())
    run.rebuild()
    run.record(TurnResumed(at=run.now, through=run.execution.version))
    run.signal("put", "a")
    again = reset_to(run, 5, reapply_signals=False)
    assert not again.run.deferred
    again.record(TurnResumed(at=LATER, through=again.execution.version))
    again.rebuild()
    assert again.query("count") == 0
    again.signal("close")
    assert again.result == []
    same_again(again)
