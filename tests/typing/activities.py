"""Types of activities and of their calls; never run, only read by mypy and pyright (`make mypy pyright`).

A line that must be an error has an ignore, and an ignore that is not needed is an error, too.
"""
# mypy: warn-unused-ignores
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from understudy import activity, workflow
from understudy.client import Client
from understudy.common import Priority, RetryPolicy
from understudy.worker import Worker
from understudy.workflow import ActivityHandle

TEN = timedelta(seconds=10)


@dataclass
class Order:
    number: int


@dataclass
class Receipt:
    cents: int


@activity.defn
async def charge(order: Order) -> Receipt:
    return Receipt(order.number)


@activity.defn(name="ship-it", start_to_close_timeout=TEN, retry_policy=RetryPolicy(), preset="quick")
def ship(order: Order, express: bool = False) -> int:  # noqa: FBT001, FBT002 - two parameters, as users have them
    return order.number * express


@activity.defn
async def tick() -> None: ...


@activity.defn
def tock() -> str:
    return "tock"


@activity.defn
async def add(one: int, two: int) -> int:
    return one + two


class Payments:
    @activity.defn
    async def refund(self, order: Order) -> Receipt:
        return Receipt(order.number)

    @activity.defn(summary="look")
    def look(self, order: Order, deep: int) -> int:
        return order.number * deep

    @activity.defn
    async def __call__(self, order: Order) -> Receipt:
        return Receipt(order.number)


@activity.defn
class Weigh:
    """A class whose objects are an activity."""

    async def __call__(self, order: Order) -> int:
        return order.number


@activity.defn(name="pack")
class Pack:
    """The same, with options."""

    def __call__(self, order: Order) -> int:
        return order.number


async def direct_calls(order: Order) -> None:
    """Calls as users write them in workflows."""
    assert_type(await charge(order), Receipt)
    assert_type(await charge(order=order), Receipt)
    assert_type(await charge.options(start_to_close_timeout=TEN, priority=Priority(priority_key=1))(order), Receipt)
    assert_type(await ship.options()(order), int)
    assert_type(await ship.options(preset="long")(order, express=True), int)
    assert_type(await tock.options()(), str)
    assert_type(await Payments.refund.options()(order), Receipt)
    assert_type(await Payments.look.options()(order, 3), int)
    assert_type(await Payments.__call__.options()(order), Receipt)

    await charge(3)  # type: ignore[arg-type]  # an order is expected
    await charge()  # type: ignore[call-arg]  # an argument is missing
    await charge(order, 3)  # type: ignore[call-arg]  # there is one too many
    await charge.options()(3)  # type: ignore[arg-type]  # an order is expected
    await Payments.refund.options()(3)  # type: ignore[arg-type]  # an order is expected
    await Payments.refund.options()(Payments(), order)  # type: ignore[call-arg, arg-type]  # without object
    charge.options(start_to_close=TEN)  # type: ignore[call-overload]  # no such option
    charge.options(summary=3)  # type: ignore[call-overload]  # a text is expected
    ship.options(preset="slow")  # type: ignore[arg-type]  # no such preset


async def plain_calls(order: Order, payments: Payments) -> None:
    """Calls in tests, and of activities by each other."""
    assert_type(await charge(order), Receipt)
    assert_type(ship(order), int)
    assert_type(await payments.refund(order), Receipt)
    assert_type(await Payments.refund(payments, order), Receipt)
    assert_type(payments.look(order, 3), int)
    assert_type(await payments(order), Receipt)
    assert_type(charge.__name__, str)
    payments.look(order, "3")  # type: ignore[arg-type]  # a number is expected
    ship(3)  # type: ignore[arg-type]  # an order is expected


async def execute(order: Order) -> None:
    """The forms of `execute_activity`."""
    assert_type(await workflow.execute_activity(charge, order), Receipt)
    assert_type(await workflow.execute_activity(ship, order, start_to_close_timeout=TEN), int)
    assert_type(await workflow.execute_activity(ship, args=[order, True]), int)
    assert_type(await workflow.execute_activity(tick), None)
    assert_type(await workflow.execute_activity(tock, summary="tock"), str)
    assert_type(await workflow.execute_activity(add, args=[1, 2]), int)
    assert_type(await workflow.execute_activity("charge", order), Any)
    assert_type(await workflow.execute_activity("charge", order, result_type=Receipt), Receipt)
    assert_type(await workflow.execute_activity("charge", args=[order], result_type=list[int]), list[int])
    config = workflow.ActivityConfig(start_to_close_timeout=TEN, preset="medium")
    assert_type(await workflow.execute_activity(charge, order, **config), Receipt)
    assert_type(await workflow.execute_activity("charge", order, **config), Any)

    await workflow.execute_activity(charge, 3)  # type: ignore[arg-type]  # an order is expected
    await workflow.execute_activity(charge)  # type: ignore[arg-type]  # an argument is missing
    await workflow.execute_activity(tick, 3)  # type: ignore[arg-type]  # there is one too many
    await workflow.execute_activity(add, 3)  # type: ignore[arg-type]  # one of two is missing
    await workflow.execute_activity(charge, order, timeout=TEN)  # type: ignore[call-overload]  # no such option


def start(order: Order) -> None:
    """The forms of `start_activity`."""
    assert_type(workflow.start_activity(charge, order), ActivityHandle[Receipt])
    assert_type(workflow.start_activity(ship, order), ActivityHandle[int])
    weight: asyncio.Task[int] = workflow.start_activity(ship, order)
    assert_type(weight.get_name(), str)
    assert_type(workflow.start_activity(tick), ActivityHandle[None])
    assert_type(workflow.start_activity(add, args=[1, 2]), ActivityHandle[int])
    assert_type(workflow.start_activity("charge", order), ActivityHandle[Any])
    assert_type(workflow.start_activity("charge", result_type=Receipt), ActivityHandle[Receipt])
    workflow.start_activity(charge, 3)  # type: ignore[arg-type]  # an order is expected


async def methods_and_classes(order: Order) -> None:
    """The forms for methods and callable classes."""
    assert_type(await workflow.execute_activity_method(Payments.refund, order), Receipt)
    assert_type(workflow.start_activity_method(Payments.refund, order), ActivityHandle[Receipt])
    assert_type(await workflow.execute_activity_method(Payments.look, args=[order, 3]), int)
    assert_type(await workflow.execute_activity_method(Payments.__call__, order), Receipt)
    assert_type(await workflow.execute_activity(Payments().refund, order), Receipt)
    assert_type(await workflow.execute_activity_class(Payments, order), Any)
    assert_type(await Weigh()(order), int)
    assert_type(Pack()(order), int)
    await workflow.execute_activity_class(Weigh, order)
    await workflow.execute_activity_method(Payments.refund, 3)  # type: ignore[arg-type]  # an order is expected


async def local(order: Order) -> None:
    """The forms of local activities."""
    assert_type(await workflow.execute_local_activity(charge, order), Receipt)
    assert_type(workflow.start_local_activity(ship, order), ActivityHandle[int])
    assert_type(await workflow.execute_local_activity_method(Payments.refund, order), Receipt)
    assert_type(await workflow.execute_local_activity("charge", order, result_type=Receipt), Receipt)
    await workflow.execute_local_activity(charge, 3)  # type: ignore[arg-type]  # an order is expected
    await workflow.execute_local_activity(tick, heartbeat_timeout=TEN)  # type: ignore[call-overload]  # it has none


def workers(client: Client) -> None:
    """What a worker takes."""
    fns: list[Callable[..., Any]] = [charge, ship, Payments().refund, Payments()]
    Worker(client, task_queue="q", activities=fns)
    Worker(client, task_queue="q", activities=[charge, ship, Payments().refund, Payments()])
