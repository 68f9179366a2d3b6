"""Log records of attempts: the ids that they carry, and the record of an attempt that failed.

The records of the engine and those of the users' own loggers carry the same ids, so that one filter finds both. A
record of a failure also says what failed as Temporal's SDK says it, in `__temporal_error_identifier`, for filters that
were written for Temporal; `runs.log_fields` does the same for runs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from understudy.events.failures.failure import ApplicationErrorCategory

if TYPE_CHECKING:
    from understudy.actors.activities.assignment import Assignment
    from understudy.events.failures.failure import Failure

__all__ = ["ATTEMPT_DETAILS", "ERROR_IDENTIFIER", "attempt_failed"]

ATTEMPT_DETAILS: Final = (
    "activity_id",
    "activity_type",
    "attempt",
    "namespace",
    "task_queue",
    "workflow_id",
    "workflow_run_id",
    "workflow_type",
)
"""The keys of the dict `activity` that a record of an attempt has."""

ERROR_IDENTIFIER: Final = "__temporal_error_identifier"
"""The attribute of a record by which Temporal's SDK names what failed."""

_activity_log: Final = logging.getLogger("understudy.activity")


def attempt_failed(assignment: Assignment, failure: Failure, error: BaseException | None = None) -> None:
    """Log that an attempt failed: a warning, or, if the failure says that it is benign, for those who debug.

    Args:
        assignment: the attempt that failed.
        failure: how, as it is told to whoever waits; what was cancelled has not failed.
        error: what its code raised, whose traceback is logged; None: it was late, or nobody knows the activity.
    """
    level = logging.DEBUG if failure.category is ApplicationErrorCategory.BENIGN else logging.WARNING
    if failure.kind == "canceled" or not _activity_log.isEnabledFor(level):
        return
    details = _attempt_details(assignment)
    extra = {"activity": details, "temporal_activity": details, ERROR_IDENTIFIER: "ActivityFailure"}
    reason = "" if error is not None else f": {failure.message}"
    _activity_log.log(
        level, "attempt %d of %s failed%s", assignment.number, assignment.label, reason, exc_info=error, extra=extra
    )


def _attempt_details(assignment: Assignment) -> dict[str, Any]:
    scheduled, in_workflow = assignment.scheduled, bool(assignment.workflow_id)
    values = (
        scheduled.activity_id or str(scheduled.seq),
        scheduled.activity_type,
        assignment.number,
        "default",
        assignment.task_queue,
        assignment.workflow_id or None,
        assignment.run_id if in_workflow else None,
        assignment.workflow_type or None,
    )
    return dict(zip(ATTEMPT_DETAILS, values, strict=True))
