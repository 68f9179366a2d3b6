"""What is kept with a run for people and for searching, as its code knows it: memo, search attributes, details.

In a replay the aggregate may know more than the code does, which has not come so far; so the code's view is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from understudy.actors.behaviors.code.source_line import source_line
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted, upserted

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context
    from understudy.events.payloads.payload import Payload

__all__ = ["Kept"]


class Kept:
    """What the code of one run knows to be kept; owned by its `Context`."""

    __slots__ = ("_context", "details", "memo", "search_attributes")

    def __init__(self, context: Context) -> None:
        """Begin with what the run was started with."""
        self._context = context
        started = context.execution.start
        self.memo: Mapping[str, Payload] = started.memo
        self.search_attributes: Mapping[str, object] = started.search_attributes
        """In their stored form."""
        self.details = ""
        """What the run says about itself now."""

    def upsert_memo(self, changes: dict[str, Payload | None]) -> None:
        """Change some values of the memo; None takes one away."""
        context = self._context
        asked: Any = context.ask(MemoUpserted(at=context.now, memo=changes, source=source_line()))
        self.memo = upserted(self.memo, asked.memo)

    def upsert_search_attributes(self, changes: dict[str, object]) -> None:
        """Change some search attributes, in their stored form; None takes one away."""
        context = self._context
        request = SearchAttributesUpserted(at=context.now, search_attributes=changes, source=source_line())
        asked: Any = context.ask(request)
        self.search_attributes = upserted(self.search_attributes, asked.search_attributes)

    def set_details(self, details: str) -> None:
        """Change what the run says about itself."""
        context = self._context
        asked: Any = context.ask(CurrentDetailsUpserted(at=context.now, details=details, source=source_line()))
        self.details = asked.details
