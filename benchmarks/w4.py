"""W4: how long from a signal to the result of the workflow that waited for it, one in flight?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.common import QUEUE, Answer, Options, answer, engine, folder, percentile
from understudy import workflow

__all__ = ["Approval"]

WARM_UP = 50


@workflow.defn
class Approval:
    """A workflow that waits for somebody."""

    def __init__(self) -> None:
        self.by = ""

    @workflow.run
    async def run(self, what: str) -> str:
        """Wait until somebody approves."""
        await workflow.wait_condition(lambda: bool(self.by))
        return f"{what} approved by {self.by}"

    @workflow.signal
    def approve(self, by: str) -> None:
        """Approve."""
        self.by = by


async def _latencies(store: Path, count: int) -> list[float]:
    taken = list[float]()
    async with engine(store, [Approval]) as client:
        for number in range(WARM_UP + count):
            handle = await client.start_workflow(Approval.run, "an order", id=f"run-{number}", task_queue=QUEUE)
            began = time.perf_counter()
            await handle.signal(Approval.approve, "kim")
            await handle.result()
            taken.append(time.perf_counter() - began)
    return taken[WARM_UP:]


def measure(options: Options) -> Answer:
    """Measure p50 and p99."""
    count = options.sized(1_000, 50)
    found = Answer(facts={"workflows": count, "in_flight": 1})
    for _ in range(options.runs):
        with folder(options) as place:
            taken = asyncio.run(_latencies(place / "store.db", count))
        found.add("p50", "ms", percentile(taken, 50) * 1e3)
        found.add("p99", "ms", percentile(taken, 99) * 1e3)
    return found


if __name__ == "__main__":
    answer("w4", measure)
