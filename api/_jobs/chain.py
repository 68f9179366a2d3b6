"""The two ends of a client's chain of interceptors, for calls about stand-alone activities.

At its beginning the calls of users become inputs, at its end they are made as the inputs say; see `_client/chain.py`
and `_client/root.py`, which these are parts of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from understudy._client.interceptors.inputs import OwnOfCall, own_of_call
from understudy._client.interceptors.interceptors import OutboundInterceptor
from understudy._client.interceptors.job_inputs import (
    CancelActivityInput,
    CountActivitiesInput,
    DescribeActivityInput,
    ListActivitiesInput,
    StartActivityInput,
    TerminateActivityInput,
)
from understudy._client.jobs.start import activity_target
from understudy.actors.behaviors.headers import NO_HEADERS

if TYPE_CHECKING:
    from understudy._client.jobs.description import ActivityExecutionDescription
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.listing import ActivityExecutionAsyncIterator, ActivityExecutionCount
    from understudy.client import Client

__all__ = ["ActivityChain", "ActivityRoot"]

Given = Mapping[str, Any]
"""The arguments of a call by name, as the method has them; there may be more among them than are wanted."""

_STARTED = (
    *("id", "task_queue", "schedule_to_close_timeout", "start_to_close_timeout", "schedule_to_start_timeout"),
    *("heartbeat_timeout", "id_reuse_policy", "id_conflict_policy", "retry_policy", "priority", "search_attributes"),
    *("summary", "start_delay"),
)
_INCLUDED = ("include_input", "include_outcome", "include_heartbeat_details", "include_last_failure")
_RPC = ("rpc_metadata", "rpc_timeout")


def _of(given: Given, *names: str) -> dict[str, Any]:
    return {name: given[name] for name in (*names, *_RPC)}


class ActivityChain:
    """The beginning; what derives from it knows the outermost interceptor."""

    __slots__ = ("_outermost",)
    _outermost: OutboundInterceptor

    async def start_activity(self, activity: Any, args: Sequence[Any], given: Given) -> ActivityHandle[Any]:
        """Start an activity."""
        name, definition = activity_target(activity)
        declared = definition.signature.returns if definition is not None else None
        asked = StartActivityInput(
            activity_type=name,
            args=args,
            result_type=given["result_type"] or declared,
            headers=NO_HEADERS,
            **_of(given, *_STARTED),
            _own=OwnOfCall(activity, given["request_id"]),
        )
        return await self._outermost.start_activity(asked)

    async def cancel_activity(self, which: tuple[str, str | None], given: Given) -> None:
        """Ask an activity to cancel; `which` is its id and a run id."""
        await self._outermost.cancel_activity(CancelActivityInput(*which, **_of(given, "reason")))

    async def terminate_activity(self, which: tuple[str, str | None], given: Given) -> None:
        """End an activity."""
        await self._outermost.terminate_activity(TerminateActivityInput(*which, **_of(given, "reason")))

    async def describe_activity(self, which: tuple[str, str | None], given: Given) -> ActivityExecutionDescription:
        """Return what is known of an activity."""
        return await self._outermost.describe_activity(DescribeActivityInput(*which, **_of(given, *_INCLUDED)))

    def list_activities(self, given: Given) -> ActivityExecutionAsyncIterator:
        """Return an iterator over activities."""
        asked = ListActivitiesInput(**_of(given, "query", "page_size", "next_page_token", "limit"))
        return self._outermost.list_activities(asked)

    async def count_activities(self, given: Given) -> ActivityExecutionCount:
        """Count activities."""
        return await self._outermost.count_activities(CountActivitiesInput(**_of(given, "query")))


class ActivityRoot(OutboundInterceptor):
    """The end; what derives from it knows the client."""

    _client: Client

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Start it."""
        own = own_of_call(input)
        known = own.target is not None and activity_target(own.target)[0] == input.activity_type
        client: Any = self._client.plain(input.headers)
        handle: ActivityHandle[Any] = await client.start_activity(
            own.target if known else input.activity_type,
            args=input.args,
            result_type=input.result_type,
            request_id=own.request_id,
            **{name: getattr(input, name) for name in _STARTED},
        )
        return handle

    def _job(self, input: Any) -> ActivityHandle[Any]:
        return self._client.plain(NO_HEADERS).get_activity_handle(input.activity_id, run_id=input.activity_run_id)

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        """Ask it."""
        await self._job(input).cancel(reason=input.reason)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        """End it."""
        await self._job(input).terminate(reason=input.reason)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        """Look."""
        return await self._job(input).describe(**{name: getattr(input, name) for name in _INCLUDED})

    def list_activities(self, input: ListActivitiesInput) -> ActivityExecutionAsyncIterator:
        """Make the iterator."""
        return self._client.plain(NO_HEADERS).list_activities(
            input.query, limit=input.limit, page_size=input.page_size, next_page_token=input.next_page_token
        )

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        """Count them."""
        return await self._client.plain(NO_HEADERS).count_activities(input.query)
