"""What the tests of pausing run: a desk that takes things until it has enough, and a nap."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from understudy import workflow
from understudy.exceptions import ApplicationError

__all__ = ["MINUTE", "Desk", "nap"]

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
