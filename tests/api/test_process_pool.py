"""Activities in a process pool: functions, arguments and what is raised cross by cloudpickle."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import cloudpickle
import pytest

from tests.api.harness import ONCE, Harness, failure_of
from understudy import activity, workflow
from understudy.exceptions import ActivityError, ApplicationError

pytestmark = pytest.mark.processes


@dataclass
class Matrix:
    rows: list[list[int]]


@workflow.defn
class Call:
    """Calls one activity by its name."""

    @workflow.run
    async def run(self, name: str, args: list[Any]) -> Any:
        return await workflow.execute_activity(name, args=args, retry_policy=ONCE)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that share nothing with this one: what they run has to come to them."""
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)  # a test module cannot be imported there
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool
    cloudpickle.unregister_pickle_by_value(here)


async def test_plain_activities_run_in_another_process(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def where() -> int:
        return os.getpid()

    @activity.defn
    async def here() -> int:
        return os.getpid()

    await engine.work(Call, where, here, activity_executor=pool)
    assert await engine.execute(Call.run, "where", []) != os.getpid()
    assert await engine.execute(Call.run, "here", []) == os.getpid(), "async ones stay on the loop"


async def test_closures_and_local_types_cross(engine: Harness, pool: ProcessPoolExecutor) -> None:
    factor = 3

    @dataclass
    class Local:
        number: int

    @activity.defn
    def times(number: int) -> int:
        return Local(number * factor).number

    await engine.work(Call, times, activity_executor=pool)
    assert await engine.execute(Call.run, "times", [14]) == 42


async def test_arguments_and_results_keep_their_types(engine: Harness, pool: ProcessPoolExecutor) -> None:
    def transpose(matrix: Matrix) -> Matrix:
        return type(matrix)([list(row) for row in zip(*matrix.rows, strict=True)])

    transpose = activity.defn(transpose)

    @workflow.defn
    async def transposes() -> Matrix:
        return await workflow.execute_activity(transpose, Matrix([[1, 2], [3, 4]]))

    await engine.work(transposes, transpose, activity_executor=pool)
    assert await engine.execute(transposes) == Matrix([[1, 3], [2, 4]])


async def test_methods_bring_their_object(engine: Harness, pool: ProcessPoolExecutor) -> None:
    class Tax:
        def __init__(self, percent: int) -> None:
            self.percent = percent

        @activity.defn
        def of(self, net: int) -> int:
            return net * self.percent // 100

    await engine.work(Call, Tax(19).of, activity_executor=pool)
    assert await engine.execute(Call.run, "of", [100]) == 19


async def test_what_is_raised_in_the_other_process_arrives(engine: Harness, pool: ProcessPoolExecutor) -> None:
    @activity.defn
    def declines() -> None:
        raise ApplicationError("declined", 7, type="Declined")

    @activity.defn
    def breaks() -> None:
        raise ZeroDivisionError("by zero")

    await engine.work(Call, declines, breaks, activity_executor=pool)
    error = await failure_of(engine.execute(Call.run, "declines", []))
    assert isinstance(error, ActivityError)
    cause: Any = error.cause
    assert (cause.type, cause.message, list(cause.details)) == ("Declined", "declined", [7])
    error = await failure_of(engine.execute(Call.run, "breaks", []))
    cause = error.__cause__
    assert (cause.type, cause.message) == ("ZeroDivisionError", "by zero")


async def test_what_cannot_cross_is_said_and_does_not_break_the_pool(
    engine: Harness, pool: ProcessPoolExecutor
) -> None:
    @activity.defn
    def returns_a_lock() -> Any:
        import threading

        return threading.Lock()

    @activity.defn
    def raises_a_lock() -> None:
        import threading

        raise ValueError(threading.Lock())

    await engine.work(Call, returns_a_lock, raises_a_lock, activity_executor=pool)
    for name, kind in (("returns_a_lock", "lock"), ("raises_a_lock", "ValueError")):
        error = await failure_of(engine.execute(Call.run, name, []))
        cause: Any = error.__cause__
        assert cause.type == kind
        assert "cannot cross from the process pool" in cause.message
