"""What a handle reads of a run's past: its events, as they come or all together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from understudy._calls.targets import NO_METADATA
from understudy._client.history.filter import WorkflowHistoryEventFilterType, is_close

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
    from understudy._client.history.saved import WorkflowHistory

__all__ = ["HistoryReader"]


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
        return await self._client.engine.dispatcher.run(self._history(only_close=is_close(event_filter_type)))

    async def _history(self, *, only_close: bool) -> WorkflowHistory:
        from understudy._client.history.events import wanted
        from understudy._client.history.saved import WorkflowHistory
        from understudy.actors.requests.event_feed import events_after

        client = self._client
        run_id = client.service.run_of(self._id, self._run_id)
        found, is_open = await events_after(client.engine.store, client.engine.waiters, run_id, 0, wait=False)
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
        from understudy._client.history.events import WorkflowHistoryEventAsyncIterator

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
