"""Starts of children as they are, with types that only type checkers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._workflow.child_types import ExecuteChildCall, StartChildCall

__all__ = ["typed_child_execute", "typed_child_start"]


def typed_child_start(function: Any) -> StartChildCall:
    """Return a function as it is, with the types of `start_child_workflow`."""
    found: StartChildCall = function
    return found


def typed_child_execute(function: Any) -> ExecuteChildCall:
    """Return a function as it is, with the types of `execute_child_workflow`."""
    found: ExecuteChildCall = function
    return found
