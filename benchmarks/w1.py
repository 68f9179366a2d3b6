"""W1: how many durable workflows a second, each with one trivial asynchronous activity, 500 in flight?"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.common import QUEUE, Answer, Load, Options, answer, rate
from understudy import Client, activity, workflow

__all__ = ["OneActivity", "Order", "charge", "execute"]

IN_FLIGHT = 500


@dataclass
class Order:
    """What a workflow is started with: small, as most arguments are."""

    id: int
    amount: str


@activity.defn
async def charge(order: Order) -> str:
    """Do next to nothing."""
    return f"charged {order.id}"


@workflow.defn
class OneActivity:
    """A workflow of one step."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Charge."""
        return await workflow.execute_activity(charge, order)


async def execute(client: Client, workflow_id: str, number: int) -> str:
    """Run one workflow to its end."""
    return await client.execute_workflow(OneActivity.run, Order(number, "12.00"), id=workflow_id, task_queue=QUEUE)


def measure(options: Options) -> Answer:
    """Measure workflows/s."""
    count, in_flight = options.sized(10_000, 200), options.sized(IN_FLIGHT, 50)
    return rate(options, execute, ([OneActivity], [charge]), Load(count, in_flight))


if __name__ == "__main__":
    answer("w1", measure)
