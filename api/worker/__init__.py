"""Workers, which run workflows and activities, and the replayer, which holds recorded histories against code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.doors import later
from understudy.interceptors import Interceptor
from understudy.sandbox import UnsandboxedWorkflowRunner, WorkflowRunner
from understudy.worker.polling import PollerBehaviorSimpleMaximum
from understudy.worker.worker import Worker

if TYPE_CHECKING:
    from understudy._activity.interceptors import (
        ActivityInboundInterceptor,
        ActivityOutboundInterceptor,
        ExecuteActivityInput,
    )
    from understudy._workflow.inbound import WorkflowInterceptorClassInput
    from understudy._workflow.inputs import (
        ContinueAsNewInput,
        SignalChildWorkflowInput,
        SignalExternalWorkflowInput,
        StartActivityInput,
        StartChildWorkflowInput,
        StartLocalActivityInput,
    )
    from understudy._workflow.outbound import WorkflowOutboundInterceptor
    from understudy.actors.behaviors.interceptor import (
        ExecuteWorkflowInput,
        HandleQueryInput,
        HandleSignalInput,
        HandleUpdateInput,
        WorkflowInboundInterceptor,
    )
    from understudy.replayer import Replayer, ReplayerConfig, WorkflowReplayResult, WorkflowReplayResults
    from understudy.shared_state import SharedStateManager
    from understudy.versioning import WorkerDeploymentVersion
    from understudy.worker.config import PollerBehavior, PollerBehaviorAutoscaling, WorkerConfig, WorkerDeploymentConfig
    from understudy.worker.patches import PatchActivationInput
else:
    __getattr__, __dir__ = later(
        __name__,
        "understudy.worker.config",
        "understudy.worker.patches",
        "understudy.replayer",
        "understudy.shared_state",
        "understudy.versioning",
        "understudy._activity.interceptors",
        "understudy._workflow.inbound",
        "understudy._workflow.inputs",
        "understudy._workflow.outbound",
        "understudy.actors.behaviors.interceptor",
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
