"""Options of activities that are called as functions: of the call, of the decorator, and of presets."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import msgspec
import pytest

from tests.behaviors.payments import SECOND, Order, asked, charge, refusal, seconds
from tests.behaviors.rehearsal import Rehearsal, payloads
from tests.behaviors.same_again import same_again
from understudy import activity, workflow
from understudy._calls.activity_options import ActivityConfig, LocalActivityConfig
from understudy.actors.behaviors.code.run import Phase
from understudy.common import Priority
from understudy.exceptions import ArgumentTypeError, InvalidArgumentError


@activity.defn(preset="quick")
async def tick() -> None:
    """Do next to nothing."""


# -- options ---------------------------------------------------------------------------------------------------------


def test_the_options_of_a_call_win_and_the_others_stay() -> None:
    @workflow.defn
    async def pays() -> str:
        return await charge.options(start_to_close_timeout=seconds(300), heartbeat_timeout=None)(Order(7), cents=3)

    found = asked(pays)
    assert (found.start_to_close, found.heartbeat, found.task_queue) == (300 * SECOND, 0, "payments")
    assert found.input == payloads([{"number": 7}, "EUR", 3])


def test_a_call_by_execute_activity_has_the_options_of_the_decorator_too() -> None:
    @workflow.defn
    async def pays() -> str:
        return await workflow.execute_activity(charge, Order(7), start_to_close_timeout=seconds(20), priority=None)

    found = asked(pays)
    assert (found.start_to_close, found.heartbeat, found.priority) == (20 * SECOND, 2 * SECOND, 0)


def test_a_call_by_its_name_knows_nothing_of_the_decorator() -> None:
    @workflow.defn
    async def pays() -> Any:
        return await workflow.execute_activity("charge", Order(7))

    found = asked(pays)
    assert (found.start_to_close, found.heartbeat, found.task_queue) == (300 * SECOND, 0, "")


def test_a_local_activity_takes_of_the_decorator_what_it_can() -> None:
    @workflow.defn
    async def pays() -> str:
        return await workflow.execute_local_activity(charge, Order(7), retry_policy=None)

    run = Rehearsal(pays)
    found = run.local(1)
    assert (found.start_to_close, found.heartbeat, found.task_queue, found.priority) == (10 * SECOND, 0, "", 0)
    assert found.retry_policy is None
    assert found.summary == "the card"
    run.complete_local(1, "paid")
    assert run.result == "paid"
    same_again(run)


def test_the_result_type_may_stand_in_the_decorator() -> None:
    @activity.defn(result_type=Order)
    async def find(number: int) -> Any:
        return {"number": number}

    @workflow.defn
    async def finds() -> bool:
        return isinstance(await find(1), Order)

    run = Rehearsal(finds)
    run.complete(1, {"number": 1})
    assert run.result is True


@pytest.mark.parametrize(
    ("preset", "close", "heartbeat"), [("quick", 10, 3), ("medium", 300, 30), ("long", 3600, 60), (None, 300, 0)]
)
def test_a_preset_names_time_outs(preset: Any, close: int, heartbeat: int) -> None:
    @workflow.defn
    async def ticks() -> Any:
        await workflow.execute_activity("tick", preset=preset)

    found = asked(ticks)
    assert (found.start_to_close, found.heartbeat) == (close * SECOND, heartbeat * SECOND)


def test_a_preset_of_the_call_wins_over_the_decorator_and_gives_way_to_options_beside_it() -> None:
    @workflow.defn
    async def ticks() -> None:
        await asyncio.gather(
            tick(),
            tick.options(preset="long")(),
            tick.options(heartbeat_timeout=seconds(1), preset="long")(),
            tick.options(start_to_close_timeout=seconds(7))(),
        )

    run = Rehearsal(ticks)
    times = [run.pending(seq).scheduled for seq in (1, 2, 3, 4)]
    assert [(each.start_to_close // SECOND, each.heartbeat // SECOND) for each in times] == [
        (10, 3),
        (3600, 60),
        (3600, 1),
        (7, 3),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start_to_close_timeout": 5}, "start_to_close_timeout is 5, where a datetime.timedelta is expected"),
        ({"preset": "slow"}, "preset is 'slow', where 'quick' or 'medium' or 'long' is expected"),
        ({"preset": 3}, "preset is 3"),
        ({"task_queue": 3}, "task_queue is 3, where a str is expected"),
        ({"retry_policy": 3}, "retry_policy is 3, where an understudy.common.RetryPolicy is expected"),
        ({"cancellation_type": 1}, "cancellation_type is 1, where a workflow.ActivityCancellationType is expected"),
        ({"priority": 1}, "priority is 1, where an understudy.common.Priority is expected"),
        ({"start_to_close": 5}, "an option of an activity is 'start_to_close'.*'start_to_close_timeout' was meant"),
        ({"xyzzy": 5}, "an option of an activity is 'xyzzy', where one of activity_id, .* is expected"),
    ],
)
def test_an_option_that_cannot_be_is_refused_where_it_stands(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        activity.defn(**options)(tick)
    with pytest.raises(InvalidArgumentError, match=said):
        tick.options(**options)

    @workflow.defn
    async def ticks() -> None:
        await workflow.execute_activity("tick", **options)

    refusal(ticks, InvalidArgumentError)


def test_a_local_activity_has_no_heartbeat_and_no_queue() -> None:
    @workflow.defn
    async def ticks() -> None:
        options: Any = {"heartbeat_timeout": seconds(1)}
        await workflow.execute_local_activity(tick, **options)

    assert "an option of an activity is 'heartbeat_timeout'" in refusal(ticks, ArgumentTypeError)


def test_what_has_no_meaning_here_is_accepted() -> None:
    @workflow.defn
    async def ticks() -> None:
        await tick.options(versioning_intent=1)()

    assert asked(ticks).activity_type == "tick"


def test_the_options_are_shown_one_by_one() -> None:
    for of, functions in (
        (ActivityConfig, (activity.defn, workflow.start_activity, workflow.execute_activity_method)),
        (LocalActivityConfig, (workflow.start_local_activity, workflow.execute_local_activity_class)),
    ):
        for function in functions:
            parameters = inspect.signature(function).parameters
            assert parameters.keys() >= of.__annotations__.keys()
            assert parameters["cancellation_type"].default is workflow.ActivityCancellationType.TRY_CANCEL
            assert parameters["summary"].default is None


# -- priority --------------------------------------------------------------------------------------------------------


def test_a_priority_that_is_left_open_is_the_workflows() -> None:
    @workflow.defn
    async def ticks() -> None:
        await tick.options(priority=Priority(fairness_key="a"))()

    run = Rehearsal(ticks, priority=4)
    found = run.pending(1).scheduled
    assert (found.priority, found.fairness_key, found.fairness_weight) == (4, "a", None)
    same_again(run)


@pytest.mark.parametrize(
    ("of_run", "said", "found"),
    [
        ((1, "kim", 2.5), Priority(), (1, "kim", 2.5)),
        ((1, "kim", 2.5), None, (1, "kim", 2.5)),
        ((1, "kim", 2.5), Priority(priority_key=3), (3, "kim", 2.5)),
        ((1, "kim", 2.5), Priority(fairness_key="lee", fairness_weight=0.0), (1, "lee", 0.0)),
        ((0, "kim", None), Priority(), (0, "kim", None)),
        ((0, "", 0.5), Priority(fairness_key="lee"), (0, "lee", 0.5)),
        ((0, "", None), Priority(), (0, "", None)),
    ],
)
def test_each_field_of_a_priority_that_is_left_open_is_the_workflows(
    of_run: tuple[int, str, float | None], said: Priority | None, found: tuple[int, str, float | None]
) -> None:
    @workflow.defn
    async def asks() -> None:
        workflow.start_activity("tick", priority=said)
        await workflow.start_child_workflow("Ship", priority=said or Priority.default)

    key, name, weight = of_run
    run = Rehearsal(asks, priority=key, fairness_key=name, fairness_weight=weight)
    for asked_for in (run.pending(1).scheduled, run.execution.children[1].initiated):
        assert (asked_for.priority, asked_for.fairness_key, asked_for.fairness_weight) == found
    same_again(run)


def test_a_history_in_which_nothing_was_inherited_is_replayed() -> None:
    @workflow.defn
    async def asks() -> None:
        workflow.start_activity("tick")
        await workflow.start_child_workflow("Ship", id="ship-1")

    run = Rehearsal(asks, priority=1, fairness_key="kim", fairness_weight=2.0)
    assert run.events[1:]
    nothing = {"priority": 0, "fairness_key": "", "fairness_weight": None}
    run.events[1:] = [msgspec.structs.replace(event, **nothing) for event in run.events[1:]]
    assert run.rebuild().phase is Phase.RUNNING
