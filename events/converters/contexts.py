"""Serialization contexts, imported only for those who ask for one; `events.converters.in_context` tells them."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.events.public import public

__all__ = ["ActivitySerializationContext", "SerializationContext", "WorkflowSerializationContext"]


@public("understudy.converter")
class SerializationContext:
    """The base class of all serialization contexts."""


@public("understudy.converter")
@dataclass(frozen=True)
class WorkflowSerializationContext(SerializationContext):
    """The values of a workflow: arguments and result, signals, queries, updates, memo.

    Args:
        namespace: where it runs; there is one.
        workflow_id: the workflow whose values they are; for those of a child, the child.
    """

    namespace: str
    workflow_id: str


@public("understudy.converter")
@dataclass(frozen=True)
class ActivitySerializationContext(SerializationContext):
    """The values of an activity: arguments, result, heartbeat details.

    Args:
        namespace: where it runs; there is one.
        activity_id: its id in its run.
        activity_type: its name.
        activity_task_queue: whose workers run it.
        workflow_id: the workflow that asked for it; None: it stands alone.
        workflow_type: the type of that workflow; None: it stands alone.
        is_local: True if it is a local activity.
    """

    namespace: str
    activity_id: str | None
    activity_type: str | None
    activity_task_queue: str | None
    workflow_id: str | None
    workflow_type: str | None
    is_local: bool
