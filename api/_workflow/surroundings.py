"""Functions by which workflow code learns about the run that it is in, beside the facts of `workflow.info`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from understudy.actors.behaviors.code.context import current
from understudy.events.errors import NotInWorkflowError

if TYPE_CHECKING:
    from understudy._metrics import MetricMeter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = [
    "cancellation_reason",
    "extern_functions",
    "in_workflow",
    "instance",
    "metric_meter",
    "payload_converter",
    "unsafe",
]


def in_workflow() -> bool:
    """Return True if workflow code is running here."""
    try:
        current()
    except NotInWorkflowError:
        return False
    return True


def extern_functions() -> Mapping[str, Callable[..., Any]]:
    """Return the functions that interceptors of the worker have left for workflow code, by name."""
    interception = current().definition.interception
    return interception.extern_functions if interception is not None else {}


def instance() -> Any:
    """Return the instance of the workflow class; None for a workflow that is a function."""
    return current().instance


def payload_converter() -> PayloadConverter:
    """Return the converter that the run's values go through."""
    return current().converter


def metric_meter() -> MetricMeter:
    """Return the meter to count and measure with; it counts nothing yet.

    Raises:
        NotInWorkflowError: called outside of a workflow.
    """
    current()
    from understudy._metrics import MetricMeter

    return MetricMeter.noop


def cancellation_reason() -> str | None:
    """Return the reason why the run was asked to cancel, empty if none was given; None: nobody asked."""
    asked = current().cancel_requested
    return asked.reason if asked is not None else None


class unsafe:  # noqa: N801 - a namespace with the name that Temporal's SDK gives it
    """Tools that break determinism unless they are used with care."""

    @staticmethod
    def is_replaying() -> bool:
        """Return True while replaying and while the run leaves memory; never decide by it what the workflow does.

        It is for what must not be said twice: when a run leaves memory, its `finally` blocks run, too.
        """
        return current().recorder.is_replaying

    @staticmethod
    def is_replaying_history_events() -> bool:
        """Return True while the code is led through recorded events; queries and validators are never part of that."""
        return current().recorder.is_replaying

    @staticmethod
    def is_read_only() -> bool:
        """Return True if the code may only read: a query, an update validator, a `wait_condition`, a `side_effect`."""
        return bool(current().recorder.read_only)

    @staticmethod
    def sandbox_unrestricted() -> AbstractContextManager[None]:
        """Switch the determinism guards off in this block."""
        from understudy.actors.guard.seams import unguarded

        return unguarded()

    @staticmethod
    def imports_passed_through() -> AbstractContextManager[None]:
        """Do nothing: there is no import sandbox. Kept so that programs written for one run."""
        return nullcontext()
