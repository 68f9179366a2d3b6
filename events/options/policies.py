"""Policies and states: enums that users choose from, or read, and that events store.

Names, members and numbers are Temporal's. The last two are accepted for programs written for Temporal and ignored.
"""

from __future__ import annotations

from enum import IntEnum

from understudy.events.public import public

__all__ = [
    "ActivityCancellationType",
    "ActivityIDConflictPolicy",
    "ActivityIDReusePolicy",
    "ChildWorkflowCancellationType",
    "HeaderCodecBehavior",
    "ParentClosePolicy",
    "QueryRejectCondition",
    "ResetChildren",
    "RetryState",
    "TimeoutType",
    "VersioningBehavior",
    "WorkflowExecutionStatus",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
]


@public("understudy.common")
class WorkflowIDReusePolicy(IntEnum):
    """The rule that says if a closed workflow's id may be taken again."""

    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3
    TERMINATE_IF_RUNNING = 4


@public("understudy.common")
class WorkflowIDConflictPolicy(IntEnum):
    """The rule for a start when a workflow with its id is running."""

    UNSPECIFIED = 0
    FAIL = 1
    USE_EXISTING = 2
    TERMINATE_EXISTING = 3


@public("understudy.common")
class QueryRejectCondition(IntEnum):
    """The states of a workflow in which a query is refused."""

    NONE = 1
    NOT_OPEN = 2
    NOT_COMPLETED_CLEANLY = 3


@public("understudy.workflow")
class ActivityCancellationType(IntEnum):
    """The thing that a workflow waits for when it cancels an activity."""

    TRY_CANCEL = 0
    """Ask the activity to cancel; go on at once as if it had."""
    WAIT_CANCELLATION_COMPLETED = 1
    """Ask the activity to cancel; wait for how it ends."""
    ABANDON = 2
    """Do not ask; go on at once."""


@public("understudy.workflow")
class ChildWorkflowCancellationType(IntEnum):
    """The thing that a workflow waits for when it cancels a child."""

    ABANDON = 0
    TRY_CANCEL = 1
    WAIT_CANCELLATION_COMPLETED = 2
    WAIT_CANCELLATION_REQUESTED = 3


@public("understudy.workflow")
class ParentClosePolicy(IntEnum):
    """The fate of a child when its parent closes."""

    UNSPECIFIED = 0
    TERMINATE = 1
    ABANDON = 2
    REQUEST_CANCEL = 3


@public("understudy.client")
class ResetChildren(IntEnum):
    """The fate of children, in a reset, that were started in the part that is cut off."""

    ADOPT = 1
    """They go on; where the code asks for the same child again, it gets the one that is there."""
    ABANDON = 2
    """They go on, and nobody waits for them."""
    TERMINATE = 3
    """They are terminated."""


@public("understudy.client")
class WorkflowExecutionStatus(IntEnum):
    """The status of a run: open, or closed in one of six ways."""

    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    CONTINUED_AS_NEW = 6
    TIMED_OUT = 7


@public("understudy.exceptions")
class TimeoutType(IntEnum):
    """The time-out that struck an activity or a workflow."""

    START_TO_CLOSE = 1
    SCHEDULE_TO_START = 2
    SCHEDULE_TO_CLOSE = 3
    HEARTBEAT = 4


@public("understudy.exceptions")
class RetryState(IntEnum):
    """The reason why there is, or is not, a further attempt."""

    IN_PROGRESS = 1
    NON_RETRYABLE_FAILURE = 2
    TIMEOUT = 3
    MAXIMUM_ATTEMPTS_REACHED = 4
    RETRY_POLICY_NOT_SET = 5
    INTERNAL_SERVER_ERROR = 6
    CANCEL_REQUESTED = 7


@public("understudy.common")
class ActivityIDConflictPolicy(IntEnum):
    """The rule for a start when a stand-alone activity with its id is running."""

    UNSPECIFIED = 0
    FAIL = 1
    USE_EXISTING = 2


@public("understudy.common")
class ActivityIDReusePolicy(IntEnum):
    """The rule that says if the id of a closed stand-alone activity may be taken again."""

    UNSPECIFIED = 0
    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3


@public("understudy.common")
class HeaderCodecBehavior(IntEnum):
    """The headers that go through the codec; accepted and ignored: all values go the same way."""

    NO_CODEC = 1
    CODEC = 2
    WORKFLOW_ONLY_CODEC = 3


@public("understudy.common")
class VersioningBehavior(IntEnum):
    """The time at which a run moves to other code; accepted and ignored: a run goes on with its worker's code."""

    UNSPECIFIED = 0
    PINNED = 1
    AUTO_UPGRADE = 2
