"""Activities that a workflow calls as functions, and what their decorators say of such calls."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import cloudpickle
import pytest

from tests.behaviors.rehearsal import Rehearsal, payloads, same_again
from understudy import activity, workflow
from understudy.activity_options import ActivityConfig, LocalActivityConfig
from understudy.actors.behaviors.definition import activity_of, is_async
from understudy.common import Priority, RawValue, RetryPolicy
from understudy.events.activity import ActivityScheduled
from understudy.exceptions import ArgumentTypeError, DefinitionError, InvalidArgumentError, NotInWorkflowError

SECOND = 1_000_000_000


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass
class Order:
    number: int


@activity.defn(
    start_to_close_timeout=seconds(10),
    heartbeat_timeout=seconds(2),
    retry_policy=RetryPolicy(maximum_attempts=3),
    task_queue="payments",
    summary="the card",
    priority=Priority(priority_key=2, fairness_key="tenant", fairness_weight=1.5),
    cancellation_type=workflow.ActivityCancellationType.ABANDON,
)
async def charge(order: Order, currency: str = "EUR", cents: int = 0, *, dry: bool = False) -> str:
    """Take money."""
    return f"{order.number} {currency} {cents} {dry}"


@activity.defn
def ship(order: Order) -> int:
    """Send it."""
    return order.number


@activity.defn(preset="quick")
async def tick() -> None:
    """Do next to nothing."""


class Payments:
    """Activities that share a bank."""

    def __init__(self, bank: str) -> None:
        self.bank = bank

    @activity.defn(start_to_close_timeout=seconds(4))
    async def refund(self, order: Order, cents: int = 100) -> str:
        return f"{self.bank} {order.number} {cents}"

    @activity.defn
    def look(self, order: Order) -> str:
        return f"{self.bank} {order.number}"

    @activity.defn
    @staticmethod
    def fee(cents: int) -> int:
        return cents // 100

    @activity.defn(name="pay")
    async def __call__(self, order: Order) -> str:
        return f"{self.bank} {order.number}"


def asked(code: Any) -> ActivityScheduled:
    """What a workflow function asks for first."""
    run = Rehearsal(code)
    same_again(run)
    found = run.last
    assert isinstance(found, ActivityScheduled)
    return found


def refusal(code: Any, error: type[Exception]) -> str:
    """How the first thing that a workflow function does is refused."""
    with pytest.raises(error) as caught:
        Rehearsal(code)
    return str(caught.value)


# -- in a workflow ---------------------------------------------------------------------------------------------------


def test_a_function_that_a_workflow_calls_is_an_activity_with_the_options_of_its_decorator() -> None:
    @workflow.defn
    async def pays() -> str:
        return await charge(Order(7))

    found = asked(pays)
    assert (found.activity_type, found.input) == ("charge", payloads([{"number": 7}]))
    assert (found.start_to_close, found.heartbeat, found.schedule_to_close) == (10 * SECOND, 2 * SECOND, 0)
    assert found.retry_policy == RetryPolicy(maximum_attempts=3).to_stored()
    assert (found.task_queue, found.summary) == ("payments", "the card")
    assert (found.priority, found.fairness_key, found.fairness_weight) == (2, "tenant", 1.5)
    assert found.cancellation_type is workflow.ActivityCancellationType.ABANDON


def test_the_result_is_the_activitys() -> None:
    @workflow.defn
    async def pays() -> list[Any]:
        return [await charge(Order(7)), await ship.options()(Order(8))]

    run = Rehearsal(pays)
    run.complete(1, "paid")
    same_again(run)
    run.complete(2, 8)
    assert run.result == ["paid", 8]
    same_again(run)


def test_a_plain_function_is_awaited_in_a_workflow() -> None:
    @workflow.defn
    async def ships() -> Any:
        call: Any = ship(Order(8))
        return await call

    run = Rehearsal(ships)
    run.complete(1, 8)
    assert run.result == 8
    same_again(run)


def test_several_calls_run_at_once() -> None:
    @workflow.defn
    async def pays() -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(charge(Order(number))) for number in (1, 2)]
        return [task.result() for task in tasks]

    run = Rehearsal(pays)
    run.complete(2, "b")
    run.complete(1, "a")
    assert run.result == ["a", "b"]
    same_again(run)


def test_arguments_by_name_are_stored_by_position_and_what_they_leave_out_has_its_default() -> None:
    @workflow.defn
    async def pays() -> list[str]:
        return [
            await charge(Order(1), currency="USD"),
            await charge(cents=5, order=Order(1)),
            await charge(Order(1), "GBP", 7),
        ]

    run = Rehearsal(pays)
    expected: list[list[Any]] = [[{"number": 1}, "USD"], [{"number": 1}, "EUR", 5], [{"number": 1}, "GBP", 7]]
    for seq, values in enumerate(expected, 1):
        assert run.pending(seq).scheduled.input == payloads(values)
        run.complete(seq, "")


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"order": 1, "dry": True}, r"keyword-only arguments \(dry\).*Move the parameters in front of the \*"),
        ({"order": 1, "color": 2}, "unexpected keyword argument 'color'"),
        ({"cents": 2}, "missing a required argument: 'order'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_at_the_call(kwargs: dict[str, Any], said: str) -> None:
    @workflow.defn
    async def pays() -> str:
        return await charge(**kwargs)

    text = refusal(pays, ArgumentTypeError)
    assert "a call of activity 'charge'" in text
    assert re.search(said, text)


def test_a_number_of_arguments_that_does_not_fit_is_refused_at_the_call() -> None:
    @workflow.defn
    async def pays() -> Any:
        call: Any = ship
        return await call(Order(1), 2)

    assert "the number of arguments of activity 'ship'" in refusal(pays, ArgumentTypeError)


def test_a_dynamic_activity_is_not_called_as_a_function() -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> None: ...

    @workflow.defn
    async def calls() -> None:
        await anything([])

    assert "Call it by the name it shall see" in refusal(calls, InvalidArgumentError)


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


# -- methods and classes ---------------------------------------------------------------------------------------------


def test_a_method_is_called_by_its_options_without_object() -> None:
    @workflow.defn
    async def pays() -> str:
        return await Payments.refund.options(summary="back")(Order(3), cents=5)

    found = asked(pays)
    assert (found.activity_type, found.summary, found.start_to_close) == ("refund", "back", 4 * SECOND)
    assert found.input == payloads([{"number": 3}, 5])


def test_a_bound_method_has_options_too_and_leaves_its_object_at_home() -> None:
    @workflow.defn
    async def pays() -> list[str]:
        payments = Payments("north")
        return [await payments.refund.options()(Order(3)), await payments.look.options()(Order(4))]

    run = Rehearsal(pays)
    assert run.pending(1).scheduled.input == payloads([{"number": 3}])
    run.complete(1, "a")
    assert run.pending(2).scheduled.input == payloads([{"number": 4}])


@pytest.mark.parametrize("name", ["refund", "look", "__call__"])
def test_a_method_is_not_called_with_its_object(name: str) -> None:
    @workflow.defn
    async def pays() -> str:
        method = getattr(Payments("north"), name)
        return str(await method(Order(3)))

    text = refusal(pays, InvalidArgumentError)
    assert f"the call of activity Payments.{name} in a workflow is one with an object" in text
    assert f"Write: await Payments.{name}.options()(...)" in text


def test_a_callable_class_is_called_by_the_options_of_its_call() -> None:
    @workflow.defn
    async def pays() -> str:
        return await Payments.__call__.options()(Order(3))

    assert asked(pays).activity_type == "pay"


def test_a_class_is_given_to_the_forms_for_classes_and_a_method_to_those_for_methods() -> None:
    @workflow.defn
    async def pays() -> None:
        await asyncio.gather(
            workflow.execute_activity_class(Payments, Order(1)),
            workflow.start_activity_class(Payments, Order(2)),
            workflow.execute_activity_method(Payments.refund, Order(3)),
            workflow.start_activity_method(Payments.refund, args=[Order(4), 5]),
            workflow.execute_local_activity_class(Payments, Order(5)),
            workflow.start_local_activity_class(Payments, Order(6)),
            workflow.execute_local_activity_method(Payments.refund, Order(7)),
            workflow.start_local_activity_method(Payments.refund, Order(8)),
        )

    run = Rehearsal(pays)
    assert sorted(each.scheduled.activity_type for each in run.execution.activities.values()) == [
        "pay",
        "pay",
        "refund",
        "refund",
    ]
    assert len(run.run.take_local()[0]) == 4


def test_a_static_method_is_a_function() -> None:
    @workflow.defn
    async def asks() -> int:
        fee: Any = Payments("north").fee
        return int(await fee(250))

    assert asked(asks).activity_type == "fee"
    plain: Any = Payments.fee  # mypy does not see that it is static
    assert plain(250) == 2


def test_a_partial_is_called_as_an_activity_of_its_own() -> None:
    small = activity.defn(name="charge-small")(functools.partial(charge, cents=1))

    @workflow.defn
    async def pays() -> str:
        return await small(Order(1))

    assert asked(pays).activity_type == "charge-small"


# -- outside of a workflow -------------------------------------------------------------------------------------------


async def test_outside_of_a_workflow_the_call_is_the_plain_function() -> None:
    payments = Payments("north")
    assert await charge(Order(7), "USD", dry=True) == "7 USD 0 True"
    assert ship(Order(8)) == 8
    assert await payments.refund(Order(1)) == await Payments.refund(payments, Order(1)) == "north 1 100"
    assert payments.look(Order(2)) == "north 2"
    assert await payments(Order(3)) == "north 3"


async def test_options_change_nothing_outside_of_a_workflow() -> None:
    assert await charge.options(summary="a")(Order(7)) == "7 EUR 0 False"
    assert await ship.options(summary="a")(Order(8)) == 8


async def test_a_method_without_its_object_is_only_for_workflows() -> None:
    with pytest.raises(NotInWorkflowError):
        await Payments.refund.options()(Order(1))


async def test_a_run_that_is_dropped_from_memory_calls_nothing() -> None:
    called: list[int] = []

    @activity.defn
    async def clean(number: int) -> None:
        called.append(number)

    @activity.defn
    def tidy(number: int) -> None:
        called.append(number)

    @workflow.defn
    async def waits() -> None:
        try:
            await workflow.sleep(60)
        finally:
            try:
                await clean(1)
            finally:
                call: Any = tidy(2)
                try:
                    await call
                finally:
                    await clean.options()(3)

    run = Rehearsal(waits)
    run.run.close()
    assert called == []


# -- what the decorated function still is ----------------------------------------------------------------------------


def test_a_decorated_function_looks_like_the_one_that_was_written() -> None:
    assert (charge.__name__, getattr(charge, "__qualname__", ""), charge.__doc__) == ("charge", "charge", "Take money.")
    assert list(inspect.signature(charge).parameters) == ["order", "currency", "cents", "dry"]
    assert list(inspect.signature(Payments("a").refund).parameters) == ["order", "cents"]
    assert inspect.iscoroutinefunction(charge)
    assert inspect.iscoroutinefunction(charge.options())
    assert not inspect.iscoroutinefunction(ship)
    assert (is_async(charge), is_async(ship), is_async(Payments("a").refund)) == (True, False, True)
    assert inspect.unwrap(charge).__code__.co_name == "charge"


def test_a_decorated_function_crosses_to_another_process() -> None:
    local = 3

    @activity.defn(preset="quick")
    def times(number: int) -> int:
        return number * local

    assert cloudpickle.loads(cloudpickle.dumps(times))(4) == 12
    assert cloudpickle.loads(cloudpickle.dumps(ship)) is ship
    again = cloudpickle.loads(cloudpickle.dumps(Payments("north").look))
    assert again(Order(1)) == "north 1"
    assert activity_of(cloudpickle.loads(cloudpickle.dumps(times))).options == activity_of(times).options


def test_an_activity_may_be_declared_again_under_another_name() -> None:
    other = activity.defn(name="other", summary="again")(ship)
    assert (activity_of(other).name, activity_of(ship).name) == ("other", "ship")
    assert activity_of(ship).options == {}
    assert other(Order(1)) == 1


def test_what_has_no_name_needs_one() -> None:
    class Call:
        def __call__(self) -> None: ...

    with pytest.raises(DefinitionError, match="it has no name"):
        activity.defn(Call())
    assert activity_of(activity.defn(name="call")(Call())).name == "call"
