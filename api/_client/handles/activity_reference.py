"""Names an activity by its ids, for somebody outside who completes it."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.events.public import public

__all__ = ["AsyncActivityIDReference"]


@public("understudy.client")
@dataclass(frozen=True)
class AsyncActivityIDReference:
    """Names the activity that somebody outside completes.

    Args:
        workflow_id: of the workflow that asked for it; None: it stands alone.
        run_id: the run that is meant; None: the open one, else the latest.
        activity_id: its id in that run.
    """

    workflow_id: str | None
    run_id: str | None
    activity_id: str
