"""Polls of a worker of Temporal's at its server: accepted and ignored, since work is handed over here."""

from __future__ import annotations

import msgspec

from understudy.events.public import public

__all__ = ["PollerBehaviorSimpleMaximum"]


@public("understudy.worker")
class PollerBehaviorSimpleMaximum(msgspec.Struct, frozen=True):
    """The number of polls of a worker at its server; accepted and ignored: work is handed over, not polled."""

    maximum: int = 5
