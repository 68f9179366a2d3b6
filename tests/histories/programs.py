"""The workflows whose histories are kept, one a feature; their code never changes, only the engine does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from understudy import activity, workflow
from understudy.common import RetryPolicy, SearchAttributeKey
from understudy.exceptions import ActivityError, ApplicationError, ChildWorkflowError

__all__ = ["ACTIVITIES", "WORKFLOWS"]

CITY = SearchAttributeKey.for_keyword("City")
ONCE = RetryPolicy(maximum_attempts=1)


@activity.defn
async def double(number: int) -> int:
    return number * 2


@activity.defn
async def stumble(times: int) -> int:
    if activity.info().attempt <= times:
        activity.heartbeat(activity.info().attempt)
        raise ApplicationError("not yet", type="NotYet")
    return activity.info().attempt


@activity.defn
async def hang() -> None:
    await asyncio.Event().wait()


@workflow.defn
async def activities() -> list[Any]:
    found: list[Any] = [await workflow.execute_activity(double, 4), await double(5)]
    found.append(await workflow.execute_local_activity(double, 6))
    found.append(await workflow.execute_activity(stumble, 2, retry_policy=RetryPolicy(maximum_attempts=5)))
    try:
        await workflow.execute_activity(stumble, 9, retry_policy=ONCE, summary="fails")
    except ActivityError as error:
        found.append(str(error.cause))
    handle = workflow.start_activity(
        hang,
        heartbeat_timeout=timedelta(seconds=60),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    await workflow.sleep(1)
    handle.cancel()
    try:
        await handle
    except ActivityError as error:
        found.append(type(error.cause).__name__)
    return found


@workflow.defn
class Asyncio:
    """asyncio's own means, durable where they wait."""

    @workflow.run
    async def run(self) -> list[Any]:
        found: list[Any] = []
        lock, queue = asyncio.Lock(), asyncio.Queue[int](1)

        async def work(number: int) -> int:
            async with lock:
                await workflow.sleep(number)
                found.append(number)
            await queue.put(number)
            return number

        async with asyncio.TaskGroup() as group:
            for number in (3, 1, 2):
                _ = group.create_task(work(number))
            found.extend([-(await queue.get()) for _ in range(3)])
        try:
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            found.append("late")
        done, waiting = await workflow.wait(
            [asyncio.ensure_future(work(7)), asyncio.ensure_future(work(8))], return_when=asyncio.FIRST_COMPLETED
        )
        found.append([len(done), len(waiting)])
        found.append(await asyncio.gather(workflow.execute_activity(double, 1), workflow.execute_activity(double, 2)))
        winner = await workflow.select(fast=workflow.sleep(1), slow=workflow.sleep(9))
        return [*found, winner.name]


@workflow.defn
class Messages:
    """Signals, updates, handlers set at run time, channels, a promise."""

    @workflow.init
    def __init__(self, word: str) -> None:
        self.said = [word]
        self.token = ""
        self.may_end = False

    @workflow.run
    async def run(self, word: str) -> list[str]:
        self.said.append(f"began with {word}")
        workflow.set_signal_handler("late", self.said.append)
        self.said.append(await workflow.receive("topic", type=str))
        promise = workflow.promise(type=str)
        self.token = promise.token
        self.said.append(await promise)
        await workflow.wait_condition(lambda: self.may_end and workflow.all_handlers_finished())
        return self.said

    @workflow.signal
    async def say(self, word: str) -> None:
        self.said.append(word)
        await workflow.sleep(1)
        self.said.append(word.upper())

    @workflow.signal(dynamic=False)
    def end(self) -> None:
        self.may_end = True

    @workflow.update
    async def ask(self, word: str) -> int:
        self.said.append(word)
        info = workflow.current_update_info()
        self.said.append(info.name if info is not None else "")
        return await workflow.execute_activity(double, len(word))

    @ask.validator
    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("an empty word")

    @workflow.update
    def refuse(self) -> None:
        raise ApplicationError("never", type="Never")

    @workflow.query
    def where(self) -> str:
        return self.token


@workflow.defn
class Child:
    """A child of many kinds."""

    def __init__(self) -> None:
        self.given = ""

    @workflow.run
    async def run(self, kind: str) -> str:
        if kind == "fail":
            raise ApplicationError("it failed", type="Failed")
        if kind == "wait":
            await workflow.wait_condition(lambda: bool(self.given))
        if kind == "for ever":
            await asyncio.Event().wait()
        return self.given or kind

    @workflow.signal
    def give(self, word: str) -> None:
        self.given = word


@workflow.defn
async def children() -> list[str]:
    found = [await workflow.execute_child_workflow(Child.run, "quick", id="child-quick")]
    try:
        await workflow.execute_child_workflow(Child.run, "fail", id="child-fail")
    except ChildWorkflowError as error:
        found.append(str(error.cause))
    patient = await workflow.start_child_workflow(Child.run, "wait", id="child-wait")
    await patient.signal(Child.give, "a word")
    found.append(await patient)
    other = await workflow.start_child_workflow(Child.run, "for ever", id="child-for-ever")
    other.cancel()
    try:
        await other
    except ChildWorkflowError as error:
        found.append(type(error.cause).__name__)
    stranger = workflow.get_external_workflow_handle("nobody")
    try:
        await stranger.signal("hello")
    except ApplicationError as error:
        found.append(error.type or "")
    third = await workflow.start_child_workflow(
        Child.run, "for ever", id="child-abandoned", parent_close_policy=workflow.ParentClosePolicy.ABANDON
    )
    await workflow.get_external_workflow_handle(third.id).cancel()
    return found


@workflow.defn
async def continuing(rest: int) -> int:
    if rest:
        await workflow.sleep(1)
        workflow.continue_as_new(rest - 1)
    return int(await workflow.receive("number", type=int))


@workflow.defn
async def changes() -> list[Any]:
    found: list[Any] = [workflow.patched("new way"), workflow.get_version("tax", 1, 3)]
    workflow.deprecate_patch("old way")
    found.append(workflow.side_effect(lambda: "configured"))
    found += [workflow.random().random(), str(workflow.uuid4()), workflow.now().year]
    workflow.upsert_memo({"stage": 2, "gone": None})
    workflow.upsert_search_attributes([CITY.value_set("Ulm")])
    workflow.set_current_details("half way")
    await workflow.sleep(1)
    return [*found, workflow.random().randint(1, 6), workflow.info().get_current_history_length()]


@workflow.defn
async def declining() -> list[Any]:
    before = workflow.patched("new way")
    await workflow.sleep(1)
    return [before, workflow.patched("new way")]


@workflow.defn
class Cancelled:
    """Cleans up when it is cancelled, in a saga and under a shield."""

    @workflow.run
    async def run(self) -> None:
        async with workflow.Saga() as saga:
            saga.add(double, 1)
            saga.add(double, 2)
            try:
                await workflow.sleep(timedelta(days=1))
            finally:
                await asyncio.shield(workflow.execute_activity(double, 3))


@workflow.defn
async def again(fails: int) -> str:
    await workflow.sleep(1)
    if workflow.info().attempt <= fails:
        raise ApplicationError("once more")
    return str(workflow.get_last_failure())


ACTIVITIES: list[Any] = [double, stumble, hang]
WORKFLOWS: list[Any] = [
    activities,
    Asyncio,
    Messages,
    Child,
    children,
    continuing,
    changes,
    Cancelled,
    again,
    declining,
]
