"""What the tests of pausing share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tests.api.harness import Harness, eventually, topics
from understudy import workflow
from understudy.client import WorkflowHandle
from understudy.exceptions import ApplicationError

__all__ = ["MINUTE", "Desk", "gone", "has", "nap", "passivate"]

MINUTE: Final = timedelta(minutes=1)


@workflow.defn
class Desk:
    """Takes things until it has enough."""

    def __init__(self) -> None:
        self.things: list[str] = []

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.things) >= enough)
        return self.things

    @workflow.signal
    def put(self, thing: str) -> None:
        self.things.append(thing)

    @workflow.query
    def seen(self) -> list[str]:
        return self.things

    @workflow.update
    def hand(self, thing: str) -> int:
        self.things.append(thing)
        return len(self.things)

    @hand.validator
    def check(self, thing: str) -> None:
        if not thing:
            raise ApplicationError("an empty hand")


@workflow.defn
async def nap(seconds: float) -> float:
    """How long a sleep was."""
    before = workflow.time()
    await workflow.sleep(seconds)
    return workflow.time() - before


async def has(handle: WorkflowHandle[Any, Any], topic: str, times: int = 1) -> bool:
    """Whether something is recorded of a run, so many times."""
    return (await topics(handle)).count(topic) >= times


def passivate(engine: Harness) -> int:
    """Let all runs that are idle leave memory; how many stay."""
    workflows = engine.client.engine.workflows
    workflows.passivate(0)
    return len(workflows.live)


async def gone(engine: Harness) -> None:
    """Wait until no run is in memory."""
    await eventually(lambda: passivate(engine) == 0)
