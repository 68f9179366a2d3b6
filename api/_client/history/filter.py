"""The filter of a history: which events of a run a reader wants."""

from __future__ import annotations

from enum import IntEnum

from understudy._calls.targets import checked_kind

__all__ = ["WorkflowHistoryEventFilterType", "is_close"]


class WorkflowHistoryEventFilterType(IntEnum):
    """Says which events of a run are wanted."""

    __module__ = "understudy.client"

    ALL_EVENT = 1
    CLOSE_EVENT = 2
    """The event that has closed the run."""


def is_close(wanted_events: WorkflowHistoryEventFilterType) -> bool:
    """Return True if only the closing event is wanted.

    Raises:
        ArgumentTypeError: it is no such filter.
    """
    checked_kind(wanted_events, WorkflowHistoryEventFilterType, "event_filter_type")
    return wanted_events is WorkflowHistoryEventFilterType.CLOSE_EVENT
