"""Interceptors in the pure core: the order of a chain, what it may change, what it must not do, and SAME-AGAIN."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import pytest
from msgspec.structs import replace

from tests.behaviors.rehearsal import Rehearsal, new_run, payload, payloads
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy._workflow.interceptors.interceptor import WorkflowOutboundInterceptor
from understudy._workflow.interceptors.root import WorkflowRoot
from understudy.actors.behaviors.code.interceptors import (
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
)
from understudy.actors.behaviors.decisions.commands import SignalWorkflow, UpdateWorkflow
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, workflow_of
from understudy.actors.behaviors.definitions.interception import Interception
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.errors import QueryRefusedError, UnknownSignalError
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import WorkflowExecution
from understudy.events.update import UpdateAccepted, UpdateCompleted

user: ContextVar[str] = ContextVar("user", default="nobody")


def between(code: Any, *classes: Callable[[Any], WorkflowInboundInterceptor]) -> WorkflowDefinition:
    """A workflow with interceptors around it, as a worker makes it."""
    return replace(workflow_of(code), interception=Interception(classes, WorkflowRoot, {}))


def noting(name: str, log: list[str]) -> type[WorkflowInboundInterceptor]:
    """A class of interceptors that note what passes."""

    class Noting(WorkflowInboundInterceptor):
        def init(self, outbound: Any) -> None:
            log.append(f"{name} init")
            super().init(outbound)

        async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
            log.append(f"{name} run")
            try:
                return await super().execute_workflow(input)
            finally:
                log.append(f"{name} end")

        async def handle_signal(self, input: HandleSignalInput) -> None:
            log.append(f"{name} signal {input.signal} {list(input.args)}")
            return await super().handle_signal(input)

        async def handle_query(self, input: HandleQueryInput) -> Any:
            log.append(f"{name} query {input.query} {input.id}")
            return await super().handle_query(input)

        def handle_update_validator(self, input: HandleUpdateInput) -> None:
            log.append(f"{name} validator {input.update} {input.id}")
            super().handle_update_validator(input)

        async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
            log.append(f"{name} update {input.update} {input.id}")
            return await super().handle_update_handler(input)

    return Noting


@workflow.defn
class Shop:
    """Takes orders until it is closed."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.closed = False

    @workflow.run
    async def run(self, first: str) -> list[str]:
        self.orders.append(first)
        await workflow.wait_condition(lambda: self.closed)
        return self.orders

    @workflow.signal
    def order(self, what: str) -> None:
        self.orders.append(f"{what} by {user.get()}")

    @workflow.signal
    async def slowly(self, what: str) -> None:
        await workflow.sleep(1)
        self.orders.append(what)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def count(self) -> int:
        return len(self.orders)

    @workflow.update
    def rename(self, index: int, name: str) -> str:
        old, self.orders[index] = self.orders[index], name
        return old

    @rename.validator
    def check(self, index: int, name: str) -> None:
        if index >= len(self.orders):
            raise ApplicationError("no such order")

    @workflow.update
    async def add(self, what: str) -> int:
        await asyncio.sleep(1)
        self.orders.append(what)
        return len(self.orders)


def asked(rehearsal: Rehearsal, update_id: str, name: str, *args: Any) -> Any:
    """Let an update in, as an actor does, and return its outcome; or why it is kept out."""
    stored = payloads(args)
    refused = rehearsal.run.validate(update_id, name, stored)
    if refused is not None:
        return refused.message
    rehearsal.do(UpdateWorkflow(update_id=update_id, name=name, input=stored))
    return rehearsal.last


def test_all_of_a_run_passes_the_interceptors_from_the_first_to_the_last() -> None:
    log: list[str] = []
    run = Rehearsal(between(Shop, noting("a", log), noting("b", log)), "x")
    assert log == ["a init", "b init", "a run", "b run"]
    log.clear()
    run.do(SignalWorkflow(name="order", input=payloads(["y"])))
    assert run.query("count") == run.query("count") == 2
    assert isinstance(asked(run, "u-1", "rename", 0, "z"), UpdateCompleted)
    assert asked(run, "u-2", "rename", 9, "z") == "no such order"
    run.do(SignalWorkflow(name="close"))
    assert run.result == ["z", "y by nobody"]
    assert log == [
        *("a signal order ['y']", "b signal order ['y']"),
        *("a query count run-1/query/1", "b query count run-1/query/1"),
        *("a query count run-1/query/2", "b query count run-1/query/2"),
        *("a validator rename u-1", "b validator rename u-1", "a update rename u-1", "b update rename u-1"),
        *("a validator rename u-2", "b validator rename u-2"),
        *("a signal close []", "b signal close []", "b end", "a end"),
    ]
    same_again(run)


def test_handlers_that_await_are_awaited() -> None:
    run = Rehearsal(between(Shop, WorkflowInboundInterceptor), "x")
    run.do(SignalWorkflow(name="slowly", input=payloads(["y"])))
    run.do(UpdateWorkflow(update_id="u-1", name="add", input=payloads(["z"])))
    run.fire()
    assert run.query("count") == 3
    same_again(run)


class Changing(WorkflowInboundInterceptor):
    """Changes what comes in, and what goes out."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        assert input.type is Shop
        input.args = [f"{input.args[0]}!"]
        return [*await super().execute_workflow(input), "end"]

    async def handle_signal(self, input: HandleSignalInput) -> None:
        if "user" in input.headers:
            user.set(PayloadConverter.default.from_payload(input.headers["user"]))
        if input.signal == "shut":
            input.signal, input.args = "close", []
        return await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        answer: int = await super().handle_query(input)
        return answer + 100

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        input.args = [0, "changed"]
        return await super().handle_update_handler(input)


def test_an_interceptor_changes_arguments_names_and_results() -> None:
    run = Rehearsal(between(Shop, Changing), "x")
    run.do(SignalWorkflow(name="order", input=payloads(["y"]), headers={"user": payload("kim")}))
    assert user.get() == "nobody"
    assert run.query("count") == 102
    asked(run, "u-1", "rename", 1, "z")
    run.do(SignalWorkflow(name="close"))
    assert run.result == ["changed", "y by kim", "end"]
    same_again(run)


def test_a_signal_of_the_dynamic_handler_has_its_name_and_may_get_another() -> None:
    class Renaming(WorkflowInboundInterceptor):
        async def handle_signal(self, input: HandleSignalInput) -> None:
            if input.signal == "bell":
                assert input.args[0] == "bell"
                input.signal, input.args = "order", ["bell"]
            return await super().handle_signal(input)

    @workflow.defn
    class Dynamic(Shop):
        @workflow.run
        async def run(self, first: str) -> list[str]:
            return await super().run(first)

        @workflow.signal
        def order(self, what: str) -> None:
            self.orders.append(what)

        @workflow.signal(dynamic=True)
        def other(self, name: str, args: Sequence[Any]) -> None:
            self.orders.append(f"{name} of {len(args)}")

    run = Rehearsal(between(Dynamic, Renaming), "x")
    run.do(SignalWorkflow(name="whistle", input=payloads([1, 2])))
    run.do(SignalWorkflow(name="close"))
    assert run.result == ["x", "whistle of 2"]
    same_again(run)


def test_a_name_that_no_handler_has_is_a_bug_of_the_interceptor() -> None:
    class Wrong(WorkflowInboundInterceptor):
        async def handle_signal(self, input: HandleSignalInput) -> None:
            return await super().handle_signal(HandleSignalInput("ordre", input.args, input.headers))

    run = Rehearsal(between(Shop, Wrong), "x")
    with pytest.raises(UnknownSignalError, match="order"):
        run.do(SignalWorkflow(name="order", input=payloads(["y"])))
    assert run.run.is_broken


def test_a_name_may_be_changed_to_that_of_another_handler() -> None:
    class Closing(WorkflowInboundInterceptor):
        async def handle_signal(self, input: HandleSignalInput) -> None:
            return await super().handle_signal(HandleSignalInput("close", [], input.headers))

    run = Rehearsal(between(Shop, Closing), "x")
    run.do(SignalWorkflow(name="order", input=payloads(["y"])))
    assert run.result == ["x"]
    same_again(run)


@pytest.mark.parametrize("error", [ApplicationError, KeyError])
def test_what_an_interceptor_raises_counts_as_if_the_code_had_raised_it(error: type[Exception]) -> None:
    class Raising(WorkflowInboundInterceptor):
        async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
            raise error("no")

    definition = between(Shop, Raising)
    if error is KeyError:
        with pytest.raises(KeyError):
            Rehearsal(definition, "x")
    else:
        run = Rehearsal(definition, "x")
        assert run.failure.message == "no"
        same_again(run)


def test_what_an_interceptor_raises_in_front_of_a_signal_is_sorted_like_what_handlers_raise() -> None:
    class Raising(WorkflowInboundInterceptor):
        def handle_signal(self, input: HandleSignalInput) -> Any:
            raise ApplicationError("no")

    run = Rehearsal(between(Shop, Raising), "x")
    run.do(SignalWorkflow(name="order", input=payloads(["y"])))
    assert run.failure.message == "no"
    same_again(run)


def test_a_query_whose_interceptor_waits_is_refused() -> None:
    class Waiting(WorkflowInboundInterceptor):
        async def handle_query(self, input: HandleQueryInput) -> Any:
            await asyncio.sleep(0)
            return await super().handle_query(input)

    run = Rehearsal(between(Shop, Waiting), "x")
    with pytest.raises(QueryRefusedError, match="interceptor of it, waited"):
        run.query("count")
    assert not run.run.is_broken


def test_a_query_whose_interceptor_asks_for_something_is_refused() -> None:
    class Asking(WorkflowInboundInterceptor):
        async def handle_query(self, input: HandleQueryInput) -> Any:
            await workflow.sleep(1)
            return await super().handle_query(input)

    run = Rehearsal(between(Shop, Asking), "x")
    with pytest.raises(QueryRefusedError, match="timer"):
        run.query("count")


def test_an_update_that_a_validators_interceptor_refuses_leaves_no_trace() -> None:
    class Refusing(WorkflowInboundInterceptor):
        def handle_update_validator(self, input: HandleUpdateInput) -> None:
            info = workflow.current_update_info()
            assert info is not None
            raise ApplicationError(f"{info.name} {info.id} by {sorted(input.headers)}")

    run = Rehearsal(between(Shop, Refusing), "x")
    headers = {"user": payload("kim")}
    refused = run.run.validate("u-1", "rename", payloads([0, "z"]), headers)
    assert refused is not None
    assert refused.message == "rename u-1 by ['user']"
    assert asked(run, "u-2", "add", "z").topic == "timer.started"  # it has no validator


def test_facts_about_the_run_come_through_the_outbound_interceptors() -> None:
    class Outbound(WorkflowOutboundInterceptor):
        def info(self) -> workflow.Info:
            return dataclasses.replace(super().info(), workflow_id="changed")

    class Inbound(WorkflowInboundInterceptor):
        def init(self, outbound: Any) -> None:
            super().init(Outbound(outbound))

    @workflow.defn
    class Told:
        @workflow.run
        async def run(self) -> str:
            return workflow.info().workflow_id

    run = Rehearsal(between(Told, Inbound))
    assert run.result == "changed"
    same_again(run)


def test_a_workflow_that_is_a_function_gets_its_arguments() -> None:
    @workflow.defn
    async def double(number: int) -> int:
        return number * 2

    run = Rehearsal(between(double, WorkflowInboundInterceptor), 21)
    assert run.result == 42
    same_again(run)


def test_messages_that_come_with_a_start_pass_the_interceptors_in_front_of_the_first_step() -> None:
    log: list[str] = []
    messages = [
        SignalReceived(at=1, name="order", input=payloads(["y"]), with_start=True),
        UpdateAccepted(at=1, update_id="u-1", name="rename", input=payloads([0, "z"]), with_start=True),
    ]
    run = Rehearsal(between(Shop, noting("a", log)), "x", messages=messages)
    assert log == ["a init", "a signal order ['y']", "a update rename u-1", "a run"]
    run.do(SignalWorkflow(name="close"))
    assert run.result == ["z", "x"]
    same_again(run)


def test_a_run_that_is_dropped_lets_go_of_its_interceptors() -> None:
    run = new_run(between(Shop, WorkflowInboundInterceptor), WorkflowExecution("run-1"))
    run.close()
    assert run.waits_for_events_only
