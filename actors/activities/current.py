"""The attempt whose code is running, for the functions of `understudy.activity`."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.actors.activities.attempt import Attempt

__all__ = ["current_attempt", "wait_canceled"]

current_attempt: ContextVar[Attempt] = ContextVar("understudy_attempt")
"""The attempt whose code is running, on the loop and in threads; in another process, what stands in for it."""


def wait_canceled(attempt: Attempt, seconds: float | None) -> bool:
    """Wait until an attempt is asked to stop, or `seconds` have passed; return whether it is. Blocks."""
    if attempt.canceled_in_thread is None:
        attempt.canceled_in_thread = threading.Event()
    if attempt.cancel_details is None:  # whoever sets it looks for the event afterwards
        attempt.canceled_in_thread.wait(seconds)
    return attempt.cancel_details is not None
