"""An order and its delivery: each part tells on whose behalf it runs, and no part is told by another."""

from __future__ import annotations

from user_id import user_id

from understudy import activity, workflow

__all__ = ["Delivery", "Order", "pack"]


@activity.defn
def pack(what: str) -> str:
    """Pack, in a thread."""
    return f"{what} packed for {user_id.get()}"


@workflow.defn
class Delivery:
    """Waits until somebody says where to."""

    def __init__(self) -> None:
        self.address = ""

    @workflow.run
    async def run(self) -> str:
        """Return a sentence about it."""
        await workflow.wait_condition(lambda: bool(self.address))
        return f"delivered for {user_id.get()} to {self.address}"

    @workflow.signal
    def send_to(self, where: str) -> None:
        """Note where to, and who said so."""
        self.address = f"{where}, as {user_id.get()} said"


@workflow.defn
class Order:
    """Has something packed and delivered."""

    @workflow.run
    async def run(self, what: str) -> list[str]:
        """Return what its parts say."""
        packed = await workflow.execute_activity(pack, what)
        delivery = await workflow.start_child_workflow(Delivery.run)
        await delivery.signal(Delivery.send_to, "Main Street 1")
        return [f"order of {user_id.get()}", packed, await delivery]
