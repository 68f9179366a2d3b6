"""Headers from end to end: interceptors carry a user from the caller to everything that comes of the call."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from tests.api.carrying import Child, user, who
from tests.api.harness import QUEUE, Harness
from understudy import activity, workflow
from understudy.client import (
    Client,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
)
from understudy.client import Interceptor as ClientInterceptor
from understudy.converter import DataConverter, Payload
from understudy.exceptions import ApplicationError
from understudy.worker import (
    ActivityInboundInterceptor,
    ContinueAsNewInput,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    Replayer,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

CONVERTER = DataConverter.default.payload_converter


class Sending(OutboundInterceptor):
    """Sends a user along with starts and messages."""

    def __init__(self, next: OutboundInterceptor, name: str) -> None:
        super().__init__(next)
        self.headers = {"user": CONVERTER.to_payload(name)}

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        input.headers = self.headers
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        input.headers = self.headers
        await super().signal_workflow(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        input.headers = self.headers
        return await super().query_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        input.headers = self.headers
        return await super().start_workflow_update(input)


class Sender(ClientInterceptor):
    """Makes a client send a user along."""

    def __init__(self, name: str) -> None:
        self.name = name

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return Sending(next, self.name)


def client_of(name: str, engine: Harness) -> Client:
    """A client of an engine that sends a user along with starts and messages."""
    config = engine.client.config()
    config["interceptors"] = [Sender(name)]
    return Client(**config)


def headers() -> Mapping[str, Payload]:
    """The user, as a header."""
    return {"user": CONVERTER.to_payload(user.get())}


def taken(found: Mapping[str, Payload]) -> None:
    """Take the user from headers."""
    if "user" in found:
        user.set(CONVERTER.from_payload(found["user"]))


class Outbound(WorkflowOutboundInterceptor):
    """Sends the user along."""

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        input.headers = headers()
        super().continue_as_new(input)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        input.headers = headers()
        return await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        input.headers = headers()
        return await super().signal_external_workflow(input)

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = headers()
        return super().start_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> workflow.ChildWorkflowHandle[Any, Any]:
        input.headers = headers()
        return await super().start_child_workflow(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = headers()
        return super().start_local_activity(input)


class Inbound(WorkflowInboundInterceptor):
    """Takes the user from what comes in."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        taken(input.headers)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        taken(input.headers)
        return await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        taken(input.headers)
        return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        taken(input.headers)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        taken(input.headers)
        return await super().handle_update_handler(input)


class InActivity(ActivityInboundInterceptor):
    """Takes the user in an activity."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        taken(input.headers)
        return await super().execute_activity(input)


class Carrier(Interceptor):
    """Carries the user through workers."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return InActivity(next)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return Inbound


@activity.defn
def who_in_a_thread(greeting: str) -> str:
    """The same, in a thread."""
    return f"{greeting} {user.get()}"


@workflow.defn
class Parent:
    """Asks everything there is to ask."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self, rounds: int) -> list[str]:
        if rounds:
            workflow.continue_as_new(rounds - 1)
        user_of_start = user.get()
        first = await workflow.execute_activity(who, "async")
        second = await workflow.execute_activity(who_in_a_thread, "thread")
        third = await workflow.execute_local_activity(who, "local")
        fourth = await who("awaited")
        child = await workflow.start_child_workflow(Child.run, id="child")
        await child.signal(Child.ring, "loud")
        other = await workflow.start_child_workflow(Child.run, id="other")
        await workflow.get_external_workflow_handle("other").signal("ring", "loud")
        return [user_of_start, first, second, third, fourth, await child, await other]

    @workflow.signal
    def tell(self) -> None:
        self.told.append(user.get())

    @workflow.query
    def asked_by(self) -> str:
        return user.get()

    @workflow.update
    def change(self, word: str) -> str:
        return f"{word} by {user.get()}"

    @change.validator
    def check(self, word: str) -> None:
        if user.get() == "kim":
            raise ValueError("not kim")


EXPECTED = [
    *("kim", "async kim", "thread kim", "local kim", "awaited kim"),
    *("kim and kim", "kim and kim"),
]


async def sent(engine: Harness, rounds: int = 0, **options: Any) -> Any:
    """Start a parent with the header of a user, as a client's interceptor does."""
    client = client_of("kim", engine)
    handle = await client.start_workflow(Parent.run, rounds, id="parent", task_queue=QUEUE, **options)
    return client, handle


async def test_a_user_is_carried_from_the_start_to_everything_that_comes_of_it(engine: Harness) -> None:
    await engine.work(Parent, Child, who, who_in_a_thread, interceptors=[Carrier()])
    _, handle = await sent(engine)
    assert await handle.result() == EXPECTED
    history = await engine.client.get_workflow_handle("parent").fetch_history()
    carried = [event.topic for event in history.events if getattr(event, "headers", None)]
    assert carried == [
        "workflow.started",
        *["activity.scheduled"] * 3,
        *["child.initiated", "external.signal_requested"] * 2,
    ]
    scheduled = next(event for event in history.events if event.topic == "activity.scheduled")
    assert getattr(scheduled, "start_to_close", 0) == 7_000_000_000
    assert getattr(scheduled, "priority", 0) == 3
    assert getattr(scheduled, "source", "").startswith("test_headers.py:")
    await Replayer(workflows=[Parent], interceptors=[Carrier()]).replay_workflow(history)


async def test_headers_of_a_run_that_continues_as_new_are_those_of_the_interceptor(engine: Harness) -> None:
    await engine.work(Parent, Child, who, who_in_a_thread, interceptors=[Carrier()])
    _, handle = await sent(engine, 1)
    assert await handle.result() == EXPECTED
    second = await engine.client.get_workflow_handle("parent").fetch_history()
    assert getattr(second.events[0], "headers", None) == {"user": CONVERTER.to_payload("kim")}


@workflow.defn
class Headers:
    """Tells the headers of its runs."""

    @workflow.run
    async def run(self, seen: list[bool]) -> list[bool]:
        seen.append("user" in workflow.info().headers)
        if len(seen) < 2:
            workflow.continue_as_new(seen)
        return seen


async def test_without_interceptors_a_new_run_has_no_headers(engine: Harness) -> None:
    await engine.work(Headers)
    client = client_of("kim", engine)
    handle = await client.start_workflow(Headers.run, list[bool](), id="headers", task_queue=QUEUE)
    assert await handle.result() == [True, False]


@workflow.defn
class Open:
    """Is told and asked things."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.told) == 2)
        return self.told

    @workflow.signal
    def tell(self) -> None:
        self.told.append(user.get())

    @workflow.query
    def asked_by(self) -> str:
        return user.get()

    @workflow.update
    def change(self, word: str) -> str:
        self.told.append(f"{word} by {user.get()}")
        return word.upper()

    @change.validator
    def check(self, word: str) -> None:
        if user.get() == "eve":
            raise ApplicationError("not eve", word)


async def test_headers_of_messages_reach_handlers_and_validators(engine: Harness) -> None:
    await engine.work(Open, interceptors=[Carrier()])
    await engine.start(Open.run, id="open")

    def of(name: str) -> Any:
        return client_of(name, engine).get_workflow_handle("open")

    assert await of("ada").query(Open.asked_by) == "ada"
    assert user.get() == "nobody"
    await of("bob").signal(Open.tell)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await of("eve").execute_update(Open.change, "x")
    assert str(caught.value.cause) == "not eve"
    assert await of("lee").execute_update(Open.change, "x") == "X"
    assert await of("x").result() == ["bob", "x by lee"]


async def test_a_signal_that_goes_with_a_start_has_its_headers(engine: Harness) -> None:
    await engine.work(Open, interceptors=[Carrier()])
    client = client_of("kim", engine)
    handle = await client.start_workflow(Open.run, id="open", task_queue=QUEUE, start_signal="tell")
    await client.get_workflow_handle("open").signal("tell")
    assert await handle.result() == ["kim", "kim"]


async def test_a_run_with_interceptors_goes_on_after_a_restart(durable: Harness) -> None:
    await durable.work(Open, interceptors=[Carrier()])
    client = client_of("kim", durable)
    await client.start_workflow(Open.run, id="open", task_queue=QUEUE, start_signal="tell")
    await durable.restart()
    await durable.work(Open, interceptors=[Carrier()])
    handle = durable.client.get_workflow_handle("open")
    assert await handle.query("asked_by") == "nobody"
    await handle.signal("tell")
    assert await handle.result() == ["kim", "nobody"]
