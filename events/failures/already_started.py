"""Refused starts: an id is taken, and the policies do not allow another run.

How work failed that did start is said by `events.failures.exceptions`.
"""

from __future__ import annotations

from understudy.events.failures.exceptions import FailureError

__all__ = [
    "ActivityAlreadyStartedError",
    "InvalidVersioningOverrideError",
    "WorkflowAlreadyStartedError",
]


class ActivityAlreadyStartedError(FailureError):
    """The id of a stand-alone activity is taken and the policies given do not allow another run.

    Args:
        activity_id: the id that is taken.
        activity_type: the type of the activity that was to be started.
        run_id: the run that has the id.
    """

    def __init__(self, activity_id: str, activity_type: str, *, run_id: str | None = None) -> None:
        of_run = f" (run {run_id!r})" if run_id else ""
        super().__init__(
            f"activity {activity_id!r} of type {activity_type!r} was already started{of_run}. Take another id, or say "
            "with id_reuse_policy and id_conflict_policy what to do with the one that is there."
        )
        self.activity_id = activity_id
        self.activity_type = activity_type
        self.run_id = run_id


class InvalidVersioningOverrideError(FailureError):
    """Never raised: versioning overrides are accepted and ignored; there for programs that catch it."""

    def __init__(self) -> None:
        super().__init__("invalid versioning override")


class WorkflowAlreadyStartedError(FailureError):
    """The workflow id is taken and the policies given do not allow another run.

    Args:
        workflow_id: the id that is taken.
        workflow_type: the type of the workflow that was to be started.
        run_id: the run that has the id, when a client asked.
        first_run_id: the first run of its chain, when a client asked.
    """

    def __init__(
        self, workflow_id: str, workflow_type: str, *, run_id: str | None = None, first_run_id: str | None = None
    ) -> None:
        of_run = f" (run {run_id!r})" if run_id else ""
        super().__init__(
            f"workflow {workflow_id!r} of type {workflow_type!r} was already started{of_run}. Take another id, or say "
            "with id_reuse_policy and id_conflict_policy what to do with the one that is there."
        )
        self.workflow_id = workflow_id
        self.workflow_type = workflow_type
        self.run_id = run_id
        self.first_run_id = first_run_id
