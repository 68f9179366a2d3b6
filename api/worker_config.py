"""What a worker can be told, as data: its config, what the config's own classes are, and how it is checked.

The config has every parameter of Temporal's worker. What its server, its core or its sandbox need is kept and does
nothing; each parameter's line in `Worker` says so. What would change the meaning of a program if it were ignored is
refused instead (`refuse_what_is_not_applied`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

from understudy.actors.worker import WorkerOptions
from understudy.events.choices import VersioningBehavior
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.policy import to_ns
from understudy.events.public import public
from understudy.sandbox import WorkflowRunner
from understudy.shared_state import SharedStateManager
from understudy.versioning import WorkerDeploymentVersion

if TYPE_CHECKING:
    from understudy.client import Client

__all__ = [
    "PollerBehavior",
    "PollerBehaviorAutoscaling",
    "PollerBehaviorSimpleMaximum",
    "WorkerConfig",
    "WorkerDeploymentConfig",
    "checked_options",
    "checked_pause",
    "refuse_what_is_not_applied",
    "seconds",
]

_DEFAULTS: Final = WorkerOptions()


@public("understudy.worker")
@dataclass(frozen=True)
class PollerBehaviorSimpleMaximum:
    """How many polls a worker has under way at its server; accepted and ignored: work is handed over, not polled."""

    maximum: int = 5


@public("understudy.worker")
@dataclass(frozen=True)
class PollerBehaviorAutoscaling:
    """Between how many polls a worker chooses; accepted and ignored: work is handed over, not polled."""

    minimum: int = 1
    maximum: int = 100
    initial: int = 5


PollerBehavior: TypeAlias = PollerBehaviorSimpleMaximum | PollerBehaviorAutoscaling


@public("understudy.worker")
@dataclass(frozen=True)
class WorkerDeploymentConfig:
    """Which build of a deployment a worker is; accepted and ignored, see `understudy.versioning`."""

    version: WorkerDeploymentVersion
    use_worker_versioning: bool
    default_versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED


class WorkerConfig(TypedDict, total=False):
    """The arguments of a `Worker`, by name."""

    client: Client
    task_queue: str
    activities: Sequence[Callable[..., Any]]
    nexus_service_handlers: Sequence[Any]
    workflows: Sequence[type | Callable[..., Any]]
    activity_executor: Executor | None
    workflow_task_executor: ThreadPoolExecutor | None
    nexus_task_executor: ThreadPoolExecutor | None
    workflow_runner: WorkflowRunner
    unsandboxed_workflow_runner: WorkflowRunner
    plugins: Sequence[Any]
    interceptors: Sequence[Any]
    build_id: str | None
    identity: str | None
    max_cached_workflows: int
    max_concurrent_workflow_tasks: int | None
    max_concurrent_activities: int | None
    max_concurrent_local_activities: int | None
    max_concurrent_nexus_tasks: int | None
    tuner: Any
    max_concurrent_workflow_task_polls: int | None
    nonsticky_to_sticky_poll_ratio: float
    max_concurrent_activity_task_polls: int | None
    no_remote_activities: bool
    sticky_queue_schedule_to_start_timeout: timedelta
    max_heartbeat_throttle_interval: timedelta
    default_heartbeat_throttle_interval: timedelta
    max_activities_per_second: float | None
    max_task_queue_activities_per_second: float | None
    max_eager_activity_reservations_per_workflow_task: int
    graceful_shutdown_timeout: timedelta
    plugin_shutdown_timeout: timedelta | None
    workflow_failure_exception_types: Sequence[type[BaseException]]
    shared_state_manager: SharedStateManager | None
    debug_mode: bool
    disable_eager_activity_execution: bool
    on_fatal_error: Callable[[BaseException], Awaitable[None]] | None
    use_worker_versioning: bool
    disable_safe_workflow_eviction: bool
    deployment_config: WorkerDeploymentConfig | None
    patch_activation_callback: Callable[[Any], bool] | None
    workflow_task_poller_behavior: PollerBehavior
    activity_task_poller_behavior: PollerBehavior
    nexus_task_poller_behavior: PollerBehavior
    disable_payload_error_limit: bool
    max_workflow_task_external_storage_concurrency: int
    workflow_idle_timeout: timedelta
    deadlock_timeout: timedelta
    pause_after_failed_turns: int | None


WorkerConfig.__module__ = "understudy.worker"

_NOT_APPLIED: Final = {
    "nexus_service_handlers": "There is no Nexus: let an activity call the service",
    "plugins": "Set what the plugin would set, and enter what it would enter around run()",
    "tuner": "Pass max_concurrent_activities",
    "patch_activation_callback": "Ask in the workflow, in front of workflow.patched",
}
"""Parameters without which a program would mean something else, and what to do instead."""


def refuse_what_is_not_applied(config: WorkerConfig) -> None:
    """Refuse what would change what the program means if it were ignored, and what does not go together.

    Raises:
        InvalidArgumentError: it is there; the error says what to do instead.
    """
    for name, fix in _NOT_APPLIED.items():
        if config.get(name):
            raise InvalidArgumentError(
                what=name, got=repr(config.get(name)), expected="nothing, since it is not applied,", fix=fix
            )
    versioned, build = config.get("use_worker_versioning"), config.get("build_id")
    if versioned and not build:
        raise InvalidArgumentError(what="build_id", got=repr(build), expected="the build, with use_worker_versioning,")
    if config.get("deployment_config") is not None and (versioned or build):
        raise InvalidArgumentError(
            what="deployment_config",
            got="given beside build_id or use_worker_versioning",
            expected="one way to name the build",
            fix="Leave out build_id and use_worker_versioning, which are the older way",
        )


def checked_options(config: WorkerConfig) -> WorkerOptions:
    """Return the numbers of a worker.

    Raises:
        ArgumentTypeError: one is of the wrong type.
        InvalidArgumentError: one cannot be.
    """
    for name in ("max_concurrent_workflow_tasks", "max_concurrent_local_activities", "max_concurrent_nexus_tasks"):
        _number(config.get(name), name)
    _rate(config.get("max_task_queue_activities_per_second"), "max_task_queue_activities_per_second")
    activities = _number(config.get("max_concurrent_activities"), "max_concurrent_activities")
    cached = _number(config.get("max_cached_workflows"), "max_cached_workflows", least=0)
    return WorkerOptions(
        max_concurrent_activities=_DEFAULTS.max_concurrent_activities if activities is None else activities,
        max_activities_per_second=_rate(config.get("max_activities_per_second"), "max_activities_per_second"),
        max_cached_workflows=cached or 0,
        idle_seconds=seconds(config.get("workflow_idle_timeout"), "workflow_idle_timeout"),
        graceful_shutdown=seconds(config.get("graceful_shutdown_timeout"), "graceful_shutdown_timeout"),
        default_heartbeat_throttle=seconds(
            config.get("default_heartbeat_throttle_interval"), "default_heartbeat_throttle_interval"
        ),
        max_heartbeat_throttle=seconds(
            config.get("max_heartbeat_throttle_interval"), "max_heartbeat_throttle_interval"
        ),
    )


def checked_pause(config: WorkerConfig) -> int:
    """Return after how many failed turns in a row a run is paused; 0: never.

    Raises:
        ArgumentTypeError: it is no int.
        InvalidArgumentError: it is less than 1.
    """
    return _number(config.get("pause_after_failed_turns"), "pause_after_failed_turns") or 0


def seconds(value: timedelta | None, name: str, *, allow_zero: bool = True) -> float:
    """Return a duration in seconds.

    Raises:
        InvalidArgumentError: it cannot be.
    """
    return (to_ns(value, name=name, allow_zero=allow_zero) or 0) / 1e9


def _number(value: object, name: str, *, least: int = 1) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an int")
    if value < least:
        raise InvalidArgumentError(what=name, got=repr(value), expected=f"{least} or more")
    return value


def _rate(value: object, name: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentTypeError(what=name, got=repr(value), expected="a number")
    if not value > 0:
        raise InvalidArgumentError(what=name, got=repr(value), expected="more than 0")
    return value
