"""Trouble in workflow code: bugs, other code than before, looks outside, turns that do not yield."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, has, topics
from understudy import activity, workflow
from understudy.client import WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from understudy.exceptions import DeterminismError, NondeterminismError


async def stuck(handle: WorkflowHandle[Any, Any], text: str = "") -> WorkflowExecutionDescription:
    """Wait until a run's code has failed, for a reason that contains `text`."""

    async def look() -> WorkflowExecutionDescription | None:
        found = await handle.describe()
        return found if found.failed_turns and text in str(found.waiting_for) else None

    found: WorkflowExecutionDescription = await eventually(look)
    return found


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@activity.defn
async def triple(number: int) -> int:
    return 3 * number


# -- bugs ------------------------------------------------------------------------------------------------------------


async def test_a_bug_does_not_fail_the_run_it_waits_for_the_mended_code(engine: Harness) -> None:
    broken = True

    @workflow.defn
    async def buggy() -> int:
        number = await workflow.execute_activity(double, 1)
        if broken:
            raise LookupError("no such thing")
        return number

    await engine.work(buggy, double)
    handle = await engine.start(buggy)
    found = await stuck(handle)
    assert found.status is WorkflowExecutionStatus.RUNNING
    assert found.waiting_for == "LookupError: no such thing"
    assert found.next_turn_at is not None
    broken = False
    assert await handle.result() == 2
    found = await handle.describe()
    assert (found.failed_turns, found.waiting_for, found.next_turn_at) == (0, None, None)
    assert await topics(handle) == [
        "workflow.started",
        "activity.scheduled",
        "activity.completed",
        "turn.deferred",
        "turn.resumed",
        "workflow.completed",
    ]


async def test_a_failing_turn_is_tried_again_at_growing_intervals(engine: Harness) -> None:
    times: list[float] = []

    @workflow.defn
    async def fails_thrice() -> int:
        with workflow.unsafe.sandbox_unrestricted():
            times.append(time.monotonic())
        if len(times) < 4:
            raise ValueError("again")
        return len(times)

    await engine.work(fails_thrice)
    assert await engine.execute(fails_thrice) == 4
    waits = [after - before for before, after in pairwise(times)]
    assert waits[0] >= 0.09
    assert waits[1] >= 0.19
    assert waits[2] >= 0.39


async def test_a_stuck_run_takes_signals_and_can_be_ended(engine: Harness) -> None:
    @workflow.defn
    class Stuck:
        @workflow.run
        async def run(self) -> None:
            raise ValueError("a bug")

        @workflow.signal
        def note(self) -> None: ...

    await engine.work(Stuck)
    handle = await engine.start(Stuck.run)
    await stuck(handle)
    await handle.signal(Stuck.note)
    await handle.cancel()
    await handle.terminate(reason="hopeless")
    assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED


async def test_a_bug_in_the_constructor_is_a_bug_like_any_other(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Fragile:
        def __init__(self) -> None:
            if broken:
                raise ValueError("a bug")

        @workflow.run
        async def run(self) -> str:
            return "well"

    await engine.work(Fragile)
    handle = await engine.start(Fragile.run)
    await stuck(handle, "ValueError: a bug")
    broken = False
    assert await handle.result() == "well"


async def test_a_result_that_does_not_fit_the_hint_holds_the_run_and_names_both_types(engine: Harness) -> None:
    @activity.defn(name="double")
    async def says_it_in_words(number: int) -> str:
        return "two"

    @workflow.defn(name="Doubles")
    async def doubles() -> int:
        return await workflow.execute_activity(double, 1)

    await engine.work(doubles, says_it_in_words)
    handle = await engine.start(doubles)
    found = await stuck(handle)
    assert "the result of activity #1 of workflow 'Doubles'" in str(found.waiting_for)
    assert "of type string and cannot be read as int" in str(found.waiting_for)


async def test_arguments_that_do_not_fit_hold_the_run_and_name_both_types(engine: Harness) -> None:
    @workflow.defn(name="Doubles")
    async def doubles(number: int) -> int:
        return 2 * number

    handle = await engine.start("Doubles", "two")
    await engine.work(doubles)
    found = await stuck(handle)
    assert "argument 1 ('number') of workflow 'Doubles'" in str(found.waiting_for)
    assert "of type string and cannot be read as int" in str(found.waiting_for)


async def test_what_cannot_be_stored_holds_the_run_and_names_where_it_was_given(engine: Harness) -> None:
    @workflow.defn(name="Odd")
    async def odd(how: str) -> Any:
        if how == "argument":
            await workflow.execute_activity(double, object())  # type: ignore[arg-type]  # wrong on purpose
        return object()

    await engine.work(odd, double)
    found = await stuck(await engine.start(odd, "argument"))
    assert "argument 1 ('number') of activity 'double' of workflow 'Odd'" in str(found.waiting_for)
    assert "type object cannot be stored as int" in str(found.waiting_for)
    found = await stuck(await engine.start(odd, "result"))
    assert "the result of workflow 'Odd'" in str(found.waiting_for)


async def test_a_task_that_fails_unseen_is_logged(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("unseen")

    @workflow.defn
    async def careless() -> str:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        del task
        await workflow.sleep(0.001)
        return "done"

    await engine.work(careless)
    assert await engine.execute(careless) == "done"
    assert any("unseen" in record.getMessage() for record in caplog.records)


# -- other code than before ------------------------------------------------------------------------------------------


@workflow.defn(name="Steps")
class Before:
    """Doubles, waits, and doubles again."""

    def __init__(self) -> None:
        self.go_on = False

    @workflow.run
    async def run(self) -> int:
        number = await workflow.execute_activity(double, 1)
        await workflow.wait_condition(lambda: self.go_on)
        return await workflow.execute_activity(double, number)

    @workflow.signal
    def proceed(self) -> None:
        self.go_on = True

    @workflow.query
    def done(self) -> bool:
        return self.go_on


@workflow.defn(name="Steps")
class After(Before):
    """Triples first."""

    @workflow.run
    async def run(self) -> int:
        number = await workflow.execute_activity(triple, 1)
        await workflow.wait_condition(lambda: self.go_on)
        return number


async def test_changed_code_is_noticed_and_the_old_code_goes_on(durable: Harness) -> None:
    await durable.work(Before, double, triple)
    handle = await durable.start(Before.run, id="steps")

    async def waiting() -> bool:
        return "activity.completed" in await topics(handle)

    await eventually(waiting)
    await durable.restart()
    await durable.work(After, double, triple)
    handle = durable.client.get_workflow_handle("steps")
    await handle.signal("proceed")
    found = await stuck(handle)
    line = Before.run.__code__.co_firstlineno + 2
    other = After.run.__code__.co_firstlineno + 2
    assert re.search(
        rf"NondeterminismError: .* event 2 of run .* is activity\.scheduled .*'double'.* \(test_trouble\.py:{line}\), "
        rf"but the replay came to activity\.scheduled .*'triple'.* \(test_trouble\.py:{other}\)",
        str(found.waiting_for),
    )
    assert found.status is WorkflowExecutionStatus.RUNNING
    await durable.restart()
    await durable.work(Before, double, triple)
    assert await durable.client.get_workflow_handle("steps").result() == 4


async def test_code_that_asks_for_less_than_before_is_noticed(durable: Harness) -> None:
    @workflow.defn(name="Steps")
    async def less() -> int:
        await workflow.sleep(timedelta(hours=1))
        return 0

    await durable.work(Before, double)
    handle = await durable.start(Before.run, id="steps")
    await eventually(lambda: has(handle, "activity.completed"))
    await durable.restart()
    await durable.work(less, double)
    handle = durable.client.get_workflow_handle("steps")
    await handle.signal("proceed")
    found = await stuck(handle, "NondeterminismError")
    assert "activity.scheduled" in str(found.waiting_for)
    assert "timer.started" in str(found.waiting_for)


async def test_a_difference_that_a_query_came_upon_does_not_hold_up_what_comes_later(durable: Harness) -> None:
    await durable.work(Before, double, triple)
    handle = await durable.start(Before.run, id="steps")
    await eventually(lambda: has(handle, "activity.completed"))
    await durable.restart()
    await durable.work(After, double, triple)
    handle = durable.client.get_workflow_handle("steps")
    with pytest.raises(NondeterminismError, match="'triple'"):
        await handle.query("done")
    await durable.restart()
    await durable.work(Before, double, triple)
    handle = durable.client.get_workflow_handle("steps")
    assert await handle.query("done") is False
    assert (await handle.describe()).waiting_for is None
    await handle.signal("proceed")
    assert await handle.result() == 4
    await durable.restart()
    await durable.work(Before, double, triple)
    assert await durable.client.get_workflow_handle("steps").query("done") is True


async def test_a_swallowed_difference_is_noticed_all_the_same(durable: Harness) -> None:
    @workflow.defn(name="Steps")
    async def swallows() -> int:
        try:
            return await workflow.execute_activity(triple, 1)
        except Exception:  # noqa: BLE001 - what this test is about
            return 0

    await durable.work(Before, double)
    handle = await durable.start(Before.run, id="steps")
    await eventually(lambda: has(handle, "activity.completed"))
    await durable.restart()
    await durable.work(swallows, triple)
    handle = durable.client.get_workflow_handle("steps")
    await handle.signal("proceed")
    await stuck(handle, "NondeterminismError")


# -- looks outside ---------------------------------------------------------------------------------------------------

OUTSIDE: dict[str, tuple[str, str, str]] = {
    "clock": ("time", "time", "workflow.time"),
    "file": ("os", "listdir", "activity"),
    "dice": ("random", "random", "workflow.random"),
    "identifier": ("uuid", "uuid4", "workflow.uuid4"),
}
"""Module, function, and what to use instead."""


@pytest.mark.parametrize("what", OUTSIDE)
@pytest.mark.parametrize("swallow", [False, True], ids=["raised", "swallowed"])
async def test_a_look_outside_is_refused_with_the_name_of_what_to_use(
    engine: Harness, what: str, *, swallow: bool
) -> None:
    module, name, instead = OUTSIDE[what]
    allowed = False

    @workflow.defn
    async def peeks() -> str:
        if not allowed:
            try:
                getattr(sys.modules[module], name)()  # by a way that the lint cannot see
            except DeterminismError:
                if not swallow:
                    raise
        return "done"

    await engine.work(peeks)
    handle = await engine.start(peeks)
    found = await stuck(handle)
    assert "in workflow code (" in str(found.waiting_for)
    assert "test_trouble.py:" in str(found.waiting_for)
    assert instead in str(found.waiting_for)
    allowed = True
    assert await handle.result() == "done"


async def test_a_workflow_without_guards_may_look_outside(engine: Harness) -> None:
    @workflow.defn(sandboxed=False)
    async def peeks() -> bool:
        return time.time() > 0

    await engine.work(peeks)
    assert await engine.execute(peeks) is True


# -- turns that do not yield -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True], ids=["limit of the worker", "limit of the workflow"])
async def test_a_turn_that_does_not_yield_is_stopped_and_tried_again(
    engine: Harness, caplog: pytest.LogCaptureFixture, *, own: bool
) -> None:
    endless = True

    @workflow.defn(deadlock_timeout=timedelta(milliseconds=100) if own else None)
    async def spins() -> str:
        while endless:
            pass
        return "done"

    @workflow.defn
    async def innocent() -> str:
        await workflow.sleep(0.001)
        return "well"

    worker: Any = {} if own else {"deadlock_timeout": timedelta(milliseconds=100)}
    await engine.work(spins, innocent, **worker)
    handle = await engine.start(spins, id="spinner")
    found = await stuck(handle, "DeadlockError")
    assert "a turn of workflow 'spinner'" in str(found.waiting_for)
    assert "while endless" in str(found.waiting_for)
    assert await engine.execute(innocent) == "well"
    assert any("did not yield" in record.getMessage() for record in caplog.records)
    endless = False
    assert await handle.result() == "done"
