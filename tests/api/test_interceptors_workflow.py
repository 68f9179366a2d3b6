"""Interceptors of workflows in a real engine: what they change and leave, their failures and bugs, other doors."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.carrying import Child, who
from tests.api.harness import ONCE, QUEUE, Harness, eventually, failure_of
from understudy import activity, workflow
from understudy.exceptions import ApplicationError, ArgumentTypeError
from understudy.testing import WorkflowEnvironment
from understudy.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)


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
