"""A start, checked: what the caller gave becomes a `WorkflowStarted`, or an error before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict

from understudy.actors.behaviors.definition import WorkflowDefinition, workflow_of
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.policy import (
    Priority,
    RetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
    to_ns,
)
from understudy.events.signature import check_args
from understudy.events.workflow import WorkflowStarted

if TYPE_CHECKING:
    from understudy.actors.system import System
    from understudy.events.payload import PayloadConverter

__all__ = ["StartOptions", "StartRequest", "checked_id", "find_workflow"]

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


@dataclass(slots=True, kw_only=True)
class StartRequest:
    """What a caller gave to `start_workflow`."""

    workflow_type: str
    definition: WorkflowDefinition | None
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    memo: Mapping[str, Any] | None
    search_attributes: Any
    summary: str | None
    details: str | None
    request_id: str | None
    identity: str

    def to_event(self, converter: PayloadConverter, now: int) -> WorkflowStarted:
        """Return the event that starts the run.

        Raises:
            InvalidArgumentError: something cannot be.
            PayloadEncodeError: an argument cannot be stored, or does not fit its hint.
        """
        where = f"workflow {self.workflow_type!r}"
        signature = self.definition.signature if self.definition is not None else None
        if signature is not None:
            check_args(signature, self.args, where)
        execution_timeout = to_ns(self.execution_timeout, name="execution_timeout", allow_zero=False) or 0
        return WorkflowStarted(
            at=now,
            workflow_id=checked_id(self.id, "id"),
            workflow_type=self.workflow_type,
            task_queue=_name(self.task_queue, "task_queue"),
            input=converter.encode_args(self.args, signature, where=where, fit=True),
            execution_timeout=execution_timeout,
            execution_deadline=now + execution_timeout if execution_timeout else 0,
            run_timeout=to_ns(self.run_timeout, name="run_timeout", allow_zero=False) or 0,
            task_timeout=to_ns(self.task_timeout, name="task_timeout", allow_zero=False) or 0,
            retry_policy=self._retry_policy(),
            memo={
                _name(key, "a key of memo"): converter.encode(value, where=f"memo {key!r}")
                for key, value in (self.memo or {}).items()
            },
            search_attributes=_stored_attributes(self.search_attributes),
            summary=self.summary or "",
            details=self.details or "",
            identity=self.identity,
            request_id=self.request_id or "",
        )

    def _retry_policy(self) -> Any:
        policy = self.retry_policy
        if policy is None:
            return None
        if not isinstance(policy, RetryPolicy):
            raise ArgumentTypeError(what="retry_policy", got=repr(policy), expected="an understudy.common.RetryPolicy")
        return policy.to_stored()


def _name(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(what=name, got=repr(value), expected="a name")
    return value


def _stored_attributes(attributes: Any) -> dict[str, object]:
    if not attributes:
        return {}
    from understudy.events.search import to_stored

    return to_stored(attributes)
