"""What the tests of children share: parents, children, and how one sees how a child stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from tests.api.harness import Harness, eventually
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus as Status
from understudy.client import WorkflowHandle
from understudy.exceptions import ApplicationError

__all__ = [
    "ALL",
    "CHILD",
    "HOUR",
    "Waiter",
    "child",
    "fails",
    "is_",
    "note",
    "order",
    "ship",
    "status",
    "stubborn",
    "until",
]

HOUR: Final = timedelta(hours=1)
CHILD: Final = "child-1"


@activity.defn
async def note(text: str) -> str:
    return text


@workflow.defn
class Waiter:
    """Waits to be told, or cancelled."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, enough: int = 1) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return self.words

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn
async def ship(parcel: str) -> str:
    return await workflow.execute_activity(note, f"shipped {parcel}")


@workflow.defn
async def fails(message: str) -> None:
    raise ApplicationError(message, type="NoStock")


@workflow.defn
async def stubborn(word: str) -> str:
    """Does not mind a cancellation."""
    try:
        await workflow.sleep(HOUR)
    except asyncio.CancelledError:
        return f"{word} because {workflow.cancellation_reason()}"
    return "slept"


@workflow.defn
async def order(child: str, *args: Any) -> Any:
    """Execute one child."""
    return await workflow.execute_child_workflow(child, args=args, id=CHILD)


ALL: Final[tuple[Any, ...]] = (Waiter, ship, fails, stubborn, order, note)


def child(engine: Harness, workflow_id: str = CHILD) -> WorkflowHandle[Any, Any]:
    """A handle to a child."""
    return engine.client.get_workflow_handle(workflow_id)


async def status(engine: Harness, workflow_id: str = CHILD) -> Status | None:
    """How a workflow stands; None: there is none."""
    if engine.client.engine.store.latest(workflow_id) is None:
        return None
    return (await child(engine, workflow_id).describe()).status


async def is_(engine: Harness, wanted: Status | None, workflow_id: str = CHILD) -> bool:
    """Whether a workflow stands so."""
    return await status(engine, workflow_id) is wanted


async def until(engine: Harness, wanted: Status | None, workflow_id: str = CHILD) -> None:
    """Wait until a workflow stands so."""
    await eventually(lambda: is_(engine, wanted, workflow_id))
