"""The attempt whose code is running, and why it is asked to stop: said once, and what it says does not change."""

from __future__ import annotations

from typing import Final

import msgspec

from understudy.events.public import public

__all__ = ["CANCEL_REQUESTED", "NOT_FOUND", "TIMED_OUT", "WORKER_SHUTDOWN", "ActivityCancellationDetails"]


@public("understudy.activity")
class ActivityCancellationDetails(msgspec.Struct, frozen=True):
    """Why an attempt was asked to stop.

    Attributes:
        not_found: nobody waits for its outcome any more: its run is closed, or the outcome is known.
        cancel_requested: its workflow, or whoever started it, no longer wants it.
        paused: it was paused.
        reset: its attempts were made to begin anew.
        timed_out: one of its time-outs struck.
        worker_shutdown: its worker stops, and the graceful time is over; it runs again elsewhere.
    """

    not_found: bool = False
    cancel_requested: bool = False
    paused: bool = False
    reset: bool = False
    timed_out: bool = False
    worker_shutdown: bool = False


NOT_FOUND: Final = ActivityCancellationDetails(not_found=True)
CANCEL_REQUESTED: Final = ActivityCancellationDetails(cancel_requested=True)
TIMED_OUT: Final = ActivityCancellationDetails(timed_out=True)
WORKER_SHUTDOWN: Final = ActivityCancellationDetails(worker_shutdown=True)
