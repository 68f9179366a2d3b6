"""The outside world: stock, payment, carrier and mail, which take their time, lose answers and refuse things.

An activity runs at least once. If its process dies after the deed and before the outcome is on disk, it runs again. So
each deed is posted to the ledger under the activity's idempotency key, the same in every attempt and after a crash, and
counts once.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ledger import Entry, Ledger
from orders import Order, Status

from understudy import activity
from understudy.exceptions import ApplicationError, ApplicationErrorCategory

__all__ = ["Shop"]

REFUSED_CARDS: Final = {"tok_declined": "declined by the bank", "tok_no_funds": "not enough funds"}
ANSWERS_LOST: Final = {"tok_flaky": 2}
"""How many of the answers to a charge on this card do not arrive."""
UNREACHABLE: Final = frozenset({"Atlantis"})


class Shop:
    """The activities, on one ledger; the waits stand for the network."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn
    async def reserve(self, order: Order) -> None:
        """Put the items aside."""
        await asyncio.sleep(0.010)
        if self._ledger.in_stock(order.item) < order.quantity:
            raise refusal(Status.OUT_OF_STOCK, f"no {order.item} left")
        self._post("reserve", order, quantity=-order.quantity)
        await asyncio.sleep(0.010)

    @activity.defn
    async def charge(self, order: Order) -> None:
        """Take the money."""
        await asyncio.sleep(0.020)
        if reason := REFUSED_CARDS.get(order.card):
            raise refusal(Status.DECLINED, reason)
        self._post("charge", order, cents=order.cents)
        await asyncio.sleep(0.040)
        if activity.info().attempt <= ANSWERS_LOST.get(order.card, 0):
            raise ConnectionError("the connection broke before the payment service had answered")

    @activity.defn
    async def ship(self, order: Order, parcel: str) -> None:
        """Hand the parcel to the carrier."""
        await asyncio.sleep(0.020)
        if order.city in UNREACHABLE:
            raise refusal(Status.REFUNDED, f"the carrier brought {parcel} back from {order.city}")
        self._post("ship", order, note=parcel)
        await asyncio.sleep(0.020)

    @activity.defn
    async def notify(self, order: Order, status: Status) -> None:
        """Mail the customer what became of the order."""
        await asyncio.sleep(0.005)
        self._post("mail", order, note=status)

    @activity.defn
    async def refund(self, order: Order) -> None:
        """Give the money back."""
        await asyncio.sleep(0.020)
        self._post("refund", order, cents=-order.cents)

    @activity.defn
    async def release(self, order: Order) -> None:
        """Put the items back on the shelf."""
        await asyncio.sleep(0.010)
        self._post("release", order, quantity=order.quantity)

    def _post(self, kind: str, order: Order, *, quantity: int = 0, cents: int = 0, note: str = "") -> None:
        key = activity.info().idempotency_key
        self._ledger.post(Entry(key, kind, order.id, order.item, quantity, cents, note))


def refusal(status: Status, reason: str) -> ApplicationError:
    """Return the error that says: no, and asking again will not help."""
    benign = ApplicationErrorCategory.BENIGN  # business as usual, and no line in the log
    return ApplicationError(reason, type=status.value, non_retryable=True, category=benign)
