"""Workers, which run workflows and activities, and the replayer, which holds recorded histories against code.

A door that is a folder. Read `worker` and what it is told (`config`, `checks`, `definition_check`), `fatal`, and what
it puts around code (`interceptors`, `patches`, `sandbox`); `replayer` is on its own. `workflow_sandbox` is another
door. Only `understudy` itself imports this room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._doors import later
from understudy._temporal.polling import PollerBehaviorSimpleMaximum
from understudy.worker.sandbox import UnsandboxedWorkflowRunner, WorkflowRunner
from understudy.worker.worker import Worker

if TYPE_CHECKING:
    from understudy._activity.interceptors import (
        ActivityInboundInterceptor,
        ActivityOutboundInterceptor,
        ExecuteActivityInput,
    )
    from understudy._temporal.poller_autoscaling import PollerBehavior, PollerBehaviorAutoscaling
    from understudy._temporal.shared_state import SharedStateManager
    from understudy._temporal.versioning import WorkerDeploymentConfig, WorkerDeploymentVersion
    from understudy._workflow.interceptors.inputs import (
        ContinueAsNewInput,
        SignalChildWorkflowInput,
        SignalExternalWorkflowInput,
        StartActivityInput,
        StartChildWorkflowInput,
        StartLocalActivityInput,
    )
    from understudy._workflow.interceptors.interceptor import WorkflowOutboundInterceptor
    from understudy._workflow.interceptors.interceptor_class import WorkflowInterceptorClassInput
    from understudy.actors.behaviors.code.interceptors import (
        ExecuteWorkflowInput,
        HandleQueryInput,
        HandleSignalInput,
        HandleUpdateInput,
        WorkflowInboundInterceptor,
    )
    from understudy.worker.config import WorkerConfig
    from understudy.worker.interceptors import Interceptor
    from understudy.worker.patches import PatchActivationInput
    from understudy.worker.replayer import Replayer, ReplayerConfig, WorkflowReplayResult, WorkflowReplayResults
else:
    __getattr__, __dir__ = later(
        __name__,
        "understudy.worker.config",
        "understudy.worker.interceptors",
        "understudy.worker.patches",
        "understudy.worker.replayer",
        "understudy._temporal.poller_autoscaling",
        "understudy._temporal.shared_state",
        "understudy._temporal.versioning",
        "understudy._activity.interceptors",
        "understudy._workflow.interceptors.interceptor_class",
        "understudy._workflow.interceptors.inputs",
        "understudy._workflow.interceptors.interceptor",
        "understudy.actors.behaviors.code.interceptors",
    )

__all__ = [
    "ActivityInboundInterceptor",
    "ActivityOutboundInterceptor",
    "ContinueAsNewInput",
    "ExecuteActivityInput",
    "ExecuteWorkflowInput",
    "HandleQueryInput",
    "HandleSignalInput",
    "HandleUpdateInput",
    "Interceptor",
    "PatchActivationInput",
    "PollerBehavior",
    "PollerBehaviorAutoscaling",
    "PollerBehaviorSimpleMaximum",
    "Replayer",
    "ReplayerConfig",
    "SharedStateManager",
    "SignalChildWorkflowInput",
    "SignalExternalWorkflowInput",
    "StartActivityInput",
    "StartChildWorkflowInput",
    "StartLocalActivityInput",
    "UnsandboxedWorkflowRunner",
    "Worker",
    "WorkerConfig",
    "WorkerDeploymentConfig",
    "WorkerDeploymentVersion",
    "WorkflowInboundInterceptor",
    "WorkflowInterceptorClassInput",
    "WorkflowOutboundInterceptor",
    "WorkflowReplayResult",
    "WorkflowReplayResults",
    "WorkflowRunner",
]
