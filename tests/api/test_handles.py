"""Handles: results, descriptions, histories, ends; and what follows when the id means nothing."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, failure_of, ms, topics
from understudy import activity, workflow
from understudy.client import (
    WorkflowContinuedAsNewError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from understudy.exceptions import (
    ActivityError,
    ApplicationError,
    EngineStoppedError,
    InvalidArgumentError,
    PayloadDecodeError,
    TerminatedError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)


@dataclass
class Parcel:
    weight: float


@activity.defn
async def weigh(parcel: Parcel) -> float:
    return parcel.weight


@workflow.defn
class Ship:
    """Weighs a parcel and waits until it may go."""

    def __init__(self) -> None:
        self.gone = False

    @workflow.run
    async def run(self, parcel: Parcel) -> Parcel:
        weight = await workflow.execute_activity(weigh, parcel)
        await workflow.wait_condition(lambda: self.gone)
        return Parcel(weight + 1)

    @workflow.signal
    def go(self) -> None:
        self.gone = True

    @workflow.query
    def is_gone(self) -> bool:
        return self.gone


# -- results ---------------------------------------------------------------------------------------------------------


async def test_the_result_has_the_type_of_the_workflow(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    handle = await engine.start(Ship.run, Parcel(2.5))
    await handle.signal(Ship.go)
    assert await handle.result() == Parcel(3.5)


async def test_many_wait_for_one_result(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    handle = await engine.start(Ship.run, Parcel(1))
    waiting = [asyncio.create_task(handle.result()) for _ in range(3)]
    await handle.signal(Ship.go)
    assert await asyncio.gather(*waiting) == [Parcel(2)] * 3


async def test_a_handle_by_id_gives_what_is_asked_for(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    started = await engine.start(Ship.run, Parcel(1), id="parcel")
    await started.signal(Ship.go)
    client = engine.client
    assert await client.get_workflow_handle("parcel").result() == {"weight": 2.0}
    assert await client.get_workflow_handle("parcel", result_type=Parcel).result() == Parcel(2)
    assert await client.get_workflow_handle_for(Ship.run, "parcel").result() == Parcel(2)
    with pytest.raises(PayloadDecodeError, match="the result of workflow 'parcel'"):
        await client.get_workflow_handle("parcel", result_type=int).result()


async def test_a_handle_can_wait_before_the_workflow_is_done(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    await engine.start(Ship.run, Parcel(1), id="parcel")
    handle = engine.client.get_workflow_handle_for(Ship.run, "parcel")
    waiting = asyncio.create_task(handle.result())
    await handle.signal(Ship.go)
    assert await waiting == Parcel(2)


async def test_giving_up_the_wait_does_not_harm_the_workflow(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    handle = await engine.start(Ship.run, Parcel(1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(handle.result(), 0.005)
    await handle.signal(Ship.go)
    assert await handle.result() == Parcel(2)


async def test_a_failure_can_be_pickled_with_its_causes(engine: Harness) -> None:
    @workflow.defn
    async def fails() -> None:
        await workflow.execute_activity(break_down)

    @activity.defn
    async def break_down() -> None:
        raise ApplicationError("broken", 7, type="Broken", non_retryable=True)

    await engine.work(fails, break_down)
    handle = await engine.start(fails)
    with pytest.raises(WorkflowFailureError, match="Activity task failed") as caught:
        await handle.result()
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert isinstance(again, WorkflowFailureError)
    assert isinstance(again.cause, ActivityError)
    cause = again.cause.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, list(cause.details)) == ("Broken", [7])


@pytest.mark.parametrize(
    "error",
    [
        WorkflowContinuedAsNewError("run-2"),
        WorkflowQueryFailedError("it failed"),
        WorkflowQueryRejectedError(WorkflowExecutionStatus.FAILED),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_the_client_can_be_pickled(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - the same
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


async def test_who_waits_when_the_client_is_closed_is_told(durable: Harness) -> None:
    await durable.work(Ship, weigh)
    handle = await durable.start(Ship.run, Parcel(1))
    waiting = asyncio.create_task(handle.result())
    await eventually(lambda: topics(handle))
    await durable.close()
    with pytest.raises(EngineStoppedError, match="the client was closed"):
        await waiting
    await durable.open()


# -- describe --------------------------------------------------------------------------------------------------------


async def test_describe_tells_where_a_run_stands(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    before = datetime.now(UTC)
    handle = await engine.start(Ship.run, Parcel(1), id="parcel")
    found = await handle.describe()
    assert (found.id, found.run_id, found.workflow_type) == ("parcel", handle.result_run_id, "Ship")
    assert (found.task_queue, found.attempt) == (QUEUE, 1)
    assert found.status is WorkflowExecutionStatus.RUNNING
    assert before - ms(1) <= found.start_time <= datetime.now(UTC)
    assert (found.close_time, found.waiting_for, found.failed_turns) == (None, None, 0)
    await handle.signal(Ship.go)
    await handle.result()
    found = await handle.describe()
    assert found.status is WorkflowExecutionStatus.COMPLETED
    assert found.close_time is not None
    assert found.close_time >= found.start_time
    assert found.history_length == len((await handle.fetch_history()).events)


async def test_describe_shows_what_is_pending(engine: Harness) -> None:
    @workflow.defn
    async def busy() -> None:
        _ = workflow.start_activity("nobody-has-it", activity_id="a-1", task_queue="elsewhere")
        _ = workflow.start_activity("nobody-has-it", task_queue="elsewhere")
        await asyncio.gather(workflow.sleep(timedelta(hours=1)), workflow.sleep(timedelta(hours=2)))

    await engine.work(busy)
    handle = await engine.start(busy)
    found = await handle.describe()
    assert [(p.activity_id, p.activity_type, p.phase, p.attempt) for p in found.pending_activities] == [
        ("a-1", "nobody-has-it", "scheduled", 1),
        ("2", "nobody-has-it", "scheduled", 1),
    ]
    assert found.pending_timers == 2


async def test_describe_needs_no_worker_that_knows_the_type(engine: Harness) -> None:
    handle = await engine.start("Unknown", 1, 2, id="x")
    found = await handle.describe()
    assert (found.workflow_type, found.status) == ("Unknown", WorkflowExecutionStatus.RUNNING)
    engine.client.engine.runs.passivate(0)
    assert (await handle.describe()).phase == "passivated"


# -- history ---------------------------------------------------------------------------------------------------------


async def test_the_history_can_be_read_and_moved_as_json(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    handle = await engine.start(Ship.run, Parcel(1), id="parcel")
    await handle.signal(Ship.go)
    await handle.result()
    history = await handle.fetch_history()
    assert [event.topic for event in history.events] == [
        "workflow.started",
        "activity.scheduled",
        "signal.received" if history.events[2].topic == "signal.received" else "activity.completed",
        "activity.completed" if history.events[2].topic == "signal.received" else "signal.received",
        "workflow.completed",
    ]
    assert (history.workflow_id, history.run_id) == ("parcel", handle.result_run_id)
    assert WorkflowHistory.from_json(history.to_json()) == history
    assert [event async for event in handle.fetch_history_events()] == list(history.events)


@pytest.mark.parametrize("text", ["", "{}", '{"events": [{"topic": "no.such"}]}', "[1]"])
def test_a_text_that_is_no_history_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the history"):
        WorkflowHistory.from_json(text)


# -- ends ------------------------------------------------------------------------------------------------------------


async def test_terminate_ends_a_run_without_asking_its_code(engine: Harness) -> None:
    await engine.work(Ship, weigh)
    handle = await engine.start(Ship.run, Parcel(1))
    await handle.terminate("detail", 7, reason="no longer wanted")
    error = await failure_of(handle.result())
    assert isinstance(error, TerminatedError)
    assert (error.message, list(error.details)) == ("no longer wanted", ["detail", 7])
    assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert (await topics(handle))[-1] == "workflow.terminated"


async def test_a_run_that_no_worker_knows_can_be_terminated(engine: Harness) -> None:
    handle = await engine.start("Unknown")
    await handle.terminate()
    assert isinstance(await failure_of(handle.result()), TerminatedError)


async def test_a_closed_run_takes_no_more_orders(engine: Harness) -> None:
    handle = await engine.start(Ship.run, Parcel(1))
    await handle.terminate()
    for order in (handle.terminate(), handle.signal(Ship.go)):
        with pytest.raises(WorkflowClosedError, match="is closed: TERMINATED"):
            await order


async def test_an_id_that_means_nothing_says_so(engine: Harness) -> None:
    handle: WorkflowHandle[Any, Any] = engine.client.get_workflow_handle("nobody")
    orders = (
        handle.result(),
        handle.describe(),
        handle.fetch_history(),
        handle.cancel(),
        handle.terminate(),
        handle.signal("x"),
        handle.query("x"),
    )
    for order in orders:
        with pytest.raises(WorkflowNotFoundError, match="there is no workflow 'nobody'"):
            await order


async def test_a_run_id_that_belongs_to_another_workflow_is_not_found(engine: Harness) -> None:
    other = await engine.start(Ship.run, Parcel(1), id="other")
    handle = engine.client.get_workflow_handle("parcel", run_id=other.result_run_id)
    with pytest.raises(WorkflowNotFoundError, match="'parcel' with run id"):
        await handle.describe()


async def test_a_handle_shows_what_it_is_for(engine: Harness) -> None:
    handle = await engine.start(Ship.run, Parcel(1), id="parcel")
    assert repr(handle) == "<WorkflowHandle of 'parcel'>"
    assert (handle.id, handle.run_id) == ("parcel", None)
    assert handle.first_execution_run_id == handle.result_run_id
