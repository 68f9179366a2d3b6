"""What the tests of resetting share: a workflow to reset, and where in its history it stands."""

from __future__ import annotations

from typing import Any

from tests.api.harness import Harness, eventually, topics
from understudy import activity, workflow
from understudy.client import WorkflowExecutionStatus, WorkflowHandle
from understudy.worker import Replayer

__all__ = ["Order", "Status", "double", "number_of", "replayed", "when"]

Status = WorkflowExecutionStatus


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Order:
    """Doubles, keeps a token, and waits for words."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, number: int, enough: int) -> list[Any]:
        token = str(workflow.uuid4())
        number = await workflow.execute_activity(double, number)
        await workflow.sleep(0.001)
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return [token, await workflow.execute_activity(double, number), self.words]

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.update
    def ask(self, word: str) -> int:
        self.words.append(word)
        return len(self.words)

    @workflow.query
    def told(self) -> list[str]:
        return self.words

    @workflow.query
    def token(self) -> int:
        return workflow.random_seed()


async def number_of(handle: WorkflowHandle[Any, Any], topic: str) -> int:
    """The number of the first event of a kind, once there is one; 0: there is none yet."""
    told = await topics(handle)
    return told.index(topic) + 1 if topic in told else 0


async def when(handle: WorkflowHandle[Any, Any], topic: str) -> int:
    """The number of the first event of a kind; waits for it."""
    found: int = await eventually(lambda: number_of(handle, topic))
    return found


async def replayed(engine: Harness, handle: WorkflowHandle[Any, Any], *code: Any) -> None:
    """Check SAME-AGAIN of the newest run of a workflow."""
    latest = engine.client.get_workflow_handle(handle.id)
    await Replayer(workflows=code).replay_workflow(await latest.fetch_history())
