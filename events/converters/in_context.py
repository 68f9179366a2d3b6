"""Serialization contexts: whose value it is, told to those converters and codecs that ask.

A converter that derives from `WithSerializationContext` is replaced by what its `with_context` returns wherever the
engine knows whose values it is about to convert: a workflow's, or an activity's. Nothing is made for a converter that
does not ask, so the question costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.converters.contexts import SerializationContext

__all__ = [
    "WithSerializationContext",
    "for_activity",
    "for_workflow",
    "in_context",
    "takes_context",
]

C = TypeVar("C")

_NAMESPACE = "default"


@public("understudy.converter")
class WithSerializationContext:
    """Base of the payload converters, links of chains, codecs and failure converters that ask for a context.

    A codec is applied where the events of a run are written, so its context is always that of the run's workflow.
    """

    def with_context(self, context: SerializationContext) -> Self:
        """Return a copy that knows the context, or itself if that makes no difference.

        Raises:
            NotImplementedError: the class does not say how.
        """
        raise NotImplementedError(f"{type(self).__qualname__}.with_context({type(context).__qualname__})")


def takes_context(of: object) -> bool:
    """True if `of` asks for a context."""
    return isinstance(of, WithSerializationContext) and getattr(of, "takes_context", True)


def in_context(of: C, context: SerializationContext) -> C:
    """Return `of` as it is in a context; the same object if it does not ask for one."""
    return of.with_context(context) if isinstance(of, WithSerializationContext) else of


def for_workflow(of: C, workflow_id: str, namespace: str = _NAMESPACE) -> C:
    """Return a converter or codec for the values of a workflow; the same object if it does not ask for a context."""
    if not takes_context(of):
        return of
    from understudy.events.converters.contexts import WorkflowSerializationContext

    return in_context(of, WorkflowSerializationContext(namespace, workflow_id))


def for_activity(  # noqa: PLR0913 - what an activity is known by
    of: C,
    *,
    activity_id: str,
    activity_type: str | None,
    task_queue: str | None,
    workflow_id: str | None,
    workflow_type: str | None,
    is_local: bool = False,
    namespace: str = _NAMESPACE,
) -> C:
    """Return a converter for the values of an activity; the same object if it does not ask for a context."""
    if not takes_context(of):
        return of
    from understudy.events.converters.contexts import ActivitySerializationContext

    context = ActivitySerializationContext(
        namespace, activity_id, activity_type, task_queue, workflow_id, workflow_type, is_local
    )
    return in_context(of, context)
