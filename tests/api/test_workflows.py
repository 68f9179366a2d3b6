"""Workflows: classes and plain functions, their names, arguments, bases and ends."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.api.harness import Harness, failure_of
from understudy import workflow
from understudy.common import RawValue
from understudy.exceptions import ApplicationError


@dataclass
class Order:
    id: int
    items: list[str]


@workflow.defn
class Describe:
    """Tells what it was given."""

    @workflow.run
    async def run(self, order: Order, times: int = 1) -> list[Order]:
        return [order] * times


class Greeting(ABC):
    def __init__(self) -> None:
        self.names: list[str] = []

    @abstractmethod
    def greet(self, name: str) -> str: ...

    @workflow.run
    async def run(self, wanted: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.names) >= wanted)
        return [self.greet(name) for name in self.names]

    @workflow.signal
    def meet(self, name: str) -> None:
        self.names.append(name)

    @workflow.query
    def met(self) -> int:
        return len(self.names)


# -- definitions -----------------------------------------------------------------------------------------------------


async def test_a_class_is_a_workflow(engine: Harness) -> None:
    await engine.work(Describe)
    order = Order(1, ["tea"])
    assert await engine.execute(Describe.run, order, 2) == [order, order]


async def test_a_class_can_be_started_by_itself_or_by_its_name(engine: Harness) -> None:
    await engine.work(Describe)
    order = Order(1, ["tea"])
    assert await engine.execute(Describe, order) == [order]
    assert await engine.execute("Describe", order) == [{"id": 1, "items": ["tea"]}]
    assert await engine.execute("Describe", order, result_type=list[Order]) == [order]


async def test_a_plain_async_function_is_a_workflow(engine: Harness) -> None:
    @workflow.defn
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    await engine.work(double)
    assert await engine.execute(double, 21) == 42


async def test_a_workflow_has_the_name_that_it_is_given(engine: Harness) -> None:
    @workflow.defn(name="billing")
    class Invoice:
        @workflow.run
        async def run(self) -> str:
            return workflow.info().workflow_type

    @workflow.defn(name="shipping")
    async def parcel() -> str:
        return workflow.info().workflow_type

    await engine.work(Invoice, parcel)
    assert await engine.execute("billing") == "billing"
    assert await engine.execute(Invoice.run) == "billing"
    assert await engine.execute(parcel) == "shipping"


async def test_a_dynamic_workflow_takes_every_other_name(engine: Harness) -> None:
    @workflow.defn(dynamic=True)
    class Anything:
        @workflow.run
        async def run(self, args: Sequence[RawValue]) -> list[Any]:
            values = [workflow.payload_converter().decode(arg.payload, Any) for arg in args]
            return [workflow.info().workflow_type, *values]

    await engine.work(Anything, Describe)
    assert await engine.execute("Surprise", 1, "two") == ["Surprise", 1, "two"]
    assert await engine.execute("Describe", Order(1, []), result_type=list[Order]) == [Order(1, [])]


async def test_workflows_inherit_run_and_handlers_from_an_abstract_base(engine: Harness) -> None:
    @workflow.defn
    class English(Greeting):
        def greet(self, name: str) -> str:
            return f"Hello {name}"

    @workflow.defn
    class German(Greeting):
        def greet(self, name: str) -> str:
            return f"Hallo {name}"

        @workflow.query
        def met(self) -> int:
            return 100 + len(self.names)

    await engine.work(English, German)
    english, german = await engine.start(English, 1), await engine.start(German, 1)
    assert [await english.query("met"), await german.query("met")] == [0, 100]
    await english.signal(Greeting.meet, "Kim")
    await german.signal(English.meet, "Kim")
    assert await english.result() == ["Hello Kim"]
    assert await german.result() == ["Hallo Kim"]


async def test_an_overridden_handler_keeps_its_mark(engine: Harness) -> None:
    @workflow.defn
    class Loud(Greeting):
        def greet(self, name: str) -> str:
            return name

        def meet(self, name: str) -> None:
            self.names.append(name.upper())

    await engine.work(Loud)
    handle = await engine.start(Loud, 1)
    await handle.signal("meet", "kim")
    assert await handle.result() == ["KIM"]


async def test_init_gets_the_arguments_of_run(engine: Harness) -> None:
    @workflow.defn
    class Counter:
        @workflow.init
        def __init__(self, start: int) -> None:
            self.count = start

        @workflow.run
        async def run(self, start: int) -> int:
            await workflow.wait_condition(lambda: self.count != start)
            return self.count + start

        @workflow.signal
        def add(self, number: int) -> None:
            self.count += number

    handle = await engine.start(Counter.run, 20)
    await handle.signal(Counter.add, 2)
    await engine.work(Counter)
    assert await handle.result() == 42


# -- outcomes --------------------------------------------------------------------------------------------------------


async def test_an_application_error_fails_the_workflow_with_its_details(engine: Harness) -> None:
    @workflow.defn
    async def fails() -> None:
        raise ApplicationError("no stock", 3, "tea", type="OutOfStock", non_retryable=True)

    await engine.work(fails)
    error = await failure_of(engine.execute(fails))
    assert isinstance(error, ApplicationError)
    assert (error.message, error.type, list(error.details)) == ("no stock", "OutOfStock", [3, "tea"])
    assert error.non_retryable


async def test_listed_exceptions_fail_the_workflow_by_their_name(engine: Harness) -> None:
    @workflow.defn(failure_exception_types=[LookupError])
    async def listed() -> None:
        raise KeyError("tea")

    @workflow.defn
    async def by_worker() -> None:
        raise ZeroDivisionError("nothing to share")

    await engine.work(listed, by_worker, workflow_failure_exception_types=[ZeroDivisionError])
    error = await failure_of(engine.execute(listed))
    assert isinstance(error, ApplicationError)
    assert error.type == "KeyError"
    error = await failure_of(engine.execute(by_worker))
    assert isinstance(error, ApplicationError)
    assert (error.type, error.message) == ("ZeroDivisionError", "nothing to share")


async def test_messages_that_come_too_late_for_a_workflow_do_not_hold_up_its_end(engine: Harness) -> None:
    handle = await engine.start("Describe", Order(1, []))
    await handle.signal("meet", "Kim")
    await handle.signal("meet", "Lee")
    await engine.work(Describe)
    assert await handle.result() == [{"id": 1, "items": []}]
