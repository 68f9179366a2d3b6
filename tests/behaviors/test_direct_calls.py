"""Activities that a workflow calls as functions, and what such functions are outside of a workflow."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Sequence
from typing import Any

import cloudpickle
import pytest

from tests.behaviors.payments import SECOND, Order, asked, charge, refusal, seconds
from tests.behaviors.rehearsal import Rehearsal, payloads
from tests.behaviors.same_again import same_again
from understudy import activity, workflow
from understudy.actors.behaviors.definitions.definition import activity_of, is_async
from understudy.common import RawValue, RetryPolicy
from understudy.exceptions import ArgumentTypeError, DefinitionError, InvalidArgumentError, NotInWorkflowError


@activity.defn
def ship(order: Order) -> int:
    """Send it."""
    return order.number


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
