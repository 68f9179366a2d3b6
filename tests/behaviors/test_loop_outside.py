"""The outside is refused on the call, with the place in the user's code and the name of what to use instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.stage import Stage
from understudy.actors.behaviors.loop.refusals import InsideLoop, Refused
from understudy.events.errors import DeterminismError

REFUSED = sorted(name for name, value in vars(InsideLoop).items() if isinstance(value, Refused))
ALLOWED = {
    "call_at",
    "call_exception_handler",
    "call_later",
    "call_soon",
    "create_future",
    "create_task",
    "default_exception_handler",
    "get_debug",
    "get_exception_handler",
    "get_task_factory",
    "is_closed",
    "is_running",
    "set_debug",
    "set_exception_handler",
    "set_task_factory",
    "time",
}


def test_every_method_of_asyncios_loops_is_either_allowed_or_refused() -> None:
    public = {name for name in vars(asyncio.AbstractEventLoop) if not name.startswith("_")}
    assert public - ALLOWED - set(REFUSED) == set()
    assert public >= ALLOWED


@pytest.mark.parametrize("name", REFUSED)
def test_a_method_that_touches_the_outside_is_refused(name: str) -> None:
    stage = Stage()

    async def program() -> None:
        getattr(asyncio.get_running_loop(), name)(1, 2, three=3)

    task = stage.loop.create_task(program())
    with pytest.raises(DeterminismError, match=rf"^loop\.{name} in workflow code .*\. Use ") as caught:
        stage.turn()
    assert caught.value is task.exception()
    assert (caught.value.file, caught.value.line) == (__file__, program.__code__.co_firstlineno + 1)


async def to_thread() -> None:
    await asyncio.to_thread(print)


async def open_connection() -> None:
    await asyncio.open_connection("example.org", 80)


async def start_server() -> None:
    await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)


async def create_subprocess_exec() -> None:
    await asyncio.create_subprocess_exec("true")


async def create_subprocess_shell() -> None:
    await asyncio.create_subprocess_shell("true")


@pytest.mark.parametrize(
    "call", [to_thread, open_connection, start_server, create_subprocess_exec, create_subprocess_shell]
)
def test_a_function_of_asyncio_that_touches_the_outside_is_named_as_the_user_called_it(call: Any) -> None:
    stage = Stage()
    stage.add(call())
    with pytest.raises(DeterminismError) as caught:
        stage.turn()
    error = caught.value
    assert error.call == f"asyncio.{call.__name__}"
    assert error.instead.startswith("an activity")
    assert (error.file, error.line) == (__file__, call.__code__.co_firstlineno + 1)


def test_code_that_swallows_the_refusal_does_not_survive_it() -> None:
    stage, reached = Stage(), list[str]()

    async def program() -> None:
        try:
            await asyncio.to_thread(print)
        except BaseException:  # noqa: BLE001 - the worst that user code can do
            reached.append("swallowed")
        await asyncio.sleep(0)
        reached.append("went on")

    stage.add(program())
    with pytest.raises(DeterminismError):
        stage.turn()
    assert reached == ["swallowed"]


def test_the_only_ways_in_from_another_thread_are_messages() -> None:
    loop = Stage().loop
    with pytest.raises(DeterminismError, match="a signal, the only way into a run"):
        loop.call_soon_threadsafe(print)


def test_another_running_loop_is_not_allowed_inside() -> None:
    stage, errors = Stage(), list[str]()

    async def program() -> None:
        coro = asyncio.sleep(0)
        try:
            asyncio.run(coro)
        except RuntimeError as error:
            errors.append(str(error))
        finally:
            coro.close()

    stage.play(program())
    assert "running event loop" in errors[0]


def test_looking_a_refused_method_up_is_harmless() -> None:
    loop = Stage().loop
    assert callable(loop.run_in_executor)
    assert callable(type(loop).sock_recv)
