"""Two users order at the same time; each part of an order knows whose it is."""

from __future__ import annotations

import asyncio

from deliveries import Delivery, Order, pack
from user_id import CarryUser, user_id

from understudy import Client, Worker

QUEUE = "orders"


async def order(client: Client, user: str, what: str) -> list[str]:
    """Order something on behalf of a user."""
    user_id.set(user)
    return await client.execute_workflow(Order.run, what, id=f"order-of-{user}", task_queue=QUEUE)


async def main() -> None:
    """Tell the story."""
    async with (
        await Client.connect("memory://", interceptors=[CarryUser()]) as client,
        Worker(client, task_queue=QUEUE, workflows=[Order, Delivery], activities=[pack]),
    ):
        for told in await asyncio.gather(order(client, "kim", "a book"), order(client, "lee", "tea")):
            print(*told, sep="; ")


if __name__ == "__main__":
    asyncio.run(main())
