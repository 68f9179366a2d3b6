"""Methods as they are, with types that only type checkers read: the forms of a call are protocols of their own.

Those have many overloads, so the modules that define them are never imported when a program runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._client.handles.update_types import (
        ExecuteUpdateMethod,
        QueryMethod,
        RelatedSignalMethod,
        SignalMethod,
        StartUpdateMethod,
    )
    from understudy._client.jobs.types import ExecuteActivity, ExecuteActivityMethod, StartActivity, StartActivityMethod
    from understudy._client.starts.types import ExecuteChildCall, ExecuteMethod, StartChildCall, StartMethod

__all__ = [
    "typed_child_execute",
    "typed_child_start",
    "typed_execute",
    "typed_execute_activity",
    "typed_execute_activity_method",
    "typed_execute_update",
    "typed_query",
    "typed_related_signal",
    "typed_signal",
    "typed_start",
    "typed_start_activity",
    "typed_start_activity_method",
    "typed_start_update",
]


def typed_signal(method: Any) -> SignalMethod:
    """Return a method as it is, with the types of `signal`."""
    found: SignalMethod = method
    return found


def typed_query(method: Any) -> QueryMethod:
    """Return a method as it is, with the types of `query`."""
    found: QueryMethod = method
    return found


def typed_related_signal(method: Any) -> RelatedSignalMethod:
    """Return a method as it is, with the types of `signal` inside workflows."""
    found: RelatedSignalMethod = method
    return found


def typed_start_update(method: Any) -> StartUpdateMethod:
    """Return a method as it is, with the types of `start_update`."""
    found: StartUpdateMethod = method
    return found


def typed_execute_update(method: Any) -> ExecuteUpdateMethod:
    """Return a method as it is, with the types of `execute_update`."""
    found: ExecuteUpdateMethod = method
    return found


def typed_start(method: Any) -> StartMethod:
    """Return a method as it is, with the types of `start_workflow`."""
    found: StartMethod = method
    return found


def typed_execute(method: Any) -> ExecuteMethod:
    """Return a method as it is, with the types of `execute_workflow`."""
    found: ExecuteMethod = method
    return found


def typed_child_start(function: Any) -> StartChildCall:
    """Return a function as it is, with the types of `start_child_workflow`."""
    found: StartChildCall = function
    return found


def typed_child_execute(function: Any) -> ExecuteChildCall:
    """Return a function as it is, with the types of `execute_child_workflow`."""
    found: ExecuteChildCall = function
    return found


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
