"""The end: a dropped run ends its coroutines in order, quietly and for good."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.behaviors.stage import FakeHost, Stage
from understudy.actors.behaviors.loop.teardown import CLOSE_TRIES, Nowhere


class Silent:
    """Nothing may be said while a run is dropped, neither by a log nor by the interpreter."""

    def __init__(self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self._capfd, self._caplog = capfd, caplog

    def check(self) -> None:
        gc.collect(1)  # what a test made is young
        assert self._capfd.readouterr() == ("", "")
        assert self._caplog.records == []


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Silent]:
    """After each test here, nothing was said."""
    silence = Silent(capfd, caplog)
    yield silence
    silence.check()


def test_coroutines_end_with_the_newest_first() -> None:
    stage, trace = Stage(), list[str]()

    async def wait(name: str) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            trace.append(name)

    async def program() -> None:
        try:
            await asyncio.gather(*[wait(name) for name in "abc"])
        finally:
            trace.append("program")

    task = stage.start(program())
    stage.loop.close_run()
    assert trace == ["c", "b", "a", "program"]
    assert (task.done(), stage.loop.is_closed(), stage.loop.is_running()) == (True, True, False)
    stage.loop.close_run()
    assert trace == ["c", "b", "a", "program"]


def test_a_coroutine_that_never_began_is_dropped_without_a_word() -> None:
    stage, reached = Stage(), list[str]()

    async def program() -> None:
        reached.append("begun")

    stage.add(program())
    stage.loop.close_run()
    assert stage.turn() == 0
    assert reached == []


def test_no_timer_is_started_or_cancelled() -> None:
    stage = Stage()

    async def program() -> None:
        try:
            async with asyncio.timeout(10):
                await asyncio.wait_for(asyncio.sleep(20), 30)
        finally:
            asyncio.get_running_loop().call_later(5, print)
            await asyncio.sleep(40)

    stage.begin(program())
    started, timers = list(stage.host.started), dict(stage.host.timers)
    stage.loop.close_run()
    assert (stage.host.started, stage.host.cancelled, stage.host.timers) == (started, [], timers)
    assert len(timers) == 3


async def nothing() -> None:
    """Do nothing; never comes to it."""


async def sleeps() -> None:
    await asyncio.sleep(1)


async def yields() -> None:
    await asyncio.sleep(0)


async def creates_a_task() -> None:
    _ = asyncio.create_task(nothing())  # noqa: RUF006 - a task of a closed loop is not needed


async def awaits_a_task() -> None:
    await asyncio.create_task(nothing())


async def gathers() -> None:
    await asyncio.gather(nothing(), nothing())


async def groups() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(nothing())
        group.create_task(nothing())


async def waits_for() -> None:
    await asyncio.wait_for(nothing(), 5)


async def shields() -> None:
    await asyncio.shield(nothing())


async def locks() -> None:
    lock = asyncio.Lock()
    async with lock, asyncio.timeout(3):
        await lock.acquire()


async def puts() -> None:
    queue = asyncio.Queue[int](1)
    await queue.put(1)
    await queue.put(2)


async def raises() -> None:
    raise ValueError


async def exits() -> None:
    raise SystemExit


async def insists() -> None:
    for _ in range(CLOSE_TRIES // 2):
        with suppress(BaseException):
            await asyncio.sleep(1)


async def reports() -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "dropped"})


async def fails_in_a_future() -> None:
    asyncio.get_running_loop().create_future().set_exception(ValueError("never retrieved"))


async def looks_at_the_clock() -> None:
    await asyncio.sleep(asyncio.get_running_loop().time() + 1)


CLEANUPS = [
    sleeps,
    yields,
    creates_a_task,
    awaits_a_task,
    gathers,
    groups,
    waits_for,
    shields,
    locks,
    puts,
    raises,
    exits,
    insists,
    reports,
    fails_in_a_future,
    looks_at_the_clock,
]


@pytest.mark.parametrize("cleanup", CLEANUPS, ids=lambda each: each.__name__)
def test_cleanup_neither_hangs_nor_raises_nor_logs(cleanup: Callable[[], Coroutine[Any, Any, None]]) -> None:
    stage, trace = Stage(), list[str]()

    async def inner() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            trace.append("inner")
            await cleanup()

    async def program() -> None:
        try:
            await inner()
        finally:
            trace.append("outer")

    stage.begin(program())
    stage.loop.close_run()
    assert trace == ["inner", "outer"]
    assert stage.loop.is_closed()


def test_cleanup_runs_as_its_task_in_its_context() -> None:
    stage, seen = Stage(), list[object]()
    variable = contextvars.ContextVar("variable", default="unset")

    async def program() -> None:
        variable.set("set")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            loop = asyncio.get_running_loop()
            seen.extend([variable.get(), asyncio.current_task(), loop, loop.is_closed(), stage.loop.host])

    task = stage.start(program())
    stage.loop.close_run()
    assert seen == ["set", task, stage.loop, True, stage.host]


def test_a_task_made_for_a_closed_loop_is_cancelled_and_its_coroutine_never_begins() -> None:
    stage, reached = Stage(), list[str]()
    stage.loop.close_run()

    async def program() -> None:
        reached.append("begun")

    task = stage.loop.create_task(program())
    assert task.cancelled()
    assert stage.turn() == 0
    assert reached == []


def test_what_comes_late_goes_nowhere() -> None:
    stage, ran = Stage(), list[str]()
    future = stage.loop.create_future()
    timer = stage.loop.call_later(5, ran.append, "timer")
    future.add_done_callback(lambda _: ran.append("future"))
    now = stage.loop.time()
    stage.loop.close_run()
    stage.host.now += 10**9
    future.set_result("late")
    timer.fire()
    timer.cancel()
    stage.loop.call_soon(ran.append, "soon")
    stage.loop.call_later(0, ran.append, "later")
    stage.loop.call_later(1, ran.append, "later").cancel()
    stage.loop.call_exception_handler({"message": "late"})
    assert stage.turn() == 0
    assert stage.loop.is_idle()
    assert (ran, stage.loop.on_error, stage.loop.time()) == ([], [], now)
    assert stage.host.cancelled == []


def test_the_stopped_host_of_a_closed_loop_keeps_no_timers() -> None:
    stage = Stage()
    stage.loop.close_run()
    host = stage.loop.host
    assert host is not stage.host
    assert host.start_timer(1, lambda: None) == 0
    host.cancel_timer(0)
    assert isinstance(getattr(stage.loop, "_ready", None), Nowhere)


def test_the_newest_ends_first_even_where_one_made_the_other_long_ago() -> None:
    stage, trace = Stage(), list[int]()

    async def chain(depth: int) -> None:
        try:
            if depth:
                child = asyncio.create_task(chain(depth - 1))
                await asyncio.sleep(depth)
                await child
            await asyncio.get_running_loop().create_future()
        finally:
            trace.append(depth)

    stage.begin(chain(5))
    stage.fire()
    stage.fire()
    stage.loop.close_run()
    assert trace == [0, 1, 2, 3, 4, 5]


def test_a_coroutine_that_never_gives_in_is_given_up_and_never_runs_again() -> None:
    stage, tries = Stage(), list[int]()

    async def program() -> None:
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except BaseException:  # noqa: BLE001 - the worst that user code can do
                tries.append(1)

    stage.begin(program())
    stage.begin(asyncio.sleep(60))
    assert stage.loop.close_run() == 1
    gc.collect()
    assert len(tries) == CLOSE_TRIES
    assert stage.loop.close_run() == 0


class Payload:
    """Something that a coroutine holds."""


def test_a_dropped_run_is_freed_at_once_without_the_collector() -> None:
    gone = list[str]()

    class Host(FakeHost):
        pass

    def run() -> None:
        host = Host()
        stage = Stage()
        stage.host = stage.loop.host = host
        payload = Payload()

        async def child(payload: Payload) -> None:
            await asyncio.sleep(60)

        async def program(payload: Payload) -> None:
            async with asyncio.timeout(100):
                await asyncio.gather(*[child(payload) for _ in range(3)])

        for thing, name in ((stage.loop, "loop"), (host, "host"), (payload, "payload")):
            weakref.finalize(thing, gone.append, name)
        task = stage.start(program(payload))
        weakref.finalize(task, gone.append, "task")
        stage.loop.close_run()
        host.timers.clear()

    gc.collect()
    gc.disable()
    try:
        run()
        assert sorted(gone) == ["host", "loop", "payload", "task"]
    finally:
        gc.enable()


def test_a_waiter_that_is_no_future_of_asyncio_is_left_to_the_collector() -> None:
    stage = Stage()

    class Alien:
        """Future-like, as asyncio's duck typing allows."""

        _asyncio_future_blocking = False

        def __init__(self) -> None:
            self.callbacks = list[Any]()

        def get_loop(self) -> asyncio.AbstractEventLoop:
            return stage.loop

        def add_done_callback(self, callback: Any, *, context: Any = None) -> None:
            self.callbacks.append(callback)

        def cancel(self, msg: object = None) -> bool:
            raise AssertionError("the run is only dropped")

        def __await__(self) -> Any:
            self._asyncio_future_blocking = True
            yield self

    async def program() -> None:
        await Alien()

    task = stage.start(program())
    stage.loop.close_run()
    assert task.cancelled()
