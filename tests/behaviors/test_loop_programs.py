"""Any program takes the same steps again: generated programs of asyncio's parts are played twice (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.behaviors.stage import Stage, churn, elapsed
from understudy.actors.behaviors.loop.waits import as_completed, wait

Step: TypeAlias = tuple[Any, ...]
Script: TypeAlias = Sequence[Step]

seconds = st.integers(0, 4)
simple = st.one_of(
    st.tuples(st.just("sleep"), seconds),
    st.tuples(st.just("lock"), seconds),
    st.tuples(st.just("semaphore"), seconds),
    st.tuples(st.sampled_from(["set", "clear", "await", "put", "get", "notify", "until", "fail"])),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
)


def compound(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    """Steps that contain scripts."""
    script = st.lists(steps, max_size=2)
    scripts = st.lists(script, min_size=1, max_size=3)
    names = ["gather", "group", "wait", "asyncio.wait", "first", "as_completed", "race"]
    return st.one_of(
        st.tuples(st.sampled_from(["timeout", "wait_for"]), seconds, script),
        st.tuples(st.just("shield"), script),
        st.tuples(st.sampled_from(names), scripts),
    )


programs = st.lists(st.lists(st.recursive(simple, compound, max_leaves=4), max_size=4), min_size=1, max_size=3)


class Actor:
    """Plays a program and writes down what happens when."""

    def __init__(self, trace: list[str]) -> None:
        self.trace = trace
        self.tasks: list[asyncio.Task[None]] = []
        self.lock, self.semaphore = asyncio.Lock(), asyncio.Semaphore(2)
        self.event, self.queue, self.condition = asyncio.Event(), asyncio.Queue[str](maxsize=3), asyncio.Condition()

    def note(self, what: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.trace.append(f"{elapsed():g} {task.get_name()} {what}")

    def begin(self, script: Script) -> asyncio.Task[None]:
        task = asyncio.create_task(self.play(script))
        self.tasks.append(task)
        return task

    async def play(self, script: Script) -> None:
        for step in script:
            self.note(f"begins {step[0]}")
            try:
                await (self.simple(*step) if step[0] in SIMPLE else self.compound(*step))
            except asyncio.CancelledError:
                self.note(f"is cancelled in {step[0]}")
                raise
            except (TimeoutError, RuntimeError, ExceptionGroup) as error:
                self.note(f"{step[0]}: {type(error).__name__}")
                if step[0] == "fail":
                    raise
            self.note(f"ends {step[0]}")

    async def simple(self, kind: str, argument: int = 0) -> None:
        match kind:
            case "sleep":
                await asyncio.sleep(argument)
            case "lock":
                async with self.lock:
                    await asyncio.sleep(argument)
            case "semaphore":
                async with self.semaphore:
                    await asyncio.sleep(argument)
            case "set":
                self.event.set()
            case "clear":
                self.event.clear()
            case "await":
                await self.event.wait()
            case "put":
                await self.queue.put(str(len(self.trace)))
            case "get":
                self.note(await self.queue.get())
            case "notify":
                async with self.condition:
                    self.condition.notify(2)
            case "until":
                async with self.condition:
                    await self.condition.wait()
            case "cancel":
                self.tasks[argument % len(self.tasks)].cancel()
            case _:
                raise RuntimeError(kind)

    async def compound(self, *step: Any) -> None:
        match step:
            case "timeout", limit, script:
                async with asyncio.timeout(limit):
                    await self.play(script)
            case "wait_for", limit, script:
                await asyncio.wait_for(self.play(script), limit)
            case "shield", script:
                await asyncio.shield(self.begin(script))
            case "gather", scripts:
                await asyncio.gather(*[self.play(script) for script in scripts], return_exceptions=True)
            case "group", scripts:
                async with asyncio.TaskGroup() as group:
                    for script in scripts:
                        self.tasks.append(group.create_task(self.play(script)))
            case "as_completed", scripts:
                async for done in as_completed([self.play(script) for script in scripts], timeout=5):
                    self.note(f"{isinstance(done, asyncio.Task) and done.get_name()}")
            case kind, scripts:
                await self.several(kind, [self.begin(script) for script in scripts])
            case _:
                raise AssertionError(step)

    async def several(self, kind: str, tasks: list[asyncio.Task[None]]) -> None:
        match kind:
            case "wait":
                done, pending = await wait(tasks, timeout=3)
            case "first":
                done, pending = await wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            case "asyncio.wait":
                done, pending = map(list, await asyncio.wait(tasks, timeout=3))
            case _:
                for ended in asyncio.as_completed(tasks):
                    await ended
                return
        self.note(f"{[task.get_name() for task in done]} before {[task.get_name() for task in pending]}")
        for task in pending:
            task.cancel()


SIMPLE = {"sleep", "lock", "semaphore", "set", "clear", "await", "put", "get", "notify", "until", "fail", "cancel"}


async def perform(program: Sequence[Script], trace: list[str]) -> None:
    """Play all scripts at once, for a minute at most, and then cancel what is left, in the order of a set."""
    actor = Actor(trace)
    scripts = [actor.begin(script) for script in program]
    await wait(scripts, timeout=60)
    for task in {*actor.tasks}:
        task.cancel()
    await asyncio.gather(*actor.tasks, return_exceptions=True)


def record(program: Sequence[Script]) -> tuple[list[str], list[int], list[int]]:
    """Everything of a play that a history would show, to its end or to where it waits for what never comes."""
    stage, trace = Stage(), list[str]()
    task = stage.start(perform(program, trace))
    while not task.done() and stage.host.timers:
        stage.fire()
    stage.loop.close_run()
    return trace, stage.host.started, stage.host.cancelled


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine says nothing about the code
@given(programs, st.integers(0, 9))
def test_any_program_takes_the_same_steps_again(program: list[list[Step]], seed: int) -> None:
    first = record(program)
    heap = churn(seed)
    assert record(program) == first
    del heap
