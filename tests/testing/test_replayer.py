"""Replaying histories against code: what is the same passes, what differs is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from understudy import activity, workflow
from understudy.client import Client, WorkflowFailureError, WorkflowHistory
from understudy.converter import CloudpickleConverter, DataConverter
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    DefinitionError,
    DeterminismError,
    DuplicateDefinitionError,
    InvalidArgumentError,
    NondeterminismError,
    UnknownWorkflowTypeError,
)
from understudy.worker import Replayer, UnsandboxedWorkflowRunner, Worker, WorkflowReplayResults


@activity.defn
async def charge(amount: int) -> int:
    return amount


@workflow.defn(name="Order")
class Order:
    @workflow.run
    async def run(self, amount: int) -> int:
        if amount < 0:
            raise ApplicationError("nothing to pay")
        return await workflow.execute_activity(charge, amount)


@workflow.defn(name="Order")
class PatientOrder:
    """The same workflow after a change that open runs do not survive."""

    @workflow.run
    async def run(self, amount: int) -> int:
        await workflow.sleep(timedelta(days=1))
        return await workflow.execute_activity(charge, amount)


async def history_of(code: Any, arg: Any, converter: DataConverter | None = None, **options: Any) -> WorkflowHistory:
    """Run a workflow to its end and return its history."""
    async with (
        await Client.connect("memory://", data_converter=converter) as client,
        Worker(client, task_queue="q", workflows=[code], activities=[charge], debug_mode=True, **options),
    ):
        handle = await client.start_workflow(code, arg, id=f"order-{arg}", task_queue="q")
        with suppress(WorkflowFailureError):
            await handle.result()
        return await handle.fetch_history()


async def each(*histories: WorkflowHistory) -> AsyncIterator[WorkflowHistory]:
    for history in histories:
        yield history


# -- one history -----------------------------------------------------------------------------------------------------


async def test_the_code_that_made_a_history_can_take_it() -> None:
    history = await history_of(Order.run, 17)
    result = await Replayer(workflows=[Order]).replay_workflow(history)
    assert result.history is history
    assert result.replay_failure is None


async def test_a_history_replays_from_its_json() -> None:
    history = WorkflowHistory.from_json("order", (await history_of(Order.run, 17)).to_json())
    assert (await Replayer(workflows=[Order]).replay_workflow(history)).replay_failure is None


async def test_an_open_run_replays_as_far_as_it_is() -> None:
    history = await history_of(Order.run, 17)
    begun = replace(history, events=history.events[:2])
    assert (await Replayer(workflows=[Order]).replay_workflow(begun)).replay_failure is None


async def test_a_run_that_failed_replays_well() -> None:
    history = await history_of(Order.run, -1)
    assert (await Replayer(workflows=[Order]).replay_workflow(history)).replay_failure is None


async def test_code_that_does_something_else_is_told() -> None:
    history = await history_of(Order.run, 17)
    replayer = Replayer(workflows=[PatientOrder])
    with pytest.raises(NondeterminismError, match="the code no longer does what it did: event 2"):
        await replayer.replay_workflow(history)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError)


async def test_code_that_raises_a_bug_is_told() -> None:
    @workflow.defn(name="Order")
    async def order(amount: int) -> int:
        raise ZeroDivisionError(amount)

    history = await history_of(Order.run, 17)
    with pytest.raises(ZeroDivisionError):
        await Replayer(workflows=[order]).replay_workflow(history)


async def test_a_type_that_is_not_there_is_told() -> None:
    @workflow.defn
    async def orders(amount: int) -> int:
        return amount

    history = await history_of(Order.run, 17)
    with pytest.raises(UnknownWorkflowTypeError, match="'Order'"):
        await Replayer(workflows=[orders]).replay_workflow(history)


async def test_a_dynamic_workflow_takes_what_nobody_else_does() -> None:
    @workflow.defn(dynamic=True)
    async def anything(args: Any) -> int:
        return await workflow.execute_activity(charge, 17)

    history = await history_of(Order.run, 17)
    assert (await Replayer(workflows=[anything]).replay_workflow(history)).replay_failure is None


async def test_what_a_worker_declares_a_failure_is_declared_to_the_replayer_too() -> None:
    @workflow.defn
    async def divides(by: int) -> float:
        return 1 / by

    history = await history_of(divides, 0, workflow_failure_exception_types=[ZeroDivisionError])
    with pytest.raises(ZeroDivisionError):
        await Replayer(workflows=[divides]).replay_workflow(history)
    replayer = Replayer(workflows=[divides], workflow_failure_exception_types=[ZeroDivisionError])
    assert (await replayer.replay_workflow(history)).replay_failure is None


async def test_values_go_through_the_converter_that_wrote_them() -> None:
    pickled = DataConverter(payload_converter_class=CloudpickleConverter)

    @workflow.defn
    async def adds(numbers: Any) -> int:
        total: int = sum(numbers)
        return total

    history = await history_of(adds, frozenset({1, 2}), pickled)
    assert (await Replayer(workflows=[adds], data_converter=pickled).replay_workflow(history)).replay_failure is None


async def test_the_guards_are_on() -> None:
    @workflow.defn(name="Order")
    async def order(amount: int) -> int:
        if getattr(time, "time")() < amount:  # noqa: B009 - so that the lint, which comes first, does not see it
            return 0
        return await workflow.execute_activity(charge, amount)

    history = await history_of(Order.run, 17)
    with pytest.raises(DeterminismError, match=r"time\.time"):
        await Replayer(workflows=[order]).replay_workflow(history)


async def test_a_replay_leaves_the_loop_of_the_test_as_it_was() -> None:
    history = await history_of(Order.run, 17)
    task = asyncio.current_task()
    await Replayer(workflows=[Order]).replay_workflow(history)
    assert asyncio.current_task() is task


# -- many histories --------------------------------------------------------------------------------------------------


async def test_many_histories_are_replayed_and_those_that_fail_are_named() -> None:
    good, bad = await history_of(Order.run, -1), await history_of(Order.run, 17)
    replayer = Replayer(workflows=[Order])
    assert await replayer.replay_workflows(each(good, bad)) == WorkflowReplayResults({})
    other = replace(bad, events=(bad.events[0], *good.events[1:]))
    results = await replayer.replay_workflows(each(good, other), raise_on_replay_failure=False)
    assert list(results.replay_failures) == [bad.run_id]
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflows(each(other, good))


async def test_results_come_one_by_one() -> None:
    good, bad = await history_of(Order.run, -1), await history_of(Order.run, 17)
    asked: list[int] = []

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for number, history in enumerate((good, bad)):
            asked.append(number)
            yield history

    async with Replayer(workflows=[Order]).workflow_replay_iterator(histories()) as results:
        async for result in results:
            assert result.history is good
            break
    assert asked == [0]


# -- wrong input -----------------------------------------------------------------------------------------------------


def test_a_replayer_without_workflows_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="workflows is nothing"):
        Replayer(workflows=[])


def test_two_definitions_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateDefinitionError):
        Replayer(workflows=[Order, PatientOrder])


def test_what_the_lint_refuses_is_refused_here_too() -> None:
    @workflow.defn
    async def late() -> float:
        return time.time()

    with pytest.raises(DefinitionError, match=r"calls time\.time"):
        Replayer(workflows=[late])


async def test_what_is_no_history_is_refused() -> None:
    replayer = Replayer(workflows=[Order])
    with pytest.raises(ArgumentTypeError, match="expected"):
        await replayer.replay_workflow("order-17")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(InvalidArgumentError, match=r"history\.events is \(\)"):
        await replayer.replay_workflow(WorkflowHistory("w", "r", ()))


def test_a_replayer_shows_how_much_it_knows() -> None:
    assert repr(Replayer(workflows=[Order])) == "<Replayer of 1 workflows>"


def test_a_replayer_tells_what_it_was_made_with() -> None:
    replayer = Replayer(workflows=[Order], namespace="shop", workflow_runner=UnsandboxedWorkflowRunner())
    config = replayer.config()
    assert config.get("namespace") == "shop"
    assert config.get("workflows") == [Order]
    Replayer(**replayer.config(active_config=True))  # type: ignore[misc]  # pyright: ignore[reportCallIssue]  # all keys are there


def test_plugins_are_refused_since_they_are_not_applied() -> None:
    with pytest.raises(InvalidArgumentError, match=r"^plugins is"):
        Replayer(workflows=[Order], plugins=[object()])
