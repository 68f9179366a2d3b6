"""Events: what happened in a run, frozen, in the past tense, under a declared name.

A stored event is a pair: its *topic*, which names its class and schema, and its state, a JSON object. The name is
declared on the class and never derived from a module's path, so code may move without touching a single stored row
(`tests/events/golden/topics.json` holds every name ever released). A changed shape gets the next schema number and an
upcaster in `events.upcast`; everything behind `decode_event` sees the latest shape only.

Events carry `at`, integer nanoseconds since the epoch; durations are integer nanoseconds too, so that arithmetic on
them is exact and the same on every replay. Which run an event belongs to, and its version there, is the envelope's
business (`events.store.mapper`), not the event's.
"""

from __future__ import annotations

from typing import ClassVar, dataclass_transform

import msgspec

__all__ = ["Event", "Fact", "Note", "Request", "encode_event"]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The root of all events; `gc=False` because a frozen tree of values has no cycles to collect."""

    topic: ClassVar[str]
    schema: ClassVar[int] = 1

    at: int


class Fact(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event that came from outside the workflow's code and is activated in it: a start, an outcome, a message."""


class Request(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event that the workflow's code asked for; a replay must ask for the same again (SAME-AGAIN)."""

    @property
    def may_be_missing(self) -> bool:
        """True if a replay may pass over this recorded event, because its call was taken out of the code."""
        return False

    def same_request(self, other: Event) -> bool:
        """True if `other`, which a replay produced in place of this recorded event, asks for the same."""
        return type(other) is type(self)


class Note(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event that changes the aggregate but is not seen by the workflow's code: a retry, a heartbeat."""


encode_event = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical").encode
"""Encode one event's state as UTF-8 JSON (bytes)."""
