"""Queries in the forms that Temporal's SDK takes, and what a client catches when one has no answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.harness import Harness
from understudy import workflow
from understudy.client import WorkflowQueryFailedError
from understudy.exceptions import ApplicationError, QueryRefusedError, UnknownQueryError
from understudy.worker import Interceptor, WorkflowInboundInterceptor


@workflow.defn
class Answers:
    """Answers by coroutines, and in the old dynamic form."""

    heard: tuple[str, list[Any]] = ("", [])

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    async def at_once(self, n: int) -> int:
        return n + 1

    @workflow.query
    async def later(self) -> None:
        await asyncio.sleep(0)

    @workflow.query
    async def asking(self) -> None:
        await workflow.wait_condition(lambda: True)

    @workflow.query
    def fails(self) -> None:
        raise ApplicationError("no")

    @workflow.signal(dynamic=True)
    def hear(self, name: str, *args: Any) -> None:
        self.heard = name, list(args)

    @workflow.query(dynamic=True)
    def tell(self, name: str, *args: Any) -> Any:
        return [name, *args, *self.heard]


class Around(Interceptor):
    """Stands around workflows, and does nothing."""

    def workflow_interceptor_class(self, input: Any) -> type[WorkflowInboundInterceptor]:  # noqa: A002 - Temporal's name
        return WorkflowInboundInterceptor


@pytest.mark.parametrize("interceptors", [[], [Around()]], ids=["bare", "intercepted"])
async def test_a_query_handler_may_be_a_coroutine_that_waits_for_nothing(
    engine: Harness, interceptors: list[Any]
) -> None:
    await engine.work(Answers, interceptors=interceptors)
    handle = await engine.start(Answers.run)
    assert await handle.query(Answers.at_once, 41) == 42
    with pytest.raises(QueryRefusedError, match="waited for something"):
        await handle.query(Answers.later)
    with pytest.raises(QueryRefusedError, match=r"'asking' .*: its handler asked for workflow.wait_condition"):
        await handle.query(Answers.asking)


async def test_a_dynamic_handler_in_the_old_form_gets_values(engine: Harness) -> None:
    await engine.work(Answers)
    handle = await engine.start(Answers.run)
    await handle.signal("anything", args=[1, {"a": None}])
    assert await handle.query("everything", args=["x"]) == ["everything", "x", "anything", [1, {"a": None}]]
    await handle.signal("nothing")
    assert await handle.query("again") == ["again", "nothing", []]


async def test_whatever_a_query_fails_by_is_caught_as_one_error(engine: Harness) -> None:
    await engine.work(Answers)
    handle = await engine.start(Answers.run)
    with pytest.raises(WorkflowQueryFailedError, match="ApplicationError: no") as failed:
        await handle.query(Answers.fails)
    assert isinstance(failed.value.__cause__, ApplicationError)
    with pytest.raises(WorkflowQueryFailedError) as refused:
        await handle.query(Answers.later)
    assert isinstance(refused.value, QueryRefusedError)
    assert refused.value.message == str(refused.value)


async def test_an_unknown_query_is_one_that_failed(engine: Harness) -> None:
    @workflow.defn
    class Silent:
        @workflow.run
        async def run(self) -> None: ...

    await engine.work(Silent)
    handle = await engine.start(Silent.run)
    with pytest.raises(WorkflowQueryFailedError) as unknown:
        await handle.query("name")
    assert isinstance(unknown.value, UnknownQueryError)


async def test_every_workflow_says_where_it_waits(engine: Harness) -> None:
    await engine.work(Answers)
    handle = await engine.start(Answers.run)
    stacks: str = await handle.query("__stack_trace")
    assert "in Answers.run" in stacks
    await handle.terminate()
    assert await handle.query("__stack_trace", result_type=str) == stacks
