"""A user who is carried in headers, and who asks for that user: an activity, and a child that is rung."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta

from understudy import activity, workflow
from understudy.common import Priority

__all__ = ["Child", "user", "who"]

user: ContextVar[str] = ContextVar("user", default="nobody")
"""What is carried from the caller to everything that comes of the call."""


@activity.defn(start_to_close_timeout=timedelta(seconds=7), priority=Priority(priority_key=3))
async def who(greeting: str) -> str:
    """Say who asks."""
    return f"{greeting} {user.get()}"


@workflow.defn
class Child:
    """Waits for a signal, and tells who sent it."""

    def __init__(self) -> None:
        self.sent_by: list[str] = []

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: len(self.sent_by) == 1)
        return f"{user.get()} and {self.sent_by[0]}"

    @workflow.signal
    async def ring(self, word: str) -> None:
        assert word
        self.sent_by.append(user.get())
