"""Starts of workflows: the arguments of a start are checked, become a `WorkflowStarted`, and go to the engine.

`START_DEFAULTS` is the one table of a start's options. The signature of `Client.start_workflow`, the typed dictionary
and the fields of `StartWorkflowInput` are written out for type checkers and for users; a test holds them to the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

import msgspec

from understudy._calls.checked import (
    checked_id,
    checked_name,
    stored_attributes,
    stored_memo,
    stored_ns,
    stored_policy,
    stored_priority,
)
from understudy._calls.targets import NO_METADATA, message_call, workflow_call, workflow_target
from understudy._client.handles.handle import WorkflowHandle
from understudy.actors.behaviors.decisions.commands import SignalWorkflow
from understudy.actors.behaviors.definitions.definition import HandlerKind, WorkflowDefinition
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options.policies import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import NO_HEADERS, Phrase
from understudy.events.workflow import BEHAVIOUR_FLAGS, WorkflowStarted

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.actors.system import System
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.payloads.payload import Payload

__all__ = [
    "DEFAULT_VALUES",
    "NO_OPTIONS",
    "START_DEFAULTS",
    "PlainStartOptions",
    "PreparedStart",
    "StartOptions",
    "WantedStart",
    "checked_policies",
    "find_workflow",
    "named_options",
    "prepared_start",
    "start_workflow",
]


class PlainStartOptions(TypedDict, total=False):
    """The options of a start but for the type of the result."""

    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: Any
    static_summary: str | None
    static_details: str | None
    start_delay: timedelta | None
    start_signal: str | None
    start_signal_args: Sequence[Any]
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None
    request_eager_start: bool
    request_id: str | None
    priority: Priority
    versioning_override: object
    stack_level: int


class StartOptions(PlainStartOptions, total=False):
    """The options of a start, to keep and to pass as `**options`; see `Client.start_workflow`."""

    result_type: type | None


START_DEFAULTS: Final[StartOptions] = {
    "result_type": None,
    "execution_timeout": None,
    "run_timeout": None,
    "task_timeout": None,
    "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    "id_conflict_policy": WorkflowIDConflictPolicy.UNSPECIFIED,
    "retry_policy": None,
    "cron_schedule": "",
    "memo": None,
    "search_attributes": None,
    "static_summary": None,
    "static_details": None,
    "start_delay": None,
    "start_signal": None,
    "start_signal_args": (),
    "rpc_metadata": NO_METADATA,
    "rpc_timeout": None,
    "request_eager_start": False,
    "request_id": None,
    "priority": Priority.default,
    "versioning_override": None,
}
"""Every option that a start is checked for or shows to interceptors, with its default.

Most starts say nothing, and need no look at each option.
"""

DEFAULT_VALUES: Final = tuple(START_DEFAULTS.values())
"""The values of START_DEFAULTS: to compare a tuple with them is quicker than to make a dict of what is left out."""

NO_OPTIONS: Final[StartOptions] = {}


def named_options(given: tuple[Any, ...]) -> StartOptions:
    """Return the options of a start by name; `given` has all of them in the order of START_DEFAULTS."""
    return cast("StartOptions", dict(zip(START_DEFAULTS, given, strict=True)))


class WantedStart(msgspec.Struct, frozen=True, gc=False):
    """A start as the caller asked for it; nothing of it is checked."""

    workflow: Any
    """The run method of a workflow class, the class, a workflow function, or a name."""
    args: Sequence[Any]
    id: str
    task_queue: str
    options: StartOptions
    """The options that the caller gave; an option that is not there has its default."""
    headers: Mapping[str, Payload] = NO_HEADERS
    """The headers that interceptors send along."""


class PreparedStart(msgspec.Struct, frozen=True):
    """A start, after the checks."""

    event: WorkflowStarted
    policies: tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]
    signal: SignalWorkflow | None
    """The signal that goes with the start."""
    hint: Any
    """The type that the result is decoded to."""


_PLAIN_POLICIES: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.UNSPECIFIED


async def start_workflow(connection: Connection, wanted: WantedStart) -> WorkflowHandle[Any, Any]:
    """Start a workflow, and return its handle once the start is on disk; see `Client.start_workflow`. Any loop."""
    start = prepared_start(connection, wanted)
    began = connection.engine.starts.start(start.event, *start.policies, first=start.signal)
    run_id = (await connection.engine.dispatcher.run(began)).run_id
    return WorkflowHandle(
        connection, wanted.id, first_execution_run_id=run_id, result_run_id=run_id, result_type=start.hint
    )


def prepared_start(connection: Connection, wanted: WantedStart) -> PreparedStart:
    """Return a start as the engine takes it.

    Args:
        connection: its converter and its identity are those of the start.
        wanted: the start as it was asked for.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
    """
    workflow, workflow_id, task_queue = wanted.workflow, wanted.id, wanted.task_queue
    converter, engine = connection.converter_of(workflow_id), connection.engine
    name, definition = find_workflow(engine, workflow, task_queue)
    event = WorkflowStarted(
        at=engine.clock(),
        workflow_id=checked_id(workflow_id, "id"),
        workflow_type=name,
        task_queue=checked_name(task_queue, "task_queue"),
        input=workflow_call(converter, definition, wanted.args, Phrase("workflow {!r}", (name,))),
        flags=BEHAVIOUR_FLAGS,
        identity=connection.identity,
    )
    by_name = isinstance(workflow, str)  # then the result is as JSON gives it, whatever workers the process has
    hint = None if definition is None or by_name else definition.signature.returns
    policies, signal = _PLAIN_POLICIES, None
    if (wanted.options and wanted.options != START_DEFAULTS) or wanted.headers:
        given: Any = {**START_DEFAULTS, **wanted.options}
        headers = dict(wanted.headers)
        event = msgspec.structs.replace(event, headers=headers, **_rare_fields(given, event.at, converter))
        reuse, conflict = checked_policies(given["id_reuse_policy"], given["id_conflict_policy"])
        if given["start_signal"] is not None or given["start_signal_args"]:
            signal = start_signal(converter, definition, event, given["start_signal"], given["start_signal_args"])
            if conflict is WorkflowIDConflictPolicy.UNSPECIFIED:
                conflict = WorkflowIDConflictPolicy.USE_EXISTING  # it is for whichever run there is
        policies, hint = (reuse, conflict), hint if given["result_type"] is None else given["result_type"]
    return PreparedStart(event, policies, signal, hint)


def _rare_fields(given: Any, now: int, converter: PayloadConverter) -> dict[str, Any]:
    """Return the fields of a `WorkflowStarted` that options other than the usual lead to.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: a value of the memo cannot be stored.
    """
    whole = stored_ns(given["execution_timeout"], "execution_timeout")
    policy, memo, attributes = given["retry_policy"], given["memo"], given["search_attributes"]
    cron = given["cron_schedule"] or ""
    return {
        "execution_timeout": whole,
        "execution_deadline": now + whole if whole else 0,
        "run_timeout": stored_ns(given["run_timeout"], "run_timeout"),
        "task_timeout": stored_ns(given["task_timeout"], "task_timeout"),
        "retry_policy": None if policy is None else stored_policy(policy),
        "first_turn_at": _first_turn(now, cron, given["start_delay"]),
        "memo": stored_memo(memo, converter) if memo else {},
        "search_attributes": stored_attributes(attributes) if attributes else {},
        "summary": given["static_summary"] or "",
        "details": given["static_details"] or "",
        "request_id": given["request_id"] or "",
        "cron_schedule": cron,
        **stored_priority(given["priority"]),
    }


def start_signal(
    converter: PayloadConverter,
    definition: WorkflowDefinition | None,
    event: WorkflowStarted,
    name: str | None,
    args: Sequence[Any],
) -> SignalWorkflow:
    """Return the signal that goes with a start."""
    if name is None:
        raise InvalidArgumentError(
            what="start_signal_args", got=f"{len(args)} values", expected="none, since there is no start_signal"
        )
    checked_name(name, "start_signal")
    known = definition.signals.get(name) if definition is not None else None
    of_whom = f"of workflow {event.workflow_id!r}"
    _, payloads = message_call(converter, HandlerKind.SIGNAL, known.fn if known else name, args, of_whom)
    request_id = f"{event.request_id}/signal" if event.request_id else ""
    identity, headers = event.identity, event.headers
    return SignalWorkflow(name=name, input=payloads, headers=headers, identity=identity, request_id=request_id)


def checked_policies(reuse: object, conflict: object) -> tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]:
    """Return the id policies as members of their enums.

    Raises:
        InvalidArgumentError: one is something else, or they contradict each other.
    """
    if not isinstance(reuse, WorkflowIDReusePolicy):
        raise ArgumentTypeError(
            what="id_reuse_policy", got=repr(reuse), expected="an understudy.common.WorkflowIDReusePolicy"
        )
    if not isinstance(conflict, WorkflowIDConflictPolicy):
        raise ArgumentTypeError(
            what="id_conflict_policy", got=repr(conflict), expected="an understudy.common.WorkflowIDConflictPolicy"
        )
    unsaid = WorkflowIDConflictPolicy.UNSPECIFIED
    if reuse is WorkflowIDReusePolicy.TERMINATE_IF_RUNNING and conflict is not unsaid:
        raise InvalidArgumentError(
            what="id_conflict_policy",
            got=f"{conflict.name} beside an id_reuse_policy of TERMINATE_IF_RUNNING",
            expected="only one word on what becomes of an open run",
            fix="Leave TERMINATE_IF_RUNNING out: id_conflict_policy=TERMINATE_EXISTING says the same",
        )
    return reuse, conflict


def find_workflow(engine: System, workflow: Any, task_queue: str) -> tuple[str, WorkflowDefinition | None]:
    """Return the type and the definition of a workflow to start; a name is looked up at the workers here.

    Raises:
        DefinitionError: it is not a workflow.
        InvalidArgumentError: it has no name of its own.
    """
    name, definition = workflow_target(workflow)
    if definition is None:
        for worker in engine.definitions.workers.get(task_queue, ()):
            known = worker.workflows.get(name)
            if known is not None:
                return name, known
    return name, definition


def _first_turn(now: int, cron: str, delay: timedelta | None) -> int:
    """Return the time when the first turn is due, ns since the epoch; 0: at once."""
    if not cron:
        wait = stored_ns(delay, "start_delay")
        return now + wait if wait else 0
    if delay is not None:
        raise InvalidArgumentError(
            what="start_delay", got=repr(delay), expected="None, since cron_schedule says when the run begins"
        )
    from understudy.events.options.cron import checked_cron, next_cron  # few workflows have a schedule

    return next_cron(checked_cron(cron), now)
