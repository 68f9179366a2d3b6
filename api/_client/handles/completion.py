"""Handles of activities that are completed from outside of their code.

An activity gives its token (`activity.info().task_token`) or its ids away and then ends by
`activity.raise_complete_async()`. Whoever has them gets a handle from `Client.get_async_activity_handle`, in this
process or, after a restart, in the next.

`CompletionReports` does what the handle's methods are documented to do. Where a client has no interceptors, the handle
uses it; where it has some, the end of their chain does.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from understudy._calls.checked import checked_any_id
from understudy._calls.targets import NO_ARG, NO_METADATA
from understudy._client.handles.activity_reference import AsyncActivityIDReference
from understudy._client.jobs.errors import about_jobs
from understudy.actors.activities.cancellation import ActivityCancellationDetails
from understudy.actors.behaviors.decisions.commands import CompleteActivity, FailActivity
from understudy.actors.behaviors.definitions.job import job_id
from understudy.actors.requests.completion import Completion, Target
from understudy.events.converters.in_context import WithSerializationContext
from understudy.events.errors import InvalidArgumentError, UnderstudyError
from understudy.events.failures.exceptions import CancelledError
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy._client.interceptors.chain import Chain
    from understudy.events.converters.contexts import SerializationContext
    from understudy.events.converters.data_converter import DataConverter
    from understudy.events.payloads.payload import Payload

__all__ = ["AsyncActivityCancelledError", "AsyncActivityHandle", "CompletionReports", "target_of"]

T = TypeVar("T")

_PARTS = 3
"""Of a task token: run, number, attempt."""


@public("understudy.client")
class AsyncActivityCancelledError(UnderstudyError, Exception):
    """The one who completes an activity from outside shall stop; `details` says why."""

    def __init__(self, details: ActivityCancellationDetails | None = None) -> None:
        """Say why the activity was cancelled."""
        super().__init__("Activity cancelled")
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the details."""
        return type(self), (self.details,)


class CompletionReports:
    """Reports of one attempt that is completed from outside; any loop.

    Args:
        connection: over which the engine is reached.
        id_or_token: names the activity.
        data_converter: turns its values into payloads; None: the connection's.

    Raises:
        InvalidArgumentError: it is no token of ours, or names no workflow.
    """

    def __init__(
        self,
        connection: Connection,
        id_or_token: AsyncActivityIDReference | bytes,
        data_converter: DataConverter | None,
    ) -> None:
        self._connection = connection
        self._data_converter = data_converter
        self.target = target_of(id_or_token)

    async def heartbeat(self, details: Sequence[Any]) -> None:
        """Tell the engine that the work goes on."""
        payloads = self._encoded(details, "heartbeat details")
        why = await self._run(self._completion.heartbeat(self.target, payloads))
        if why is not None:
            raise AsyncActivityCancelledError(why)

    async def complete(self, result: Any | None) -> None:
        """Give the activity its result."""
        payload = None if result is None or result is NO_ARG else self._encoded([result], "result")[0]
        report = CompleteActivity(seq=0, attempt=0, result=payload, identity=self._connection.identity)
        await self._run(self._completion.report(self.target, report))

    async def fail(self, error: Exception, last_heartbeat_details: Sequence[Any]) -> None:
        """Tell the engine that the attempt failed."""
        converter = self._converter
        details = self._encoded(last_heartbeat_details, "heartbeat details") if last_heartbeat_details else None
        failure = converter.failure_converter.to_failure(error, converter.payload_converter)
        report = FailActivity(seq=0, attempt=0, failure=failure, heartbeat_details=details)
        await self._run(self._completion.report(self.target, report))

    async def report_cancellation(self, details: Sequence[Any]) -> None:
        """Tell the engine that the work was stopped, as was asked."""
        converter = self._converter
        error = CancelledError("Cancelled", *details)
        failure = converter.failure_converter.to_failure(error, converter.payload_converter)
        report = FailActivity(seq=0, attempt=0, failure=failure)
        await self._run(self._completion.report(self.target, report, cancellation=True))

    @property
    def _converter(self) -> DataConverter:
        return self._data_converter or self._connection.data_converter

    def _encoded(self, values: Sequence[Any], what: str) -> tuple[Payload, ...]:
        where = f"the {what} of activity {self.target.activity!r}"
        return self._converter.payload_converter.encode_args(values, None, where=where)

    @property
    def _completion(self) -> Completion:
        engine = self._connection.engine
        return Completion(engine.post, engine.service, engine.activities)

    async def _run(self, saying: Coroutine[Any, Any, T]) -> T:
        with about_jobs():
            return await self._connection.engine.dispatcher.run(saying)


@public("understudy.client")
class AsyncActivityHandle(WithSerializationContext):
    """One activity, seen by the one who completes it; used on any event loop.

    All its methods raise `ActivityNotFoundError` if nobody waits for what they tell, because the activity has its
    outcome, another attempt is under way, or there is none of that id, and `WorkflowClosedError` if its run is closed.
    Of an activity that stands alone, `ActivityExecutionNotFoundError` and `ActivityClosedError` say the same.
    """

    def __init__(
        self,
        client: Connection,
        id_or_token: AsyncActivityIDReference | bytes,
        data_converter_override: DataConverter | None = None,
    ) -> None:
        """Use `Client.get_async_activity_handle` instead; nothing is asked yet."""
        self._connection = client
        self._id_or_token = id_or_token
        self._data_converter_override = data_converter_override
        self._completion = CompletionReports(client, id_or_token, data_converter_override)

    def __repr__(self) -> str:
        """Show which activity the handle names."""
        return f"<AsyncActivityHandle of {self._completion.target.activity!r}>"

    @property
    def _chain(self) -> Chain | None:
        return self._connection.chain

    async def heartbeat(
        self,
        *details: Any,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Tell the engine that the work goes on.

        Args:
            *details: what the next attempt finds in `activity.info().heartbeat_details`, if there has to be one; they
                are written down now and then, as those of `activity.heartbeat`.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            AsyncActivityCancelledError: the activity was asked to cancel; stop, and call `report_cancellation`.
            PayloadEncodeError: the details cannot be stored.
        """
        if self._chain is not None:
            from understudy._client.interceptors.inputs import HeartbeatAsyncActivityInput

            asked = HeartbeatAsyncActivityInput(
                self._id_or_token, details, rpc_metadata, rpc_timeout, self._data_converter_override
            )
            await self._chain.heartbeat_async_activity(asked)
            return
        await self._completion.heartbeat(details)

    async def complete(
        self,
        result: Any | None = NO_ARG,
        *,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Give the activity its result; when this returns, it is on disk.

        Args:
            result: what the workflow gets; None, if nothing is given.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            PayloadEncodeError: the result cannot be stored.
            EngineError: the store failed; the activity waits on.
        """
        if self._chain is not None:
            from understudy._client.interceptors.inputs import CompleteAsyncActivityInput

            value = None if result is NO_ARG else result
            asked = CompleteAsyncActivityInput(
                self._id_or_token, value, rpc_metadata, rpc_timeout, self._data_converter_override
            )
            await self._chain.complete_async_activity(asked)
            return
        await self._completion.complete(result)

    async def fail(
        self,
        error: Exception,
        *,
        last_heartbeat_details: Sequence[Any] = (),
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Tell the engine that the attempt failed; its retry policy decides whether there is another.

        Args:
            error: why; as if the activity's code had raised it.
            last_heartbeat_details: for the next attempt; none: those of the last heartbeat.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            PayloadEncodeError: the details cannot be stored.
            EngineError: the store failed; the activity waits on.
        """
        if self._chain is not None:
            from understudy._client.interceptors.inputs import FailAsyncActivityInput

            asked = FailAsyncActivityInput(
                id_or_token=self._id_or_token,
                error=error,
                last_heartbeat_details=last_heartbeat_details,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
                data_converter_override=self._data_converter_override,
            )
            await self._chain.fail_async_activity(asked)
            return
        await self._completion.fail(error, last_heartbeat_details)

    async def report_cancellation(
        self,
        *details: Any,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Tell the engine that the work was stopped, as was asked; the activity ends as cancelled.

        Args:
            *details: what the workflow finds in the CancelledError's `details`.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            InvalidArgumentError: nobody asked to cancel it.
            PayloadEncodeError: the details cannot be stored.
            EngineError: the store failed; the activity waits on.
        """
        if self._chain is not None:
            from understudy._client.interceptors.inputs import ReportCancellationAsyncActivityInput

            asked = ReportCancellationAsyncActivityInput(
                self._id_or_token, details, rpc_metadata, rpc_timeout, self._data_converter_override
            )
            await self._chain.report_cancellation_async_activity(asked)
            return
        await self._completion.report_cancellation(details)

    def with_context(self, context: SerializationContext) -> Self:
        """Return a handle whose values are converted in a context, for converters that ask for one."""
        converter = self._connection.data_converter.with_context(context)
        if converter is self._connection.data_converter:
            return self
        return type(self)(self._connection, self._id_or_token, converter)


def target_of(id_or_token: AsyncActivityIDReference | bytes) -> Target:
    """Return the attempt that a token or a reference names.

    Raises:
        InvalidArgumentError: it is no token of ours, or names no workflow.
    """
    if isinstance(id_or_token, AsyncActivityIDReference):
        if id_or_token.workflow_id is None:
            activity_id = checked_any_id(id_or_token.activity_id, "activity_id")
            return Target(activity_id, job_id(activity_id), id_or_token.run_id or "")
        if not id_or_token.workflow_id:
            raise InvalidArgumentError(
                what="workflow_id",
                got=repr(id_or_token.workflow_id),
                expected="the workflow that asked for the activity",
                fix="Pass workflow_id, run_id and activity_id, or task_token alone",
            )
        return Target(id_or_token.activity_id, id_or_token.workflow_id, id_or_token.run_id or "")
    parts = bytes(id_or_token).decode(errors="replace").rsplit("/", _PARTS - 1)
    if len(parts) != _PARTS or not (parts[1].isdecimal() and parts[2].isdecimal()):
        raise InvalidArgumentError(
            what="task_token", got=repr(id_or_token), expected="what activity.info().task_token gave"
        )
    return Target(f"#{parts[1]}", "", parts[0], int(parts[1]), int(parts[2]))
