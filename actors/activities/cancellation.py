"""Cancellation of an attempt: its code is asked to stop once, for one reason, and may wait for that.

Whoever asks sets the reason first and the events afterwards; whoever waits makes the event first and reads the reason
afterwards. So a thread that begins to wait while another asks cannot miss it. Events are made only if somebody waits.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Final

import msgspec

from understudy.events.public import public

__all__ = [
    "CANCEL_REQUESTED",
    "NOT_FOUND",
    "TIMED_OUT",
    "WORKER_SHUTDOWN",
    "ActivityCancellationDetails",
    "Cancellation",
]


@public("understudy.activity")
class ActivityCancellationDetails(msgspec.Struct, frozen=True):
    """The reasons why an attempt was asked to stop.

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


class Cancellation:
    """Knows whether the code of one attempt was asked to stop, and wakes the code that waits for that."""

    # Defaults of the class: few attempts are asked to stop, and those that are not need nothing of their own.
    reason: str = ""
    details: ActivityCancellationDetails | None = None
    """The reasons why the attempt was asked to stop; None while it was not."""
    _on_loop: asyncio.Event | None = None
    _in_thread: threading.Event | None = None

    def __repr__(self) -> str:
        """Show whether somebody asked the code to stop."""
        return f"<cancellation{'' if self.details is None else f' for {self.reason!r}'}>"

    def ask(self, reason: str, details: ActivityCancellationDetails) -> None:
        """Note why the code shall stop, and wake it if it waits; on the loop of the attempt."""
        self.reason = reason
        self.details = details
        if self._on_loop is not None:
            self._on_loop.set()
        if self._in_thread is not None:
            self._in_thread.set()

    async def wait(self) -> None:
        """Wait until the attempt is asked to stop; on the loop of the attempt."""
        if self._on_loop is None:
            self._on_loop = asyncio.Event()
            if self.details is not None:
                self._on_loop.set()
        await self._on_loop.wait()

    def wait_in_thread(self, seconds: float | None) -> bool:
        """Block until the attempt is asked to stop or `seconds` have passed; return True if it is asked. Any thread."""
        if self._in_thread is None:
            self._in_thread = threading.Event()
        if self.details is None:
            self._in_thread.wait(seconds)
        return self.details is not None
