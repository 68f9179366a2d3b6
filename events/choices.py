"""Choices that stand beside the policies: of stand-alone activities, and those that mean nothing here.

Names, members and numbers are Temporal's. The policies that every workflow uses are in `events.policy`.
"""

from __future__ import annotations

from enum import IntEnum

from understudy.events.public import public

__all__ = ["ActivityIDConflictPolicy", "ActivityIDReusePolicy", "HeaderCodecBehavior", "VersioningBehavior"]


@public("understudy.common")
class ActivityIDConflictPolicy(IntEnum):
    """What happens to a start when a stand-alone activity with its id is running."""

    UNSPECIFIED = 0
    FAIL = 1
    USE_EXISTING = 2


@public("understudy.common")
class ActivityIDReusePolicy(IntEnum):
    """Whether the id of a closed stand-alone activity may be taken again."""

    UNSPECIFIED = 0
    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3


@public("understudy.common")
class HeaderCodecBehavior(IntEnum):
    """Which headers go through the codec; accepted and ignored: all values go the same way."""

    NO_CODEC = 1
    CODEC = 2
    WORKFLOW_ONLY_CODEC = 3


@public("understudy.common")
class VersioningBehavior(IntEnum):
    """When a run may move to other code; accepted and ignored: a run goes on with the code that its worker has."""

    UNSPECIFIED = 0
    PINNED = 1
    AUTO_UPGRADE = 2
