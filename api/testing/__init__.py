"""Tests of workflows and activities without a server and without waiting: environments that own what a test needs."""

from __future__ import annotations

from understudy.testing.activity_environment import ActivityEnvironment
from understudy.testing.workflow_environment import WorkflowEnvironment

__all__ = ["ActivityEnvironment", "WorkflowEnvironment"]
