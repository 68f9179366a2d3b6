"""The sandbox of workflows, for programs that name it; `understudy.sandbox` says what it comes to."""

from __future__ import annotations

from understudy.restrictions import SandboxMatcher, SandboxRestrictions
from understudy.sandbox import RestrictedWorkflowAccessError, SandboxedWorkflowRunner

__all__ = ["RestrictedWorkflowAccessError", "SandboxMatcher", "SandboxRestrictions", "SandboxedWorkflowRunner"]
