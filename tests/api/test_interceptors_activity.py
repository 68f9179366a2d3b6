"""Interceptors of activities: async ones, those in threads and those in other processes; what their code asks, too."""

# ruff: noqa: A002 - the names of parameters are those of the interface that we follow

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Any, cast

import cloudpickle
import pytest

from tests.api.harness import AT_ONCE, ONCE, Harness, failure_of
from understudy import activity, workflow
from understudy.exceptions import ActivityError, ApplicationError
from understudy.worker import ActivityInboundInterceptor, ActivityOutboundInterceptor, ExecuteActivityInput, Interceptor

user: ContextVar[str] = ContextVar("user", default="nobody")


@activity.defn
async def on_the_loop(word: str) -> list[str]:
    """Beat, and tell what is seen."""
    activity.heartbeat(word)
    return [word, user.get(), activity.info().activity_type]


@activity.defn
def in_a_thread(word: str) -> list[str]:
    """The same, in a thread."""
    activity.heartbeat(word)
    return [word, user.get(), activity.info().activity_type]


@activity.defn
def in_a_process(word: str) -> list[str]:
    """Tell what is given, in another process."""
    return [word]


@activity.defn
async def failing(word: str) -> None:
    """Fail."""
    raise ApplicationError(word)


@workflow.defn
class Calls:
    """Calls one activity."""

    @workflow.run
    async def run(self, name: str, where: str = "queue") -> Any:
        if where == "local":
            return await workflow.execute_local_activity(name, "word")
        return await workflow.execute_activity(name, "word", retry_policy=AT_ONCE)


class Out(ActivityOutboundInterceptor):
    """Notes heartbeats, and changes a fact."""

    def __init__(self, next: ActivityOutboundInterceptor, log: list[Any]) -> None:
        super().__init__(next)
        self.log = log

    def info(self) -> activity.Info:
        return replace(super().info(), activity_type=f"changed {super().info().activity_type}")

    def heartbeat(self, *details: Any) -> None:
        self.log.append(("beat", *details))
        super().heartbeat(*details, "more")


class In(ActivityInboundInterceptor):
    """Changes arguments and results."""

    def __init__(self, next: ActivityInboundInterceptor, name: str, log: list[Any]) -> None:
        super().__init__(next)
        self.name = name
        self.log = log

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(Out(outbound, self.log))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.log.append((self.name, input.fn.__name__, input.executor is None, dict(input.headers)))
        user.set("kim")
        input.args = [f"{self.name}({input.args[0]})"]
        return [*await super().execute_activity(input), "end"]


class Around(Interceptor):
    """Puts them around activities."""

    def __init__(self, name: str, log: list[Any]) -> None:
        self.name = name
        self.log = log

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return In(next, self.name, self.log)


@pytest.mark.parametrize("where", ["queue", "local"])
@pytest.mark.parametrize("fn", [on_the_loop, in_a_thread])
async def test_an_attempt_passes_the_interceptors_from_the_first_to_the_last(
    engine: Harness, fn: Any, where: str
) -> None:
    log: list[Any] = []
    await engine.work(Calls, fn, interceptors=[Around("a", log), Around("b", log)])
    name = fn.__name__
    seen = await engine.execute(Calls.run, name, where)
    assert seen == ["b(a(word))", "kim", f"changed changed {name}", "end", "end"]
    is_async = fn is on_the_loop
    # The outbound interceptor that was handed on first is the next of the one that was handed on last.
    assert log == [
        ("a", name, is_async, {}),
        ("b", name, is_async, {}),
        ("beat", "b(a(word))"),
        ("beat", "b(a(word))", "more"),
    ]


@pytest.mark.processes
async def test_an_activity_in_another_process_gets_changed_arguments(engine: Harness) -> None:
    log: list[Any] = []
    here, by_value = sys.modules[__name__], cast("Any", cloudpickle)
    by_value.register_pickle_by_value(here)  # a test module cannot be imported there
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            await engine.work(Calls, in_a_process, interceptors=[Around("a", log)], activity_executor=pool)
            assert await engine.execute(Calls.run, "in_a_process") == ["a(word)", "end"]
            await engine.stop_work()
    finally:
        by_value.unregister_pickle_by_value(here)
    assert log == [("a", "in_a_process", False, {})]


class Replacing(ActivityInboundInterceptor):
    """Calls something else, somewhere else."""

    def __init__(self, next: ActivityInboundInterceptor, fn: Callable[..., Any], executor: Any) -> None:
        super().__init__(next)
        self.fn = fn
        self.executor = executor

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        input.fn, input.executor = partial(self.fn, input.fn), self.executor
        return await super().execute_activity(input)


class ReplacingAll(Interceptor):
    """Uses it."""

    def __init__(self, fn: Callable[..., Any], executor: Any = None) -> None:
        self.fn = fn
        self.executor = executor

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return Replacing(next, self.fn, self.executor)


def shouting(fn: Callable[[str], list[str]], word: str) -> list[str]:
    """Stand around a plain function."""
    from threading import current_thread

    return [*fn(word.upper()), current_thread().name.partition("_")[0]]


async def murmuring(fn: Callable[[str], list[str]], word: str) -> list[str]:
    """Stand in the place of a plain function, and await."""
    return ["...", word, fn.__name__]


def plain(_fn: Callable[..., Any], word: str) -> list[str]:
    """Stand in the place of a function that awaits."""
    return [word, "plain"]


async def test_a_function_may_be_wrapped_and_run_elsewhere(engine: Harness) -> None:
    with ThreadPoolExecutor(1, "mine") as pool:
        await engine.work(Calls, in_a_thread, interceptors=[ReplacingAll(shouting, pool)])
        assert await engine.execute(Calls.run, "in_a_thread") == ["WORD", "nobody", "in_a_thread", "mine"]
        await engine.stop_work()


async def test_a_plain_function_may_be_replaced_by_one_that_awaits_and_back(engine: Harness) -> None:
    await engine.work(Calls, in_a_thread, on_the_loop, interceptors=[ReplacingAll(murmuring)])
    assert await engine.execute(Calls.run, "in_a_thread") == ["...", "word", "in_a_thread"]
    await engine.stop_work()
    await engine.work(Calls, on_the_loop, interceptors=[ReplacingAll(plain)])
    assert await engine.execute(Calls.run, "on_the_loop") == ["word", "plain"]


class Refusing(ActivityInboundInterceptor):
    """Lets nobody in."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        raise ApplicationError(f"not {input.args[0]}", non_retryable=True)


class RefusingAll(Interceptor):
    """Uses it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return Refusing(next)


async def test_what_an_interceptor_raises_is_the_failure_of_the_attempt(engine: Harness) -> None:
    await engine.work(Calls, failing, interceptors=[RefusingAll()])
    error = await failure_of(engine.execute(Calls.run, "failing"))
    assert isinstance(error, ActivityError)
    assert str(error.cause) == "not word"
    assert ONCE.maximum_attempts == 1


async def test_an_attempt_that_has_ended_leaves_nothing_to_the_collector(engine: Harness) -> None:
    await engine.work(Calls, on_the_loop, interceptors=[Around("a", [])])
    await engine.execute(Calls.run, "on_the_loop")
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, In | Out)]
    assert left == []
