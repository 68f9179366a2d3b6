"""A start, checked: what the caller gave becomes a `WorkflowStarted`, or an error before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict

from understudy.actors.behaviors.definition import WorkflowDefinition, workflow_of
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.policy import (
    Priority,
    RetryPolicy,
    StoredRetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
    to_ns,
)
from understudy.events.workflow import WorkflowStarted

if TYPE_CHECKING:
    from understudy.actors.system import System
    from understudy.events.payload import Payload, PayloadConverter

__all__ = [
    "StartOptions",
    "checked_id",
    "checked_name",
    "checked_policies",
    "find_workflow",
    "start_event",
    "stored_memo",
    "stored_ns",
    "stored_policy",
]

ID_LIMIT: Final = 1_000
"""Characters in a workflow id; Temporal's limit, too."""


class StartOptions(TypedDict, total=False):
    """The options of a start, to keep and to pass as `**options`; see `Client.start_workflow`."""

    result_type: type | None
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy
    retry_policy: RetryPolicy | None
    memo: Mapping[str, Any] | None
    search_attributes: Any
    static_summary: str | None
    static_details: str | None
    request_id: str | None
    priority: Priority | None


def checked_id(value: object, name: str = "workflow id") -> str:
    """Return a workflow id that can be one.

    Raises:
        InvalidArgumentError: it is no str, empty, or longer than 1,000 characters.
    """
    if not isinstance(value, str):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a str")
    if not value:
        raise InvalidArgumentError(what=name, got="''", expected="1 to 1,000 characters")
    if len(value) > ID_LIMIT:
        raise InvalidArgumentError(
            what=name, got=f"{value[:40]!r}… ({len(value):,} characters)", expected="1 to 1,000 characters"
        )
    return value


def checked_policies(reuse: object, conflict: object) -> tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]:
    """Return the id policies as what they are to be.

    Raises:
        InvalidArgumentError: one is something else.
    """
    if not isinstance(reuse, WorkflowIDReusePolicy):
        raise ArgumentTypeError(
            what="id_reuse_policy", got=repr(reuse), expected="an understudy.common.WorkflowIDReusePolicy"
        )
    if not isinstance(conflict, WorkflowIDConflictPolicy):
        raise ArgumentTypeError(
            what="id_conflict_policy", got=repr(conflict), expected="an understudy.common.WorkflowIDConflictPolicy"
        )
    return reuse, conflict


def find_workflow(engine: System, workflow: Any, task_queue: str) -> tuple[str, WorkflowDefinition | None]:
    """Return the type and the definition of what `start_workflow` was given; a name is looked up at the workers here.

    Raises:
        DefinitionError: it is not a workflow.
        InvalidArgumentError: it has no name of its own.
    """
    if isinstance(workflow, str):
        if not workflow:
            raise InvalidArgumentError(what="workflow", got="''", expected="a name, or a workflow")
        for worker in engine.workflows.workers.get(task_queue, ()):
            known = worker.workflows.get(workflow)
            if known is not None:
                return workflow, known
        return workflow, None
    definition = workflow_of(workflow)
    if definition.name is None:
        raise InvalidArgumentError(
            what="workflow", got="a dynamic workflow", expected="a name", fix="Start it by the name it shall see"
        )
    return definition.name, definition


def start_event(
    converter: PayloadConverter,
    now: int,
    *,
    workflow_type: str,
    definition: WorkflowDefinition | None,
    args: Sequence[Any],
    id: str,
    task_queue: str,
    execution_timeout: timedelta | None,
    run_timeout: timedelta | None,
    task_timeout: timedelta | None,
    retry_policy: RetryPolicy | None,
    memo: Mapping[str, Any] | None,
    search_attributes: Any,
    summary: str | None,
    details: str | None,
    request_id: str | None,
    identity: str,
) -> WorkflowStarted:
    """Return the event that starts a run, of what the caller gave to `start_workflow`.

    Raises:
        InvalidArgumentError: something cannot be.
        PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
    """
    where = f"workflow {workflow_type!r}"
    signature = definition.signature if definition is not None else None
    if signature is not None:
        signature.check(len(args), where=where)
    whole = stored_ns(execution_timeout, "execution_timeout")
    return WorkflowStarted(
        at=now,
        workflow_id=checked_id(id, "id"),
        workflow_type=workflow_type,
        task_queue=checked_name(task_queue, "task_queue"),
        input=converter.encode_args(args, signature, where=where, fit=True),
        execution_timeout=whole,
        execution_deadline=now + whole if whole else 0,
        run_timeout=stored_ns(run_timeout, "run_timeout"),
        task_timeout=stored_ns(task_timeout, "task_timeout"),
        retry_policy=None if retry_policy is None else stored_policy(retry_policy),
        memo=stored_memo(memo, converter) if memo else {},
        search_attributes=_stored_attributes(search_attributes) if search_attributes else {},
        summary=summary or "",
        details=details or "",
        identity=identity,
        request_id=request_id or "",
    )


def stored_ns(value: timedelta | None, name: str) -> int:
    """Return a duration as events hold it; None: 0."""
    return 0 if value is None else to_ns(value, name=name, allow_zero=False) or 0


def stored_policy(policy: object) -> StoredRetryPolicy:
    """Return a retry policy as events hold it."""
    if not isinstance(policy, RetryPolicy):
        raise ArgumentTypeError(what="retry_policy", got=repr(policy), expected="an understudy.common.RetryPolicy")
    return policy.to_stored()


def stored_memo(memo: Mapping[str, Any], converter: PayloadConverter) -> dict[str, Payload]:
    """Return a memo as events hold it."""
    return {
        checked_name(key, "a key of memo"): converter.encode(value, where=f"memo {key!r}")
        for key, value in memo.items()
    }


def checked_name(value: object, name: str) -> str:
    """Return a value that is to be a name, and is one."""
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(what=name, got=repr(value), expected="a name")
    return value


def _stored_attributes(attributes: Any) -> dict[str, object]:
    from understudy.events.search import to_stored

    return to_stored(attributes)
