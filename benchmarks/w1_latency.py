"""W1, one in flight: how long from the start of a workflow to its result, on an engine that has no other work?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.common import Answer, Options, answer, engine, folder, percentile
from benchmarks.w1 import OneActivity, charge, execute

WARM_UP = 50


async def _latencies(store: Path, count: int) -> list[float]:
    taken = list[float]()
    async with engine(store, [OneActivity], [charge]) as client:
        for number in range(WARM_UP + count):
            began = time.perf_counter()
            await execute(client, f"run-{number}", number)
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
    answer("w1_latency", measure)
