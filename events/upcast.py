"""Old shapes brought up to the latest: the one place that knows them.

A topic is `name` for schema 1 and `name@n` for schema n. An upcaster takes the JSON object of one schema to the next
and returns the topic it now has; `decode_event` follows the chain until it reaches a class of the catalogue. It is
given the fields as `msgspec.Raw`, JSON as it was stored, so that users' payloads pass through it to the letter; what it
puts in may be plain values. No shape has changed since the first release, so the table is empty;
`tests/events/test_upcast.py` drives the chain with one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["UPCASTERS", "Upcaster", "topic_of", "upcast"]

Upcaster = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]

UPCASTERS: dict[str, Upcaster] = {}


def topic_of(name: str, schema: int) -> str:
    """Return the stored topic of schema number `schema` of the event called `name`."""
    return name if schema == 1 else f"{name}@{schema}"


def upcast(topic: str, state: dict[str, Any], table: Mapping[str, Upcaster] = UPCASTERS) -> tuple[str, dict[str, Any]]:
    """Bring one stored event up to the latest schema; what has no upcaster is the latest."""
    while step := table.get(topic):
        topic, state = step(state)
    return topic, state
