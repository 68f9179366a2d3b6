"""Payouts: a workflow and an activity with things in them that are nobody's business."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import ApplicationError

__all__ = ["Account", "PayoutWorkflow", "paid", "transfer"]

paid = asyncio.Event()
"""Set when the money is on its way."""


@dataclass
class Account:
    """Where money goes."""

    owner: str
    iban: str


@activity.defn
async def transfer(account: Account, cents: int) -> str:
    """Send the money; the first attempt meets a bank that is away, and says so with all details."""
    if activity.info().attempt == 1:
        raise ApplicationError(f"the bank of {account.iban} did not answer", account)
    paid.set()
    return f"{cents} cents to {account.iban}"


@workflow.defn
class PayoutWorkflow:
    """Pay, and wait until the owner has confirmed."""

    def __init__(self) -> None:
        self.confirmed_by = ""

    @workflow.run
    async def run(self, account: Account, cents: int) -> str:
        """Return a sentence about it."""
        receipt = await workflow.execute_activity(
            transfer,
            args=[account, cents],
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )
        await workflow.wait_condition(lambda: bool(self.confirmed_by))
        return f"{receipt}, confirmed by {self.confirmed_by}"

    @workflow.signal
    def confirm(self, who: str) -> None:
        """Note who confirmed."""
        self.confirmed_by = who
