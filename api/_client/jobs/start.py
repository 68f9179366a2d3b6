"""The start of a stand-alone activity, checked: what the caller gave becomes the first event of the run behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from understudy._calls.activity_options import DEFAULT_START_TO_CLOSE_NS, stored_options
from understudy._calls.checked import checked_any_id, checked_name
from understudy._calls.targets import checked_kind
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
from understudy.events.workflow import BEHAVIOUR_FLAGS, WorkflowStarted

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.actors.requests.starts import Starts
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = [
    "ActivityStartOptions",
    "PlainActivityStartOptions",
    "PreparedJob",
    "activity_target",
    "prepared_job",
    "start_of",
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
"""What an activity's decorator says that counts for a job, too; the rest is about its workflow."""


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


class PreparedJob(NamedTuple):
    """A start that was checked."""

    event: WorkflowStarted
    policies: tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]
    activity_type: str
    hint: Any
    """What the result is decoded to."""


def prepared_job(
    client: Connection,
    activity: Any,
    args: Sequence[Any],
    *,
    id: str,
    task_queue: str,
    result_type: type | None,
    id_reuse_policy: ActivityIDReusePolicy,
    id_conflict_policy: ActivityIDConflictPolicy,
    search_attributes: Any,
    start_delay: timedelta | None,
    request_id: str | None,
    headers: Mapping[str, Payload],
    options: Mapping[str, Any],
) -> PreparedJob:
    """Return the start of a job as the engine takes it; `options` are those that activities of workflows have, too.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        DefinitionError: it is not an activity.
    """
    name, definition = activity_target(activity)
    checked_any_id(id, "id")
    checked_name(task_queue, "task_queue")
    checked_kind(id_reuse_policy, ActivityIDReusePolicy, "id_reuse_policy")
    checked_kind(id_conflict_policy, ActivityIDConflictPolicy, "id_conflict_policy")
    fields = _fields(definition, options)
    hint = result_type or fields.pop("result_type", None) or (definition.signature.returns if definition else Any)
    converter = for_activity(
        client.data_converter.payload_converter,
        activity_id=id,
        activity_type=name,
        task_queue=task_queue,
        workflow_id=None,
        workflow_type=None,
    )
    job = Job(activity_type=name, start_delay=to_ns(start_delay, name="start_delay") or 0, **fields)
    event = WorkflowStarted(
        at=client.engine.clock(),
        workflow_id=job_id(id),
        workflow_type=JOB_TYPE,
        task_queue=task_queue,
        flags=BEHAVIOUR_FLAGS,
        input=job_input(job, _payloads(converter, name, definition, args)),
        search_attributes=_attributes(search_attributes),
        headers=dict(headers),
        summary=job.summary,
        identity=client.identity,
        request_id=request_id or "",
    )
    return PreparedJob(event, (_REUSE[id_reuse_policy], _CONFLICT[id_conflict_policy]), name, hint)


async def start_of(starts: Starts, prepared: PreparedJob) -> str:
    """Have a job started, and return its run id; on the engine's loop.

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
    """Return the type that is meant, and its definition where it was given.

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
    """Return options as fields of a `Job`: what the activity's decorator says counts where the call says nothing."""
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
