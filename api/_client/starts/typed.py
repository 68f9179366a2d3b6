"""Starts as they are, with types that only type checkers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._client.starts.types import ExecuteMethod, StartMethod

__all__ = ["typed_execute", "typed_start"]


def typed_start(method: Any) -> StartMethod:
    """Return a method as it is, with the types of `start_workflow`."""
    found: StartMethod = method
    return found


def typed_execute(method: Any) -> ExecuteMethod:
    """Return a method as it is, with the types of `execute_workflow`."""
    found: ExecuteMethod = method
    return found
