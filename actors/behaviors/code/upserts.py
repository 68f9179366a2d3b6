"""Memo, search attributes and current details, as the workflow code sees them.

In a replay the aggregate may know more than the code does, which has not come so far; so the code's view is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from understudy.actors.behaviors.code.source_line import source_line
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted, upserted

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.events.payloads.payload import Payload

__all__ = ["Upserts"]


class Upserts:
    """The code's view of what is stored with its run for people and for searching; owned by its `Context`."""

    __slots__ = ("_recorder", "details", "memo", "search_attributes")

    def __init__(self, recorder: Recorder) -> None:
        """Begin with the values that the run was started with."""
        self._recorder = recorder
        started = recorder.execution.start
        self.memo: Mapping[str, Payload] = started.memo
        self.search_attributes: Mapping[str, object] = started.search_attributes
        """The search attributes in their stored form."""
        self.details = ""
        """The text in which the run says what it does now."""

    def upsert_memo(self, changes: dict[str, Payload | None]) -> None:
        """Change some values of the memo; None removes one."""
        recorder = self._recorder
        asked: Any = recorder.ask(MemoUpserted(at=recorder.now, memo=changes, source=source_line()))
        self.memo = upserted(self.memo, asked.memo)

    def upsert_search_attributes(self, changes: dict[str, object]) -> None:
        """Change some search attributes, in their stored form; None removes one."""
        recorder = self._recorder
        request = SearchAttributesUpserted(at=recorder.now, search_attributes=changes, source=source_line())
        asked: Any = recorder.ask(request)
        self.search_attributes = upserted(self.search_attributes, asked.search_attributes)

    def set_details(self, details: str) -> None:
        """Change the text in which the run says what it does now."""
        recorder = self._recorder
        asked: Any = recorder.ask(CurrentDetailsUpserted(at=recorder.now, details=details, source=source_line()))
        self.details = asked.details
