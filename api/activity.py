"""The tools with which people write activity code: the decorator, facts about the attempt, heartbeats, cancellation.

Names, parameters and meaning are those of Temporal's Python SDK. The functions find their attempt through a context
variable, which holds in async activities and in the threads of plain ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._activity.definition import defn
from understudy._activity.log import LoggerAdapter, logger
from understudy._activity.running import (
    cancellation_details,
    client,
    heartbeat,
    in_activity,
    info,
    is_cancelled,
    is_worker_shutdown,
    metric_meter,
    payload_converter,
    raise_complete_async,
    shield_thread_cancel_exception,
    wait_for_cancelled,
    wait_for_cancelled_sync,
    wait_for_worker_shutdown,
    wait_for_worker_shutdown_sync,
)
from understudy._doors import later
from understudy.actors.activities.cancellation import ActivityCancellationDetails

if TYPE_CHECKING:
    from understudy._activity.info import Info
else:
    __getattr__, __dir__ = later(__name__, "understudy._activity.info")

__all__ = [
    "ActivityCancellationDetails",
    "Info",
    "LoggerAdapter",
    "cancellation_details",
    "client",
    "defn",
    "heartbeat",
    "in_activity",
    "info",
    "is_cancelled",
    "is_worker_shutdown",
    "logger",
    "metric_meter",
    "payload_converter",
    "raise_complete_async",
    "shield_thread_cancel_exception",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
]
