"""Upserts: the code changes what is kept with its run for people and for searching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from understudy.events.event import Event, Request
from understudy.events.payloads.payload import Payload

__all__ = ["CurrentDetailsUpserted", "MemoUpserted", "SearchAttributesUpserted", "upserted"]

V = TypeVar("V")


class MemoUpserted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Some values of the memo changed; None takes one away."""

    topic: ClassVar[str] = "memo.upserted"

    memo: dict[str, Payload | None]
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same names; the recorded values hold."""
        return isinstance(other, MemoUpserted) and other.memo.keys() == self.memo.keys()


class SearchAttributesUpserted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Some search attributes changed; None takes one away."""

    topic: ClassVar[str] = "search_attributes.upserted"

    search_attributes: dict[str, object]
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same names; the recorded values hold."""
        return (
            isinstance(other, SearchAttributesUpserted)
            and other.search_attributes.keys() == self.search_attributes.keys()
        )


class CurrentDetailsUpserted(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run changed the text by which it tells people about itself."""

    topic: ClassVar[str] = "current_details.upserted"

    details: str
    source: str = ""


def upserted(known: Mapping[str, V], changes: Mapping[str, V | None]) -> dict[str, V]:
    """Return `known` with `changes` made; None takes a name away."""
    after = {**known, **changes}
    return {name: value for name, value in after.items() if value is not None}
