"""Code that no longer does what it did: where that shows, what is recorded there, what the replay came to (SAME-AGAIN).

Each case rehearses one code, and leads another through what came of it.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

import pytest

from tests.behaviors.plays import Cart, charge, pack
from tests.behaviors.rehearsal import Rehearsal, new_run
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import NondeterminismError

Step = Callable[[], Awaitable[object]]


def code(*steps: Step) -> Any:
    """A workflow that takes these steps, one behind the other."""

    @workflow.defn(name="order")
    async def run() -> None:
        for step in steps:
            await step()

    return run


async def do_charge() -> None:
    await workflow.execute_activity(charge, 1)


async def do_pack() -> None:
    await workflow.execute_activity(pack, "a")


async def do_pack_2() -> None:
    await workflow.execute_activity(pack, "a", activity_id="two")


async def do_nap() -> None:
    await workflow.sleep(5)


async def do_roll() -> None:
    workflow.side_effect(lambda: 4)


async def do_start() -> None:
    _ = workflow.start_activity(charge, 1)


async def do_cancel() -> None:
    workflow.start_activity(charge, 1).cancel()


async def do_limited() -> None:
    await asyncio.wait_for(workflow.execute_activity(charge, 1), 5)


class Change(NamedTuple):
    """A change of the code: steps before and after it, what has happened, and the error in fields."""

    name: str
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    position: int
    recorded: str
    produced: str
    sources: tuple[Step | None, Step | None] = (None, None)


CHARGE, PACK = "activity.scheduled seq={} activity_type='charge'", "activity.scheduled seq={} activity_type='pack'"

TIMER, CANCEL, ROLL = "timer.started seq=1", "activity.cancel_requested seq=1", "side_effect.recorded seq={}"
CHARGE_1, CHARGE_2, PACK_1, PACK_2 = CHARGE.format(1), CHARGE.format(2), PACK.format(1), PACK.format(2)
DONE = "activity.completed seq=1"

CHANGES: Final = [
    Change("name", (do_charge,), (do_pack,), 2, CHARGE_1, PACK_1, (do_charge, do_pack)),
    Change("id", (do_pack,), (do_pack_2,), 2, PACK_1, PACK_1 + " activity_id='two'", (do_pack, do_pack_2)),
    Change("other order", (do_charge, do_pack), (do_pack, do_charge), 2, CHARGE_1, PACK_1, (do_charge, do_pack)),
    Change("removed", (do_charge, do_pack), (do_pack,), 2, CHARGE_1, PACK_1, (do_charge, do_pack)),
    Change("removed at the end", (do_charge, do_pack), (do_charge,), 4, PACK_2, "workflow.completed"),
    Change("added in front", (do_charge,), (do_pack, do_charge), 2, CHARGE_1, PACK_1),
    Change("added at the end", (do_charge,), (do_charge, do_pack), 4, "workflow.completed", PACK_2, (None, do_pack)),
    Change("timer for activity", (do_charge,), (do_nap,), 2, CHARGE_1, TIMER, (do_charge, do_nap)),
    Change("activity for timer", (do_nap,), (do_charge,), 2, TIMER, CHARGE_1, (do_nap, do_charge)),
    Change("extra side effect", (do_charge,), (do_roll, do_charge), 2, CHARGE_1, ROLL.format(1), (do_charge, do_roll)),
    Change("no side effect", (do_roll, do_charge), (do_charge,), 2, ROLL.format(1), CHARGE_1, (do_roll, do_charge)),
    Change("rolled twice", (do_roll, do_charge), (do_roll, do_roll), 3, CHARGE_1, ROLL.format(2), (do_charge, do_roll)),
    Change("no longer waited for", (do_charge, do_pack), (do_start, do_pack), 3, DONE, PACK_2),
    Change("waited for", (do_start, do_pack), (do_charge, do_pack), 3, PACK_2, "nothing", (do_pack, None)),
    Change("no longer cancelled", (do_cancel, do_pack), (do_start, do_pack), 3, CANCEL, PACK_2, (do_cancel, do_pack)),
    Change("cancelled", (do_start, do_pack), (do_cancel, do_pack), 3, PACK_2, CANCEL, (do_pack, do_cancel)),
    Change("limit gone", (do_limited,), (do_charge,), 2, TIMER, CHARGE_1, (do_limited, do_charge)),
    Change("another at the end", (do_charge, do_pack), (do_charge, do_start), 4, PACK_2, CHARGE_2),
]


def rehearsed(steps: tuple[Step, ...]) -> Rehearsal:
    """A run of these steps, led to its end: activities return, timers fire."""
    run = Rehearsal(code(*steps))
    while run.execution.is_open:
        waiting = next(iter(run.execution.activities), None)
        if waiting is None:
            run.fire()
        else:
            run.complete(waiting, 1 if run.pending(waiting).scheduled.activity_type == "charge" else "box")
    same_again(run)
    return run


def code_of(step: Step) -> CodeType:
    """The code of a function."""
    assert isinstance(step, FunctionType)
    return step.__code__


def line_of(step: Step | None) -> str:
    """Where a step asks for something: the one line of its function."""
    return "" if step is None else f"test_run_nondeterminism.py:{code_of(step).co_firstlineno + 1}"


def mismatch(run: Rehearsal, other: Any) -> NondeterminismError:
    """How a replay of other code ends."""
    replayed = new_run(other, run.execution)
    with pytest.raises(NondeterminismError) as caught:
        replayed.replay(run.events)
    assert replayed.phase is Phase.BROKEN
    replayed.close()
    return caught.value


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_told_with_its_place_and_with_what_is_recorded_and_produced_there(change: Change) -> None:
    error = mismatch(rehearsed(change.before), code(*change.after))
    assert error.run_id == "run-1"
    assert (error.position, error.recorded, error.produced) == (change.position, change.recorded, change.produced)
    before, after = change.sources
    if before is not None:
        assert error.recorded_source == line_of(before)
    if after is not None:
        assert error.produced_source == line_of(after)


def test_the_first_request_that_the_record_has_no_place_for_is_held_against_nothing() -> None:
    run = rehearsed((do_charge,))
    replayed = new_run(code(do_charge), run.execution)
    with pytest.raises(NondeterminismError) as caught:
        replayed.replay(run.events[:1])
    assert (caught.value.position, caught.value.recorded, caught.value.produced) == (2, "nothing", CHARGE.format(1))
    assert caught.value.recorded_source == ""


def test_the_error_says_all_that_in_a_sentence_and_what_to_do() -> None:
    error = mismatch(rehearsed((do_charge,)), code(do_pack))
    text = (
        "the code no longer does what it did: event 2 of run 'run-1' is activity.scheduled seq=1 "
        f"activity_type='charge' ({line_of(do_charge)}), but the replay came to activity.scheduled seq=1 "
        f"activity_type='pack' ({line_of(do_pack)})."
    )
    assert str(error).startswith(text)
    assert "Bring the old code back" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own pickle


def test_options_and_arguments_of_an_activity_and_the_length_of_a_timer_may_change() -> None:
    async def charge_more() -> None:
        await workflow.execute_activity("charge", args=[2, 3], start_to_close_timeout=timedelta(seconds=1))

    async def nap_longer() -> None:
        await workflow.sleep(500)

    run = rehearsed((do_charge, do_nap))
    other = new_run(code(charge_more, nap_longer), run.execution)
    other.replay(run.events)
    assert other.phase is Phase.CLOSED


def test_a_side_effect_may_compute_another_value_and_the_recorded_one_holds() -> None:
    seen: list[int] = []

    async def roll(value: int) -> None:
        seen.append(workflow.side_effect(lambda: value))

    run = rehearsed((lambda: roll(4),))
    other = new_run(code(lambda: roll(6)), run.execution)
    other.replay(run.events)
    assert set(seen) == {4}


# -- code that does not want to know ---------------------------------------------------------------------------------


async def swallow_all() -> None:
    try:
        await workflow.execute_activity(pack, "a")
    except BaseException:  # noqa: BLE001 - that is the test
        await workflow.execute_activity(charge, 1)


async def swallow_and_start() -> None:
    try:
        _ = workflow.start_activity(pack, "a")
    except BaseException:  # noqa: BLE001 - that is the test
        _ = workflow.start_activity(charge, 1)
        await workflow.sleep(1)


async def swallow_in_a_task() -> None:
    task = asyncio.create_task(swallow_all())
    await asyncio.wait([task])
    await asyncio.sleep(0)


async def in_a_task() -> None:
    task = asyncio.create_task(do_pack())
    await asyncio.wait([task])


async def gathered() -> None:
    await asyncio.gather(do_pack(), do_charge(), return_exceptions=True)


async def retried() -> None:
    for _ in range(3):
        with suppress(Exception):
            await workflow.execute_activity(pack, "a")


@pytest.mark.parametrize("step", [swallow_all, swallow_and_start, swallow_in_a_task, in_a_task, gathered, retried])
def test_the_difference_is_told_although_the_code_swallows_it(step: Step) -> None:
    error = mismatch(rehearsed((do_charge,)), code(step))
    assert (error.position, error.recorded, error.produced) == (2, CHARGE.format(1), PACK.format(1))
    assert error.produced_source.startswith("test_run_nondeterminism.py:")


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_handler_that_asks_for_something_else_is_told_like_any_other_code() -> None:
    @workflow.defn(name="Cart")
    class Other(Cart):
        @workflow.signal
        async def fetch(self, item: str) -> None:
            await workflow.execute_activity(charge, len(item))

    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.signal("fetch", "b")
    error = mismatch(run, Other)
    assert (error.position, error.recorded, error.produced) == (4, PACK.format(1), CHARGE.format(1))


def test_a_handler_that_came_later_takes_the_signals_that_waited_for_it() -> None:
    @workflow.defn(name="order")
    class Later:
        def __init__(self) -> None:
            self.words: list[str] = []

        @workflow.run
        async def run(self) -> None:
            await do_nap()

        @workflow.signal
        def tell(self, word: str) -> None:
            self.words.append(word)

        @workflow.query
        def told(self) -> list[str]:
            return self.words

    run = Rehearsal(code(do_nap))
    run.signal("tell", "a")
    run.rebuild(Later)
    assert run.query("told") == ["a"]
