"""Turns: what is ready runs in order until nothing is, and the thread is left as it was found."""

from __future__ import annotations

import asyncio
import contextvars
import re
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.behaviors.stage import Stage
from understudy.actors.behaviors.loop.loop import DeterministicLoop


class StopWorkflowError(BaseException):
    """What user code must not swallow."""


def test_callbacks_run_first_in_first_out_and_those_they_add_run_behind_them() -> None:
    loop, ran = Stage().loop, list[str]()

    def first() -> None:
        ran.append("first")
        loop.call_soon(ran.append, "third")

    loop.call_soon(first)
    loop.call_soon(ran.append, "second")
    assert loop.run_until_idle() == 3
    assert ran == ["first", "second", "third"]
    assert loop.run_until_idle() == 0


def test_a_limit_stops_in_the_middle_and_the_next_turn_goes_on_there() -> None:
    loop, ran = Stage().loop, list[str]()

    def first() -> None:
        ran.append("1")
        loop.call_soon(ran.append, "4")

    loop.call_soon(first)
    loop.call_soon(ran.append, "2")
    loop.call_soon(ran.append, "3")
    assert loop.run_until_idle(limit=2) == 2
    assert (ran, loop.is_idle()) == (["1", "2"], False)
    assert loop.run_until_idle(limit=10) == 2
    assert (ran, loop.is_idle()) == (["1", "2", "3", "4"], True)


def test_a_program_that_never_waits_is_stopped_by_the_limit() -> None:
    stage = Stage()

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - that is what is wrong with it
            await asyncio.sleep(0)

    stage.add(spin())
    assert stage.loop.run_until_idle(limit=1000) == 1000
    assert not stage.loop.is_idle()
    stage.loop.close_run()


def test_a_cancelled_callback_does_not_run_and_is_not_counted() -> None:
    loop, ran = Stage().loop, list[str]()
    handle = loop.call_soon(ran.append, "cancelled")
    loop.call_soon(ran.append, "kept")
    assert "append" in repr(handle)
    handle.cancel()
    assert handle.cancelled()
    assert repr(handle) == "<ReadyHandle cancelled>"
    assert loop.run_until_idle() == 1
    assert ran == ["kept"]


def test_a_callback_runs_in_the_context_it_was_given_and_else_in_a_copy_of_the_present_one() -> None:
    loop, seen = Stage().loop, list[str]()
    variable = contextvars.ContextVar("variable", default="unset")
    empty = contextvars.Context()
    variable.set("set")

    def look() -> None:
        seen.append(variable.get())
        variable.set("changed")

    handle = loop.call_soon(look)
    loop.call_soon(look, context=empty)
    loop.run_until_idle()
    assert seen == ["set", "unset"]
    assert variable.get() == "set"
    assert empty[variable] == "changed"
    assert handle.get_context()[variable] == "changed"


def test_the_loop_is_the_running_loop_during_a_turn_and_not_after_it() -> None:
    loop, seen = Stage().loop, list[object]()

    def look() -> None:
        seen.extend([asyncio.get_running_loop(), loop.is_running()])

    loop.call_soon(look)
    loop.run_until_idle()
    assert seen == [loop, True]
    assert not loop.is_running()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_a_turn_in_a_callback_of_an_outer_loop_leaves_the_thread_as_it_was() -> None:
    stage, seen = Stage(), list[object]()

    async def inner() -> object:
        seen.append(asyncio.get_running_loop())
        return asyncio.current_task()

    async def outer() -> None:
        loop = asyncio.get_running_loop()
        hooks = sys.get_asyncgen_hooks()
        done = loop.create_future()

        def turn() -> None:
            task = stage.start(inner())
            seen.append(task.result() is task)
            done.set_result(None)

        loop.call_soon(turn)
        await done
        assert asyncio.get_running_loop() is loop
        assert sys.get_asyncgen_hooks() == hooks

    asyncio.run(outer())
    assert seen == [stage.loop, True]


def test_a_turn_inside_a_task_of_an_outer_loop_leaves_that_task_the_current_one() -> None:
    stage = Stage()

    async def inner() -> int:
        return 7

    async def outer() -> bool:
        before = asyncio.current_task()
        assert stage.start(inner()).result() == 7
        return asyncio.current_task() is before

    assert asyncio.run(outer())


def test_one_run_may_take_its_turn_inside_the_turn_of_another() -> None:
    stage, other, seen = Stage(), Stage(), list[object]()

    def nested() -> None:
        other.loop.call_soon(lambda: seen.append(asyncio.get_running_loop()))
        other.loop.run_until_idle()
        seen.append(asyncio.get_running_loop())

    stage.loop.call_soon(nested)
    stage.loop.run_until_idle()
    assert seen == [other.loop, stage.loop]


def test_a_run_cannot_take_a_turn_inside_its_own_turn_or_drop_itself() -> None:
    loop, errors = Stage().loop, list[str]()

    def again() -> None:
        with pytest.raises(RuntimeError) as turn:
            loop.run_until_idle()
        with pytest.raises(RuntimeError) as drop:
            loop.close_run()
        errors.extend([str(turn.value), str(drop.value)])

    loop.call_soon(again)
    loop.run_until_idle()
    assert [error.partition(" was")[0] for error in errors] == ["run_until_idle", "close_run"]


def test_an_error_of_a_callback_is_reported_and_the_turn_goes_on() -> None:
    loop, ran = Stage().loop, list[str]()

    def fail(error: BaseException) -> None:
        raise error

    loop.call_soon(fail, ValueError("one"))
    loop.call_soon(fail, asyncio.CancelledError("two"))
    loop.call_soon(ran.append, "three")
    assert loop.run_until_idle() == 3
    assert ran == ["three"]
    assert [str(context["exception"]) for context in loop.on_error] == ["one", "two"]
    assert "Exception in callback" in loop.on_error[0]["message"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, StopWorkflowError])
def test_what_user_code_must_not_swallow_leaves_the_turn_and_the_rest_stays_ready(kind: type[BaseException]) -> None:
    loop, ran = Stage().loop, list[str]()

    def fail() -> None:
        loop.call_soon(ran.append, "third")
        raise kind

    loop.call_soon(ran.append, "first")
    loop.call_soon(fail)
    loop.call_soon(ran.append, "second")
    with pytest.raises(kind):
        loop.run_until_idle()
    assert (ran, loop.is_running()) == (["first"], False)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    loop.run_until_idle()
    assert ran == ["first", "second", "third"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_coroutine_leaves_the_turn(kind: type[BaseException]) -> None:
    stage = Stage()

    async def fail() -> None:
        raise kind

    task = stage.loop.create_task(fail())
    with pytest.raises(kind):
        stage.turn()
    assert isinstance(task.exception(), kind)


def test_an_aborted_turn_raises_its_error_even_where_the_code_swallows_it() -> None:
    stage, ran = Stage(), list[str]()
    error = StopWorkflowError("stop")

    async def swallow() -> None:
        try:
            stage.loop.abort(error)
            raise error  # noqa: TRY301 - as a guard does
        except BaseException:  # noqa: BLE001 - the worst that user code can do
            ran.append("swallowed")
        await asyncio.sleep(0)
        ran.append("too far")

    stage.add(swallow())
    stage.loop.call_soon(ran.append, "behind")
    with pytest.raises(StopWorkflowError) as caught:
        stage.turn()
    assert caught.value is error
    assert ran == ["swallowed"]
    with pytest.raises(StopWorkflowError):
        stage.turn()
    with pytest.raises(StopWorkflowError):
        stage.loop.call(ran.append, "too late")
    stage.loop.close_run()
    assert ran == ["swallowed"]


def test_a_turn_may_begin_with_a_call() -> None:
    stage, seen = Stage(), list[object]()

    def fact(value: str, *, more: str) -> None:
        stage.loop.call_soon(seen.append, value + more)
        seen.append(asyncio.get_running_loop())

    assert stage.loop.run_turn(fact, "a", more="b") == 1
    assert seen == [stage.loop, "ab"]
    assert not stage.loop.is_running()


def test_a_turn_whose_call_fails_fails_and_is_not_taken_inside_another() -> None:
    stage = Stage()

    def fail(error: BaseException) -> None:
        raise error

    with pytest.raises(ValueError, match="no"):
        stage.loop.run_turn(fail, ValueError("no"))
    with pytest.raises(RuntimeError, match="inside the run"):
        stage.loop.run_turn(stage.loop.run_turn, print)
    with pytest.raises(StopWorkflowError):
        stage.loop.run_turn(stage.loop.abort, StopWorkflowError())
    with pytest.raises(StopWorkflowError):
        stage.loop.run_turn(fail, ValueError("too late"))


def test_a_call_runs_at_once_as_code_of_the_run() -> None:
    stage, seen = Stage(), list[object]()

    def look(value: str, *, more: str) -> str:
        stage.loop.call_soon(seen.append, "later")
        seen.append(asyncio.get_running_loop())
        return stage.loop.call(lambda: value + more)

    assert stage.loop.call(look, "a", more="b") == "ab"
    assert seen == [stage.loop]
    assert not stage.loop.is_idle()
    stage.turn()
    assert seen == [stage.loop, "later"]


def test_a_call_that_raises_leaves_the_loop_usable() -> None:
    stage = Stage()

    def fail() -> None:
        raise ValueError("no")

    def abort() -> None:
        stage.loop.abort(StopWorkflowError())

    with pytest.raises(ValueError, match="no"):
        stage.loop.call(fail)
    with pytest.raises(StopWorkflowError):
        stage.loop.call(abort)
    stage.loop.call_soon(fail)
    assert stage.turn() == 1


def test_the_stacks_say_where_each_task_waits() -> None:
    stage = Stage()

    async def inner() -> None:
        await asyncio.sleep(10)

    async def outer() -> None:
        await inner()

    async def generate() -> AsyncGenerator[int, None]:
        await asyncio.sleep(10)
        yield 1

    async def loop_over() -> None:
        async for _ in generate():
            pass

    stage.add(outer(), name="waiting")
    stage.begin(loop_over())
    waiting, looping = stage.loop.stacks()
    assert [re.split(r"[ .]", line)[-1] for line in waiting.splitlines()] == ["waiting:", "outer", "inner", "sleep"]
    assert re.search(r"test_loop_turns.py\", line \d+, in ", waiting)
    assert [re.split(r"[ .]", line)[-1] for line in looping.splitlines()] == ["Task-2:", "loop_over"]
    stage.loop.close_run()
    assert stage.loop.stacks() == []


def test_the_representation_shows_the_state() -> None:
    stage, seen = Stage(), list[str]()
    states = [repr(stage.loop)]
    stage.loop.call_soon(lambda: seen.append(repr(stage.loop)))
    states.append(repr(stage.loop))
    stage.turn()
    stage.loop.close_run()
    states += [*seen, repr(stage.loop)]
    assert [state.split()[1].rstrip(",") for state in states] == ["idle", "ready", "running", "closed"]


def test_debug_mode_stays_off() -> None:
    loop = Stage().loop
    loop.set_debug(True)
    assert loop.get_debug() is False


def test_a_loop_without_tasks_weighs_less_than_one_kibibyte() -> None:
    loop: Any = DeterministicLoop(Stage().host)
    parts = [getattr(loop, name) for name in ("_ready", "_batch", "_tasks", "on_error")]
    assert sys.getsizeof(loop) + sum(map(sys.getsizeof, parts)) < 1024
