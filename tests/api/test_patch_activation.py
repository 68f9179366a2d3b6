"""A worker decides whether a run that comes to a patch first goes the new way; the run keeps to what was decided."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, topics
from tests.api.test_trouble import stuck
from understudy import workflow
from understudy.client import Client, WorkflowHandle
from understudy.exceptions import ArgumentTypeError, QueryRefusedError
from understudy.worker import PatchActivationInput, Replayer, Worker


@workflow.defn(name="order")
class Patched:
    @workflow.run
    async def run(self) -> list[bool]:
        before = workflow.patched("slow")
        await workflow.receive("go")
        return [before, workflow.patched("slow")]


@workflow.defn(name="order")
class Old:
    """As it was before the patch."""

    @workflow.run
    async def run(self) -> list[bool]:
        await workflow.receive("go")
        return []


@workflow.defn(name="order")
class Deprecated:
    @workflow.run
    async def run(self) -> list[bool]:
        workflow.deprecate_patch("slow")
        await workflow.receive("go")
        return [True]


class Asked:
    """A callback that says always the same, and remembers what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.inputs: list[PatchActivationInput] = []

    def __call__(self, asked: PatchActivationInput) -> Any:
        self.inputs.append(asked)
        return self.answer


async def finished(handle: WorkflowHandle[Any, Any]) -> Any:
    """The result, once it may end."""
    await handle.signal("go")
    return await handle.result()


@pytest.mark.parametrize("answer", [True, False])
async def test_the_worker_is_asked_once_and_the_run_keeps_to_the_answer(engine: Harness, *, answer: bool) -> None:
    asked = Asked(answer)
    await engine.work(Patched, patch_activation_callback=asked, max_cached_workflows=0)
    handle = await engine.start(Patched.run)
    assert await finished(handle) == [answer, answer]
    assert [(each.patch_id, each.workflow_info.workflow_id) for each in asked.inputs] == [("slow", handle.id)]
    await Replayer(workflows=[Patched]).replay_workflow(await handle.fetch_history())


async def test_code_from_before_the_patch_goes_on_with_a_run_that_declined_it(engine: Harness) -> None:
    worker = await engine.work(Patched, patch_activation_callback=Asked(answer=False))
    handle = await engine.start(Patched.run)
    await eventually(lambda: _recorded(handle))
    await worker.shutdown()
    await engine.work(Old)
    assert await finished(handle) == []


async def test_a_run_that_took_the_patch_is_not_asked_again_by_a_worker_that_declines(engine: Harness) -> None:
    worker = await engine.work(Patched, patch_activation_callback=Asked(answer=True))
    handle = await engine.start(Patched.run)
    await eventually(lambda: _recorded(handle))
    await worker.shutdown()
    declines = Asked(answer=False)
    await engine.work(Patched, patch_activation_callback=declines)
    assert await finished(handle) == [True, True]
    assert declines.inputs == []


async def test_a_deprecated_patch_has_no_old_way_so_nobody_is_asked(engine: Harness) -> None:
    declines = Asked(answer=False)
    await engine.work(Deprecated, patch_activation_callback=declines)
    handle = await engine.start(Deprecated.run)
    assert await finished(handle) == [True]
    assert declines.inputs == []


async def test_it_may_decide_by_clock_and_dice_for_the_answer_is_recorded(engine: Harness) -> None:
    def decides(_asked: PatchActivationInput) -> bool:
        return random.random() < 2 < time.time()  # noqa: S311 - a share of the runs

    await engine.work(Patched, patch_activation_callback=decides, max_cached_workflows=0)
    assert await finished(await engine.start(Patched.run)) == [True, True]


async def test_a_query_that_comes_to_the_patch_first_decides_nothing(engine: Harness) -> None:
    @workflow.defn
    class Asks:
        @workflow.run
        async def run(self) -> None:
            await workflow.receive("go")

        @workflow.query
        def way(self) -> bool:
            return workflow.patched("slow")

    asked = Asked(answer=True)
    await engine.work(Asks, patch_activation_callback=asked)
    handle = await engine.start(Asks.run)
    with pytest.raises(QueryRefusedError, match="its handler asked for a patch_activation_callback"):
        await handle.query(Asks.way)
    assert asked.inputs == []


def _asks(_asked: PatchActivationInput) -> bool:
    workflow.upsert_memo({"asked": True})
    return True


def _rolls(_asked: PatchActivationInput) -> bool:
    return workflow.random().random() < 2


def _schedules(_asked: PatchActivationInput) -> bool:
    asyncio.get_running_loop().call_soon(print)
    return True


def _raises(_asked: PatchActivationInput) -> bool:
    raise LookupError("no flags")


@pytest.mark.parametrize(
    ("callback", "text"),
    [
        (_asks, "in a patch_activation_callback, which may only read"),
        (_rolls, "in a patch_activation_callback, which may only read"),
        (_schedules, "in a patch_activation_callback, which may only read"),
        (_raises, "LookupError: no flags"),
        (Asked("yes"), "the result of patch_activation_callback is 'yes', where True or False is expected"),
    ],
    ids=["requests", "dice", "tasks", "error", "no bool"],
)
async def test_a_callback_that_does_more_than_to_decide_stops_the_turn_until_it_is_mended(
    engine: Harness, callback: Callable[[PatchActivationInput], bool], text: str
) -> None:
    worker = await engine.work(Patched, patch_activation_callback=callback)
    handle = await engine.start(Patched.run)
    await stuck(handle, text)
    assert "patch.recorded" not in await topics(handle)
    await worker.shutdown()
    await engine.work(Patched)
    assert await finished(handle) == [True, True]


@pytest.mark.parametrize("callback", ["always", False])
async def test_what_cannot_be_called_is_refused(engine: Harness, callback: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=f"patch_activation_callback is {callback!r}"):
        _worker(engine.client, callback)


def _worker(client: Client, callback: Any) -> Worker:
    return Worker(client, task_queue="q", workflows=[Patched], patch_activation_callback=callback)


async def _recorded(handle: WorkflowHandle[Any, Any]) -> bool:
    return "patch.recorded" in await topics(handle)
