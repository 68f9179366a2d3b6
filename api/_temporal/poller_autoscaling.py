"""Polls of a worker of Temporal's that chooses their number itself: accepted and ignored, see `polling`.

It stands apart because every worker has the default of `polling`, and a dataclass takes time to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from understudy._temporal.polling import PollerBehaviorSimpleMaximum
from understudy.events.public import public

__all__ = ["PollerBehavior", "PollerBehaviorAutoscaling"]


@public("understudy.worker")
@dataclass(frozen=True)
class PollerBehaviorAutoscaling:
    """The limits between which a worker chooses its number of polls; accepted and ignored: work is handed over."""

    minimum: int = 1
    maximum: int = 100
    initial: int = 5


PollerBehavior: TypeAlias = PollerBehaviorSimpleMaximum | PollerBehaviorAutoscaling
