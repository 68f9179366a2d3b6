"""The history of one run as a value: its events, and how they become JSON and come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, overload

import msgspec

from understudy.events.catalogue import TOPICS, decode_event
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Event, encode_event

__all__ = ["WorkflowHistory"]


@dataclass(frozen=True)
class WorkflowHistory:
    """The events of one run."""

    workflow_id: str
    run_id: str
    events: tuple[Event, ...]

    def to_json(self) -> str:
        """Return the history as JSON that `from_json` reads, one event a line; payloads stay as they are."""
        named = {"workflow_id": self.workflow_id, "run_id": self.run_id}
        lines = b",\n".join(map(_as_json, self.events))
        return (msgspec.json.encode(named)[:-1] + b',"events":[\n' + lines + b"\n]}\n").decode()

    def to_json_dict(self) -> dict[str, Any]:
        """Return the JSON of `to_json` as plain Python data; numbers become Python's, so 1.10 comes back as 1.1."""
        data: dict[str, Any] = json.loads(self.to_json())
        return data

    @overload
    @staticmethod
    def from_json(workflow_id: str, history: str | Mapping[str, Any]) -> WorkflowHistory: ...
    @overload
    @staticmethod
    def from_json(workflow_id: str | Mapping[str, Any]) -> WorkflowHistory: ...
    @staticmethod
    def from_json(
        workflow_id: str | Mapping[str, Any], history: str | Mapping[str, Any] | None = None
    ) -> WorkflowHistory:
        """Return the history that `to_json` or `to_json_dict` wrote, also an earlier release's.

        Args:
            workflow_id: the id that the history shall have; it may be left out, then the history's own counts.
            history: the history that was written.

        Raises:
            InvalidArgumentError: it is no such JSON.
        """
        own_id, written = (None, workflow_id) if history is None else (str(workflow_id), history)
        try:
            text = written if isinstance(written, str) else json.dumps(written)
            stored = msgspec.json.decode(text, type=_StoredHistory)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise _no_history(error) from error
        events = tuple(_from_json(number, fields) for number, fields in enumerate(stored.events, 1))
        return WorkflowHistory(own_id if own_id is not None else stored.workflow_id, stored.run_id, events)


class _StoredHistory(msgspec.Struct):
    """The form that `to_json` writes: of each event the fields of its own, and its topic."""

    workflow_id: str
    run_id: str
    events: list[dict[str, msgspec.Raw]]


def _as_json(event: Event) -> bytes:
    topic = msgspec.json.encode({"topic": TOPICS[type(event)]})
    return topic[:-1] + b"," + encode_event(event)[1:]  # every event has a time, so there is something behind the comma


def _from_json(number: int, fields: dict[str, msgspec.Raw]) -> Event:
    try:
        topic = msgspec.json.decode(fields.pop("topic"), type=str)
        return decode_event(topic, msgspec.json.encode(fields))
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise _no_history(error, f"event {number}: ") from error


def _no_history(error: Exception, where: str = "") -> InvalidArgumentError:
    return InvalidArgumentError(
        what="the history",
        got=f"{where}{error!r}",
        expected="JSON that WorkflowHistory.to_json wrote",
        fix="Pass what to_json or to_json_dict of this or an earlier release returned",
    )
