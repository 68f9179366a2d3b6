"""Tasks: names, contexts, cancellation, gather; the loop holds what it runs."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.behaviors.stage import Stage, elapsed, forget, play
from understudy.events.errors import DeterminismError

EAGER = getattr(asyncio, "eager_task_factory", None)
needs_eager = pytest.mark.skipif(EAGER is None, reason="eager tasks came with Python 3.12")


def test_tasks_are_named_by_their_number_in_the_run_not_in_the_process() -> None:
    async def name() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def program() -> list[str]:
        first = asyncio.create_task(name())
        given = asyncio.create_task(name(), name="given")
        third = asyncio.create_task(name())
        third.set_name("renamed")
        return [await name(), await first, await given, await third, await asyncio.ensure_future(name())]

    assert play(program()) == play(program()) == ["Task-1", "Task-2", "given", "renamed", "Task-5"]


def test_a_task_knows_itself_and_all_tasks_of_its_run_only() -> None:
    stage, other = Stage(), Stage()
    other.begin(asyncio.sleep(60))

    async def program() -> tuple[bool, set[str]]:
        child = asyncio.create_task(asyncio.sleep(1), name="child")
        await asyncio.sleep(0)
        names = {task.get_name() for task in asyncio.all_tasks()}
        await child
        return asyncio.current_task() is stage_task, names

    stage_task = stage.loop.create_task(program())
    stage.turn()
    stage.fire()
    assert stage_task.result() == (True, {"Task-1", "child"})
    other.loop.close_run()


def test_only_coroutines_are_tasks() -> None:
    loop = Stage().loop
    not_one: Any = 7
    with pytest.raises(TypeError, match="coroutine"):
        _ = loop.create_task(not_one)


def test_a_context_variable_goes_down_into_tasks_and_not_up() -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    given = contextvars.Context()

    async def change(value: str) -> str:
        before = variable.get()
        variable.set(value)
        await asyncio.sleep(1)
        assert variable.get() == value
        return before

    async def program() -> list[str]:
        variable.set("parent")
        tasks = [
            asyncio.create_task(change("one")),
            asyncio.create_task(change("two")),
            asyncio.create_task(change("three"), context=given),
        ]
        return [*await asyncio.gather(*tasks), variable.get(), given[variable]]

    assert play(program()) == ["parent", "parent", "unset", "parent", "three"]


def test_a_task_that_nobody_keeps_is_not_collected() -> None:
    stage, ended = Stage(), list[str]()

    async def wait_for_nothing() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("ended")

    async def program() -> None:
        forget(wait_for_nothing())
        await asyncio.sleep(1)

    stage.begin(program())
    gc.collect()
    assert ended == []
    stage.fire()
    gc.collect()
    assert ended == []
    stage.loop.close_run()
    assert ended == ["ended"]


def test_done_tasks_are_let_go_of() -> None:
    stage = Stage()

    async def program() -> None:
        for _ in range(100):
            await asyncio.gather(*[asyncio.sleep(0) for _ in range(10)])
            await asyncio.sleep(1)

    stage.begin(program())
    for _ in range(50):
        stage.fire()
    held = repr(stage.loop)
    stage.loop.close_run()
    assert int(held.split()[-2]) < 25


def test_cancel_reaches_the_coroutine_once_with_its_message() -> None:
    stage, trace = Stage(), list[str]()

    async def program() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            trace.append(f"{error.args}")
            await asyncio.sleep(5)  # cleanup may wait
        return "cleaned"

    task = stage.start(program())
    assert task.cancel("reason")
    stage.turn()
    stage.fire()
    assert task.result() == "cleaned"
    assert trace == ["('reason',)"]
    assert not task.cancel()


def test_uncancel_takes_a_cancellation_back() -> None:
    stage, counts = Stage(), list[int]()

    async def program() -> str:
        task = asyncio.current_task()
        assert task is not None
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            counts.extend([task.cancelling(), task.uncancel(), task.cancelling()])
        async with asyncio.timeout(10):
            await asyncio.sleep(1)
        return "went on"

    task = stage.start(program())
    task.cancel()
    stage.turn()
    stage.fire()
    assert task.result() == "went on"
    assert counts == [1, 0, 0]


def test_gather_gives_results_in_the_order_given() -> None:
    async def nap(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def program() -> tuple[list[float], float]:
        once = asyncio.ensure_future(nap(4))
        return [*await asyncio.gather(nap(3), once, nap(1), once)], elapsed()

    assert play(program()) == ([3, 4, 1, 4], 4.0)


def test_gather_raises_the_first_error_and_leaves_the_others_running() -> None:
    trace = list[str]()

    async def work(seconds: float, error: str = "") -> None:
        await asyncio.sleep(seconds)
        trace.append(f"{seconds}")
        if error:
            raise ValueError(error)

    async def program() -> float:
        with pytest.raises(ValueError, match="second"):
            await asyncio.gather(work(9), work(2, "second"), work(5, "third"))
        at = elapsed()
        await asyncio.sleep(20)
        return at

    assert play(program()) == 2.0
    assert trace == ["2", "5", "9"]


def test_gather_returns_errors_among_the_results_if_it_is_asked_to() -> None:
    async def work(error: Exception | None) -> str:
        await asyncio.sleep(1)
        if error:
            raise error
        return "fine"

    async def program() -> list[Any]:
        cancelled = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(cancelled.cancel)
        works = [work(None), work(ValueError("broken")), cancelled, work(None)]
        return await asyncio.gather(*works, return_exceptions=True)

    first, second, third, fourth = play(program())
    assert (first, fourth) == ("fine", "fine")
    assert isinstance(second, ValueError)
    assert isinstance(third, asyncio.CancelledError)


def test_a_cancelled_gather_cancels_all_that_it_gathers() -> None:
    stage, trace = Stage(), list[str]()

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            trace.append(name)
            raise

    async def program() -> None:
        await asyncio.gather(*[work(name) for name in "abcd"])

    task = stage.start(program())
    task.cancel()
    stage.turn()
    assert task.cancelled()
    assert trace == ["a", "b", "c", "d"]
    assert stage.host.timers == {}


def test_gather_of_nothing_is_an_empty_list() -> None:
    async def program() -> list[Any]:
        return await asyncio.gather()

    assert play(program()) == []


def test_a_task_cannot_await_itself_or_a_future_of_another_run() -> None:
    stage, other = Stage(), Stage()
    foreign = other.loop.create_future()

    async def await_self() -> None:
        task = asyncio.current_task()
        assert task is not None
        await task

    async def await_foreign() -> None:
        await foreign

    tasks: list[asyncio.Task[None]] = [stage.start(await_self()), stage.start(await_foreign())]
    assert [str(task.exception()).partition(":")[0].partition(" got")[0][:20] for task in tasks] == [
        "Task cannot await on",
        "Task <NumberedTask p",
    ]


def test_run_coroutine_on_the_running_loop_is_what_ensure_future_does() -> None:
    class Awaitable:
        def __await__(self) -> Any:
            return asyncio.sleep(1, "awaited").__await__()

    async def program() -> str:
        return str(await asyncio.ensure_future(Awaitable()))

    assert play(program()) == "awaited"


@needs_eager
def test_an_eager_task_takes_its_first_step_at_once() -> None:
    stage, trace = Stage(), list[str]()

    async def work(name: str, seconds: float) -> str:
        task = asyncio.current_task()
        assert task is not None
        places = {task}
        trace.append(f"{name} begins")
        if seconds:
            await asyncio.sleep(seconds)
        assert task in places
        return name

    async def program() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(EAGER)
        assert loop.get_task_factory() is EAGER
        first = asyncio.create_task(work("first", 0))
        trace.append(f"first is done: {first.done()}")
        second = asyncio.create_task(work("second", 1))
        loop.set_task_factory(None)
        assert loop.get_task_factory() is None
        third = asyncio.create_task(work("third", 0))
        trace.append("program waits")
        return list(await asyncio.gather(first, second, third))

    assert stage.play(program()) == ["first", "second", "third"]
    assert trace == ["first begins", "first is done: True", "second begins", "program waits", "third begins"]


@needs_eager
def test_a_single_task_may_be_eager() -> None:
    stage, trace = Stage(), list[str]()

    async def work(name: str) -> None:
        trace.append(name)

    async def program() -> None:
        lazy = stage.loop.create_task(work("lazy"))
        eager = stage.loop.create_task(work("eager"), eager_start=True)
        await asyncio.gather(lazy, eager)

    stage.play(program())
    assert trace == ["eager", "lazy"]


@pytest.mark.skipif(EAGER is not None, reason="for Python 3.11")
def test_python_3_11_knows_no_eager_tasks() -> None:
    loop, coro = Stage().loop, asyncio.sleep(0)
    with pytest.raises(TypeError, match="arguments"):
        _ = loop.create_task(coro, eager_start=True)
    coro.close()


def test_tasks_are_made_lazily_without_a_factory() -> None:
    loop = Stage().loop
    loop.set_task_factory(None)
    assert loop.get_task_factory() is None


def test_a_task_factory_of_the_users_own_is_refused() -> None:
    stage = Stage()

    def factory(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=loop)

    stage.loop.call_soon(stage.loop.set_task_factory, factory)
    with pytest.raises(DeterminismError, match=r"set_task_factory.*create_task"):
        stage.turn()
    assert sys.getrefcount(factory) < 10
