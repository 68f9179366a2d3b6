"""Types of stand-alone activities; never run, only read by mypy and pyright (`make mypy pyright`).

A line that must be an error has an ignore, and an ignore that is not needed is an error, too.
"""
# mypy: warn-unused-ignores
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_type

from understudy import activity
from understudy.client import ActivityExecution, ActivityHandle, Client

TEN = timedelta(seconds=10)


@activity.defn
async def charge(amount: int) -> str:
    return str(amount)


@activity.defn
def tock() -> str:
    return "tock"


@activity.defn
async def add(one: int, two: int) -> int:
    return one + two


class Payments:
    @activity.defn
    async def refund(self, amount: int) -> str:
        return str(amount)

    @activity.defn
    def close(self) -> int:
        return 1


async def by_function(client: Client) -> None:
    assert_type(await client.execute_activity(charge, 1, id="a", task_queue="q"), str)
    assert_type(await client.execute_activity(tock, id="a", task_queue="q", start_delay=TEN), str)
    assert_type(await client.execute_activity(add, args=[1, 2], id="a", task_queue="q"), int)
    assert_type(await client.start_activity(charge, 1, id="a", task_queue="q"), ActivityHandle[str])
    assert_type(await client.start_activity(add, args=[1, 2], id="a", task_queue="q"), ActivityHandle[int])
    await client.execute_activity(charge, "1", id="a", task_queue="q")  # type: ignore[arg-type]  # wrong argument
    await client.start_activity(charge, 1, task_queue="q")  # type: ignore[call-overload]  # no id
    await client.start_activity(charge, 1, id="a", task_queue="q", colour=1)  # type: ignore[call-overload]  # no such option


async def by_method(client: Client) -> None:
    assert_type(await client.execute_activity_method(Payments.refund, 1, id="a", task_queue="q"), str)
    assert_type(await client.start_activity_method(Payments.close, id="a", task_queue="q"), ActivityHandle[int])


async def by_name(client: Client) -> None:
    assert_type(await client.execute_activity("charge", 1, id="a", task_queue="q", result_type=str), str)
    assert_type(await client.execute_activity("charge", 1, id="a", task_queue="q"), Any)
    assert_type(await client.start_activity("charge", id="a", task_queue="q", result_type=int), ActivityHandle[int])


async def found(client: Client) -> None:
    assert_type(client.get_activity_handle("a"), ActivityHandle[Any])
    assert_type(client.get_activity_handle("a", result_type=int), ActivityHandle[int])
    assert_type(await client.get_activity_handle("a", result_type=int).result(), int)
    async for each in client.list_activities():
        assert_type(each, ActivityExecution)
