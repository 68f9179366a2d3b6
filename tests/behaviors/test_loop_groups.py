"""TaskGroup: a failure cancels the siblings in the order in which they began, and all errors come together."""

from __future__ import annotations

import asyncio

from tests.behaviors.stage import Stage, elapsed, play


async def fail(seconds: float, error: Exception) -> None:
    """Fail after a time."""
    await asyncio.sleep(seconds)
    raise error


def test_a_group_waits_for_all_its_tasks() -> None:
    async def program() -> tuple[list[int], float]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(seconds, seconds)) for seconds in (3, 1, 2)]
        return [task.result() for task in tasks], elapsed()

    assert play(program()) == ([3, 1, 2], 3.0)


def test_tasks_of_a_group_have_names_and_may_start_others() -> None:
    names = list[str]()

    async def child(group: asyncio.TaskGroup, depth: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())
        if depth:
            group.create_task(child(group, depth - 1))

    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(group, 2), name="first")

    play(program())
    assert names == ["first", "Task-3", "Task-4"]


def test_a_failure_cancels_the_siblings_in_the_order_in_which_they_began() -> None:
    stage, trace = Stage(), list[int]()

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            trace.append(number)

    async def program() -> float:
        caught = list[str]()
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(work(number))
                group.create_task(fail(5, ValueError("broken")))
        except* ValueError as errors:
            caught += map(str, errors.exceptions)
        assert caught == ["broken"]
        return elapsed()

    assert stage.play(program()) == 5.0
    assert trace == list(range(20))
    assert len(stage.host.cancelled) == 20


def test_errors_of_cleanup_join_the_group_of_errors() -> None:
    async def stubborn(name: str) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            raise KeyError(name) from None

    async def program() -> list[str]:
        caught = list[str]()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(stubborn("a"))
                group.create_task(fail(5, ValueError("first")))
                group.create_task(stubborn("b"))
        except* ValueError as errors:
            caught += [f"value {error}" for error in errors.exceptions]
        except* KeyError as errors:
            caught += [f"key {error}" for error in errors.exceptions]
        return caught

    assert play(program()) == ["value first", "key 'a'", "key 'b'"]


def test_an_error_in_the_body_cancels_the_tasks() -> None:
    trace = list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            trace.append("cancelled")
            raise

    async def program() -> None:
        caught = list[str]()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
                await asyncio.sleep(1)
                raise ValueError("body")  # noqa: TRY301 - in the body it has to be
        except* ValueError as errors:
            caught += map(str, errors.exceptions)
        assert caught == ["body"]

    play(program())
    assert trace == ["cancelled"]


def test_the_failure_of_a_task_interrupts_the_body() -> None:
    async def program() -> tuple[str, float]:
        reached = "begun"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail(2, ValueError("broken")))
                await asyncio.sleep(60)
                reached = "too far"
        except* ValueError:
            pass
        await asyncio.sleep(1)  # the body's cancellation was the group's own: no trace of it is left
        return reached, elapsed()

    assert play(program()) == ("begun", 3.0)


def test_a_group_inside_a_group_fails_inwards_first() -> None:
    trace = list[str]()

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            trace.append(name)

    async def program() -> list[str]:
        caught = list[str]()
        try:
            async with asyncio.TaskGroup() as outer:
                outer.create_task(work("outer"))
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(work("inner"))
                    inner.create_task(fail(1, ValueError("deep")))
        except* ValueError as errors:
            (nested,) = errors.exceptions
            assert isinstance(nested, ExceptionGroup)
            caught.append(str(nested.exceptions[0]))
        return caught

    assert play(program()) == ["deep"]
    assert trace == ["inner", "outer"]


def test_a_cancelled_group_cancels_its_tasks_and_stays_a_cancellation() -> None:
    stage, trace = Stage(), list[int]()

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            trace.append(number)

    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(work(number))

    task = stage.start(program())
    task.cancel()
    stage.turn()
    assert task.cancelled()
    assert trace == [0, 1, 2, 3, 4]
    assert stage.host.timers == {}


def test_a_group_within_a_time_limit_is_cancelled_when_it_is_over() -> None:
    async def program() -> float:
        try:
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(60))
                group.create_task(asyncio.sleep(70))
        except TimeoutError:
            return elapsed()
        return 0

    assert play(program()) == 10.0


def test_a_task_of_a_group_that_is_cancelled_alone_leaves_the_others() -> None:
    async def program() -> tuple[bool, str]:
        async with asyncio.TaskGroup() as group:
            alone = group.create_task(asyncio.sleep(60))
            other = group.create_task(asyncio.sleep(2, "other"))
            await asyncio.sleep(1)
            alone.cancel()
        return alone.cancelled(), other.result()

    assert play(program()) == (True, "other")
