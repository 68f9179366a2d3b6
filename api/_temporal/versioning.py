"""Versions of workers, as values: accepted wherever Temporal takes them, and ignored.

Temporal routes runs between builds of the code that are deployed side by side. Here an engine and its workers live in
one process with one build of the code, and what a run began with is kept by patches (`workflow.patched`). Programs
that name versions run unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from understudy.events.errors import InvalidArgumentError
from understudy.events.options.policies import VersioningBehavior
from understudy.events.public import public

__all__ = [
    "AutoUpgradeVersioningOverride",
    "ContinueAsNewVersioningBehavior",
    "OneTimeVersioningOverride",
    "PinnedVersioningOverride",
    "VersioningIntent",
    "VersioningOverride",
    "WorkerDeploymentConfig",
    "WorkerDeploymentVersion",
]


@public("understudy.common")
@dataclass(frozen=True)
class WorkerDeploymentVersion:
    """One build of a deployment."""

    deployment_name: str
    build_id: str

    def to_canonical_string(self) -> str:
        """Return the version as `deployment.build`."""
        return f"{self.deployment_name}.{self.build_id}"

    @staticmethod
    def from_canonical_string(canonical: str) -> WorkerDeploymentVersion:
        """Return the version that `to_canonical_string` wrote; the deployment's name has no full stop.

        Raises:
            InvalidArgumentError: there is no full stop in it.
        """
        deployment, stop, build = canonical.partition(".")
        if not stop:
            raise InvalidArgumentError(
                what="canonical", got=repr(canonical), expected="<deployment name>.<build id>", fix="Name both"
            )
        return WorkerDeploymentVersion(deployment, build)


@public("understudy.worker")
@dataclass(frozen=True)
class WorkerDeploymentConfig:
    """Says which build of a deployment a worker is; accepted and ignored."""

    version: WorkerDeploymentVersion
    use_worker_versioning: bool
    default_versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED


@public("understudy.common")
class VersioningOverride:
    """Says which build a run shall go on with, whatever its worker says; accepted and ignored."""


@public("understudy.common")
@dataclass(frozen=True)
class PinnedVersioningOverride(VersioningOverride):
    """Stay with one build."""

    version: WorkerDeploymentVersion


@public("understudy.common")
@dataclass(frozen=True)
class AutoUpgradeVersioningOverride(VersioningOverride):
    """Go on with the newest build."""


@public("understudy.common")
@dataclass(frozen=True)
class OneTimeVersioningOverride(VersioningOverride):
    """Take one turn with a build, and go on as the worker says."""

    target_version: WorkerDeploymentVersion


@public("understudy.workflow")
class VersioningIntent(Enum):
    """Says which build an activity, a child or a next run shall meet; accepted and ignored."""

    COMPATIBLE = 1
    DEFAULT = 2


@public("understudy.workflow")
class ContinueAsNewVersioningBehavior(IntEnum):
    """Says which build the next run shall begin with; accepted and ignored."""

    UNSPECIFIED = 0
    AUTO_UPGRADE = 1
    USE_RAMPING_VERSION = 2
