"""Tests of workflows and activities without a server and without waiting: environments that own what a test needs.

A door that is a folder. Read `activity_environment`, which stands where an attempt would, and `workflow_environment`
with `skipping` (time that jumps) and `asserts` (failed asserts that end a run). Nothing imports this room.
"""

from __future__ import annotations

from understudy.testing.activity_environment import ActivityEnvironment
from understudy.testing.workflow_environment import WorkflowEnvironment

__all__ = ["ActivityEnvironment", "WorkflowEnvironment"]
