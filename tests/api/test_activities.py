"""Activities: what may be one, how it is called, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.api.harness import AT_ONCE, QUEUE, Harness, failure_of, topics
from understudy import activity, workflow
from understudy.common import RawValue, RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError


@dataclass
class Order:
    id: int
    item: str = "tea"


@activity.defn
async def price(order: Order, count: int = 1) -> int:
    return order.id * count


@activity.defn
def shout(text: str) -> str:
    return text.upper()


@workflow.defn
class Call:
    """Calls one activity by its name, with what it is given."""

    @workflow.run
    async def run(self, name: str, args: list[Any]) -> Any:
        return await workflow.execute_activity(name, args=args, retry_policy=AT_ONCE)


# -- calling ---------------------------------------------------------------------------------------------------------


async def test_an_activity_is_called_by_its_function(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> list[Any]:
        return [
            await workflow.execute_activity(price, Order(7)),
            await workflow.execute_activity(price, args=[Order(7), 2]),
            await workflow.execute_activity(shout, "tea"),
        ]

    await engine.work(calls, price, shout)
    assert await engine.execute(calls) == [7, 14, "TEA"]


async def test_an_activity_is_called_by_its_name(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> list[Any]:
        return [
            await workflow.execute_activity("price", args=[Order(7), 2]),
            await workflow.execute_activity("shout", "tea"),
        ]

    await engine.work(calls, price, shout)
    assert await engine.execute(calls) == [14, "TEA"]


async def test_an_activity_that_was_started_is_awaited_when_it_is_wanted(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> list[Any]:
        first = workflow.start_activity(price, Order(1))
        second = workflow.start_activity("shout", "tea")
        return [
            await second,
            await first,
            *await asyncio.gather(*(workflow.start_activity(price, Order(n)) for n in (5, 6))),
        ]

    await engine.work(calls, price, shout)
    assert await engine.execute(calls) == ["TEA", 1, 5, 6]


async def test_methods_of_an_object_bring_their_resources_along(engine: Harness) -> None:
    class Payments:
        def __init__(self, fee: int) -> None:
            self.fee = fee

        @activity.defn
        async def charge(self, order: Order) -> int:
            return order.id + self.fee

        @activity.defn
        def refund(self, order: Order) -> int:
            return order.id - self.fee

    @workflow.defn
    async def pays() -> list[int]:
        return [
            await workflow.execute_activity_method(Payments.charge, Order(10)),
            await workflow.execute_activity_method(Payments.refund, args=[Order(10)]),
            await workflow.start_activity_method(Payments.charge, Order(20)),
        ]

    payments = Payments(fee=3)
    await engine.work(pays, payments.charge, payments.refund)
    assert await engine.execute(pays) == [13, 7, 23]


async def test_an_object_that_can_be_called_is_an_activity(engine: Harness) -> None:
    class Tax:
        def __init__(self, percent: int) -> None:
            self.percent = percent

        @activity.defn(name="tax")
        async def __call__(self, net: int) -> int:
            return net * self.percent // 100

    class Rounds:
        @activity.defn(name="rounds")
        def __call__(self, value: float) -> int:
            return round(value)

    @activity.defn
    class Discount:
        def __init__(self, percent: int) -> None:
            self.percent = percent

        async def __call__(self, price: int) -> int:
            return price * (100 - self.percent) // 100

    @activity.defn(name="half")
    class Half:
        def __call__(self, price: int) -> int:
            return price // 2

    @workflow.defn
    async def calls() -> list[int]:
        return [
            await workflow.execute_activity_class(Tax, 200),
            await workflow.start_activity_class(Rounds, 2.9),
            await workflow.execute_activity("tax", 100),
            await workflow.execute_activity_class(Discount, 200),
            await workflow.start_activity_class(Half, 9),
            await workflow.execute_activity("Discount", 100),
        ]

    await engine.work(calls, Tax(19), Rounds(), Discount(10), Half())
    assert await engine.execute(calls) == [38, 3, 19, 180, 4, 90]


async def test_a_dynamic_activity_takes_every_other_name(engine: Harness) -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> list[Any]:
        values = [activity.payload_converter().decode(arg.payload, Any) for arg in args]
        return [activity.info().activity_type, *values]

    await engine.work(Call, anything, shout)
    assert await engine.execute(Call.run, "whatever", [1, "two"]) == ["whatever", 1, "two"]
    assert await engine.execute(Call.run, "shout", ["tea"]) == "TEA"


async def test_an_activity_has_the_name_that_it_is_given(engine: Harness) -> None:
    @activity.defn(name="charge-card")
    async def charge() -> str:
        return activity.info().activity_type

    @workflow.defn
    async def pays() -> list[str]:
        return [await workflow.execute_activity(charge), await workflow.execute_activity("charge-card")]

    await engine.work(pays, charge)
    assert await engine.execute(pays) == ["charge-card"] * 2


async def test_the_result_of_an_activity_by_name_has_the_type_that_is_asked_for(engine: Harness) -> None:
    @activity.defn
    async def find(number: int) -> Order:
        return Order(number)

    @workflow.defn
    async def finds() -> list[str]:
        by_name = await workflow.execute_activity("find", 1)
        typed = await workflow.execute_activity("find", 1, result_type=Order)
        by_function = await workflow.execute_activity(find, 1)
        return [type(found).__name__ for found in (by_name, typed, by_function)]

    await engine.work(finds, find)
    assert await engine.execute(finds) == ["dict", "Order", "Order"]


async def test_an_activity_runs_on_the_queue_that_is_asked_for(engine: Harness) -> None:
    @activity.defn
    async def where() -> str:
        return activity.info().task_queue

    @workflow.defn
    async def asks() -> list[str]:
        return [await workflow.execute_activity(where), await workflow.execute_activity(where, task_queue="elsewhere")]

    await engine.work(asks, where)
    await engine.work(where, task_queue="elsewhere")
    assert await engine.execute(asks) == [QUEUE, "elsewhere"]


async def test_the_options_of_an_activity_are_in_its_history(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> None:
        await workflow.execute_activity(
            shout,
            "x",
            schedule_to_close_timeout=timedelta(hours=2),
            schedule_to_start_timeout=timedelta(hours=1),
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_attempts=3),
            cancellation_type=workflow.ActivityCancellationType.ABANDON,
            activity_id="the-only-one",
            summary="shouts",
        )
        await workflow.execute_activity(shout, "x")

    await engine.work(calls, shout)
    handle = await engine.start(calls)
    await handle.result()
    full, bare = [e for e in (await handle.fetch_history()).events if e.topic == "activity.scheduled"]
    second = 1_000_000_000
    found: Any = full
    assert (found.activity_id, found.summary, found.cancellation_type) == ("the-only-one", "shouts", 2)
    assert (found.schedule_to_close, found.schedule_to_start) == (7200 * second, 3600 * second)
    assert (found.start_to_close, found.heartbeat, found.retry_policy.maximum_attempts) == (
        300 * second,
        60 * second,
        3,
    )
    found = bare
    assert (found.schedule_to_close, found.schedule_to_start, found.heartbeat) == (0, 0, 0)
    assert found.start_to_close == 300 * second, "the default when neither close is given"
    assert "test_activities.py:" in found.source


async def test_each_step_costs_two_events(engine: Harness) -> None:
    await engine.work(Call, shout)
    handle = await engine.start(Call.run, "shout", ["tea"])
    await handle.result()
    assert await topics(handle) == [
        "workflow.started",
        "activity.scheduled",
        "activity.completed",
        "workflow.completed",
    ]


# -- failing ---------------------------------------------------------------------------------------------------------


async def test_a_failed_activity_fails_the_workflow_that_does_not_catch_it(engine: Harness) -> None:
    @activity.defn
    async def decline(amount: int) -> None:
        raise ApplicationError("declined", amount, type="Declined", non_retryable=True)

    await engine.work(Call, decline)
    error = await failure_of(engine.execute(Call.run, "decline", [7]))
    assert isinstance(error, ActivityError)
    assert (error.activity_type, error.activity_id, error.scheduled_event_id) == ("decline", "1", 1)
    cause = error.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type, list(cause.details)) == ("declined", "Declined", [7])


async def test_a_workflow_catches_the_failure_of_its_activity(engine: Harness) -> None:
    @activity.defn
    def divide(number: int) -> float:
        return 1 / number

    @workflow.defn
    async def catches() -> list[str | None]:
        try:
            await workflow.execute_activity(divide, 0, retry_policy=RetryPolicy(maximum_attempts=1))
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            return [cause.type, cause.message]
        return []

    await engine.work(catches, divide)
    assert await engine.execute(catches) == ["ZeroDivisionError", "division by zero"]
