"""The history of a run, read through its handle: its events as they come, or all together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from understudy._calls.targets import NO_METADATA
from understudy._client.handles.address import Addressed
from understudy._client.history.filter import WorkflowHistoryEventFilterType, is_close

if TYPE_CHECKING:
    from understudy._client.history.events import WorkflowHistoryEventAsyncIterator
    from understudy._client.history.saved import WorkflowHistory

__all__ = ["HistoryReader"]


class HistoryReader(Addressed):
    """The history of a workflow's handle: its events."""

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
        return await self._address.connection.engine.dispatcher.run(
            self._history(only_close=is_close(event_filter_type))
        )

    async def _history(self, *, only_close: bool) -> WorkflowHistory:
        from understudy._client.history.events import wanted
        from understudy._client.history.saved import WorkflowHistory
        from understudy.actors.requests.event_feed import events_after

        to = self._address
        run_id = to.connection.service.run_of(to.workflow_id, to.run_id)
        found, is_open = await events_after(
            to.connection.engine.store, to.connection.engine.waiters, run_id, 0, wait=False
        )
        return WorkflowHistory(to.workflow_id, run_id, tuple(wanted(found, only_close=only_close, is_open=is_open)))

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
            page_size: the number of events to read at a time; None: 1,000.
            next_page_token: where to go on, as an earlier iterator says; None: with the first event.
            wait_new_event: go on with the events that come, as they come, until the run is closed.
            event_filter_type: CLOSE_EVENT for only the one that has closed the run, if one has.
            skip_archival: accepted so that programs run: nothing is archived.
            rpc_metadata: not used.
            rpc_timeout: the time to wait for the next events; None: without end.

        Raises:
            InvalidArgumentError: an argument cannot be.
        """
        to, chain = self._address, self._address.connection.chain
        if chain is not None:
            from understudy._client.interceptors.inputs import FetchWorkflowHistoryEventsInput

            asked = FetchWorkflowHistoryEventsInput(
                id=to.workflow_id,
                run_id=to.run_id,
                page_size=page_size,
                next_page_token=next_page_token,
                wait_new_event=wait_new_event,
                event_filter_type=event_filter_type,
                skip_archival=skip_archival,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            found: WorkflowHistoryEventAsyncIterator = chain.fetch_workflow_history_events(asked)
            return found
        from understudy._client.history.events import WorkflowHistoryEventAsyncIterator

        return WorkflowHistoryEventAsyncIterator(
            to.connection,
            to.workflow_id,
            to.run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            rpc_timeout=rpc_timeout,
        )
