"""The settings that a `@workflow.dynamic_config` method returns; see `dynamic`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.events.options.policies import VersioningBehavior
from understudy.events.public import public

__all__ = ["DynamicWorkflowConfig"]


@public("understudy.workflow")
@dataclass(frozen=True)
class DynamicWorkflowConfig:
    """Settings of one run of a dynamic workflow, in place of those of `@workflow.defn`."""

    failure_exception_types: Sequence[type[BaseException]] | None = None
    """Exceptions that end the run as failed, beside those that the worker names; None: as the decorator says."""
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED
    """Accepted so that programs run: a run goes on with the code that its worker has."""
