"""Starts as interceptors see them: a wanted start becomes an input, and the input that comes out a wanted start.

The fields of an input are those of the tables of options (`START_DEFAULTS`, `JOB_DEFAULTS`); what they do not have, a
request id or the definition that was meant, travels in the input's own part, which interceptors do not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from understudy._calls.targets import message_name, workflow_target
from understudy._client.handles.updates import WantedUpdate
from understudy._client.interceptors.inputs import (
    OwnOfCall,
    StartWorkflowInput,
    StartWorkflowUpdateWithStartInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
    own_of_call,
)
from understudy._client.interceptors.job_inputs import StartActivityInput
from understudy._client.jobs.start import JOB_DEFAULTS, WantedJob, activity_target
from understudy._client.starts.start import START_DEFAULTS, WantedStart
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.payloads.payload import NO_HEADERS

__all__ = [
    "input_of_job",
    "input_of_start",
    "input_with_start",
    "wanted_job",
    "wanted_start",
]

_OF_START: Final = tuple(START_DEFAULTS.keys() & StartWorkflowInput.__annotations__.keys())
_OF_START_WITH_UPDATE: Final = tuple(START_DEFAULTS.keys() & UpdateWithStartStartWorkflowInput.__annotations__.keys())
_OF_JOB: Final = tuple(JOB_DEFAULTS.keys() & StartActivityInput.__annotations__.keys())
"""The options that an input has under their own names."""


def input_of_start(wanted: WantedStart) -> StartWorkflowInput:
    """Return a start as interceptors see it.

    Raises:
        InvalidArgumentError: it names no workflow.
    """
    own = OwnOfCall(wanted.workflow, wanted.options.get("request_id"))
    return StartWorkflowInput(**_common(wanted), **_options(wanted, _OF_START), _own=own)


def input_with_start(
    wanted: WantedStart, update: WantedUpdate, operation: object, rpc_metadata: Mapping[str, str | bytes]
) -> StartWorkflowUpdateWithStartInput:
    """Return an update with a start, as interceptors see it.

    Args:
        wanted: the start.
        update: the update.
        operation: whom to tell how the start went.
        rpc_metadata: shown to the interceptors.

    Raises:
        InvalidArgumentError: it names no workflow, or no update.
    """
    own = OwnOfCall(wanted.workflow, operation=operation)
    start = UpdateWithStartStartWorkflowInput(**_common(wanted), **_options(wanted, _OF_START_WITH_UPDATE), _own=own)
    message = UpdateWithStartUpdateWorkflowInput(
        update_id=update.id,
        update=message_name(HandlerKind.UPDATE, update.update),
        args=update.args,
        headers=NO_HEADERS,
        ret_type=update.result_type,
        wait_for_stage=update.stage,
        _own=OwnOfCall(update.update),
    )
    return StartWorkflowUpdateWithStartInput(start, message, rpc_metadata, update.rpc_timeout)


def wanted_start(input: StartWorkflowInput | UpdateWithStartStartWorkflowInput) -> WantedStart:
    """Return the start that an input describes, behind the last interceptor.

    Its workflow is only a name if interceptors gave the input another one.
    """
    own = own_of_call(input)
    known = own.target is not None and workflow_target(own.target)[0] == input.workflow
    names = _OF_START if isinstance(input, StartWorkflowInput) else _OF_START_WITH_UPDATE
    options: Any = {name: getattr(input, name) for name in names}
    options.update(result_type=input.ret_type, request_id=own.request_id)
    workflow = own.target if known else input.workflow
    return WantedStart(workflow, input.args, input.id, input.task_queue, options, input.headers)


def input_of_job(wanted: WantedJob) -> StartActivityInput:
    """Return the start of a stand-alone activity, as interceptors see it.

    Raises:
        DefinitionError: it is not an activity.
        InvalidArgumentError: it has no name of its own.
    """
    name, definition = activity_target(wanted.activity)
    declared = definition.signature.returns if definition is not None else None
    given: dict[str, Any] = {**wanted.options}
    shown = {name: given[name] for name in _OF_JOB}
    shown["result_type"] = given["result_type"] or declared
    return StartActivityInput(
        activity_type=name,
        args=wanted.args,
        id=wanted.id,
        task_queue=wanted.task_queue,
        headers=NO_HEADERS,
        **shown,
        _own=OwnOfCall(wanted.activity, given["request_id"]),
    )


def wanted_job(input: StartActivityInput) -> WantedJob:
    """Return the start that an input describes, behind the last interceptor.

    Its activity is only a name if interceptors gave the input another one.
    """
    own = own_of_call(input)
    known = own.target is not None and activity_target(own.target)[0] == input.activity_type
    options: Any = {name: getattr(input, name) for name in _OF_JOB}
    options["request_id"] = own.request_id
    activity = own.target if known else input.activity_type
    return WantedJob(activity, input.args, input.id, input.task_queue, options, input.headers)


def _common(wanted: WantedStart) -> dict[str, Any]:
    """Return the fields that both inputs of a start have beside its options."""
    name, definition = workflow_target(wanted.workflow)
    hint = wanted.options.get("result_type")
    return {
        "workflow": name,
        "args": wanted.args,
        "id": wanted.id,
        "task_queue": wanted.task_queue,
        "headers": NO_HEADERS,
        "ret_type": definition.signature.returns if hint is None and definition is not None else hint,
    }


def _options(wanted: WantedStart, names: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {**START_DEFAULTS, **wanted.options}
    return {name: given[name] for name in names}
