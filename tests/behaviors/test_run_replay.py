"""SAME-AGAIN: a recorded stream leads new code to the same requests, result and state; deferred turns included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import charge, roll, step
from tests.behaviors.rehearsal import START, Rehearsal, lead, payloads, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.marker import SideEffectRecorded
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerFired
from understudy.events.workflow import WorkflowTerminated, WorkflowTimedOut


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
