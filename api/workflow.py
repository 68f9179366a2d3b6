"""The tools with which people write workflow code: decorators, activities, timers, the run's own clock and dice.

Names, parameters and meaning are those of Temporal's Python SDK. Everything here that is called at run time finds the
run through the running loop and must be called from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._calls.activity_options import ActivityConfig, LocalActivityConfig
from understudy._doors import later
from understudy._workflow.activity_calls import (
    execute_activity,
    execute_activity_class,
    execute_activity_method,
    start_activity,
    start_activity_class,
    start_activity_method,
)
from understudy._workflow.definition import (
    UpdateMethodMultiParam,
    defn,
    dynamic_config,
    init,
    query,
    run,
    signal,
    update,
)
from understudy._workflow.log import LoggerAdapter, logger
from understudy._workflow.surroundings import (
    cancellation_reason,
    extern_functions,
    in_workflow,
    instance,
    metric_meter,
    payload_converter,
    unsafe,
)
from understudy._workflow.time import now, random, sleep, time, time_ns, uuid4, uuid7, wait_condition
from understudy.actors.behaviors.code.continue_as_new import ContinueAsNewError
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.actors.behaviors.code.inbox import UnfinishedSignalHandlersWarning, UnfinishedUpdateHandlersWarning
from understudy.actors.behaviors.definitions.definition import HandlerUnfinishedPolicy
from understudy.events.errors import NondeterminismError, ReadOnlyContextError
from understudy.events.options.policies import (
    ActivityCancellationType,
    ChildWorkflowCancellationType,
    ParentClosePolicy,
)

if TYPE_CHECKING:
    from understudy._temporal.versioning import ContinueAsNewVersioningBehavior, VersioningIntent
    from understudy._workflow.child_handle import ChildWorkflowConfig, ChildWorkflowHandle, ExternalWorkflowHandle
    from understudy._workflow.children import (
        execute_child_workflow,
        get_external_workflow_handle,
        get_external_workflow_handle_for,
        start_child_workflow,
    )
    from understudy._workflow.continue_as_new import continue_as_new
    from understudy._workflow.handlers import (
        UpdateInfo,
        all_handlers_finished,
        current_update_info,
        get_dynamic_query_handler,
        get_dynamic_signal_handler,
        get_dynamic_update_handler,
        get_query_handler,
        get_signal_handler,
        get_update_handler,
        receive,
        receive_nowait,
        set_dynamic_query_handler,
        set_dynamic_signal_handler,
        set_dynamic_update_handler,
        set_query_handler,
        set_signal_handler,
        set_update_handler,
    )
    from understudy._workflow.info import Info, ParentInfo, RootInfo, info
    from understudy._workflow.local_activity_calls import (
        execute_local_activity,
        execute_local_activity_class,
        execute_local_activity_method,
        start_local_activity,
        start_local_activity_class,
        start_local_activity_method,
    )
    from understudy._workflow.patches import deprecate_patch, get_version, patched
    from understudy._workflow.promise import DurablePromise, promise
    from understudy._workflow.saga import Saga
    from understudy._workflow.select import Winner, select
    from understudy._workflow.side_effects import side_effect
    from understudy._workflow.upserts import (
        get_current_details,
        get_last_completion_result,
        get_last_failure,
        has_last_completion_result,
        is_failure_exception,
        memo,
        memo_value,
        new_random,
        random_seed,
        register_random_seed_callback,
        set_current_details,
        upsert_memo,
        upsert_search_attributes,
    )
    from understudy.actors.behaviors.code.patches import DEFAULT_VERSION
    from understudy.actors.behaviors.definitions.dynamic_config import DynamicWorkflowConfig
    from understudy.actors.behaviors.loop.waits import as_completed, wait
else:
    __getattr__, __dir__ = later(
        __name__,
        "understudy.actors.behaviors.loop.waits",
        "understudy._workflow.upserts",
        "understudy._workflow.side_effects",
        "understudy._workflow.patches",
        "understudy.actors.behaviors.code.patches",
        "understudy._workflow.local_activity_calls",
        "understudy._workflow.child_handle",
        "understudy._workflow.children",
        "understudy._workflow.handlers",
        "understudy._workflow.info",
        "understudy._workflow.continue_as_new",
        "understudy._workflow.promise",
        "understudy._workflow.saga",
        "understudy._workflow.select",
        "understudy.actors.behaviors.definitions.dynamic_config",
        "understudy._temporal.versioning",
    )

__all__ = [
    "DEFAULT_VERSION",
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "ChildWorkflowCancellationType",
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ContinueAsNewError",
    "ContinueAsNewVersioningBehavior",
    "DurablePromise",
    "DynamicWorkflowConfig",
    "ExternalWorkflowHandle",
    "HandlerUnfinishedPolicy",
    "Info",
    "LocalActivityConfig",
    "LoggerAdapter",
    "NondeterminismError",
    "ParentClosePolicy",
    "ParentInfo",
    "ReadOnlyContextError",
    "RootInfo",
    "Saga",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedUpdateHandlersWarning",
    "UpdateInfo",
    "UpdateMethodMultiParam",
    "VersioningIntent",
    "Winner",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "current_update_info",
    "defn",
    "deprecate_patch",
    "dynamic_config",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "extern_functions",
    "get_current_details",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "get_last_completion_result",
    "get_last_failure",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
    "get_version",
    "has_last_completion_result",
    "in_workflow",
    "info",
    "init",
    "instance",
    "is_failure_exception",
    "logger",
    "memo",
    "memo_value",
    "metric_meter",
    "new_random",
    "now",
    "patched",
    "payload_converter",
    "promise",
    "query",
    "random",
    "random_seed",
    "receive",
    "receive_nowait",
    "register_random_seed_callback",
    "run",
    "select",
    "set_current_details",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
    "side_effect",
    "signal",
    "sleep",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe",
    "update",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "uuid7",
    "wait",
    "wait_condition",
]
