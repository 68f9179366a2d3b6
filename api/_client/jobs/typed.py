"""Starts of stand-alone activities as they are, with types that only type checkers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._client.jobs.types import ExecuteActivity, ExecuteActivityMethod, StartActivity, StartActivityMethod

__all__ = [
    "typed_execute_activity",
    "typed_execute_activity_method",
    "typed_start_activity",
    "typed_start_activity_method",
]


def typed_start_activity(method: Any) -> StartActivity:
    """Return a method as it is, with the types of `start_activity`."""
    found: StartActivity = method
    return found


def typed_execute_activity(method: Any) -> ExecuteActivity:
    """Return a method as it is, with the types of `execute_activity`."""
    found: ExecuteActivity = method
    return found


def typed_start_activity_method(method: Any) -> StartActivityMethod:
    """Return a method as it is, with the types of `start_activity_method`."""
    found: StartActivityMethod = method
    return found


def typed_execute_activity_method(method: Any) -> ExecuteActivityMethod:
    """Return a method as it is, with the types of `execute_activity_method`."""
    found: ExecuteActivityMethod = method
    return found
