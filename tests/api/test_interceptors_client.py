"""Interceptors of clients: they see every call, may change it, and send headers along."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.api.harness import PATIENCE, QUEUE, eventually
from understudy import activity, workflow
from understudy.client import (
    CancelWorkflowInput,
    Client,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from understudy.common import WorkflowIDConflictPolicy
from understudy.converter import DataConverter
from understudy.exceptions import ArgumentTypeError, WorkflowClosedError
from understudy.worker import HandleQueryInput, Worker, WorkflowInboundInterceptor, WorkflowInterceptorClassInput
from understudy.worker import Interceptor as WorkerInterceptor

ENCODED = DataConverter.default.payload_converter.to_payload


@workflow.defn
class Shop:
    """Takes orders until it is closed."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.closed = False

    @workflow.run
    async def run(self, first: str) -> str:
        self.orders.append(first)
        await workflow.wait_condition(lambda: self.closed)
        return ", ".join(self.orders)

    @workflow.signal
    def order(self, what: str) -> None:
        self.orders.append(what)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def count(self, at_least: int) -> int:
        return max(at_least, len(self.orders))

    @workflow.update
    def rename(self, index: int, name: str) -> str:
        old, self.orders[index] = self.orders[index], name
        return old

    @workflow.update
    def add(self, what: str) -> list[str]:
        self.orders.append(what)
        return self.orders


class Notes(Interceptor):
    """Notes the calls."""

    def __init__(self, name: str = "", log: list[str] | None = None) -> None:
        self.name = name
        self.log = [] if log is None else log

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return Noting(next, self)


class Noting(OutboundInterceptor):
    """Notes each call before it is made."""

    def __init__(self, next: OutboundInterceptor, notes: Notes) -> None:
        super().__init__(next)
        self.notes = notes

    def __getattribute__(self, name: str) -> Any:
        if name.endswith(("_workflow", "_update", "_events", "_activity")):
            notes = super().__getattribute__("notes")
            notes.log.append(f"{notes.name}{name}")
        return super().__getattribute__(name)


@asynccontextmanager
async def connected(*interceptors: Any, activities: Any = ()) -> AsyncGenerator[Client]:
    """A client with interceptors, and a worker."""
    async with await Client.connect("memory://", interceptors=interceptors) as client:
        options: Any = {"activities": activities, "debug_mode": True}
        async with Worker(client, task_queue=QUEUE, workflows=[Shop, Giving], **options):
            yield client


given: list[bytes] = []


@activity.defn
async def outside() -> str:
    """Is completed by somebody else."""
    given.append(activity.info().task_token)
    activity.raise_complete_async()


@workflow.defn
class Giving:
    """Waits for somebody outside."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(outside, start_to_close_timeout=None)


async def test_every_call_of_a_client_and_its_handles_is_seen() -> None:
    notes = Notes()
    async with connected(notes) as client:
        handle = await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
        await handle.signal(Shop.order, "b")
        assert await handle.query(Shop.count, 1) == 2
        assert await handle.execute_update(Shop.rename, args=[0, "c"]) == "a"
        assert (await handle.describe()).workflow_type == "Shop"
        assert (await anext(handle.fetch_history_events())).topic == "workflow.started"
        await handle.signal("close")
        assert await handle.result() == "c, b"
        other = await client.start_workflow("Shop", "a", id="other", task_queue=QUEUE)
        await other.cancel(reason="enough")
        with pytest.raises(WorkflowFailureError):
            await other.result()
        third = await client.start_workflow(Shop.run, "a", id="third", task_queue=QUEUE)
        await third.terminate("x", reason="enough")
    assert notes.log == [
        *("start_workflow", "signal_workflow", "query_workflow", "start_workflow_update", "describe_workflow"),
        *("fetch_workflow_history_events", "signal_workflow", "start_workflow", "cancel_workflow", "start_workflow"),
        "terminate_workflow",
    ]


async def test_the_first_interceptor_is_the_outermost() -> None:
    log: list[str] = []
    async with connected(Notes("outer ", log), Notes("inner ", log)) as client:
        await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
    assert log == ["outer start_workflow", "inner start_workflow"]


class Changing(Interceptor, OutboundInterceptor):
    """Changes the calls."""

    def __init__(self) -> None:
        """Stand in front of nothing yet."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        self.next = next
        return self

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        assert input.ret_type is str
        input.args = [f"{input.args[0]}!"]
        input.id = f"changed-{input.id}"
        input.memo = {"by": "an interceptor"}
        input.headers = {"user": ENCODED("kim")}
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        if input.signal == "shut":
            input.signal = "close"
        input.headers = {**input.headers, "user": ENCODED("lee")}
        await super().signal_workflow(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        input.headers = {"user": ENCODED("ada")}
        answer: int = await super().query_workflow(input)
        return answer + 100

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        input.headers = {"user": ENCODED("bob")}
        input.update_id = "the-one"
        return await super().start_workflow_update(input)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        raise PermissionError(input.id)

    def fetch_workflow_history_events(self, input: FetchWorkflowHistoryEventsInput) -> Any:
        input.page_size = 1
        return super().fetch_workflow_history_events(input)


async def test_what_an_interceptor_changes_is_what_is_sent() -> None:
    async with connected(Changing()) as client:
        handle = await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
        assert handle.id == "changed-shop"
        await handle.signal(Shop.order, "b", request_id="once")
        await handle.signal(Shop.order, "b", request_id="once")
        assert await handle.query(Shop.count, 1) == 102
        update = await handle.start_update(Shop.rename, args=[0, "c"], wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        assert (update.id, await update.result()) == ("the-one", "a!")
        with pytest.raises(PermissionError, match="changed-shop"):
            await handle.cancel()
        await handle.signal("shut")
        assert await handle.result() == "c, b"
        found = {event.topic: event async for event in handle.fetch_history_events()}
        users = {
            topic: DataConverter.default.payload_converter.from_payload(headers["user"])
            for topic, event in found.items()
            if (headers := getattr(event, "headers", None))
        }
        assert users == {"workflow.started": "kim", "signal.received": "lee", "update.accepted": "bob"}
        assert await (await handle.describe()).memo() == {"by": "an interceptor"}


class WithStart(Interceptor, OutboundInterceptor):
    """Changes both halves of an update with a start."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        self.next = next
        return self

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        if self.error is not None:
            raise self.error
        start, update = input.start_workflow_input, input.update_workflow_input
        start.args, start.headers = [start.args[0].upper()], {"user": ENCODED("kim")}
        update.args, update.headers = ["new"], {"user": ENCODED("lee")}
        return await super().start_update_with_start_workflow(input)


def operation() -> WithStartWorkflowOperation[Any, str]:
    """The start of a shop."""
    policy = WorkflowIDConflictPolicy.USE_EXISTING
    return WithStartWorkflowOperation(Shop.run, "a", id="shop", task_queue=QUEUE, id_conflict_policy=policy)


async def test_an_update_with_a_start_has_headers_of_each() -> None:
    notes = Notes()
    async with connected(WithStart(), notes) as client:
        start = operation()
        orders = await client.execute_update_with_start_workflow(Shop.add, "old", start_workflow_operation=start)
        assert orders == ["new"]
        handle = await start.workflow_handle()
        events = [event async for event in handle.fetch_history_events()]
        assert [found for event in events if (found := getattr(event, "headers", None))] == [
            {"user": ENCODED("kim")},
            {"user": ENCODED("lee")},
        ]
    assert notes.log == ["start_update_with_start_workflow", "fetch_workflow_history_events"]


async def test_whoever_awaits_the_handle_of_a_start_is_told_that_an_interceptor_refused_it() -> None:
    async with connected(WithStart(PermissionError("no"))) as client:
        start = operation()
        with pytest.raises(PermissionError, match="no"):
            await client.execute_update_with_start_workflow(Shop.rename, args=[0, "x"], start_workflow_operation=start)
        with pytest.raises(PermissionError, match="no"):
            await start.workflow_handle()


async def test_calls_about_activities_that_are_completed_from_outside_are_seen() -> None:
    notes = Notes()
    given.clear()
    async with connected(notes, activities=[outside]) as client:
        handle = await client.start_workflow(Giving.run, id="giving", task_queue=QUEUE)
        await eventually(lambda: given)
        waiting = client.get_async_activity_handle(task_token=given[0])
        await waiting.heartbeat("half")
        await waiting.fail(ValueError("not yet"), last_heartbeat_details=["half"])
        await eventually(lambda: len(given) > 1)
        await client.get_async_activity_handle(task_token=given[1]).complete("done")
        assert await handle.result() == "done"
        with pytest.raises(WorkflowClosedError):
            await client.get_async_activity_handle(task_token=given[1]).report_cancellation()
    assert notes.log[1:] == [
        *("heartbeat_async_activity", "fail_async_activity", "complete_async_activity"),
        "report_cancellation_async_activity",
    ]


class OfBoth(Interceptor, WorkerInterceptor):
    """For the client, and for its workers."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        log = self.log

        class Inbound(WorkflowInboundInterceptor):
            async def handle_query(self, input: HandleQueryInput) -> Any:
                log.append(input.query)
                return await super().handle_query(input)

        return Inbound


async def test_an_interceptor_of_the_client_that_is_for_workers_is_used_by_its_workers_in_front() -> None:
    log: list[str] = []

    class Order(list[str]):
        def append(self, what: str) -> None:
            log.append(f"second {what}")

    second = OfBoth(Order())
    async with await Client.connect("memory://", interceptors=[OfBoth(log)]) as client:
        async with Worker(client, task_queue=QUEUE, workflows=[Shop], interceptors=[second], debug_mode=True):
            handle = await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
            assert await handle.query(Shop.count, 0) == 1
        assert [type(each) for each in client.config().get("interceptors", [])] == [OfBoth]
    assert log == ["count", "second count"]


async def test_what_is_no_interceptor_is_refused() -> None:
    with pytest.raises(
        ArgumentTypeError, match=r"^interceptors is .*, where an understudy\.client\.Interceptor is expected"
    ):
        await Client.connect("memory://", interceptors=[WorkerInterceptor()])
    async with await Client.connect("memory://") as client:
        with pytest.raises(ArgumentTypeError, match=r"where an understudy\.worker\.Interceptor is expected"):
            Worker(client, task_queue=QUEUE, workflows=[Shop], interceptors=[Interceptor()])


async def test_a_client_without_interceptors_has_no_chain() -> None:
    async with await Client.connect("memory://") as client:
        assert client.chain is None
        handle = await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
        history = await handle.fetch_history()
        assert getattr(history.events[0], "headers", None) == {}


async def test_a_reference_to_an_actor_goes_through_the_interceptors_too() -> None:
    notes = Notes()
    async with connected(notes) as client:
        await client.start_workflow(Shop.run, "a", id="shop", task_queue=QUEUE)
        ref = client.actor_ref("shop")
        future = ref.proxy().count(0)
        await eventually(lambda: "query_workflow" in notes.log)
        assert await asyncio.to_thread(future.get, timeout=PATIENCE) == 1
