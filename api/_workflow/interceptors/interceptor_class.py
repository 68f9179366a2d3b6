"""The question that a new worker asks its interceptors; see `understudy.worker.interceptors`."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from understudy.events.public import public

__all__ = ["WorkflowInterceptorClassInput"]


@public("understudy.worker")
@dataclass(frozen=True)
class WorkflowInterceptorClassInput:
    """The input of `Interceptor.workflow_interceptor_class`."""

    unsafe_extern_functions: MutableMapping[str, Callable[..., Any]]
    """Functions for workflow code, which gets them by `workflow.extern_functions`; put yours in.

    What they do is not recorded and is done again in every replay, whatever the guards would say to it.
    """
