"""What a client sees of a run's past: its events, as they come or all together, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, overload

import msgspec

from understudy._client.errors import RPCTimeoutOrCancelledError, in_time
from understudy.actors.tail import events_behind
from understudy.calls import NO_METADATA, checked_kind
from understudy.events.catalogue import TOPICS, decode_event
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.event import Event, encode_event

if TYPE_CHECKING:
    from understudy.client import Client

__all__ = [
    "HistoryReader",
    "WorkflowHistory",
    "WorkflowHistoryEventAsyncIterator",
    "WorkflowHistoryEventFilterType",
]

_PAGE: Final = 1_000
"""Events in one page, where the caller says nothing; a page is in memory as a whole."""


class WorkflowHistoryEventFilterType(IntEnum):
    """Which events of a run are wanted."""

    __module__ = "understudy.client"

    ALL_EVENT = 1
    CLOSE_EVENT = 2
    """The one that has closed it."""


class WorkflowHistoryEventAsyncIterator:
    """The events of one run that are on disk, oldest first, read page by page; for `async for`."""

    __module__ = "understudy.client"

    def __init__(
        self,
        client: Client,
        workflow_id: str,
        run_id: str | None,
        *,
        page_size: int | None = None,
        next_page_token: bytes | None = None,
        wait_new_event: bool = False,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Use `WorkflowHandle.fetch_history_events` instead; nothing is read yet."""
        self._client = client
        self._workflow_id = workflow_id
        self._run_id, self._after = (run_id, 0) if next_page_token is None else _place(next_page_token)
        self._page_size = _checked_size(page_size)
        self._wait = wait_new_event
        self._only_close = _is_close(event_filter_type)
        self._timeout = rpc_timeout
        self._page: Sequence[Event] | None = None
        self._index = 0
        self._token = next_page_token

    def __repr__(self) -> str:
        """Show the workflow and how far it has come."""
        return f"<events of {self._workflow_id!r} behind number {self._after}>"

    @property
    def current_page(self) -> Sequence[Event] | None:
        """The events that were read last; None: nothing has been read yet."""
        return self._page

    @property
    def current_page_index(self) -> int:
        """Where in the current page the next event is."""
        return self._index

    @property
    def next_page_token(self) -> bytes | None:
        """Where the next page begins, for a later `fetch_history_events`; None: there is none, or nothing was read."""
        return self._token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Read the next page, and with `wait_new_event` wait for one.

        Args:
            page_size: how many events at most; None: as the iterator was made.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            RPCTimeoutOrCancelledError: `rpc_timeout` has passed; iterating may go on.
            EngineStoppedError: the client was closed.
        """
        size = _checked_size(page_size) or self._page_size or _PAGE
        late = RPCTimeoutOrCancelledError("the rpc_timeout of waiting for the next event has passed")
        async with in_time(self._timeout, late):
            await self._client.engine.dispatcher.run(self._fetch(size))

    async def _fetch(self, size: int) -> None:
        client = self._client
        run_id = self._run_id = client.service.run_of(self._workflow_id, self._run_id)
        if self._only_close and self._wait:
            await client.service.closing(run_id)
        found, is_open = await events_behind(client.engine, run_id, self._after, wait=self._wait)
        if self._only_close:
            page, more = wanted(found, only_close=True, is_open=is_open), False
        else:
            page, more = found[:size], len(found) > size or (self._wait and is_open)
            self._after += len(page)
        self._page, self._index = page, 0
        self._token = f"{run_id}/{self._after}".encode() if more else None

    def __aiter__(self) -> WorkflowHistoryEventAsyncIterator:
        """Return itself."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event."""
        while self._page is None or self._index >= len(self._page):
            if self._page is not None and self._token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        self._index += 1
        return self._page[self._index - 1]


class HistoryReader:
    """The history of a workflow's handle; a base of `WorkflowHandle`."""

    _client: Client
    _id: str
    _run_id: str | None

    async def fetch_history(
        self,
        *,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistory:
        """Return the run's events that are on disk; the arguments are those of `fetch_history_events`.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
        """
        del skip_archival, rpc_metadata, rpc_timeout
        return await self._client.engine.dispatcher.run(self._history(only_close=_is_close(event_filter_type)))

    async def _history(self, *, only_close: bool) -> WorkflowHistory:
        client = self._client
        run_id = client.service.run_of(self._id, self._run_id)
        found, is_open = await events_behind(client.engine, run_id, 0, wait=False)
        return WorkflowHistory(self._id, run_id, tuple(wanted(found, only_close=only_close, is_open=is_open)))

    def fetch_history_events(
        self,
        *,
        page_size: int | None = None,
        next_page_token: bytes | None = None,
        wait_new_event: bool = False,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistoryEventAsyncIterator:
        """Return an iterator over the run's events that are on disk, for `async for`; nothing is read yet.

        Args:
            page_size: how many events to read at a time; None: 1,000.
            next_page_token: where to go on, as an earlier iterator says; None: with the first event.
            wait_new_event: go on with the events that come, as they come, until the run is closed.
            event_filter_type: CLOSE_EVENT for only the one that has closed the run, if one has.
            skip_archival: accepted so that programs run: nothing is archived.
            rpc_metadata: not used.
            rpc_timeout: how long to wait for the next events; None: without end.

        Raises:
            InvalidArgumentError: an argument cannot be.
        """
        if self._client.chain is not None:
            return self._client.chain.history((self._id, self._run_id), locals())
        del skip_archival, rpc_metadata
        return WorkflowHistoryEventAsyncIterator(
            self._client,
            self._id,
            self._run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            rpc_timeout=rpc_timeout,
        )


def wanted(events: Sequence[Event], *, only_close: bool, is_open: bool) -> Sequence[Event]:
    """Return the events that a filter lets through, of the last ones of a run."""
    if not only_close:
        return events
    return () if is_open else events[-1:]


def _is_close(wanted_events: WorkflowHistoryEventFilterType) -> bool:
    checked_kind(wanted_events, WorkflowHistoryEventFilterType, "event_filter_type")
    return wanted_events is WorkflowHistoryEventFilterType.CLOSE_EVENT


def _checked_size(size: object) -> int | None:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int):
        raise ArgumentTypeError(what="page_size", got=repr(size), expected="an int")
    if size < 1:
        raise InvalidArgumentError(what="page_size", got=repr(size), expected="1 or more")
    return size


def _place(token: bytes) -> tuple[str, int]:
    """Return the run and the number of the last event in front of a page."""
    try:
        run_id, _, after = token.decode().rpartition("/")
        return run_id, int(after)
    except (AttributeError, ValueError) as error:
        raise InvalidArgumentError(
            what="next_page_token", got=repr(token), expected="what an earlier iterator's next_page_token was"
        ) from error


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
            history: what was written.

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
    """What `to_json` writes: of each event the fields of its own, and its topic."""

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
