"""Stand-alone activities, seen from a client: it starts jobs without a workflow around them, and finds them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, as_it_is
from understudy._client.connection import Connection
from understudy.events.options.policies import ActivityIDConflictPolicy, ActivityIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from understudy._client.jobs.description import ActivityExecutionCount
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator
    from understudy._client.jobs.start import ActivityStartOptions
    from understudy._client.jobs.typed import (
        typed_execute_activity,
        typed_execute_activity_method,
        typed_start_activity,
        typed_start_activity_method,
    )
else:
    typed_execute_activity = as_it_is
    typed_execute_activity_method = as_it_is
    typed_start_activity = as_it_is
    typed_start_activity_method = as_it_is

__all__ = ["StandaloneActivities"]

R = TypeVar("R")


class StandaloneActivities(Connection):
    """Jobs: the part of a client that starts, finds, lists and counts stand-alone activities."""

    @typed_start_activity
    async def start_activity(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        result_type: type | None = None,
        schedule_to_close_timeout: timedelta | None = None,
        schedule_to_start_timeout: timedelta | None = None,
        start_to_close_timeout: timedelta | None = None,
        heartbeat_timeout: timedelta | None = None,
        id_reuse_policy: ActivityIDReusePolicy = ActivityIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy: ActivityIDConflictPolicy = ActivityIDConflictPolicy.FAIL,
        retry_policy: RetryPolicy | None = None,
        search_attributes: Any = None,
        summary: str | None = None,
        priority: Priority = Priority.default,
        start_delay: timedelta | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
        request_id: str | None = None,
    ) -> ActivityHandle[Any]:
        """Start an activity that no workflow asks for, and return its handle once the start is on disk.

        What is not given is as the activity's decorator says.

        Args:
            activity: a function or method decorated with `@activity.defn`, or the name of one.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            id: the activity's id; at most one run with it is open at a time. Workflows have their own ids.
            task_queue: whose worker shall run it; it need not be there yet.
            result_type: the type that the result is decoded to, when the activity is given by name.
            schedule_to_close_timeout: all attempts together, from the end of the start delay on.
            schedule_to_start_timeout: the wait for a worker; not retried.
            start_to_close_timeout: one attempt; 300 s if neither this nor schedule_to_close_timeout is given.
            heartbeat_timeout: between two heartbeats of one attempt.
            id_reuse_policy: what closed runs with this id mean.
            id_conflict_policy: what an open run with this id means.
            retry_policy: None: from 1 s, doubling, at most 100 s, without end.
            search_attributes: values kept with the run, for searching.
            summary: one line for people.
            priority: recorded, and shown to the activity.
            start_delay: how long the first attempt waits.
            rpc_metadata: accepted so that programs run, and not used: no call leaves the process.
            rpc_timeout: the same.
            request_id: starts with the same one give the same run, however often they are sent.

        Raises:
            InvalidArgumentError: an argument cannot be; nothing was stored.
            PayloadEncodeError: an argument of the activity cannot be stored, or does not fit its hint.
            DefinitionError: `activity` is not an activity.
            ActivityAlreadyStartedError: the id is taken.
            EngineError: the store failed; nothing has started.
        """
        from understudy._client.jobs.start import ActivityStartOptions, WantedJob, start_job

        options = ActivityStartOptions(
            result_type=result_type,
            schedule_to_close_timeout=schedule_to_close_timeout,
            schedule_to_start_timeout=schedule_to_start_timeout,
            start_to_close_timeout=start_to_close_timeout,
            heartbeat_timeout=heartbeat_timeout,
            id_reuse_policy=id_reuse_policy,
            id_conflict_policy=id_conflict_policy,
            retry_policy=retry_policy,
            search_attributes=search_attributes,
            summary=summary,
            priority=priority,
            start_delay=start_delay,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
            request_id=request_id,
        )
        wanted = WantedJob(activity, arguments(arg, args), id, task_queue, options)
        if self.chain is not None:
            from understudy._client.interceptors.start_inputs import input_of_job

            handle: ActivityHandle[Any] = await self.chain.start_activity(input_of_job(wanted))
            return handle
        return await start_job(self, wanted)

    @typed_execute_activity
    async def execute_activity(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> Any:
        """Start an activity that no workflow asks for, and wait for its result; see `start_activity`.

        Raises:
            ActivityFailureError: it failed, was cancelled or terminated, or timed out; the reason is its `cause`.
        """
        return await (await self._start(activity, arg, args, id, task_queue, options)).result()

    async def start_activity_class(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[Any]:
        """As `start_activity`; the activity is a class whose `__call__` is one, and a worker has an instance of it.

        Type checkers know its result by `start_activity_method(Charge.__call__, ...)`.
        """
        return await self._start(activity, arg, args, id, task_queue, options)

    async def execute_activity_class(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> Any:
        """As `execute_activity`; see `start_activity_class`."""
        return await (await self._start(activity, arg, args, id, task_queue, options)).result()

    @typed_start_activity_method
    async def start_activity_method(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[Any]:
        """As `start_activity`; the method is given unbound: `start_activity_method(Payments.charge, order, ...)`."""
        return await self._start(activity, arg, args, id, task_queue, options)

    @typed_execute_activity_method
    async def execute_activity_method(
        self,
        activity: Any,
        arg: Any = NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> Any:
        """As `execute_activity`; see `start_activity_method`."""
        return await (await self._start(activity, arg, args, id, task_queue, options)).result()

    async def _start(  # noqa: PLR0917 - what all of the above are given
        self, activity: Any, arg: Any, args: Sequence[Any], id: str, task_queue: str, options: ActivityStartOptions
    ) -> ActivityHandle[Any]:
        given: Any = activity
        return await self.start_activity(given, arg, args=args, id=id, task_queue=task_queue, **options)

    @overload
    def get_activity_handle(self, activity_id: str, *, run_id: str | None = None) -> ActivityHandle[Any]: ...
    @overload
    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: type[R]
    ) -> ActivityHandle[R]: ...
    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: type | None = None
    ) -> ActivityHandle[Any]:
        """Return a handle to a stand-alone activity that was started before, by anybody; nothing is asked yet.

        For whoever completes one from outside, there is `get_async_activity_handle`.

        Args:
            activity_id: its id.
            run_id: the run that is meant; None: the open one, else the latest.
            result_type: the type that the result is decoded to.

        Raises:
            InvalidArgumentError: the id cannot be.
        """
        from understudy._calls.checked import checked_any_id
        from understudy._client.jobs.handle import ActivityHandle

        found = checked_any_id(activity_id, "activity_id")
        return ActivityHandle(self, found, run_id=run_id, result_type=result_type)

    def list_activities(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = 1000,
        next_page_token: bytes | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionAsyncIterator:
        """Return an iterator over all stand-alone activities, running and closed, the latest first.

        Args:
            query: None; a filter is refused, since there is none yet.
            limit: the greatest number of activities; None: all.
            page_size: the number of activities to fetch at once.
            next_page_token: where to go on, as an earlier iterator said.
            rpc_metadata: accepted so that programs run, and not used: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            InvalidArgumentError: there is a filter, or a number cannot be.
        """
        if self.chain is not None:
            from understudy._client.interceptors.job_inputs import ListActivitiesInput

            found: ActivityExecutionAsyncIterator = self.chain.list_activities(
                ListActivitiesInput(query, page_size, next_page_token, rpc_metadata, rpc_timeout, limit)
            )
            return found
        from understudy._client.jobs.listing import list_jobs

        return list_jobs(self, query, limit=limit, page_size=page_size, next_page_token=next_page_token)

    async def count_activities(
        self,
        query: str | None = None,
        *,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionCount:
        """Return the number of stand-alone activities, running and closed.

        Args:
            query: None; a filter is refused, since there is none yet.
            rpc_metadata: accepted so that programs run, and not used: no call leaves the process.
            rpc_timeout: the same.

        Raises:
            InvalidArgumentError: there is a filter.
        """
        if self.chain is not None:
            from understudy._client.interceptors.job_inputs import CountActivitiesInput

            return await self.chain.count_activities(CountActivitiesInput(query, rpc_metadata, rpc_timeout))
        from understudy._client.jobs.listing import count_jobs

        return await count_jobs(self, query)
