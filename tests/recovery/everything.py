"""One workflow that uses the whole language at once, and goes on as another run of itself."""

from __future__ import annotations

import asyncio
from typing import Any

from understudy import workflow
from understudy.common import SearchAttributeKey
from understudy.exceptions import ActivityError, ApplicationError, ChildWorkflowError

__all__ = ["EVERYTHING", "Everything", "leaf"]

CITY = SearchAttributeKey.for_keyword("City")


@workflow.defn
async def leaf(word: str) -> str:
    """A child that says something, or fails."""
    if not word:
        raise ApplicationError("nothing to say")
    return word


@workflow.defn
class Everything:
    """Messages of all kinds, children, changes, compensations, a promise, a channel; twice."""

    @workflow.init
    def __init__(self, part: int) -> None:
        self.part = part
        self.told: list[Any] = []
        self.token = ""

    @workflow.run
    async def run(self, part: int) -> list[Any]:
        if part == 1:
            await self._first()
            workflow.continue_as_new(2)
        return [await workflow.receive("topic", type=str), workflow.memo_value("told", type_hint=list[Any])]

    async def _first(self) -> None:
        workflow.set_signal_handler("late", self.told.append)
        self._decide()
        self.told.append(await workflow.execute_local_activity("whisper", "SOFTLY", result_type=str))
        async with asyncio.TaskGroup() as group:
            for number in range(2):
                _ = group.create_task(self._child(f"child {number}" if number else ""))
        self.told.append(await workflow.receive("topic", type=str))
        winner = await workflow.select(quick=workflow.sleep(0.001), slow=workflow.sleep(3_600))
        self.told.append(winner.name)
        promise = workflow.promise(type=str)
        self.token = promise.token
        self.told.append(await promise)
        await self._undo()
        await workflow.get_external_workflow_handle(workflow.info().workflow_id).signal("topic", "to myself")
        await workflow.wait_condition(workflow.all_handlers_finished)
        self.told.sort(key=str)
        workflow.upsert_memo({"told": self.told})

    def _decide(self) -> None:
        if workflow.patched("new"):
            self.told.append(workflow.get_version("tax", 1, 2))
        self.told.append(workflow.side_effect(lambda: "once"))
        workflow.upsert_memo({"stage": 1})
        workflow.upsert_search_attributes([CITY.value_set("Ulm")])
        workflow.set_current_details("under way")

    async def _child(self, word: str) -> None:
        try:
            self.told.append(await workflow.execute_child_workflow(leaf, word, id=f"leaf {word}"))
        except ChildWorkflowError as error:
            self.told.append(str(error.cause))

    async def _undo(self) -> None:
        try:
            async with workflow.Saga() as saga:
                saga.add(self._undone, "first")
                saga.add(self._undone, "second")
                await workflow.execute_activity("refuse")
        except ActivityError as error:
            self.told.append(str(error.cause))

    async def _undone(self, word: str) -> None:
        self.told.append(await workflow.execute_activity("say", f"undo {word}", result_type=str))

    @workflow.signal
    async def say(self, word: str) -> None:
        self.told.append(await workflow.execute_activity("shout", word, result_type=str))

    @workflow.update
    async def ask(self, word: str) -> str:
        await workflow.sleep(0.001)
        return await workflow.execute_activity("say", f"{word}!", result_type=str)

    @ask.validator
    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("an empty word")

    @workflow.query
    def key(self) -> str:
        return self.token


EVERYTHING = [Everything, leaf]
