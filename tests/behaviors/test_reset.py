"""Resetting: the stream of the new run, for every event of the old one; and whose ids it remembers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from tests.behaviors.plays import Cart, add, charge, pack
from tests.behaviors.rehearsal import SECOND, START, Rehearsal, lead, payloads, same_again, topics, value_of
from understudy import workflow
from understudy.actors.behaviors.child import child_run_id
from understudy.actors.behaviors.command import CompleteChild, PauseWorkflow, ResetWorkflow, UnpauseWorkflow
from understudy.actors.behaviors.reset import Reset, own_id, reset
from understudy.actors.behaviors.run import Phase
from understudy.actors.behaviors.successor import next_run
from understudy.events.activity import ActivityScheduled
from understudy.events.child import ChildInitiated
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Event
from understudy.events.execution import WorkflowExecution, fold
from understudy.events.outbound import ExternalSignalRequested
from understudy.events.policy import ResetChildren
from understudy.events.signal import SignalReceived
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import (
    ResetMark,
    TurnDeferred,
    TurnResumed,
    WorkflowContinuedAsNew,
    WorkflowStarted,
)

OLD: Final = "11111111-1111-4111-8111-111111111111"
NEW: Final = "22222222-2222-4222-8222-222222222222"
NEWEST: Final = "33333333-3333-4333-8333-333333333333"
LATER: Final = START + 1_000 * SECOND


@workflow.defn
class Errand:
    """All that can be in a history: activities, timers, messages, side effects, dice, children."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self, amount: int) -> list[Any]:
        result: list[Any] = [str(workflow.uuid4()), await workflow.execute_activity(charge, amount)]
        result.append(await workflow.execute_local_activity(add, args=[amount, 1]))
        result.append(workflow.side_effect(lambda: "once"))
        boxes, _ = await asyncio.gather(workflow.execute_activity(pack, "box"), workflow.sleep(60))
        result += [boxes, workflow.random().random()]
        child = await workflow.start_child_workflow("Parcel", "parcel", id="parcel-1")
        await workflow.get_external_workflow_handle("diary").signal("note", "parcel")
        await workflow.wait_condition(lambda: len(self.told) == 4)
        result += [self.told, await child, await workflow.execute_activity(pack, "ribbon")]
        workflow.set_current_details("done")
        return [*result, workflow.random().random()]

    @workflow.signal
    async def tell(self, word: str) -> None:
        self.told.append(await workflow.execute_activity(pack, word))

    @workflow.update
    async def ask(self, word: str) -> str:
        self.told.append(await workflow.execute_activity(pack, word))
        return f"{word}!"

    @workflow.query
    def words(self) -> list[str]:
        return self.told


def local_of(run: Rehearsal) -> int:
    """The number of a local activity that a run waits for; 0: there is none."""
    return next((seq for seq in range(1, 9) if run.run.local(seq) is not None), 0)


def world(run: Rehearsal) -> bool:
    """Let the next thing happen of all that a run waits for; False: nothing can."""
    state = run.execution
    if run.run.deferred:
        run.resume()
    elif state.activities:
        seq, pending = next(iter(state.activities.items()))
        run.complete(seq, value_of(pending.scheduled.input[0]))
    elif local_of(run):
        run.complete_local(local_of(run), 8)
    elif state.outbound:
        run.deliver(min(state.outbound))
    elif any(not child.run_id for child in state.children.values()):
        run.child_started(min(state.children))
    elif state.children:
        run.complete_child(min(state.children), "shipped")
    elif state.timers:
        run.fire()
    else:
        return False
    return True


def played_to_its_end() -> Rehearsal:
    """An errand with messages early and late, a deferred turn, and a pause."""
    run = Rehearsal(Errand, 7, run_id=OLD)
    run.signal("tell", "one", request_id="first")
    run.complete(1, 7)
    run.complete_local(local_of(run), 8)
    run.update("ask", "two")
    run.defer(SignalReceived(at=run.now, name="tell", input=payloads(["three"])))
    run.run.deferred.clear()
    run.rebuild()
    run.resume()
    run.now += SECOND
    run.do(PauseWorkflow(freeze_timers=True))
    run.record(SignalReceived(at=run.now, name="tell", input=payloads(["four"])))
    run.now += SECOND
    run.do(UnpauseWorkflow())
    run.rebuild()
    run.resume()
    while world(run):
        pass
    return run


def taken_up(made: Reset, code: Any, now: int = LATER) -> Rehearsal:
    """A rehearsal that goes on with the run that a reset made."""
    run = Rehearsal.__new__(Rehearsal)
    run.code, run.events, run.execution, run.now = code, list(made.events), made.state, now
    run.run = lead(code, run.events, run_id=made.state.run_id, execution=made.state)
    return run


def reset_to(base: Rehearsal, event_id: int, code: Any = None, new: str = NEW, **options: Any) -> Rehearsal:
    """What a run is after a reset to an event."""
    command = ResetWorkflow(event_id=event_id, **options)
    return taken_up(reset(base.execution.run_id, base.events, command, new, LATER), code or base.code)


def in_any_order(result: list[Any]) -> list[Any]:
    """A result without the order in which the handlers were done."""
    *others, told, child, ribbon, last = result
    return [*others, sorted(told), child, ribbon, last]


BASE: Final = played_to_its_end()
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


def cart(*items: str) -> Rehearsal:
    """A cart that was filled and closed; each item is an event."""
    run = Rehearsal(Cart, run_id=OLD)
    for item in items:
        run.signal("put", item)
    run.signal("close")
    return run


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


# -- the start -------------------------------------------------------------------------------------------------------


def test_the_time_out_of_a_run_begins_anew_and_so_does_that_of_the_execution() -> None:
    run = Rehearsal(
        Cart, run_id=OLD, run_timeout=60 * SECOND, execution_timeout=90 * SECOND, execution_deadline=START + 90 * SECOND
    )
    again = reset_to(run, 1)
    again.execution.pop_due(LATER)
    assert again.execution.next_deadline() == LATER + 60 * SECOND
    assert again.execution.start.execution_deadline == LATER + 90 * SECOND
    assert again.execution.start.at == START


def test_a_run_without_an_execution_time_out_gets_none() -> None:
    assert reset_to(cart(), 1).execution.start.execution_deadline == 0


def test_the_new_run_belongs_to_the_chain_of_the_old_one_and_not_to_its_request() -> None:
    start = reset_to(Rehearsal(Cart, run_id=OLD, request_id="r"), 1).execution.start
    assert (start.first_run_id, start.request_id, start.seed) == (OLD, "", OLD)
    start = reset_to(Rehearsal(Cart, run_id=NEW, first_run_id=OLD, seed=OLD), 1, new=NEWEST).execution.start
    assert (start.first_run_id, start.seed) == (OLD, OLD)


def test_an_event_that_the_run_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=f"event_id of run .{OLD}. is 4, where 1 to 3"):
        reset_to(cart(), 4)


def test_the_limit_of_an_activity_that_was_under_way_begins_anew() -> None:
    @workflow.defn
    async def hurried() -> list[int]:
        limit = timedelta(seconds=10)
        work = [workflow.execute_activity(charge, n, schedule_to_close_timeout=limit) for n in (1, 2)]
        return list(await asyncio.gather(*work))

    run = Rehearsal(hurried, run_id=OLD)
    run.complete(1, 1)
    again = reset_to(run, 4)
    while again.run.deferred:
        again.resume()
    again.execution.pop_due(LATER)
    assert again.execution.next_deadline() == LATER + 10 * SECOND
    assert [event.at for event in again.events if isinstance(event, ActivityScheduled)] == [START, LATER]
    again.complete(2, 2)
    assert again.result == [1, 2]
    assert lead(hurried, again.events, run_id=NEW).phase is Phase.CLOSED


# -- whose ids -------------------------------------------------------------------------------------------------------


def executed(*marks: ResetMark, seed: str = OLD, run_id: str = NEW) -> WorkflowExecution:
    """A run that came out of others."""
    start = WorkflowStarted(at=1, workflow_id="w", workflow_type="W", task_queue="q", seed=seed, resets=marks)
    return fold(run_id, [start])


def test_a_run_that_was_never_reset_knows_everything_under_its_own_id() -> None:
    run = executed(seed="", run_id=OLD)
    assert own_id(run, child=1) == own_id(run, message=1) == OLD


def test_messages_in_front_of_the_turn_are_known_under_the_old_id_and_new_ones_under_the_new() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=2, children_after=3))
    assert [own_id(run, message=number) for number in (1, 2, 3)] == [OLD, OLD, NEW]
    assert [own_id(run, child=number) for number in (3, 4)] == [OLD, NEW]


def test_who_adopts_children_knows_all_of_them_under_the_old_id() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=0))
    assert own_id(run, child=100) == OLD
    assert child_run_id(run, 100) == str(uuid5(UUID(OLD), "child/100"))
    assert child_run_id(run, 100, other=True) == str(uuid5(UUID(NEW), "child/100"))


def test_of_several_resets_the_last_one_behind_which_a_number_comes_counts() -> None:
    marks = [ResetMark(run_id=NEW, messages_after=2), ResetMark(run_id=NEWEST, messages_after=4, children_after=1)]
    run = executed(*marks, run_id=NEWEST)
    assert [own_id(run, message=number) for number in (2, 3, 4, 5)] == [OLD, NEW, NEW, NEWEST]
    assert [own_id(run, child=number) for number in (1, 2)] == [OLD, NEWEST]


@pytest.mark.parametrize(
    ("children", "after"), [(ResetChildren.ADOPT, None), (ResetChildren.ABANDON, 1), (ResetChildren.TERMINATE, 1)]
)
def test_the_mark_of_a_reset_says_which_children_and_messages_are_remembered(
    children: ResetChildren, after: int | None
) -> None:
    start = reset_to(BASE, len(BASE.events), children=children).execution.start
    assert start.resets == (ResetMark(run_id=NEW, messages_after=1, children_after=after),)
    first = next(at for at, event in enumerate(BASE.events, 1) if isinstance(event, ChildInitiated))
    last = next(at for at, event in enumerate(BASE.events, 1) if isinstance(event, ExternalSignalRequested))
    early = reset_to(BASE, first, children=children).execution.start
    between = reset_to(BASE, last, children=children).execution.start
    assert early.resets[0].children_after == (None if after is None else 0)
    assert (between.resets[0].messages_after, between.resets[0].children_after) == (0, after)


def test_a_run_that_follows_one_that_was_reset_has_dice_children_and_messages_of_its_own() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=2))
    closing = WorkflowContinuedAsNew(at=2, workflow_type="W", task_queue="q")
    _, following = next_run(run, closing, new_run_id=NEWEST, dice=0.5)
    assert following is not None
    state = fold(NEWEST, [following])
    assert (following.seed, following.resets) == ("", ())
    assert own_id(state, child=1) == own_id(state, message=1) == NEWEST


def test_the_end_of_a_child_that_another_one_has_taken_the_place_of_means_nothing() -> None:
    run = reset_to(BASE, BASE.topics.index("child.initiated"), children=ResetChildren.ABANDON)
    while not run.execution.children:
        world(run)
    assert run.complete_child(1, "shipped") == []
    run.child_started(1)
    assert run.do(CompleteChild(seq=1, run_id="another")) == []
    assert "child.completed" in topics(run.complete_child(1, "shipped"))
