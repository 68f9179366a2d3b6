"""W3: how many durable steps a second in workflows that start 100 activities at once and gather them, 100 in flight?"""

from __future__ import annotations

import asyncio

from benchmarks.common import QUEUE, Answer, Load, Options, answer, rate
from benchmarks.w1 import Order, charge
from understudy import Client, workflow

IN_FLIGHT = 100
WIDTH = 100


@workflow.defn
class FanOut:
    """A workflow of one wide step."""

    @workflow.run
    async def run(self, order: Order) -> int:
        """Charge a hundred times, all at once."""
        results = await asyncio.gather(*(workflow.execute_activity(charge, order) for _ in range(WIDTH)))
        return len(results)


async def _execute(client: Client, workflow_id: str, number: int) -> int:
    return await client.execute_workflow(FanOut.run, Order(number, "12.00"), id=workflow_id, task_queue=QUEUE)


def measure(options: Options) -> Answer:
    """Measure steps/s."""
    count, in_flight = options.sized(300, 10), options.sized(IN_FLIGHT, 5)
    return rate(options, _execute, ([FanOut], [charge]), Load(count, in_flight, WIDTH))


if __name__ == "__main__":
    answer("w3", measure)
