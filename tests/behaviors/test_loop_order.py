"""The same again: no order depends on where objects lie in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from tests.behaviors.stage import FakeHost, Stage, churn, elapsed, play
from understudy.actors.behaviors.loop.loop import DeterministicLoop
from understudy.actors.behaviors.loop.numbered import NumberedFuture
from understudy.events.errors import DeterminismError

T = TypeVar("T")


def same_again(program: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Play a program a few times over a heap that looks different each time; the results must be the same."""
    first = play(program())
    for seed in range(5):
        heap = churn(seed)
        assert play(program()) == first
        del heap
    return first


def test_a_set_of_tasks_iterates_the_same_again() -> None:
    async def program() -> list[str]:
        tasks = {asyncio.create_task(asyncio.sleep(0), name=str(number)) for number in range(100)}
        names = [task.get_name() for task in tasks]
        await asyncio.gather(*tasks)
        return names

    assert same_again(program) == [str(number) for number in range(100)]


def test_a_set_of_futures_iterates_the_same_again() -> None:
    async def program() -> list[int]:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(100)]
        places = {future: place for place, future in enumerate(futures)}
        return [places[future] for future in set(futures)]

    assert same_again(program) == list(range(100))


def test_a_future_of_another_make_has_a_place_of_its_own_as_soon_as_a_set_asks() -> None:
    class Handle(NumberedFuture[None]):
        pass

    async def program() -> list[int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, DeterministicLoop)
        handles = [Handle(loop=loop) for _ in range(50)]
        places = {id(handle): place for place, handle in enumerate(handles)}
        return [places[id(handle)] for handle in {*handles, *handles}]

    assert same_again(program) == list(range(50))


def test_the_sets_of_asyncio_wait_iterate_the_same_again() -> None:
    async def program() -> tuple[list[str], list[str]]:
        tasks = [asyncio.create_task(asyncio.sleep(number % 7), name=str(number)) for number in range(50)]
        done, pending = await asyncio.wait(tasks, timeout=3.5)
        for task in pending:
            task.cancel()
        return [task.get_name() for task in done], [task.get_name() for task in pending]

    done, pending = same_again(program)
    assert (len(done), len(pending)) == (29, 21)


def test_asyncio_as_completed_of_tasks_is_the_same_again() -> None:
    async def nap(number: int) -> int:
        await asyncio.sleep(number % 3)
        return number

    async def program() -> list[int]:
        tasks = [asyncio.create_task(nap(number)) for number in range(30)]
        await asyncio.sleep(1)
        return [await result for result in asyncio.as_completed(tasks)]

    assert sorted(same_again(program)) == list(range(30))


def test_asyncio_as_completed_of_coroutines_is_refused_with_the_name_of_what_to_use() -> None:
    stage = Stage()

    async def program() -> None:
        for result in asyncio.as_completed([asyncio.sleep(1)]):
            await result

    stage.add(program())
    with pytest.raises(DeterminismError) as caught:
        stage.turn()
    assert caught.value.call == "asyncio.as_completed"
    assert caught.value.instead.startswith("workflow.as_completed")
    assert caught.value.file == __file__
    assert caught.value.line == program.__code__.co_firstlineno + 1
    stage.loop.close_run()


def test_gather_and_wait_for_of_coroutines_are_not_mistaken_for_as_completed() -> None:
    async def program() -> list[int]:
        return [
            *await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)),
            await asyncio.shield(asyncio.sleep(0, 3)),
        ]

    assert play(program()) == [1, 2, 3]


def test_a_failing_group_cancels_hundreds_in_the_same_order_again() -> None:
    async def program() -> list[int]:
        trace = list[int]()

        async def work(number: int) -> None:
            try:
                await asyncio.sleep(60 + number % 5)
            finally:
                trace.append(number)

        async def fail() -> None:
            await asyncio.sleep(1)
            raise ValueError

        with suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for number in range(300):
                    group.create_task(work(number))
                group.create_task(fail())
        return trace

    assert same_again(program) == list(range(300))


def test_a_thousand_tasks_run_in_the_order_in_which_they_began() -> None:
    async def program() -> list[int]:
        trace = list[int]()

        async def work(number: int) -> int:
            trace.append(number)
            await asyncio.sleep(0)
            trace.append(number)
            await asyncio.sleep(10 - number % 2)
            trace.append(number)
            return number

        assert await asyncio.gather(*[work(number) for number in range(1000)]) == list(range(1000))
        return trace

    everyone = list(range(1000))
    assert same_again(program) == [*everyone, *everyone, *everyone[1::2], *everyone[::2]]


def test_thousands_of_runs_in_one_process_do_not_slow_each_other_down() -> None:
    """Their tasks share asyncio's weak set, so their hashes there must differ."""
    host = FakeHost()
    hashes = set[int]()

    class Watched(set[Any]):
        pass

    loops = [DeterministicLoop(host) for _ in range(2000)]
    for loop in loops:
        task = loop.create_task(asyncio.sleep(60))
        watched = Watched({task})
        hashes.update(map(hash, watched))
        loop.run_until_idle()
    everywhere = getattr(asyncio.tasks, "_scheduled_tasks", None) or getattr(asyncio.tasks, "_all_tasks", ())
    registered = {hash(reference) for reference in getattr(everywhere, "data", ())}
    assert hashes == {1}
    assert len(registered) > 1900 or not registered
    for loop in loops:
        loop.close_run()


def test_what_happens_in_one_turn_happens_in_the_order_of_its_causes() -> None:
    stage, trace = Stage(), list[str]()
    futures = [stage.loop.create_future() for _ in range(5)]

    async def wait(number: int) -> None:
        await futures[number]
        trace.append(f"{number} at {elapsed():g}")

    for number in range(5):
        stage.add(wait(number))
    stage.turn()
    for number in (3, 1, 4, 0, 2):
        futures[number].set_result(None)
    stage.turn()
    assert trace == ["3 at 0", "1 at 0", "4 at 0", "0 at 0", "2 at 0"]


def test_a_waiter_is_a_plain_future_of_the_loop() -> None:
    loop = Stage().loop
    waiter = loop.create_waiter()
    assert type(waiter) is asyncio.Future
    assert waiter.get_loop() is loop
