"""How many children a second does one parent start and await, a thousand at once?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from benchmarks.common import QUEUE, Answer, Options, answer, engine, folder
from understudy import workflow


@workflow.defn
async def leaf(number: int) -> int:
    """Do what little a child can do."""
    return number


@workflow.defn
async def parent(count: int) -> int:
    """Start so many children, and await them all."""
    return sum(await asyncio.gather(*(workflow.execute_child_workflow(leaf, number) for number in range(count))))


PROGRAM: list[Any] = [leaf, parent]


async def _seconds(store: Path, count: int) -> float:
    async with engine(store, PROGRAM) as client:
        await client.execute_workflow(parent, 5, id="warm-up", task_queue=QUEUE)
        began = time.perf_counter()
        total = await client.execute_workflow(parent, count, id="parent", task_queue=QUEUE)
        seconds = time.perf_counter() - began
        if total != count * (count - 1) // 2:
            raise RuntimeError(f"the children of the parent came to {total}")
        return seconds


def measure(options: Options) -> Answer:
    """Measure children/s."""
    count = options.sized(1_000, 50)
    found = Answer(facts={"children": count})
    for _ in range(options.runs):
        with folder(options) as place:
            found.add("rate", "children/s", count / asyncio.run(_seconds(place / "store.db", count)))
    return found


if __name__ == "__main__":
    answer("children", measure)
