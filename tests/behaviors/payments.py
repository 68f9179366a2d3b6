"""Activities with options, for the tests of activities that a workflow calls as functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from understudy import activity, workflow
from understudy.common import Priority, RetryPolicy
from understudy.events.activity import ActivityScheduled

__all__ = ["SECOND", "Order", "asked", "charge", "refusal", "seconds"]

SECOND = 1_000_000_000


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass
class Order:
    number: int


@activity.defn(
    start_to_close_timeout=seconds(10),
    heartbeat_timeout=seconds(2),
    retry_policy=RetryPolicy(maximum_attempts=3),
    task_queue="payments",
    summary="the card",
    priority=Priority(priority_key=2, fairness_key="tenant", fairness_weight=1.5),
    cancellation_type=workflow.ActivityCancellationType.ABANDON,
)
async def charge(order: Order, currency: str = "EUR", cents: int = 0, *, dry: bool = False) -> str:
    """Take money."""
    return f"{order.number} {currency} {cents} {dry}"


def asked(code: Any) -> ActivityScheduled:
    """What a workflow function asks for first."""
    run = Rehearsal(code)
    same_again(run)
    found = run.last
    assert isinstance(found, ActivityScheduled)
    return found


def refusal(code: Any, error: type[Exception]) -> str:
    """How the first thing that a workflow function does is refused."""
    with pytest.raises(error) as caught:
        Rehearsal(code)
    return str(caught.value)
