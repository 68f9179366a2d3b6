"""Starts of stand-alone activities: the arguments of a start are checked, and become the first event of its run.

`JOB_DEFAULTS` is the one table of a start's options, as `START_DEFAULTS` is for workflows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

import msgspec

from understudy._calls.activity_options import DEFAULT_START_TO_CLOSE_NS, stored_options
from understudy._calls.checked import checked_any_id, checked_name
from understudy._calls.targets import NO_METADATA, checked_kind
from understudy._client.jobs.handle import ActivityHandle
from understudy.actors.behaviors.definitions.definition import ActivityDefinition, activity_of
from understudy.actors.behaviors.definitions.job import JOB_TYPE, Job, activity_id_of, job_id, job_input
from understudy.events.converters.in_context import for_activity
from understudy.events.errors import InvalidArgumentError
from understudy.events.failures.already_started import ActivityAlreadyStartedError, WorkflowAlreadyStartedError
from understudy.events.options.durations import to_ns
from understudy.events.options.policies import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import NO_HEADERS
from understudy.events.workflow import BEHAVIOUR_FLAGS, WorkflowStarted

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.actors.requests.starts import Starts
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = [
    "JOB_DEFAULTS",
    "ActivityStartOptions",
    "PlainActivityStartOptions",
    "PreparedJob",
    "WantedJob",
    "activity_target",
    "prepared_job",
    "start_job",
]

_REUSE: Final = {
    ActivityIDReusePolicy.UNSPECIFIED: WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    ActivityIDReusePolicy.ALLOW_DUPLICATE: WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY: WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    ActivityIDReusePolicy.REJECT_DUPLICATE: WorkflowIDReusePolicy.REJECT_DUPLICATE,
}
_CONFLICT: Final = {
    ActivityIDConflictPolicy.UNSPECIFIED: WorkflowIDConflictPolicy.FAIL,
    ActivityIDConflictPolicy.FAIL: WorkflowIDConflictPolicy.FAIL,
    ActivityIDConflictPolicy.USE_EXISTING: WorkflowIDConflictPolicy.USE_EXISTING,
}
_OF_ONE_ACTIVITY: Final = frozenset(
    {"schedule_to_close", "schedule_to_start", "start_to_close", "heartbeat", "retry_policy", "summary"}
    | {"priority", "fairness_key", "fairness_weight"}
)
"""The options of an activity's decorator that count for a job, too; the rest is about its workflow."""


class PlainActivityStartOptions(TypedDict, total=False):
    """The options of the start of a stand-alone activity, but for the type of the result."""

    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    id_reuse_policy: ActivityIDReusePolicy
    id_conflict_policy: ActivityIDConflictPolicy
    retry_policy: RetryPolicy | None
    search_attributes: Any
    summary: str | None
    priority: Priority
    start_delay: timedelta | None
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None
    request_id: str | None


class ActivityStartOptions(PlainActivityStartOptions, total=False):
    """The options of the start of a stand-alone activity; see `Client.start_activity`."""

    result_type: type | None


JOB_DEFAULTS: Final[ActivityStartOptions] = {
    "result_type": None,
    "schedule_to_close_timeout": None,
    "schedule_to_start_timeout": None,
    "start_to_close_timeout": None,
    "heartbeat_timeout": None,
    "id_reuse_policy": ActivityIDReusePolicy.ALLOW_DUPLICATE,
    "id_conflict_policy": ActivityIDConflictPolicy.FAIL,
    "retry_policy": None,
    "search_attributes": None,
    "summary": None,
    "priority": Priority.default,
    "start_delay": None,
    "rpc_metadata": NO_METADATA,
    "rpc_timeout": None,
    "request_id": None,
}
"""Every option of the start of a stand-alone activity, with its default."""
_OF_ACTIVITIES: Final = (
    *("schedule_to_close_timeout", "schedule_to_start_timeout", "start_to_close_timeout", "heartbeat_timeout"),
    *("retry_policy", "summary", "priority"),
)
"""The options that activities of workflows have, too."""


class WantedJob(msgspec.Struct, frozen=True):
    """The start of a stand-alone activity as the caller asked for it; nothing of it is checked."""

    activity: Any
    """A decorated function or method, a class whose objects can be called, or a name."""
    args: Sequence[Any]
    id: str
    task_queue: str
    options: ActivityStartOptions
    """All of them, each with its value."""
    headers: Mapping[str, Payload] = NO_HEADERS
    """The headers that interceptors send along."""


class PreparedJob(NamedTuple):
    """The start of a stand-alone activity, after the checks."""

    event: WorkflowStarted
    policies: tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]
    activity_type: str
    hint: Any
    """The type that the result is decoded to."""


async def start_job(connection: Connection, wanted: WantedJob) -> ActivityHandle[Any]:
    """Start a stand-alone activity, and return its handle once that is on disk; see `Client.start_activity`."""
    prepared = prepared_job(connection, wanted)
    run_id = await connection.engine.dispatcher.run(_started(connection.engine.starts, prepared))
    return ActivityHandle(connection, wanted.id, run_id=run_id, result_type=prepared.hint)


def prepared_job(connection: Connection, wanted: WantedJob) -> PreparedJob:
    """Return the start of a job as the engine takes it.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        DefinitionError: it is not an activity.
    """
    given: Any = wanted.options
    reuse, conflict = given["id_reuse_policy"], given["id_conflict_policy"]
    name, definition = activity_target(wanted.activity)
    checked_any_id(wanted.id, "id")
    checked_name(wanted.task_queue, "task_queue")
    checked_kind(reuse, ActivityIDReusePolicy, "id_reuse_policy")
    checked_kind(conflict, ActivityIDConflictPolicy, "id_conflict_policy")
    fields = _fields(definition, {name: given[name] for name in _OF_ACTIVITIES})
    hint = (
        given["result_type"] or fields.pop("result_type", None) or (definition.signature.returns if definition else Any)
    )
    converter = for_activity(
        connection.data_converter.payload_converter,
        activity_id=wanted.id,
        activity_type=name,
        task_queue=wanted.task_queue,
        workflow_id=None,
        workflow_type=None,
    )
    job = Job(activity_type=name, start_delay=to_ns(given["start_delay"], name="start_delay") or 0, **fields)
    event = WorkflowStarted(
        at=connection.engine.clock(),
        workflow_id=job_id(wanted.id),
        workflow_type=JOB_TYPE,
        task_queue=wanted.task_queue,
        flags=BEHAVIOUR_FLAGS,
        input=job_input(job, _payloads(converter, name, definition, wanted.args)),
        search_attributes=_attributes(given["search_attributes"]),
        headers=dict(wanted.headers),
        summary=job.summary,
        identity=connection.identity,
        request_id=given["request_id"] or "",
    )
    return PreparedJob(event, (_REUSE[reuse], _CONFLICT[conflict]), name, hint)


async def _started(starts: Starts, prepared: PreparedJob) -> str:
    """Start a job, and return its run id; on the engine's loop.

    Raises:
        ActivityAlreadyStartedError: the id is taken.
        EngineError: the store failed; nothing has started.
    """
    try:
        return (await starts.start(prepared.event, *prepared.policies)).run_id
    except WorkflowAlreadyStartedError as error:
        activity_id = activity_id_of(prepared.event.workflow_id)
        raise ActivityAlreadyStartedError(activity_id, prepared.activity_type, run_id=error.run_id) from None


def activity_target(activity: Any) -> tuple[str, ActivityDefinition | None]:
    """Return the type that the caller means, and its definition if the caller gave it.

    Raises:
        DefinitionError: it is not an activity.
        InvalidArgumentError: it has no name of its own.
    """
    if isinstance(activity, str):
        return checked_name(activity, "activity"), None
    definition = activity_of(activity)
    if definition.name is None:
        raise InvalidArgumentError(
            what="activity", got="the dynamic activity", expected="a name", fix="Start it by the name it shall see"
        )
    return definition.name, definition


def _fields(definition: ActivityDefinition | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as fields of a `Job`; where the call says nothing, those of the activity's decorator count."""
    given = {name: value for name, value in options.items() if value is not None and value is not Priority.default}
    declared: Mapping[str, Any] = definition.options if definition is not None else {}
    kept = {name: value for name, value in declared.items() if name in _OF_ONE_ACTIVITY or name == "result_type"}
    fields = {**kept, **stored_options(given)}
    if not (fields.get("start_to_close") or fields.get("schedule_to_close")):
        fields["start_to_close"] = DEFAULT_START_TO_CLOSE_NS
    return fields


def _payloads(
    converter: PayloadConverter, name: str, definition: ActivityDefinition | None, args: Sequence[Any]
) -> tuple[Payload, ...]:
    where = f"activity {name!r}"
    if definition is None:
        return converter.encode_args(args, None, where=where)
    definition.signature.check(len(args), where=where)
    return converter.encode_args(args, definition.signature, where=where, fit=True)


def _attributes(attributes: Any) -> dict[str, object]:
    if not attributes:
        return {}
    from understudy.events.options.search_attributes import to_stored

    return to_stored(attributes)
