"""The sandbox of workflows, for programs that name it; see `understudy.worker.sandbox`."""

from __future__ import annotations

from understudy._temporal.restrictions import SandboxMatcher, SandboxRestrictions
from understudy.worker.sandbox import RestrictedWorkflowAccessError, SandboxedWorkflowRunner

__all__ = ["RestrictedWorkflowAccessError", "SandboxMatcher", "SandboxRestrictions", "SandboxedWorkflowRunner"]
