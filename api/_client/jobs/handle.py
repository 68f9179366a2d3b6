"""Handles of stand-alone activities: what a client does with one job: await its result, look at it, end it."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from understudy._calls.targets import NO_METADATA
from understudy._client.jobs.errors import ActivityFailureError, about_jobs, cause_of
from understudy.actors.behaviors.decisions.commands import CancelWorkflow, Command, TerminateWorkflow
from understudy.actors.behaviors.definitions.job import job_id
from understudy.events.converters.in_context import for_activity
from understudy.events.public import public
from understudy.events.workflow import WorkflowCompleted

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._client.jobs.description import ActivityExecutionDescription
    from understudy.events.event import Event

__all__ = ["ActivityHandle"]

R = TypeVar("R")
T = TypeVar("T")


@public("understudy.client")
class ActivityHandle(Generic[R]):
    """A handle to a stand-alone activity; used on any event loop.

    In all methods, `rpc_metadata` and `rpc_timeout` are accepted so that programs run, and not used: no call leaves the
    process. `asyncio.timeout` limits any wait.
    """

    def __init__(self, client: Client, id: str, *, run_id: str | None = None, result_type: type | None = None) -> None:
        """Use `Client.start_activity` or `Client.get_activity_handle` instead."""
        self._client = client
        self._id = id
        self._run_id = run_id
        self._result_type = result_type
        self._known: Event | None = None

    def __repr__(self) -> str:
        """Show the ids."""
        run = f", run {self._run_id}" if self._run_id else ""
        return f"<ActivityHandle of {self._id!r}{run}>"

    @property
    def id(self) -> str:
        """The activity's id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """Which run is meant; None: the open one, else the latest."""
        return self._run_id

    async def result(
        self, *, rpc_metadata: Mapping[str, str | bytes] = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> R:
        """Wait for the result, also across a restart of the process; once it is known, nothing is asked.

        Args:
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            ActivityFailureError: it failed, was cancelled or terminated, or timed out; the reason is its `cause`.
            ActivityExecutionNotFoundError: there is no such stand-alone activity.
            PayloadDecodeError: the result does not fit the type it is wanted as.
        """
        del rpc_metadata, rpc_timeout
        if self._known is None:
            self._known = await self._run(self._closing())
        return self._outcome(self._known)

    async def _closing(self) -> Event:
        service = self._client.service
        return await service.closing(service.run_of(job_id(self._id), self._run_id))

    def _outcome(self, closing: Event) -> R:
        client = self._client
        converter = for_activity(
            client.data_converter.payload_converter,
            activity_id=self._id,
            activity_type=None,
            task_queue=None,
            workflow_id=None,
            workflow_type=None,
        )
        if not isinstance(closing, WorkflowCompleted):
            raise ActivityFailureError(cause=cause_of(closing, client.data_converter.failure_converter, converter))
        if closing.result is None:
            return None  # type: ignore[return-value]  # the activity returned None
        hint: Any = Any if self._result_type is None else self._result_type
        result: R = converter.decode(closing.result, hint, where=f"the result of activity {self._id!r}")
        return result

    async def describe(
        self,
        *,
        include_input: bool = False,
        include_outcome: bool = False,
        include_heartbeat_details: bool = False,
        include_last_failure: bool = False,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionDescription:
        """Return what is known of the activity now; no worker is needed for it.

        Args:
            include_input: with its arguments.
            include_outcome: with its result, or why it has none.
            include_heartbeat_details: with the details of its last heartbeat.
            include_last_failure: with what its last failed attempt raised.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            ActivityExecutionNotFoundError: there is no such stand-alone activity.
        """
        if self._client.chain is not None:
            return await self._client.chain.describe_activity((self._id, self._run_id), locals())
        del rpc_metadata, rpc_timeout
        wanted = {
            "input": include_input,
            "outcome": include_outcome,
            "heartbeat_details": include_heartbeat_details,
            "last_failure": include_last_failure,
        }
        return await self._run(self._describe(frozenset(name for name, wanted_too in wanted.items() if wanted_too)))

    async def _describe(self, include: frozenset[str]) -> ActivityExecutionDescription:
        from understudy._client.jobs.description import described
        from understudy._client.jobs.view import JobView

        service, activities = self._client.service, self._client.engine.activities
        run_id = service.run_of(job_id(self._id), self._run_id)
        view = JobView(run_id, service.history(run_id))
        unwritten = activities.unwritten(run_id, 1)
        if unwritten is not None:
            view.heartbeat_details = unwritten
        under_way = activities.under_way(run_id, 1)
        return described(view, self._client.data_converter, under_way=under_way, include=include)

    async def cancel(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ask the activity to cancel, and return when that is on disk; its code decides how it ends.

        One that waits, for its start, for a worker, or to be tried again, is cancelled at once. Async code gets
        asyncio's CancelledError, code in a thread that of `understudy.exceptions`, with or without heartbeats.

        Args:
            reason: for its code and for people.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            ActivityExecutionNotFoundError: there is no such stand-alone activity.
            ActivityClosedError: it has ended.
        """
        if self._client.chain is not None:
            await self._client.chain.cancel_activity((self._id, self._run_id), locals())
            return
        del rpc_metadata, rpc_timeout
        await self._tell(CancelWorkflow(reason=reason or "", identity=self._client.identity))

    async def terminate(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the activity now, and return when that is on disk; an attempt under way is cancelled, and counts no more.

        Args:
            reason: for people.
            rpc_metadata: not used.
            rpc_timeout: not used.

        Raises:
            ActivityExecutionNotFoundError: there is no such stand-alone activity.
            ActivityClosedError: it has ended.
        """
        if self._client.chain is not None:
            await self._client.chain.terminate_activity((self._id, self._run_id), locals())
            return
        del rpc_metadata, rpc_timeout
        await self._tell(TerminateWorkflow(reason=reason or "", identity=self._client.identity))

    async def _tell(self, command: Command) -> None:
        await self._run(self._client.service.send_to(job_id(self._id), self._run_id, command))

    async def _run(self, asking: Coroutine[Any, Any, T]) -> T:
        with about_jobs():
            return await self._client.engine.dispatcher.run(asking)
