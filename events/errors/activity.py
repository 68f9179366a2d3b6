"""The errors of whoever speaks to an activity from outside: of a workflow's, or of a stand-alone one."""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import UsageError
from understudy.events.errors.rpc import NotFoundError

__all__ = ["ActivityClosedError", "ActivityExecutionNotFoundError", "ActivityNotFoundError"]


class ActivityNotFoundError(UsageError, NotFoundError, LookupError):
    """No activity waits for this outcome or heartbeat; `reason` says more, an empty `workflow_id`: unknown."""

    activity: str
    run_id: str
    workflow_id: str = ""
    reason: str = ""

    statement: ClassVar[str] = "activity {activity!r}{of_workflow} (run {run_id!r}) does not wait for it{because}"
    advice: ClassVar[str] = (
        "It has ended, timed out or is tried again, or there is none of that id: see describe().pending_activities"
    )

    @property
    def of_workflow(self) -> str:
        """The workflow as a part of the sentence."""
        return f" of workflow {self.workflow_id!r}" if self.workflow_id else ""

    @property
    def because(self) -> str:
        """The reason as a part of the sentence."""
        return f": {self.reason}" if self.reason else ""


class ActivityExecutionNotFoundError(UsageError, NotFoundError, LookupError):
    """No stand-alone activity, or no run of it, has that id."""

    activity_id: str
    run_id: str = ""

    statement: ClassVar[str] = "there is no stand-alone activity {activity_id!r}{of_run}"
    advice: ClassVar[str] = (
        "Check the id and the store that the client is connected to; activities of workflows are found through those"
    )

    @property
    def of_run(self) -> str:
        """The run, if one was named, as a part of the sentence."""
        return f" with run id {self.run_id!r}" if self.run_id else ""


class ActivityClosedError(UsageError, NotFoundError):
    """A stand-alone activity has ended and takes no more messages; `outcome` is how it ended."""

    activity_id: str
    run_id: str
    outcome: str

    statement: ClassVar[str] = "stand-alone activity {activity_id!r} (run {run_id!r}) is closed: {outcome}"
    advice: ClassVar[str] = "Start it again, or read the outcome with the handle's result()"
