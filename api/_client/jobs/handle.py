"""Handles of stand-alone activities: a client awaits a job's result, looks at it, and ends it.

The functions at the end do what the methods of these names are documented to do. Where a client has no interceptors,
the handle calls them; where it has some, the end of their chain does.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from understudy._calls.targets import NO_METADATA
from understudy._client.jobs.errors import ActivityFailureError, about_jobs, cause_of
from understudy.actors.behaviors.decisions.commands import CancelWorkflow, TerminateWorkflow
from understudy.actors.behaviors.definitions.job import job_id
from understudy.events.converters.in_context import for_activity
from understudy.events.public import public
from understudy.events.workflow import WorkflowCompleted

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy._client.jobs.description import ActivityExecutionDescription
    from understudy.events.event import Event

__all__ = ["INCLUDED", "ActivityHandle", "cancel_job", "describe_job", "terminate_job"]

R = TypeVar("R")
T = TypeVar("T")

INCLUDED: Final = ("include_input", "include_outcome", "include_heartbeat_details", "include_last_failure")
"""The parts that a description has only if the caller asks for them."""


@public("understudy.client")
class ActivityHandle(Generic[R]):
    """A handle to a stand-alone activity; used on any event loop.

    In all methods, `rpc_metadata` and `rpc_timeout` are accepted so that programs run, and not used: no call leaves the
    process. `asyncio.timeout` limits any wait.
    """

    def __init__(
        self, client: Connection, id: str, *, run_id: str | None = None, result_type: type | None = None
    ) -> None:
        """Use `Client.start_activity` or `Client.get_activity_handle` instead."""
        self._connection = client
        self._id = id
        self._run_id = run_id
        self._result_type = result_type
        self._known: Event | None = None

    def __repr__(self) -> str:
        """Show the activity's id, and the run where one is meant."""
        run = f", run {self._run_id}" if self._run_id else ""
        return f"<ActivityHandle of {self._id!r}{run}>"

    @property
    def id(self) -> str:
        """The id of the activity."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The id of the run that is meant; None: the open one, else the latest."""
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
            self._known = await _run(self._connection, self._closing())
        return self._outcome(self._known)

    async def _closing(self) -> Event:
        service = self._connection.service
        return await service.closing(service.run_of(job_id(self._id), self._run_id))

    def _outcome(self, closing: Event) -> R:
        data_converter = self._connection.data_converter
        converter = for_activity(
            data_converter.payload_converter,
            activity_id=self._id,
            activity_type=None,
            task_queue=None,
            workflow_id=None,
            workflow_type=None,
        )
        if not isinstance(closing, WorkflowCompleted):
            raise ActivityFailureError(cause=cause_of(closing, data_converter.failure_converter, converter))
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
        """Return the description of the activity as it is now; no worker is needed for it.

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
        if self._connection.chain is not None:
            from understudy._client.interceptors.job_inputs import DescribeActivityInput

            asked = DescribeActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                include_input=include_input,
                include_outcome=include_outcome,
                include_heartbeat_details=include_heartbeat_details,
                include_last_failure=include_last_failure,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            return await self._connection.chain.describe_activity(asked)
        given = include_input, include_outcome, include_heartbeat_details, include_last_failure
        included = frozenset(name for name, is_wanted in zip(INCLUDED, given, strict=True) if is_wanted)
        return await describe_job(self._connection, self._id, self._run_id, included)

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
        if self._connection.chain is not None:
            from understudy._client.interceptors.job_inputs import CancelActivityInput

            asked = CancelActivityInput(self._id, self._run_id, reason, rpc_metadata, rpc_timeout)
            await self._connection.chain.cancel_activity(asked)
            return
        await cancel_job(self._connection, self._id, self._run_id, reason)

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
        if self._connection.chain is not None:
            from understudy._client.interceptors.job_inputs import TerminateActivityInput

            asked = TerminateActivityInput(self._id, self._run_id, reason, rpc_metadata, rpc_timeout)
            await self._connection.chain.terminate_activity(asked)
            return
        await terminate_job(self._connection, self._id, self._run_id, reason)


async def describe_job(
    connection: Connection, activity_id: str, run_id: str | None, included: frozenset[str]
) -> ActivityExecutionDescription:
    """Return the description of a job; see `ActivityHandle.describe`. Any loop.

    Args:
        connection: over which the engine is reached.
        activity_id: the job's id.
        run_id: the run that is meant; None: the open one, else the latest.
        included: of `INCLUDED`, those that are wanted.
    """
    return await _run(connection, _described(connection, activity_id, run_id, included))


async def _described(
    connection: Connection, activity_id: str, run_id: str | None, included: frozenset[str]
) -> ActivityExecutionDescription:
    from understudy._client.jobs.description import described
    from understudy._client.jobs.view import JobView

    service, activities = connection.service, connection.engine.activities
    run_id = service.run_of(job_id(activity_id), run_id)
    view = JobView(run_id, service.history(run_id))
    unwritten = activities.unwritten(run_id, 1)
    if unwritten is not None:
        view.heartbeat_details = unwritten
    under_way = activities.under_way(run_id, 1)
    return described(view, connection.data_converter, under_way=under_way, included=included)


async def cancel_job(connection: Connection, activity_id: str, run_id: str | None, reason: str | None) -> None:
    """Ask a job to cancel; see `ActivityHandle.cancel`. Any loop."""
    command = CancelWorkflow(reason=reason or "", identity=connection.identity)
    await _run(connection, connection.service.send_to(job_id(activity_id), run_id, command))


async def terminate_job(connection: Connection, activity_id: str, run_id: str | None, reason: str | None) -> None:
    """End a job now; see `ActivityHandle.terminate`. Any loop."""
    command = TerminateWorkflow(reason=reason or "", identity=connection.identity)
    await _run(connection, connection.service.send_to(job_id(activity_id), run_id, command))


async def _run(connection: Connection, asking: Coroutine[Any, Any, T]) -> T:
    with about_jobs():
        return await connection.engine.dispatcher.run(asking)
