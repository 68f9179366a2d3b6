"""The heartbeats of one attempt: an attempt that is silent for too long fails; its details are written now and then.

Details go to the journal at once the first time, then at most once an interval: 0.8 of the heartbeat time-out, or the
worker's default without one, and never more than the worker's maximum (Temporal's numbers). What comes within an
interval is written at its end, so what a crash can lose is one interval. There is a timer only while something is
unwritten, and one for the time-out if the activity has one; an attempt that never beats has neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from understudy.actors.activities.worker_options import WorkerOptions

__all__ = ["Heartbeats", "throttle"]

PART_OF_TIMEOUT: Final = 0.8


def throttle(timeout: float, options: WorkerOptions) -> float:
    """Return the seconds between two heartbeats that are written; `timeout` is the heartbeat time-out, s, or 0."""
    wanted = PART_OF_TIMEOUT * timeout if timeout else options.default_heartbeat_throttle
    return min(wanted, options.max_heartbeat_throttle)


class Heartbeats:
    """Watches the heartbeats of one attempt; used on the engine's loop."""

    __slots__ = ("_at", "_interval", "_limit", "_loop", "_on_silence", "_record", "_recorded_at", "_timer", "_watch")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        limit: float,
        interval: float,
        record: Callable[[], object],
        on_silence: Callable[[], object],
    ) -> None:
        """Begin to watch when the attempt begins.

        Args:
            loop: the loop whose clock counts.
            limit: how long the attempt may be silent, s; 0: for ever.
            interval: the least time between two calls of `record`, s.
            record: writes the latest details down.
            on_silence: called once, when the attempt was silent for too long.
        """
        self._loop = loop
        self._limit = limit
        self._interval = interval
        self._record = record
        self._on_silence = on_silence
        self._at = loop.time()
        self._recorded_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = loop.call_later(limit, self._look) if limit else None

    def __repr__(self) -> str:
        """Show the interval, and whether details wait to be written."""
        return f"<heartbeats every {self._interval:g} s{', one unwritten' if self.is_unwritten else ''}>"

    @property
    def is_unwritten(self) -> bool:
        """True if the latest details are not written yet."""
        return self._timer is not None

    def beat(self, *, changed: bool) -> None:
        """Take a sign of life; `changed` is true if its details differ from the previous ones."""
        now = self._at = self._loop.time()
        if not changed or self._timer is not None:
            return
        left = self._recorded_at + self._interval - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._write)
        else:
            self._write()

    def flush(self) -> None:
        """Write the details that wait, if any."""
        if self._timer is not None:
            self._timer.cancel()
            self._write()

    def stop(self) -> None:
        """Stop watching, and write nothing more."""
        for timer in (self._timer, self._watch):
            if timer is not None:
                timer.cancel()
        self._timer = self._watch = None

    def _write(self) -> None:
        self._timer = None
        self._recorded_at = self._loop.time()
        self._record()

    def _look(self) -> None:
        left = self._at + self._limit - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._watch = None
            self._on_silence()
