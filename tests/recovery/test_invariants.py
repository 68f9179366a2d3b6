"""The invariants of the design, one by one and by their names, on a whole engine over a store in memory.

The crash tests check all of them on whatever a killed process leaves; here each has the small case that would break it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from tests.recovery.again import definitions, replay
from tests.recovery.audit import histories, outcomes, view_once
from tests.recovery.stage import (
    WORKFLOWS,
    Hands,
    Keeper,
    Mended,
    Stage,
    engine,
    hurried,
    others_first,
    two_at_once,
    working,
    working_here,
)
from tests.turn import turn
from understudy import WorkflowFailureError
from understudy.events.activity import ActivityCompleted, ActivityScheduled
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.store.memory import MemoryStore
from understudy.events.timer import TimerFired
from understudy.events.workflow import TurnDeferred
from understudy.exceptions import StoreBusyError, VersionConflictError, WorkflowClosedError

# -- ACKED -----------------------------------------------------------------------------------------------------------

ASKED: Final[dict[str, Callable[[Stage, Any], Awaitable[Any]]]] = {
    "a start": lambda stage, _handle: stage.start(Keeper.run, 1, name="another"),
    "a signal": lambda _stage, handle: handle.signal("tell", "one"),
    "a cancellation": lambda _stage, handle: handle.cancel(),
    "a termination": lambda _stage, handle: handle.terminate(),
}


@pytest.mark.parametrize("what", ASKED)
async def test_acked_nobody_is_answered_before_it_is_on_disk(what: str) -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 2)
        before = stage.store.last_position()
        stage.store.hold()
        asked = asyncio.ensure_future(ASKED[what](stage, handle))
        await stage.store.held.wait()
        await others_first()
        assert not asked.done()
        assert stage.store.last_position() == before
        stage.store.free.set()
        await asked
        assert stage.store.last_position() > before


async def test_acked_a_query_and_a_result_wait_for_the_disk_that_they_rest_on() -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 1)
        result = asyncio.ensure_future(handle.result())
        await others_first()
        stage.store.hold()
        signal = asyncio.ensure_future(handle.signal("tell", "one"))
        await stage.store.held.wait()
        query = asyncio.ensure_future(handle.query("told"))
        await others_first()
        assert not any(asked.done() for asked in (signal, query, result))
        stage.store.free.set()
        assert (await signal, await query, await result) == (None, 1, ["one"])


async def test_acked_who_is_refused_is_told_and_nothing_is_recorded() -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 1)
        stage.store.refuse = True
        asked = [handle.signal("tell", "one"), stage.start(Keeper.run, 1, name="another")]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreBusyError, StoreBusyError]
        stage.store.refuse = False
        assert await handle.query("told") == 0
        assert stage.events("another") == []


async def test_acked_the_same_start_sent_twice_is_answered_twice_only_when_it_is_on_disk() -> None:
    async with engine() as stage:
        stage.store.hold()
        starts = [asyncio.ensure_future(stage.start(Keeper.run, 1, request_id="once")) for _ in range(2)]
        await stage.store.held.wait()
        await others_first()
        assert [start.done() for start in starts] == [False, False]
        stage.store.free.set()
        handles = await asyncio.gather(*starts)
        assert len({handle.first_execution_run_id for handle in handles}) == 1


# -- ONE-OWNER -------------------------------------------------------------------------------------------------------


async def test_one_owner_a_stale_owner_is_refused_stops_and_finds_back_to_what_is_on_disk() -> None:
    disk = MemoryStore()
    async with engine(disk) as stale, engine(disk) as owner:
        kept = await stale.start(Keeper.run, 2)
        other = await stale.start(Keeper.run, 1, name="other")
        await owner.client.get_workflow_handle("it").signal("tell", "by the owner", request_id="1")
        sent = [kept.signal("tell", "by the stale one", request_id="2"), other.signal("tell", "fine")]
        refused, fine = await asyncio.gather(*sent, return_exceptions=True)
        assert isinstance(refused, VersionConflictError)
        assert fine is None, "a conflict of one run cost another one of the same group"
        assert await other.result() == ["fine"]
        await kept.signal("tell", "again", request_id="2")
        assert await kept.result() == ["by the owner", "again"]


# -- NO-GAPS ---------------------------------------------------------------------------------------------------------


async def test_no_gaps_versions_are_one_two_three_also_where_writes_were_refused_in_between() -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 100)
        told: list[Any] = []
        for group in range(6):
            stage.store.refuse = group % 2 == 1
            sent = [handle.signal("tell", f"{group}/{number}") for number in range(20)]
            told += await asyncio.gather(*sent, return_exceptions=True)
        assert Counter(map(type, told)) == {type(None): 60, StoreBusyError: 60}
        stage.store.refuse = False
        assert await handle.query("told") == 60
        histories(stage.store.inner)


# -- SAME-AGAIN ------------------------------------------------------------------------------------------------------


async def test_same_again_a_run_that_left_memory_comes_back_to_the_same_state_and_result() -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 3)
        for number in range(3):
            assert await handle.query("told") == number
            assert stage.client.engine.runs.passivate(0) == 1
            await handle.signal("tell", str(number))
        assert await handle.result() == ["0", "1", "2"]
        assert await handle.query("told") == 3


@pytest.mark.parametrize(("other", "end"), [("timer", TimerFired), ("activity", ActivityCompleted)])
async def test_same_again_code_that_was_mended_may_cancel_what_has_ended_meanwhile(other: str, end: type[Any]) -> None:
    Mended.broken = True
    async with engine() as stage:
        handle = await stage.start(Mended.run, other)
        await stage.store.until(lambda: any(isinstance(event, TurnDeferred) for event in stage.events()))
        stage.hands.gate.set()
        await stage.store.until(lambda: [type(event) for event in stage.events()].count(end) == 1 + (other == "timer"))
        Mended.broken = False
        assert await handle.result() == "mended"


# -- EFFECT-AFTER ----------------------------------------------------------------------------------------------------


async def test_effect_after_no_activity_begins_before_its_schedule_is_on_disk() -> None:
    async with engine() as stage:
        stage.store.hold()
        started = asyncio.ensure_future(stage.start(working, "a"))
        await stage.store.held.wait()
        await others_first()
        assert not stage.hands.entered.is_set()
        stage.store.free.set()
        stage.hands.gate.set()
        assert await (await started).result() == "a"


async def test_effect_after_holds_for_a_run_that_is_taken_up_again() -> None:
    disk = MemoryStore()
    async with engine(disk, working=False) as idle:
        await idle.start(working, "a")
    async with engine(disk, working=False) as stage:
        stage.store.hold()
        async with stage.work():
            await stage.store.held.wait()
            await others_first()
            assert not stage.hands.entered.is_set()
            assert not any(isinstance(event, ActivityScheduled) for event in stage.events())
            stage.store.free.set()
            stage.hands.gate.set()
            assert await stage.client.get_workflow_handle("it").result() == "a"


# -- ONCE-RECORDED ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "result"), [("time-out", "timed out"), ("two sleeps", "1 done")])
async def test_once_recorded_of_two_timers_due_at_once_the_second_is_cancelled_by_the_first(
    how: str, result: str
) -> None:
    async with engine() as stage:
        assert await (await stage.start(two_at_once, how)).result() == result
        assert sum(isinstance(event, TimerFired) for event in stage.events()) == 1


async def test_once_recorded_a_message_sent_again_is_recorded_once_also_by_a_run_that_was_away() -> None:
    async with engine() as stage:
        handle = await stage.start(Keeper.run, 2)
        send = partial(handle.signal, "tell", "one", request_id="1")
        await asyncio.gather(*(send() for _ in range(5)))
        assert stage.client.engine.runs.passivate(0) == 1
        await send()
        await handle.signal("tell", "two", request_id="2")
        assert await handle.result() == ["one", "two"]
        await send()
        assert sum(isinstance(event, SignalReceived) for event in stage.events()) == 2


async def test_once_recorded_an_activity_is_done_once_also_when_its_run_is_away() -> None:
    async with engine() as stage:
        handle = await stage.start(working, "a")
        await stage.hands.entered.wait()
        assert stage.client.engine.runs.passivate(0) == 1
        stage.hands.gate.set()
        assert await handle.result() == "a"
        await others_first()
        assert set(stage.hands.begun.values()) == {1}


@pytest.mark.parametrize("what", [working, working_here])
async def test_once_recorded_an_outcome_that_could_not_be_written_is_recorded_once_when_it_can(what: Any) -> None:
    async with engine() as stage:
        handle = await stage.start(what, "a")
        await stage.hands.entered.wait()
        stage.store.refuse = True
        stage.hands.gate.set()
        await stage.store.until(lambda: len(stage.store.refusals) > 1)
        stage.store.refuse = False
        assert await handle.result() == "a"
        assert set(outcomes(stage.events()).values()) == {1}
        assert set(stage.hands.begun.values()) == {1}


async def test_once_recorded_what_comes_after_a_time_out_is_dropped() -> None:
    async with engine() as stage:
        handle = await stage.start(hurried, "late")
        await stage.hands.entered.wait()
        turn(stage.client, timedelta(hours=1))
        assert await handle.result() == "too late"
        stage.hands.gate.set()
        await others_first()
        assert set(outcomes(stage.events()).values()) == {1}


# -- AT-LEAST --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [working, working_here])
async def test_at_least_an_activity_that_a_stopping_worker_gave_up_is_attempted_by_the_next(what: Any) -> None:
    async with engine(working=False) as stage:
        async with stage.work():
            handle = await stage.start(what, "a")
            await stage.hands.entered.wait()
        next_hands = Hands()
        next_hands.gate.set()
        async with stage.work(next_hands):
            assert await handle.result() == "a"
        assert set(next_hands.begun.values()) == {1}


@pytest.mark.parametrize("what", [working, working_here])
async def test_at_least_an_activity_without_an_outcome_is_attempted_after_a_restart(what: Any) -> None:
    disk = MemoryStore()
    async with engine(disk) as stage:
        await stage.start(what, "a")
        await stage.hands.entered.wait()
    async with engine(disk) as stage:
        stage.hands.gate.set()
        assert await stage.client.get_workflow_handle("it").result() == "a"


# -- CLOSED ----------------------------------------------------------------------------------------------------------


async def test_closed_a_closed_run_refuses_messages_and_takes_no_late_outcome() -> None:
    async with engine() as stage:
        handle = await stage.start(working, "a")
        await stage.hands.entered.wait()
        await handle.terminate(reason="enough")
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        recorded = stage.events()
        stage.hands.gate.set()
        await others_first()
        for ask in (partial(handle.signal, "tell", "no"), handle.terminate):
            with pytest.raises(WorkflowClosedError):
                await ask()
        await handle.cancel()  # nothing is left to cancel
        assert stage.events() == recorded


# -- VIEW-ONCE -------------------------------------------------------------------------------------------------------


async def test_view_once_the_execution_row_agrees_with_the_events_after_every_commit() -> None:
    async with engine() as stage:
        kept = await stage.start(Keeper.run, 2, name="kept")
        handles = [await stage.start(what, "a", name=what.__name__) for what in (working, working_here, two_at_once)]
        stage.hands.gate.set()
        await kept.signal("tell", "one")
        stage.client.engine.runs.passivate(0)
        await kept.signal("tell", "two")
        for handle in (kept, *handles):
            await handle.result()
        rows = stage.store.rows
    assert {row.status for row, _ in rows} == {"Running", "Completed"}
    known = definitions(WORKFLOWS)
    for row, events in rows:
        run = replay(known, row.run_id, events)
        view_once(fold(row.run_id, events), row, idle=run.waits_for_events_only)
        run.close()
