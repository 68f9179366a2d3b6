"""Local activities: nothing is recorded before their outcome, so a replay asks for them anew (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.behaviors.plays import add, charge, local_step
from tests.behaviors.rehearsal import FINAL, Rehearsal, payload, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import LocalActivityCompleted
from understudy.events.errors import NondeterminismError, PayloadDecodeError
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ActivityCancellationType as Type
from understudy.exceptions import ActivityError

CANCELED: Final = Failure(kind="canceled", message="Cancelled")


@workflow.defn
async def cancels(kind: int) -> str:
    """Cancel a local activity in the way of `kind`, and say how that ended."""
    handle = workflow.start_local_activity(add, args=[1, 2], cancellation_type=Type(kind))
    await workflow.sleep(1)
    handle.cancel()
    try:
        return f"returned {await handle}"
    except ActivityError as error:
        return f"{type(error.cause).__name__}: {error.cause}"


def has_local(run: Rehearsal) -> bool:
    """Whether the code asked for a local activity since it was last asked."""
    return run.run.has_local


def is_idle(run: Rehearsal) -> bool:
    """Whether nothing but the stream can wake the run."""
    return run.run.waits_for_events_only


def test_a_local_activity_is_asked_for_once_and_not_recorded() -> None:
    run = Rehearsal(local_step, 3)
    assert run.topics == ["workflow.started"]
    assert has_local(run)
    (asked,), dropped = run.run.take_local()
    assert (asked.scheduled.seq, asked.scheduled.activity_type, asked.canceled) == (1, "add", False)
    assert asked.scheduled.input == (payload(3), payload(1))
    assert dropped == []
    assert not has_local(run)
    assert run.run.take_local() == ([], [])


def test_a_run_with_a_local_activity_under_way_is_not_idle() -> None:
    run = Rehearsal(local_step, 3)
    assert not is_idle(run)
    run.complete_local(1, 4)
    assert is_idle(run)
    assert run.run.local(1) is None


def test_a_replay_asks_again_for_what_has_no_outcome() -> None:
    run = Rehearsal(local_step, 3)
    run.run.take_local()
    rebuilt = run.rebuild()
    (asked,), _ = rebuilt.take_local()
    assert asked.scheduled.seq == 1
    run.complete_local(1, 4)
    assert run.result == 4
    same_again(run)


def test_a_local_activity_that_failed_is_an_activity_error() -> None:
    @workflow.defn
    async def survives() -> list[Any]:
        try:
            return [await workflow.execute_local_activity(add, args=[1, 2])]
        except ActivityError as error:
            return [error.activity_type, error.activity_id, str(error.cause)]

    run = Rehearsal(survives)
    run.fail_local(1)
    assert run.result == ["add", "1", "NoStock: no stock"]
    same_again(run)


def test_outcomes_of_local_activities_may_come_in_any_order() -> None:
    @workflow.defn
    async def three() -> list[int]:
        return list(await asyncio.gather(*(workflow.execute_local_activity(add, args=[n, n]) for n in range(3))))

    run = Rehearsal(three)
    for seq in (3, 1, 2):
        run.complete_local(seq, seq * 10)
    assert run.result == [10, 20, 30]
    same_again(run)


def test_the_result_of_a_local_activity_that_does_not_decode_breaks_the_turn() -> None:
    run = Rehearsal(local_step, 3)
    with pytest.raises(PayloadDecodeError, match="the result of activity #1"):
        run.complete_local(1, "four")
    assert run.run.phase is Phase.BROKEN


def test_a_local_activity_may_return_nothing() -> None:
    run = Rehearsal(local_step, 3)
    run.complete_local(1)
    assert run.result is None
    same_again(run)


# -- cancellation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "dropped"), [(Type.TRY_CANCEL, [1]), (Type.ABANDON, [])])
def test_who_does_not_wait_goes_on_at_once(kind: Type, dropped: list[int]) -> None:
    run = Rehearsal(cancels, kind)
    run.run.take_local()
    assert topics(run.fire()) == ["timer.fired", "workflow.completed"]
    assert run.result == "CancelledError: Cancelled"
    assert [local.scheduled.seq for local in run.run.take_local()[1]] == dropped
    same_again(run)


def test_the_outcome_of_a_local_activity_that_nobody_waits_for_any_more_changes_nothing() -> None:
    @workflow.defn
    async def goes_on() -> str:
        workflow.start_local_activity(add, args=[1, 2]).cancel()
        workflow.start_local_activity(add, args=[1, 2]).cancel()
        await workflow.sleep(60)
        return "done"

    run = Rehearsal(goes_on)
    assert run.local(1)
    assert topics(run.fail_local(1, CANCELED)) == ["local_activity.failed"]
    assert topics(run.complete_local(2, 3)) == ["local_activity.completed"]
    run.fire()
    assert run.result == "done"
    same_again(run)


@pytest.mark.parametrize(
    ("failure", "result"), [(CANCELED, "CancelledError: Cancelled"), (FINAL, "ApplicationError: NoStock: no stock")]
)
def test_who_waits_for_the_cancellation_sees_how_the_local_activity_ended(failure: Failure, result: str) -> None:
    run = Rehearsal(cancels, Type.WAIT_CANCELLATION_COMPLETED)
    run.fire()
    (_, (dropped,)) = run.run.take_local()
    assert dropped.canceled
    run.fail_local(1, failure)
    assert run.result == result
    same_again(run)


def test_a_limit_of_asyncio_around_a_local_activity_that_is_waited_for_is_a_time_out() -> None:
    @workflow.defn
    async def limited() -> str:
        try:
            async with asyncio.timeout(5):
                await workflow.execute_local_activity(
                    add, args=[1, 2], cancellation_type=Type.WAIT_CANCELLATION_COMPLETED
                )
        except TimeoutError:
            return "too late"
        return "in time"

    run = Rehearsal(limited)
    run.fire()
    run.fail_local(1, CANCELED)
    assert run.result == "too late"
    same_again(run)


# -- another code ----------------------------------------------------------------------------------------------------


@workflow.defn(name="local_step")
async def remote_step(amount: int) -> int:
    """What was a local activity is one no more."""
    return await workflow.execute_activity(charge, amount)


@workflow.defn(name="local_step")
async def other_step(amount: int) -> Any:
    """Another local activity stands in its place."""
    return await workflow.execute_local_activity("subtract", args=[amount, 1])


@workflow.defn(name="local_step")
async def no_step(amount: int) -> int:
    """Nothing is asked for any more."""
    await workflow.wait_condition(lambda: False)
    return amount


@pytest.mark.parametrize(
    ("code", "recorded", "produced", "position"),
    [
        (other_step, "local_activity.completed seq=1 activity_type='add'", "seq=1 activity_type='subtract'", 2),
        (no_step, "local_activity.completed seq=1 activity_type='add'", "nothing", 2),
        (remote_step, "local_activity.completed seq=1 activity_type='add'", "seq=1 activity_type='charge'", 2),
    ],
    ids=["another", "none", "no longer local"],
)
def test_an_outcome_that_the_code_did_not_ask_for_is_nondeterminism(
    code: Any, recorded: str, produced: str, position: int
) -> None:
    run = Rehearsal(local_step, 3)
    run.complete_local(1, 4)
    with pytest.raises(NondeterminismError) as caught:
        run.rebuild(code)
    assert caught.value.recorded == recorded
    assert caught.value.produced.endswith(produced)
    assert caught.value.position == position


def test_once_recorded_an_outcome_that_is_delivered_twice_is_not_decided_twice() -> None:
    run = Rehearsal(local_step, 3)
    scheduled = run.local(1)
    run.complete_local(1, 4)
    late = LocalActivityCompleted(at=run.now, seq=1, activity_type=scheduled.activity_type)
    assert run.run.activate(late, run.now) == []
