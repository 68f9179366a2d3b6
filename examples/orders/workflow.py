"""What becomes of an order, from its validation to the last message to the customer.

This is ordinary Python, and it is durable: each `await` is a place where the process may die. The next one leads the
code back to this place with the results that are on disk, and no step that has an outcome runs again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from activities import Shop
from orders import Order, Outcome, Status

from understudy import workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError

__all__ = ["OrderWorkflow"]

# Without a limit: a service that is down is asked until it answers. What is refused for good is not retryable.
RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=5))


@workflow.defn
class OrderWorkflow:
    """One order."""

    def __init__(self) -> None:
        self._parcel = ""

    @workflow.signal
    def picked(self, parcel: str) -> None:
        """The warehouse has packed the order."""
        self._parcel = parcel

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        """Fulfil the order, and tell the customer how it went."""
        outcome = await self._fulfil(order)
        await step(Shop.notify, order, outcome.status)
        return outcome

    async def _fulfil(self, order: Order) -> Outcome:
        if fault := order.fault():
            return Outcome(order.id, Status.INVALID, fault)
        compensations: list[Step] = []
        try:
            await step(Shop.reserve, order)
            compensations.append(Shop.release)
            await step(Shop.charge, order)
            compensations.append(Shop.refund)
            await workflow.wait_condition(lambda: bool(self._parcel))
            await step(Shop.ship, order, self._parcel)
        except ActivityError as error:
            for compensation in reversed(compensations):
                await step(compensation, order)
            return refused(order, error)
        return Outcome(order.id, Status.SHIPPED)


Step = Callable[..., Awaitable[None]]


async def step(activity: Step, *args: object) -> None:
    """Have an activity done, however many attempts it takes."""
    await workflow.execute_activity_method(
        activity, args=args, start_to_close_timeout=timedelta(seconds=10), retry_policy=RETRY
    )


def refused(order: Order, error: ActivityError) -> Outcome:
    """Return the outcome that an activity named when it refused; any other failure is the workflow's own."""
    reason = error.cause
    if isinstance(reason, ApplicationError) and reason.type in list(Status):
        return Outcome(order.id, Status(reason.type), reason.message)
    raise error
