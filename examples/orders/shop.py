"""The shop: one process that takes orders, runs their workflows and packs parcels, until all orders are closed.

It keeps no notes of how far it got. Started again after a crash, it does the same once more from the top: an order sent
under its own id and request is the order that is already there, a signal sent twice arrives once, and the workflows
that were under way come back by themselves.

    python shop.py FOLDER ORDERS.csv HOW_MANY
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from activities import Shop
from ledger import Entry, Ledger
from orders import Order, Outcome, read_orders
from workflow import OrderWorkflow

from understudy import Client, Worker, WorkflowHandle
from understudy.exceptions import WorkflowClosedError

__all__ = ["PICKS_PER_SECOND", "engine_url", "main", "take"]

QUEUE: Final = "orders"
ORDERS_PER_SECOND: Final = 150
PICKS_PER_SECOND: Final = 60
"""What the people in the warehouse manage at most; nearly all of the demo's time is spent waiting for them."""


def engine_url(folder: Path) -> str:
    """Return where the workflows are kept."""
    return f"sqlite:///{folder.resolve() / 'engine.db'}"


async def main(folder: Path, orders: Sequence[Order]) -> None:
    """Run the shop until all orders are closed."""
    ledger = Ledger(folder / "ledger.db")
    shop = Shop(ledger)
    async with (
        await Client.connect(engine_url(folder)) as client,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[OrderWorkflow],
            activities=[shop.reserve, shop.release, shop.charge, shop.refund, shop.ship, shop.notify],
        ),
        asyncio.TaskGroup() as group,
    ):
        picking = group.create_task(pick(client, ledger))
        taken = [await take(client, order) for order in orders]
        await asyncio.gather(*(handle.result() for handle in taken))
        picking.cancel()
    ledger.close()


async def take(client: Client, order: Order) -> WorkflowHandle[Any, Outcome]:
    """Start an order's workflow, or find the one that was started before, open or closed."""
    await asyncio.sleep(1 / ORDERS_PER_SECOND)
    return await client.start_workflow(OrderWorkflow.run, order, id=order.id, request_id=order.id, task_queue=QUEUE)


async def pick(client: Client, ledger: Ledger) -> None:
    """Be the warehouse: pack what is paid, and signal it."""
    while True:
        for order_id in ledger.unpicked():
            await asyncio.sleep(1 / PICKS_PER_SECOND)
            parcel = f"parcel {order_id.removeprefix('order-')}"
            handle = client.get_workflow_handle(order_id)
            with suppress(WorkflowClosedError):  # the signal arrived before the crash, and the rest has happened since
                await handle.signal(OrderWorkflow.picked, parcel, request_id=f"pick/{order_id}")
            ledger.post(Entry(f"pick/{order_id}", "pick", order_id, note=parcel))
        await asyncio.sleep(1 / PICKS_PER_SECOND)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), read_orders(Path(sys.argv[2]))[: int(sys.argv[3])]))
