"""The audit: after the crash, do the workflows, the ledger and the orders tell the same story, to the cent?

Nothing here trusts the shop. Outcomes are read back from the engine's file, deeds from the ledger's, and each order's
deeds must be exactly those that its outcome stands for: none missing, none done twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger import Entry, Ledger
from orders import Order, Outcome, Status, money
from shop import engine_url
from workflow import OrderWorkflow

from understudy import Client
from understudy.client import WorkflowExecutionStatus
from understudy.exceptions import WorkflowNotFoundError

__all__ = ["Audit", "audit"]

DEEDS: Final = {
    Status.SHIPPED: ("reserve", "charge", "ship", "mail"),
    Status.REFUNDED: ("reserve", "charge", "refund", "release", "mail"),
    Status.DECLINED: ("reserve", "release", "mail"),
    Status.OUT_OF_STOCK: ("mail",),
    Status.INVALID: ("mail",),
}
"""What must have happened, once and in this order, by the time a workflow returns the status."""


@dataclass
class Audit:
    """What the books say."""

    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    orders: Counter[Status] = field(default_factory=Counter[Status])
    cents: Counter[Status] = field(default_factory=Counter[Status])
    lost: list[str] = field(default_factory=list[str])
    charged_twice: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    """Everything that is not as it should be, one sentence each."""


async def audit(folder: Path, orders: Sequence[Order], ledger: Ledger) -> Audit:
    """Compare the outcomes of all orders with what happened."""
    found = Audit(await read_outcomes(folder, orders))
    deeds: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in ledger.entries():
        if entry.kind != "pick":  # the warehouse's own note, which it may write late when it crashes in between
            deeds[entry.order_id].append(entry)
    for order in orders:
        done = deeds.pop(order.id, [])
        if [entry.kind for entry in done].count("charge") > 1:
            found.charged_twice.append(order.id)
        outcome = found.outcomes.get(order.id)
        if outcome is None:
            found.lost.append(order.id)
            found.faults.append(f"{order.id} is lost: no workflow of it has ended")
            continue
        found.orders[outcome.status] += 1
        found.cents[outcome.status] += order.cents
        found.faults += [f"{order.id} is {outcome.status}, but {fault}" for fault in differences(order, outcome, done)]
    found.faults += [f"{order_id} is on the ledger, but nobody ordered it" for order_id in deeds]
    return found


async def read_outcomes(folder: Path, orders: Sequence[Order]) -> dict[str, Outcome]:
    """Return what the workflows returned; those that have not completed are left out."""
    outcomes: dict[str, Outcome] = {}
    async with await Client.connect(engine_url(folder)) as client:
        for order in orders:
            handle = client.get_workflow_handle_for(OrderWorkflow.run, order.id)
            try:
                if (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED:
                    outcomes[order.id] = await handle.result()
            except WorkflowNotFoundError:
                continue
    return outcomes


def differences(order: Order, outcome: Outcome, done: Sequence[Entry]) -> list[str]:
    """Return what of an order's entries does not fit its outcome."""
    shipped = outcome.status is Status.SHIPPED
    paid, wanted = sum(entry.cents for entry in done), order.cents if shipped else 0
    taken, ordered = -sum(entry.quantity for entry in done), order.quantity if shipped else 0
    kinds = tuple(entry.kind for entry in done)
    mails = [entry.note for entry in done if entry.kind == "mail"]
    checks = [
        (outcome.order_id == order.id, f"it is the outcome of {outcome.order_id}"),
        (kinds == DEEDS[outcome.status], f"on the ledger stands {', '.join(kinds) or 'nothing'}"),
        (paid == wanted, f"{money(paid)} was paid, not {money(wanted)}"),
        (taken == ordered, f"{taken} of {order.item} left the shelf, not {ordered}"),
        (mails == [outcome.status], f"the customer was told {', '.join(mails) or 'nothing'}"),
    ]
    return [fault for right, fault in checks if not right]
