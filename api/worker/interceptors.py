"""Interceptors of workers: they stand around all workflows and activities of a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._activity.interceptors import ActivityInboundInterceptor
    from understudy._workflow.interceptors.interceptor_class import WorkflowInterceptorClassInput
    from understudy.actors.behaviors.code.interceptors import WorkflowInboundInterceptor
    from understudy.actors.behaviors.definitions.interception import Interception

__all__ = ["Interceptor", "around_activities", "interception"]


@public("understudy.worker")
class Interceptor:
    """Stands around the workflows and activities of a worker: extend it.

    One that is also an `understudy.client.Interceptor`, and was given to the client, is used by the client's workers,
    in front of their own.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Return the interceptor of one attempt of an activity, with `next` behind it."""
        return next

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Return the class of the interceptor of each run, or None; asked once, when the worker is made."""
        del input
        return None


def interception(interceptors: Sequence[Interceptor]) -> Interception | None:
    """Return the interceptors that stand around workflows; None: there are none."""
    if not interceptors:
        return None
    from understudy._workflow.interceptors.interceptor_class import WorkflowInterceptorClassInput
    from understudy._workflow.interceptors.root import WorkflowRoot
    from understudy.actors.behaviors.definitions.interception import Interception

    functions: dict[str, Callable[..., Any]] = {}
    asked = WorkflowInterceptorClassInput(unsafe_extern_functions=functions)
    classes = tuple(cls for each in interceptors if (cls := each.workflow_interceptor_class(asked)) is not None)
    return Interception(classes, WorkflowRoot, functions) if classes or functions else None


def around_activities(interceptors: Sequence[Interceptor]) -> Callable[..., Any] | None:
    """Return a `WorkerSlots.intercept`, which calls functions of attempts through interceptors; None without any."""
    if not interceptors:
        return None
    from understudy._activity.interceptors import activity_runner

    return activity_runner([each.intercept_activity for each in interceptors])
