"""A run that does nothing until it is woken, for the tests of workers."""

from __future__ import annotations

from understudy import workflow

__all__ = ["Sleeper"]


@workflow.defn
class Sleeper:
    """Sleeps until it is woken."""

    def __init__(self) -> None:
        self.awake = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.awake)
        return "awake"

    @workflow.signal
    def wake(self) -> None:
        self.awake = True
