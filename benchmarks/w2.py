"""W2: how many durable steps a second in workflows of ten activities in sequence, 500 in flight?"""

from __future__ import annotations

from benchmarks.common import QUEUE, Answer, Load, Options, answer, rate
from benchmarks.w1 import Order, charge
from understudy import Client, workflow

IN_FLIGHT = 500
STEPS = 10


@workflow.defn
class TenActivities:
    """A workflow of ten steps, one after the other."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Charge ten times."""
        result = ""
        for _ in range(STEPS):
            result = await workflow.execute_activity(charge, order)
        return result


async def _execute(client: Client, workflow_id: str, number: int) -> str:
    return await client.execute_workflow(TenActivities.run, Order(number, "12.00"), id=workflow_id, task_queue=QUEUE)


def measure(options: Options) -> Answer:
    """Measure steps/s."""
    count, in_flight = options.sized(3_000, 50), options.sized(IN_FLIGHT, 25)
    return rate(options, _execute, ([TenActivities], [charge]), Load(count, in_flight, STEPS))


if __name__ == "__main__":
    answer("w2", measure)
