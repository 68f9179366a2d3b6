"""The numbers that a worker is made with: limits, rates and time-outs, as plain values."""

from __future__ import annotations

import msgspec

__all__ = ["WorkerOptions"]


class WorkerOptions(msgspec.Struct, frozen=True):
    """Holds the numbers of one worker; times are seconds."""

    max_concurrent_activities: int = 1_000
    max_activities_per_second: float = 0.0
    """The number of attempts that may begin in a second, local ones not counted; 0: as many as there are slots."""
    max_task_queue_activities_per_second: float = 0.0
    """The number of attempts that all workers of the task queue may begin in a second; 0: this worker sets none."""
    max_cached_workflows: int = 10_000
    idle_seconds: float = 300.0
    """A run that has been idle this long is passivated."""
    graceful_shutdown: float = 30.0
    default_heartbeat_throttle: float = 30.0
    max_heartbeat_throttle: float = 60.0
    """Seconds between two heartbeats of an activity that are written down: the first without a heartbeat time-out,
    else 0.8 of the time-out, and never more than the second (Temporal's numbers)."""
