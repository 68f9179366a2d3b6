"""Calls about stand-alone activities as a client's interceptors see them; see `inputs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from understudy._client.interceptors.inputs import OwnOfCall
from understudy.events.options.policies import ActivityIDConflictPolicy, ActivityIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

__all__ = [
    "CancelActivityInput",
    "CountActivitiesInput",
    "DescribeActivityInput",
    "ListActivitiesInput",
    "StartActivityInput",
    "TerminateActivityInput",
]

Metadata = Mapping[str, str | bytes]
_NOTHING = OwnOfCall()


@public("understudy.client")
@dataclass
class StartActivityInput:
    """The arguments of `Client.start_activity` or one of its kin."""

    activity_type: str
    args: Sequence[Any]
    id: str
    task_queue: str
    result_type: Any
    schedule_to_close_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    id_reuse_policy: ActivityIDReusePolicy
    id_conflict_policy: ActivityIDConflictPolicy
    retry_policy: RetryPolicy | None
    priority: Priority
    search_attributes: Any
    summary: str | None
    start_delay: timedelta | None
    headers: Mapping[str, Payload]
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    _own: OwnOfCall = field(default=_NOTHING, kw_only=True, repr=False, compare=False)


@public("understudy.client")
@dataclass
class CancelActivityInput:
    """The arguments of `ActivityHandle.cancel`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class TerminateActivityInput:
    """The arguments of `ActivityHandle.terminate`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class DescribeActivityInput:
    """The arguments of `ActivityHandle.describe`."""

    activity_id: str
    activity_run_id: str | None
    include_input: bool
    include_outcome: bool
    include_heartbeat_details: bool
    include_last_failure: bool
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None


@public("understudy.client")
@dataclass
class ListActivitiesInput:
    """The arguments of `Client.list_activities`."""

    query: str | None
    page_size: int
    next_page_token: bytes | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
    limit: int | None


@public("understudy.client")
@dataclass
class CountActivitiesInput:
    """The arguments of `Client.count_activities`."""

    query: str | None
    rpc_metadata: Metadata
    rpc_timeout: timedelta | None
