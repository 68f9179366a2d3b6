"""Lists and counts of stand-alone activities, the one that was started last first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from understudy._client.jobs.description import ActivityExecution, ActivityExecutionCount, execution_of
from understudy._client.jobs.view import JobView
from understudy.actors.behaviors.definitions.job import JOB_TYPE
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.actors.requests.service import Service
    from understudy.events.store.port import ExecutionRow

__all__ = [
    "ActivityExecutionAsyncIterator",
    "count_jobs",
    "list_jobs",
]

_COUNTED_AT_ONCE: Final = 5_000
_READ_AT_ONCE: Final = 50
"""Rows and jobs after which others on the loop get their turn."""


@public("understudy.client")
class ActivityExecutionAsyncIterator:
    """The stand-alone activities of a store, for `async for`; nothing is read before the caller wants the first one."""

    def __init__(self, client: Connection, *, limit: int | None, page_size: int, next_page_token: bytes | None) -> None:
        """Use `Client.list_activities` instead; nothing is asked yet."""
        self._connection = client
        self._limit = None if limit is None else _whole("limit", limit)
        self._page_size = _whole("page_size", page_size)
        self._next_page_token = next_page_token
        self._current_page: list[ActivityExecution] | None = None
        self._current_page_index = 0
        self._yielded = 0

    @property
    def current_page_index(self) -> int:
        """The index of the next activity in the current page."""
        return self._current_page_index

    @property
    def current_page(self) -> Sequence[ActivityExecution] | None:
        """The current page; None: none was fetched yet."""
        return self._current_page

    @property
    def next_page_token(self) -> bytes | None:
        """The token of the next page; None: there is none, or nothing was fetched yet."""
        return self._next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch the next page.

        Args:
            page_size: of this page; None: as the list was asked for.

        Raises:
            InvalidArgumentError: the token is none.
        """
        size = self._page_size if page_size is None else _whole("page_size", page_size)
        if self._limit is not None:
            size = min(size, max(self._limit - self._yielded, 1))
        fetched = _fetch(self._connection.service, self._next_page_token, size)
        self._current_page, self._next_page_token = await self._connection.engine.dispatcher.run(fetched)
        self._current_page_index = 0

    def __aiter__(self) -> ActivityExecutionAsyncIterator:
        """Return itself: it is its own iterator."""
        return self

    async def __anext__(self) -> ActivityExecution:
        """Return the next stand-alone activity.

        Raises:
            StopAsyncIteration: there is none.
        """
        if self._limit is not None and self._yielded >= self._limit:
            raise StopAsyncIteration
        while self._current_page is None or self._current_page_index >= len(self._current_page):
            if self._current_page is not None and self._next_page_token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        found = self._current_page[self._current_page_index]
        self._current_page_index += 1
        self._yielded += 1
        return found


def list_jobs(
    connection: Connection, query: str | None, *, limit: int | None, page_size: int, next_page_token: bytes | None
) -> ActivityExecutionAsyncIterator:
    """Return an iterator over stand-alone activities; see `Client.list_activities`. Any loop."""
    _refuse_filter(query)
    return ActivityExecutionAsyncIterator(connection, limit=limit, page_size=page_size, next_page_token=next_page_token)


async def count_jobs(connection: Connection, query: str | None) -> ActivityExecutionCount:
    """Return the number of stand-alone activities; see `Client.count_activities`. Any loop."""
    _refuse_filter(query)
    return ActivityExecutionCount(await connection.engine.dispatcher.run(_count(connection.service)), ())


def _refuse_filter(query: object) -> None:
    """Refuse a filter, since there is none yet.

    Raises:
        InvalidArgumentError: there is one.
    """
    if query is None or query == "":
        return
    raise InvalidArgumentError(
        what="query",
        got=repr(query),
        expected="None, since lists of stand-alone activities cannot be filtered yet",
        fix="Go through all of them and look at their fields",
    )


async def _count(service: Service) -> int:
    count, token = 0, None
    while True:
        rows, token = _page(service, token, _COUNTED_AT_ONCE)
        count += len(rows)
        if token is None:
            return count
        await asyncio.sleep(0)


async def _fetch(service: Service, token: bytes | None, size: int) -> tuple[list[ActivityExecution], bytes | None]:
    rows, following = _page(service, token, size)
    found: list[ActivityExecution] = []
    for row in rows:
        found.append(execution_of(JobView(row.run_id, service.history(row.run_id))))
        if len(found) % _READ_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found, following


def _page(service: Service, token: bytes | None, size: int) -> tuple[list[ExecutionRow], bytes | None]:
    """Return the rows of a page, and the place where the next one begins.

    A token names the last row in front of the page, and its place then: those that are started meanwhile move it back.
    """
    start = 0 if token is None else _behind(service, token)
    rows = service.of_type(JOB_TYPE, limit=size + 1, offset=start)
    if len(rows) <= size:
        return rows, None
    return rows[:size], f"{rows[size - 1].run_id}/{start + size - 1}".encode()


def _behind(service: Service, token: bytes) -> int:
    try:
        run_id, _, place = token.decode().rpartition("/")
        start = int(place)
    except (AttributeError, ValueError):
        run_id, start = "", 0
    while run_id and (rows := service.of_type(JOB_TYPE, limit=_COUNTED_AT_ONCE, offset=start)):
        for row in rows:
            start += 1
            if row.run_id == run_id:
                return start
    raise InvalidArgumentError(
        what="next_page_token", got=repr(token), expected="what an earlier iterator's next_page_token was"
    )


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an int")
    if value < 1:
        raise InvalidArgumentError(what=name, got=repr(value), expected="1 or more")
    return value
