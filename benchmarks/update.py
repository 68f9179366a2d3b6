"""How long does an update take, from its sender to its handler's result, one in flight?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.common import QUEUE, Answer, Options, answer, engine, folder, percentile
from understudy import workflow

WARM_UP = 50


@workflow.defn
class Counter:
    """A workflow that counts, for whoever asks."""

    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: self.count < 0)

    @workflow.update
    def add(self, number: int) -> int:
        """Count, and say how far."""
        self.count += number
        return self.count

    @add.validator
    def check(self, number: int) -> None:
        """Let only numbers in that count up."""
        if number < 1:
            raise ValueError("count up")


async def _latencies(store: Path, count: int) -> list[float]:
    taken = list[float]()
    async with engine(store, [Counter]) as client:
        handle = await client.start_workflow(Counter.run, id="counter", task_queue=QUEUE)
        for number in range(WARM_UP + count):
            began = time.perf_counter()
            total = await handle.execute_update(Counter.add, 1)
            taken.append(time.perf_counter() - began)
            if total != number + 1:
                raise RuntimeError(f"update {number + 1} made the count {total}")
        await handle.terminate()
    return taken[WARM_UP:]


def measure(options: Options) -> Answer:
    """Measure p50 and p99."""
    count = options.sized(1_000, 50)
    found = Answer(facts={"updates": count, "in_flight": 1})
    for _ in range(options.runs):
        with folder(options) as place:
            taken = asyncio.run(_latencies(place / "store.db", count))
        found.add("p50", "ms", percentile(taken, 50) * 1e3)
        found.add("p99", "ms", percentile(taken, 99) * 1e3)
    return found


if __name__ == "__main__":
    answer("update", measure)
