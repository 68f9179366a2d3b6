"""workflow.wait and as_completed: asyncio's, with the order of what was given and of what completed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.stage import Stage, elapsed, play
from understudy.actors.behaviors.loop.waits import as_completed, wait


async def nap(seconds: float, error: str = "") -> float:
    """Take some seconds and return them, or fail."""
    await asyncio.sleep(seconds)
    if error:
        raise ValueError(error)
    return seconds


def naps(*seconds: float) -> list[asyncio.Task[float]]:
    """Tasks that take so many seconds each."""
    return [asyncio.create_task(nap(each)) for each in seconds]


def test_wait_waits_for_all_and_keeps_their_order() -> None:
    async def program() -> tuple[list[float], int, float]:
        tasks = naps(3, 1, 2)
        done, pending = await wait([*tasks, tasks[0]])
        return [task.result() for task in done], len(pending), elapsed()

    assert play(program()) == ([3, 1, 2], 0, 3.0)


def test_wait_for_the_first_completed_leaves_the_others_running() -> None:
    async def program() -> tuple[list[bool], list[bool], float]:
        tasks = naps(3, 1, 2, 1)
        done, pending = await wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return [task in done for task in tasks], [task.done() for task in pending], elapsed()

    assert play(program()) == ([False, True, False, False], [False, False, False], 1.0)


def test_wait_for_the_first_exception_is_over_at_an_error_and_not_at_a_cancellation() -> None:
    async def program() -> tuple[list[str], list[str], float]:
        tasks = [
            asyncio.create_task(nap(1), name="fine"),
            asyncio.create_task(nap(9), name="late"),
            asyncio.create_task(nap(3, "broken"), name="broken"),
            asyncio.create_task(nap(9), name="cancelled"),
        ]
        tasks[3].cancel()
        done, pending = await wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        assert (await wait(tasks, return_when=asyncio.FIRST_EXCEPTION))[0] == done
        return [task.get_name() for task in done], [task.get_name() for task in pending], elapsed()

    assert play(program()) == (["fine", "broken", "cancelled"], ["late"], 3.0)


def test_wait_for_the_first_exception_waits_for_all_where_there_is_none() -> None:
    async def program() -> float:
        await wait(naps(1, 2), return_when=asyncio.FIRST_EXCEPTION)
        return elapsed()

    assert play(program()) == 2.0


def test_wait_with_a_time_out_tells_what_is_done_by_then() -> None:
    stage = Stage()

    async def program() -> tuple[list[bool], list[bool], float]:
        tasks = naps(5, 1, 7)
        done, pending = await wait(tasks, timeout=3)
        return [task in done for task in tasks], [task in pending for task in tasks], elapsed()

    assert stage.play(program()) == ([False, True, False], [True, False, True], 3.0)
    assert stage.host.started[-1] != 3_000_000_000


def test_wait_that_is_over_in_time_cancels_its_timer() -> None:
    stage = Stage()

    async def program() -> None:
        await wait(naps(1), timeout=10)

    stage.play(program())
    assert sorted(stage.host.started) == [1_000_000_000, 10_000_000_000]
    assert len(stage.host.cancelled) == 1


def test_wait_for_what_is_done_needs_neither_a_turn_nor_a_timer() -> None:
    stage = Stage()

    async def program() -> bool:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        other = asyncio.get_running_loop().create_future()
        done, pending = await wait([other, future], timeout=10, return_when=asyncio.FIRST_COMPLETED)
        everything = await wait([future], timeout=10)
        return (done, pending) == ([future], [other]) and everything == ([future], [])

    assert stage.play(program())
    assert stage.host.started == []


def test_wait_of_no_time_looks_and_goes_on() -> None:
    stage = Stage()

    async def program() -> tuple[int, int]:
        done, pending = await wait([asyncio.create_task(asyncio.sleep(0)), *naps(1)], timeout=0)
        return len(done), len(pending)

    assert stage.play(program()) in {(0, 2), (1, 1)}
    assert stage.host.started == [1_000_000_000]


def test_a_cancelled_wait_leaves_what_it_waited_for_running() -> None:
    stage = Stage()

    async def program() -> str:
        tasks = naps(5, 6)
        try:
            await wait(tasks, timeout=10)
        except asyncio.CancelledError:
            return f"{[task.done() for task in tasks]}"
        return "not cancelled"

    task = stage.start(program())
    task.cancel()
    stage.turn()
    assert task.result() == "[False, False]"
    assert len(stage.host.timers) == 2
    stage.loop.close_run()


def test_a_time_out_and_a_completion_in_the_same_turn_wake_once() -> None:
    stage = Stage()
    future = stage.loop.create_future()
    task = stage.start(wait([future], timeout=5))
    stage.host.fire_next()
    future.set_result(None)
    stage.turn()
    assert task.result() == ([future], [])


def test_wait_refuses_what_asyncio_refuses() -> None:
    one: Any = asyncio.sleep(1)

    async def program() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TypeError, match="not one coroutine"):
            await wait(one)
        with pytest.raises(TypeError, match="not one NumberedFuture"):
            await wait(loop.create_future())
        with pytest.raises(TypeError, match=r"asyncio\.create_task"):
            await wait([one])
        with pytest.raises(ValueError, match="at least one"):
            await wait([])
        with pytest.raises(ValueError, match="'SOMETIME'"):
            await wait([loop.create_future()], return_when="SOMETIME")

    play(program())
    one.close()


def test_as_completed_gives_results_as_they_come() -> None:
    async def program() -> list[tuple[float, float]]:
        return [(await result, elapsed()) for result in as_completed([nap(3), nap(1), nap(2)])]

    assert play(program()) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_as_completed_starts_coroutines_in_the_order_given() -> None:
    trace = list[int]()

    async def work(number: int) -> int:
        trace.append(number)
        return number

    async def program() -> list[int]:
        return [await result for result in as_completed([work(number) for number in range(100)])]

    assert play(program()) == trace == list(range(100))


def test_as_completed_asynchronously_gives_the_futures_themselves() -> None:
    async def program() -> list[str]:
        tasks = {asyncio.create_task(nap(seconds)): str(seconds) for seconds in (3, 1, 2)}
        return [tasks[done] async for done in as_completed(tasks) if isinstance(done, asyncio.Task)]

    assert play(program()) == ["1", "2", "3"]


def test_as_completed_gives_what_is_done_already_in_the_order_given() -> None:
    async def program() -> list[int]:
        futures = [asyncio.get_running_loop().create_future() for _ in range(50)]
        for number, future in reversed(list(enumerate(futures))):
            future.set_result(number)
        return [await result for result in as_completed([*futures, *futures])]

    assert play(program()) == list(range(50))


def test_as_completed_raises_the_errors_where_they_come() -> None:
    async def program() -> list[str]:
        outcomes = list[str]()
        for result in as_completed([nap(2, "broken"), nap(1), nap(3)]):
            try:
                outcomes.append(f"{await result}")
            except ValueError as error:
                outcomes.append(str(error))
        return outcomes

    assert play(program()) == ["1", "broken", "3"]


def test_as_completed_with_a_time_out_raises_for_each_that_has_not_come() -> None:
    stage = Stage()

    async def program() -> tuple[list[str], float]:
        outcomes = list[str]()
        for result in as_completed([nap(9), nap(1), nap(8)], timeout=5):
            try:
                outcomes.append(f"{await result}")
            except TimeoutError:
                outcomes.append("too late")
        return outcomes, elapsed()

    assert stage.play(program()) == (["1", "too late", "too late"], 5.0)


def test_as_completed_cancels_its_timer_when_all_have_come() -> None:
    stage = Stage()

    async def program() -> None:
        for result in as_completed([nap(2), nap(1)], timeout=50):
            await result

    stage.play(program())
    assert stage.host.timers == {}
    assert len(stage.host.cancelled) == 1


def test_a_completion_behind_the_time_out_in_the_same_turn_is_too_late() -> None:
    stage = Stage()
    future = stage.loop.create_future()

    async def program() -> str:
        try:
            async for done in as_completed([future], timeout=5):
                return f"{done.result()}"
        except TimeoutError:
            return "too late"
        return "nothing came"

    task = stage.start(program())
    stage.host.fire_next()
    future.set_result("late")
    stage.turn()
    assert task.result() == "too late"


def test_as_completed_of_nothing_is_over_at_once() -> None:
    async def program() -> list[Any]:
        none = list[asyncio.Future[int]]()
        return [
            *[await result for result in as_completed(none, timeout=5)],
            *[done async for done in as_completed(none)],
        ]

    stage = Stage()
    assert stage.play(program()) == []
    assert stage.host.started == []


def test_as_completed_takes_several() -> None:
    async def program() -> None:
        one: Any = asyncio.get_running_loop().create_future()
        with pytest.raises(TypeError, match="not one NumberedFuture"):
            as_completed(one)

    play(program())
