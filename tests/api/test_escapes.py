"""User code that raises what is no Exception: whoever asked is told, and nobody else who waits hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest

from tests.api.harness import Harness, eventually, failure_of
from understudy import workflow
from understudy.client import WorkflowHandle, WorkflowQueryFailedError, WorkflowUpdateFailedError
from understudy.common import RawValue
from understudy.exceptions import ApplicationError, CancelledError

ESCAPES: dict[str, type[BaseException]] = {
    "CancelledError": asyncio.CancelledError,
    "GeneratorExit": GeneratorExit,
    "SystemExit": SystemExit,
    "StopIteration": StopIteration,
}


@workflow.defn
class Loose:
    """Raises whatever it is asked for."""

    def __init__(self) -> None:
        self.over = False
        self.task: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self) -> str:
        self.task = asyncio.create_task(workflow.sleep(100))
        await asyncio.sleep(0)
        self.task.cancel()
        await workflow.wait_condition(lambda: self.over)
        return "over"

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.query
    def is_over(self) -> bool:
        return self.over

    @workflow.query
    def state(self) -> str:
        return str(self.task and self.task.exception())

    @workflow.query
    def look(self, kind: str) -> None:
        raise ESCAPES[kind]

    @workflow.update
    def put(self, kind: str) -> str:
        return kind

    @put.validator
    def check(self, kind: str) -> None:
        if kind in ESCAPES:
            raise ESCAPES[kind]


async def test_a_query_for_the_exception_of_a_cancelled_task_fails_as_others_do(engine: Harness) -> None:
    await engine.work(Loose)
    handle = await engine.start(Loose.run, id="loose")
    with pytest.raises(WorkflowQueryFailedError, match="'state' of workflow 'loose' failed: CancelledError") as caught:
        await handle.query(Loose.state)
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    await handle.signal(Loose.end)
    assert await handle.result() == "over"


@pytest.mark.parametrize("kind", ESCAPES)
async def test_all_others_of_a_turn_are_answered(engine: Harness, kind: str) -> None:
    await engine.work(Loose)
    handle = await engine.start(Loose.run)
    assert not await handle.query(Loose.is_over)
    waiting = asyncio.ensure_future(handle.result())
    asked: list[Any] = [
        handle.execute_update(Loose.put, "first"),
        handle.query(Loose.look, kind),
        handle.execute_update(Loose.put, kind),
        handle.signal(Loose.end),
        handle.query(Loose.is_over),
    ]
    first, queried, refused, ended, seen = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, ended, seen) == ("first", None, True)
    assert isinstance(queried, WorkflowQueryFailedError)
    assert isinstance(refused, WorkflowUpdateFailedError)
    cause = refused.cause
    if kind == "CancelledError":
        assert isinstance(cause, CancelledError)
    else:
        assert isinstance(cause, ApplicationError)
        assert cause.type == kind
    assert await waiting == "over"


class Faulty:
    """Raises what `faults` holds for a place, until that is mended."""

    faults: ClassVar[dict[str, type[BaseException]]] = {}


def fault(place: str) -> None:
    if place in Faulty.faults:
        raise Faulty.faults[place]


@workflow.defn
class Failing:
    """Has faults in many places."""

    def __init__(self) -> None:
        fault("init")
        self.over = False

    def is_over(self) -> bool:
        fault("condition")
        return self.over

    @workflow.run
    async def run(self) -> str:
        fault("run")
        await workflow.wait_condition(self.is_over)
        return "over"

    @workflow.signal
    def end(self) -> None:
        fault("signal")
        self.over = True

    @workflow.signal
    async def end_later(self) -> None:
        await asyncio.sleep(0)
        fault("signal later")
        self.over = True

    @workflow.update
    async def put(self) -> str:
        await asyncio.sleep(0)
        fault("update")
        return "put"


@workflow.defn(dynamic=True)
class Dynamic:
    """Cannot say how it wants to be run."""

    @workflow.dynamic_config
    def config(self) -> workflow.DynamicWorkflowConfig:
        fault("dynamic_config")
        return workflow.DynamicWorkflowConfig()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> str:
        return f"over with {len(args)}"


@pytest.fixture(name="faults")
def faults_that_are_mended() -> Iterator[dict[str, type[BaseException]]]:
    Faulty.faults.clear()
    yield Faulty.faults
    Faulty.faults.clear()


@pytest.mark.parametrize("kind", [GeneratorExit, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("place", ["init", "signal", "dynamic_config"])
async def test_what_escapes_where_no_task_runs_is_a_bug_that_waits_for_mended_code(
    engine: Harness, faults: dict[str, type[BaseException]], place: str, kind: type[BaseException]
) -> None:
    faults[place] = kind
    await engine.work(Failing, Dynamic, Loose)
    handle = await engine.start("anything" if place == "dynamic_config" else Failing.run)
    if place != "dynamic_config":
        await handle.signal(Failing.end)
    await is_stuck(handle, kind)
    other = await engine.start(Loose.run)
    await other.signal(Loose.end)
    assert await other.result() == "over"
    faults.clear()
    assert str(await handle.result()).startswith("over")


@pytest.mark.parametrize("kind", [GeneratorExit, SystemExit])
@pytest.mark.parametrize("place", ["run", "condition", "signal later", "update"])
async def test_so_is_what_ends_a_task_of_the_run(
    engine: Harness, faults: dict[str, type[BaseException]], place: str, kind: type[BaseException]
) -> None:
    faults[place] = kind
    await engine.work(Failing, Loose)
    handle = await engine.start(Failing.run)
    if place == "update":
        update = asyncio.ensure_future(handle.execute_update(Failing.put))
    else:
        await handle.signal(Failing.end_later)
    await is_stuck(handle, kind)
    other = await engine.start(Loose.run)
    await other.signal(Loose.end)
    assert await other.result() == "over"
    faults.clear()
    if place == "update":
        assert await update == "put"
        await handle.signal(Failing.end)
    assert await handle.result() == "over"


@pytest.mark.parametrize("place", ["run", "condition"])
async def test_a_run_that_raises_the_cancelled_error_has_cancelled_itself(
    engine: Harness, faults: dict[str, type[BaseException]], place: str
) -> None:
    faults[place] = asyncio.CancelledError
    await engine.work(Failing)
    cause = await failure_of((await engine.start(Failing.run)).result())
    assert isinstance(cause, CancelledError)
    assert cause.message == "Workflow cancelled itself"


async def test_a_handler_that_raises_it_ends_and_the_run_goes_on(
    engine: Harness, faults: dict[str, type[BaseException]]
) -> None:
    faults["update"] = faults["signal later"] = asyncio.CancelledError
    await engine.work(Failing)
    handle = await engine.start(Failing.run)
    await handle.signal(Failing.end_later)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(Failing.put)
    assert isinstance(caught.value.cause, CancelledError)
    await handle.signal(Failing.end)
    assert await handle.result() == "over"


async def is_stuck(handle: WorkflowHandle[Any, Any], kind: type[BaseException]) -> None:
    """Wait until a run's code has failed with an error of this kind."""

    async def look() -> bool:
        return str((await handle.describe()).waiting_for).startswith(kind.__name__)

    await eventually(look)
