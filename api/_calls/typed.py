"""Calls of signals and queries as they are, with types that only type checkers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy._calls.message_types import QueryMethod, RelatedSignalMethod, SignalMethod

__all__ = ["typed_query", "typed_related_signal", "typed_signal"]


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
