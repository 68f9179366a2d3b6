"""SAME-AGAIN: a recorded stream leads new code to the same requests, result and state; deferred turns included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import Cart, Patient, charge, roll, step
from tests.behaviors.rehearsal import START, Rehearsal, lead, payload, payloads, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.run import Phase
from understudy.events.activity import ActivityCompleted
from understudy.events.errors import PayloadDecodeError
from understudy.events.execution import WorkflowExecution
from understudy.events.marker import SideEffectRecorded
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerFired
from understudy.events.workflow import TurnDeferred, WorkflowTerminated, WorkflowTimedOut


def put(item: Any, at: int = START) -> SignalReceived:
    """A signal to a cart."""
    return SignalReceived(at=at, name="put", input=payloads([item]))


CLOSE = SignalReceived(at=START, name="close")


# -- chance, time, side effects --------------------------------------------------------------------------------------


def test_dice_and_clock_give_a_replay_what_they_gave_before() -> None:
    run = Rehearsal(roll)
    run.fire()
    assert len(run.result) == 8
    same_again(run)


def test_dice_are_seeded_by_the_run() -> None:
    results: list[Any] = []
    for run_id in ("run-1", "run-1", "run-2"):
        run = Rehearsal(roll, run_id=run_id)
        run.fire()
        results.append(run.result[:2])
        same_again(run)
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_a_side_effect_is_computed_once_and_a_replay_gets_the_recorded_value() -> None:
    computed: list[int] = []

    def compute() -> int:
        computed.append(1)
        return len(computed)

    @workflow.defn
    async def effects() -> list[int]:
        first = workflow.side_effect(compute)
        await workflow.sleep(1)
        return [first, workflow.side_effect(compute)]

    run = Rehearsal(effects)
    run.fire()
    assert run.result == [1, 2]
    assert [event.seq for event in run.events if isinstance(event, SideEffectRecorded)] == [1, 2]
    assert lead(effects, run.events).phase is Phase.CLOSED
    assert lead(effects, run.events[:3]).phase is Phase.RUNNING
    assert computed == [1, 1]


def test_time_is_that_of_the_fact_that_is_being_taken() -> None:
    @workflow.defn
    async def clock() -> list[int]:
        seen = [workflow.time_ns()]
        for seconds in (1, 2):
            await workflow.sleep(seconds)
            seen.append(workflow.time_ns() - START)
        return seen

    run = Rehearsal(clock)
    run.fire()
    run.now += 5
    run.fire()
    assert run.result == [START, 1_000_000_000, 3_000_000_005 - 5]
    same_again(run)


def test_the_length_of_the_history_is_the_same_to_a_replay() -> None:
    @workflow.defn
    async def measures() -> list[int]:
        lengths = [workflow.info().get_current_history_length()]
        for _ in range(2):
            await workflow.execute_activity(charge, 1)
            lengths.append(workflow.info().get_current_history_length())
        return lengths

    run = Rehearsal(measures)
    run.complete(1, 1)
    run.complete(2, 1)
    assert run.result == [1, 3, 5]
    same_again(run)


def test_a_replay_is_told_apart_only_by_those_who_ask() -> None:
    seen: list[bool] = []

    @workflow.defn
    async def asks() -> None:
        seen.append(workflow.unsafe.is_replaying())
        await workflow.sleep(1)
        seen.append(workflow.unsafe.is_replaying())

    run = Rehearsal(asks)
    run.rebuild()
    run.fire()
    assert seen == [False, True, False]


# -- phases ----------------------------------------------------------------------------------------------------------


def test_a_replayed_run_goes_on_where_the_record_ends() -> None:
    run = Rehearsal(step, 3)
    assert run.rebuild().phase is Phase.RUNNING
    run.complete(1, 7)
    assert run.result == 7
    assert run.rebuild().phase is Phase.CLOSED
    same_again(run)


@pytest.mark.parametrize("end", [WorkflowTerminated(at=START), WorkflowTimedOut(at=START)], ids=lambda e: e.topic)
def test_code_of_a_run_that_was_ended_from_outside_is_left_where_it_waited(end: Any) -> None:
    run = Rehearsal(step, 3)
    run.record(end)
    assert run.rebuild().phase is Phase.RUNNING
    same_again(run)


def test_a_replay_of_nothing_leaves_the_run_ready_to_begin() -> None:
    assert lead(step, []).phase is Phase.RUNNING


def test_a_timer_that_nobody_waits_for_any_more_fires_into_the_void() -> None:
    run = Rehearsal(step, 3)
    assert run.run.activate(TimerFired(at=START, seq=9), START) == []
    assert run.run.phase is Phase.RUNNING


def test_conditions_that_hold_through_each_other_settle_in_one_turn() -> None:
    @workflow.defn
    class Chain:
        def __init__(self) -> None:
            self.level = 0
            self.told: list[str] = []

        async def climb(self, level: int) -> None:
            await workflow.wait_condition(lambda: self.level >= level)
            self.told.append(f"level {level}")
            self.level += 1

        @workflow.run
        async def run(self) -> list[str]:
            await asyncio.gather(*(self.climb(level) for level in (3, 1, 2)))
            return self.told

        @workflow.signal
        def begin(self) -> None:
            self.level = 1

    run = Rehearsal(Chain)
    assert topics(run.signal("begin")) == ["signal.received", "workflow.completed"]
    assert run.result == ["level 1", "level 2", "level 3"]
    same_again(run)


@pytest.mark.parametrize("asks", ["activity", "timer", "side effect", "random", "local"])
def test_a_condition_that_asks_for_something_is_an_error_to_who_waits_live_and_in_a_replay(asks: str) -> None:
    @workflow.defn
    class Greedy:
        def __init__(self) -> None:
            self.asks = False

        def holds(self) -> bool:
            calls: dict[str, Any] = {
                "activity": lambda: workflow.start_activity(charge, 1),
                "timer": lambda: asyncio.get_running_loop().call_later(1, print),
                "side effect": lambda: workflow.side_effect(lambda: 1),
                "random": workflow.random,
                "local": lambda: workflow.start_local_activity(charge, 1),
            }
            return bool(self.asks and calls[asks]())

        @workflow.run
        async def run(self) -> str:
            try:
                await workflow.wait_condition(self.holds)
            except RuntimeError as error:
                return type(error).__name__
            return "held"

        @workflow.signal
        def ask(self) -> None:
            self.asks = True

    run = Rehearsal(Greedy)
    assert topics(run.signal("ask")) == ["signal.received", "workflow.completed"]
    assert run.result == "ReadOnlyContextError"
    same_again(run)


# -- deferred turns --------------------------------------------------------------------------------------------------


def deferred_cart() -> Rehearsal:
    """A cart whose worker is away while three signals come."""
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.now += 5
    run.defer(put("b"), SignalReceived(at=START, name="fetch", input=payloads(["c"])), put("d"))
    return run


def test_facts_that_were_deferred_wait_behind_a_replay_with_their_versions() -> None:
    run = deferred_cart()
    rebuilt = run.rebuild()
    assert [version for version, _ in rebuilt.deferred] == [3, 5, 6]
    assert run.query("count") == 1
    same_again(run)


def test_deferred_facts_are_taken_up_at_the_time_of_their_resumption() -> None:
    run = deferred_cart()
    run.rebuild()
    run.now += 7
    assert topics(run.resume(3)) == ["turn.resumed", "turn.resumed", "activity.scheduled", "turn.resumed"]
    assert run.execution.deferred is None
    assert run.pending(1).scheduled.at == run.now
    same_again(run)
    run.complete(1, "C")
    run.signal("close")
    assert run.result == ["a", "b", "d", "C"]
    same_again(run)


def test_a_resumption_in_part_leaves_the_rest_deferred() -> None:
    run = deferred_cart()
    run.rebuild()
    run.resume(2)
    assert topics(run.events)[-3:] == ["turn.resumed", "turn.resumed", "activity.scheduled"]
    again = lead(Cart, run.events)
    assert [version for version, _ in again.deferred] == [6]
    same_again(run)


def test_a_failure_in_the_middle_of_a_resumption_defers_the_rest_anew() -> None:
    run = Rehearsal(Patient, None)
    facts = [SignalReceived(at=START, name=name, input=payloads([0])) for name in ("give", "give", "give")]
    run.defer(*facts)
    run.rebuild()
    run.resume(1)
    run.record(TurnDeferred(at=run.now, since=4, reason="KeyError in the workflow's code"))
    assert [version for version, _ in run.rebuild().deferred] == [4, 5]
    run.resume(2)
    assert run.execution.deferred is None
    assert [version for version, _ in run.rebuild().deferred] == []
    run.signal("give", 4)
    assert run.result == 4
    same_again(run)


def test_what_comes_while_facts_are_deferred_waits_behind_them() -> None:
    run = deferred_cart()
    run.defer(put("e"))
    assert [version for version, _ in run.rebuild().deferred] == [3, 5, 6, 7]
    run.resume(4)
    assert run.query("count") == 4
    same_again(run)


def test_what_comes_behind_a_replay_that_failed_waits_although_no_fact_stood_in_front() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.record(TurnDeferred(at=run.now, since=run.execution.version + 1, reason="NondeterminismError"))
    run.defer(put("b"), put("c"))
    assert [version for version, _ in run.rebuild().deferred] == [4, 5]
    same_again(run)
    run.resume(2)
    run.signal("close")
    assert run.result == ["a", "b", "c"]
    same_again(run)


def test_a_run_whose_first_turn_was_deferred_begins_when_it_is_resumed() -> None:
    run = Rehearsal(Cart)
    start = run.execution.start
    run.events, run.execution = [], WorkflowExecution("run-1")
    run.defer(start, put("a"), CLOSE)
    rebuilt = run.rebuild()
    assert [version for version, _ in rebuilt.deferred] == [1, 3, 4]
    assert rebuilt.stacks() == []
    run.now += 9
    assert topics(run.resume()) == ["turn.resumed", "workflow.completed"]
    assert run.result == ["a"]
    same_again(run)


def test_facts_that_were_deferred_behind_the_end_are_too_late() -> None:
    run = Rehearsal(Cart)
    run.defer(CLOSE, put("a"))
    run.rebuild()
    run.resume(1)
    assert run.result == []
    again = lead(Cart, run.events)
    assert again.phase is Phase.CLOSED
    assert [version for version, _ in again.deferred] == [4]


def test_the_length_of_the_history_is_the_same_to_a_replay_of_a_resumption() -> None:
    @workflow.defn
    class Measures:
        def __init__(self) -> None:
            self.lengths: list[int] = []

        @workflow.run
        async def run(self) -> list[int]:
            await workflow.wait_condition(lambda: len(self.lengths) >= 3)
            return self.lengths

        @workflow.signal
        def put(self, item: str) -> None:
            self.lengths.append(workflow.info().get_current_history_length())

    run = Rehearsal(Measures)
    run.defer(put("a"), put("b"))
    run.rebuild()
    run.resume(2)
    run.signal("put", "c")
    assert run.result == [4, 5, 7]
    same_again(run)


def test_a_payload_that_does_not_decode_in_a_resumption_breaks_the_turn_and_leaves_the_fact_deferred() -> None:
    run = Rehearsal(step, 3)
    run.defer(ActivityCompleted(at=START, seq=1, result=payload("seven")))
    run.rebuild()
    with pytest.raises(PayloadDecodeError):
        run.resume()
    assert run.run.phase is Phase.BROKEN
    assert [version for version, _ in run.rebuild().deferred] == [3]
