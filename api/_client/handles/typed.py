"""Calls of updates as they are, with types that only type checkers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._client.handles.update_types import ExecuteUpdateMethod, StartUpdateMethod

__all__ = ["typed_execute_update", "typed_start_update"]


def typed_start_update(method: Any) -> StartUpdateMethod:
    """Return a method as it is, with the types of `start_update`."""
    found: StartUpdateMethod = method
    return found


def typed_execute_update(method: Any) -> ExecuteUpdateMethod:
    """Return a method as it is, with the types of `execute_update`."""
    found: ExecuteUpdateMethod = method
    return found
