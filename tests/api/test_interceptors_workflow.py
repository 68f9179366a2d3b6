"""Interceptors of workflows in a real engine: inbound and outbound, headers from end to end, replay, other doors."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from tests.api.harness import ONCE, QUEUE, Harness, eventually, failure_of
from understudy import activity, workflow
from understudy.client import WorkflowUpdateFailedError
from understudy.common import Priority
from understudy.converter import DataConverter, Payload
from understudy.exceptions import ApplicationError, ArgumentTypeError
from understudy.testing import WorkflowEnvironment
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
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

CONVERTER = DataConverter.default.payload_converter

user: ContextVar[str] = ContextVar("user", default="nobody")
"""What is carried from the caller to everything that comes of the call."""


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


@activity.defn(start_to_close_timeout=timedelta(seconds=7), priority=Priority(priority_key=3))
async def who(greeting: str) -> str:
    """Say who asks."""
    return f"{greeting} {user.get()}"


@activity.defn
def who_in_a_thread(greeting: str) -> str:
    """The same, in a thread."""
    return f"{greeting} {user.get()}"


@workflow.defn
class Child:
    """Waits for a signal, and tells who sent it."""

    def __init__(self) -> None:
        self.sent_by: list[str] = []

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: len(self.sent_by) == 1)
        return f"{user.get()} and {self.sent_by[0]}"

    @workflow.signal
    async def ring(self, word: str) -> None:
        assert word
        self.sent_by.append(user.get())


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
    client = engine.client.plain({"user": CONVERTER.to_payload("kim")})
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
    assert getattr(scheduled, "source", "").startswith("test_interceptors_workflow.py:")
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
    client = engine.client.plain({"user": CONVERTER.to_payload("kim")})
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
        return engine.client.plain({"user": CONVERTER.to_payload(name)}).get_workflow_handle("open")

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
    client = engine.client.plain({"user": CONVERTER.to_payload("kim")})
    handle = await client.start_workflow(Open.run, id="open", task_queue=QUEUE, start_signal="tell")
    await client.get_workflow_handle("open").signal("tell")
    assert await handle.result() == ["kim", "kim"]


async def test_a_run_with_interceptors_goes_on_after_a_restart(durable: Harness) -> None:
    await durable.work(Open, interceptors=[Carrier()])
    client = durable.client.plain({"user": CONVERTER.to_payload("kim")})
    await client.start_workflow(Open.run, id="open", task_queue=QUEUE, start_signal="tell")
    await durable.restart()
    await durable.work(Open, interceptors=[Carrier()])
    handle = durable.client.get_workflow_handle("open")
    assert await handle.query("asked_by") == "nobody"
    await handle.signal("tell")
    assert await handle.result() == ["kim", "nobody"]


class Changing(WorkflowInboundInterceptor):
    """Changes what it is given."""

    class Out(WorkflowOutboundInterceptor):
        """Changes what is asked for."""

        def info(self) -> workflow.Info:
            from dataclasses import replace

            return replace(super().info(), workflow_type="changed")

        def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
            assert input.arg_types == [str]
            assert input.ret_type is str
            assert input.start_to_close_timeout == timedelta(seconds=7)
            input.activity = "by_name"
            input.args = [*input.args, "more"]
            input.retry_policy = ONCE
            return super().start_activity(input)

        def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
            assert input.local_retry_threshold == timedelta(seconds=1)
            input.args = ["changed"]
            return super().start_local_activity(input)

        async def start_child_workflow(self, input: StartChildWorkflowInput) -> workflow.ChildWorkflowHandle[Any, Any]:
            input.workflow, input.id, input.ret_type = "Named", "child-of-its-own", dict[str, str]
            return await super().start_child_workflow(input)

        async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
            assert (input.namespace, input.workflow_run_id) == ("default", None)
            input.signal = "other"
            return await super().signal_external_workflow(input)

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(self.Out(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        assert input.type is Asking or input.run_fn is not Asking.run
        return {"result": await super().execute_workflow(input)}


class ChangingAll(Interceptor):
    """Uses it."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return Changing


@activity.defn
async def by_name(first: str, second: str) -> str:
    """Is called in the place of another."""
    return f"{first} {second}"


@workflow.defn
class Named:
    """Is started in the place of another."""

    def __init__(self) -> None:
        self.rung = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.rung)
        return workflow.info().workflow_id

    @workflow.signal
    def other(self, _word: str) -> None:
        self.rung = True


@workflow.defn
class Asking:
    """Asks for one thing, and gets another."""

    @workflow.run
    async def run(self) -> list[Any]:
        asked = await workflow.execute_activity(who, "x")
        threshold: Any = {"local_retry_threshold": timedelta(seconds=1)}
        local = await workflow.execute_local_activity(who, "x", **threshold)
        child = await workflow.start_child_workflow(Child.run)
        await workflow.get_external_workflow_handle("child-of-its-own").signal(Child.ring, "loud")
        ended: Any = await child
        return [workflow.info().workflow_type, asked, local, child.id, ended["result"]]


async def test_what_an_interceptor_changes_is_what_is_done(engine: Harness) -> None:
    await engine.work(Asking, Named, who, by_name, interceptors=[ChangingAll()])
    handle = await engine.start("Asking", id="asking", result_type=dict)
    assert await handle.result() == {
        "result": ["changed", "x more", "changed nobody", "child-of-its-own", "child-of-its-own"]
    }
    history = await handle.fetch_history()
    await Replayer(workflows=[Asking], interceptors=[ChangingAll()]).replay_workflow(history)


def twice(number: int) -> int:
    """Double it."""
    return number * 2


class Extern(Interceptor):
    """Leaves a function for workflows."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        input.unsafe_extern_functions["double"] = twice
        return None


@workflow.defn
class Doubling:
    """Uses a function that an interceptor has left."""

    @workflow.run
    async def run(self, number: int) -> int:
        functions = workflow.extern_functions()
        return int(functions["double"](number)) if functions else number


async def test_functions_that_interceptors_leave_are_there_for_workflow_code(engine: Harness) -> None:
    await engine.work(Doubling, interceptors=[Extern()])
    assert await engine.execute(Doubling.run, 21) == 42
    await engine.work(Doubling, task_queue="plain", interceptors=[Interceptor()])
    assert await engine.execute(Doubling.run, 21, task_queue="plain") == 21


class Refusing(WorkflowInboundInterceptor):
    """Lets nobody in."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        raise ApplicationError("nobody", non_retryable=True)


class RefusingAll(Interceptor):
    """Uses it."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return Refusing


async def test_a_failure_that_an_interceptor_raises_ends_the_run(engine: Harness) -> None:
    await engine.work(Doubling, interceptors=[RefusingAll()])
    assert str(await failure_of(engine.execute(Doubling.run, 1))) == "nobody"


class Wrong(WorkflowInboundInterceptor):
    """Has a bug."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        raise KeyError("bug")


class WrongOptions(WorkflowOutboundInterceptor):
    """Makes an option that cannot be."""

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.start_to_close_timeout = 3  # type: ignore[assignment]  # on purpose
        return super().start_activity(input)


async def test_a_bug_in_an_interceptor_leaves_the_run_open(engine: Harness) -> None:
    class All(Interceptor):
        def workflow_interceptor_class(
            self, input: WorkflowInterceptorClassInput
        ) -> type[WorkflowInboundInterceptor] | None:
            return Wrong

    await engine.work(Doubling, interceptors=[All()])
    handle = await engine.start(Doubling.run, 1)

    async def failed() -> bool:
        return (await handle.describe()).failed_turns > 0

    assert await eventually(failed)
    await handle.terminate()


async def test_an_option_that_an_interceptor_makes_is_checked(engine: Harness) -> None:
    class In(WorkflowInboundInterceptor):
        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            super().init(WrongOptions(outbound))

    class All(Interceptor):
        def workflow_interceptor_class(
            self, input: WorkflowInterceptorClassInput
        ) -> type[WorkflowInboundInterceptor] | None:
            return In

    await engine.work(Asking, who, interceptors=[All()], workflow_failure_exception_types=[ArgumentTypeError])
    assert "start_to_close_timeout is 3" in str(await failure_of(engine.execute(Asking.run)))


@workflow.defn
async def in_a_function(number: int) -> int:
    """A workflow that is a function."""
    return number + 1


async def test_a_workflow_that_is_a_function_is_intercepted_too() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[in_a_function], interceptors=[ChangingAll()], debug_mode=True),
    ):
        options: Any = {"id": "f", "task_queue": QUEUE, "result_type": dict}
        handle = await env.client.start_workflow("in_a_function", 1, **options)
        assert await handle.result() == {"result": 2}


async def test_an_environment_takes_interceptors_of_clients() -> None:
    from tests.api.test_interceptors_client import Notes

    for start in (WorkflowEnvironment.start_local, WorkflowEnvironment.start_time_skipping):
        notes, others = Notes(), Notes()
        async with (
            await start(interceptors=[notes]) as env,
            Worker(env.client, task_queue=QUEUE, workflows=[Doubling], debug_mode=True),
        ):
            await env.client.execute_workflow(Doubling.run, 1, id="d", task_queue=QUEUE)
            second = await env.connect_client(interceptors=[others])
            await second.execute_workflow(Doubling.run, 1, id="e", task_queue=QUEUE)
        assert notes.log == others.log == ["start_workflow"]


async def test_a_replay_without_the_interceptors_may_differ(engine: Harness) -> None:
    await engine.work(Asking, Named, who, by_name, interceptors=[ChangingAll()])
    handle = await engine.start("Asking", id="asking", result_type=dict)
    await handle.result()
    with pytest.raises(workflow.NondeterminismError):
        await Replayer(workflows=[Asking]).replay_workflow(await handle.fetch_history())
