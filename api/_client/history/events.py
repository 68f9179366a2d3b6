"""The events of a run that are on disk, read page by page, and as they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from understudy._client.errors import RPCTimeoutOrCancelledError, in_time
from understudy._client.history.filter import WorkflowHistoryEventFilterType, is_close
from understudy.actors.requests.event_feed import events_after
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.event import Event

if TYPE_CHECKING:
    from understudy._client.connection import Connection

__all__ = ["WorkflowHistoryEventAsyncIterator", "wanted"]

_PAGE: Final = 1_000
"""Events in one page, where the caller says nothing; a page is in memory as a whole."""


class WorkflowHistoryEventAsyncIterator:
    """The events of one run that are on disk, oldest first, read page by page; for `async for`."""

    __module__ = "understudy.client"

    def __init__(
        self,
        client: Connection,
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
        self._connection = client
        self._workflow_id = workflow_id
        self._run_id, self._after = (run_id, 0) if next_page_token is None else _place(next_page_token)
        self._page_size = _checked_size(page_size)
        self._wait = wait_new_event
        self._only_close = is_close(event_filter_type)
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
        """The place of the next event in the current page."""
        return self._index

    @property
    def next_page_token(self) -> bytes | None:
        """The token of the next page, for a later `fetch_history_events`; None: there is none, or nothing was read."""
        return self._token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Read the next page, and with `wait_new_event` wait for one.

        Args:
            page_size: the greatest number of events; None: as the iterator was made.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            RPCTimeoutOrCancelledError: `rpc_timeout` has passed; iterating may go on.
            EngineStoppedError: the client was closed.
        """
        size = _checked_size(page_size) or self._page_size or _PAGE
        late = RPCTimeoutOrCancelledError("the rpc_timeout of waiting for the next event has passed")
        async with in_time(self._timeout, late):
            await self._connection.engine.dispatcher.run(self._fetch(size))

    async def _fetch(self, size: int) -> None:
        connection = self._connection
        run_id = self._run_id = connection.service.run_of(self._workflow_id, self._run_id)
        if self._only_close and self._wait:
            await connection.service.closing(run_id)
        found, is_open = await events_after(
            connection.engine.store, connection.engine.waiters, run_id, self._after, wait=self._wait
        )
        if self._only_close:
            page, more = wanted(found, only_close=True, is_open=is_open), False
        else:
            page, more = found[:size], len(found) > size or (self._wait and is_open)
            self._after += len(page)
        self._page, self._index = page, 0
        self._token = f"{run_id}/{self._after}".encode() if more else None

    def __aiter__(self) -> WorkflowHistoryEventAsyncIterator:
        """Return itself: it is its own iterator."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event."""
        while self._page is None or self._index >= len(self._page):
            if self._page is not None and self._token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        self._index += 1
        return self._page[self._index - 1]


def wanted(events: Sequence[Event], *, only_close: bool, is_open: bool) -> Sequence[Event]:
    """Return the events that a filter lets through, of the last ones of a run."""
    if not only_close:
        return events
    return () if is_open else events[-1:]


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
