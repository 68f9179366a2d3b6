"""Workers run workflow and activity code in this process.

A worker brings definitions, slots and an executor to the engine that its client opened. `async with Worker(...)` or
`await worker.run()` in async programs; `with Worker(...)` in synchronous ones, whose client came from `Client.open`.
"""

# ruff: noqa: ARG002 - `keeps_config` reads the arguments, and some are accepted without effect

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from understudy._calls.checked import checked_interceptors
from understudy._temporal.polling import PollerBehaviorSimpleMaximum
from understudy.actors.activities.worker_options import WorkerOptions
from understudy.actors.activities.worker_slots import WorkerSlots, registry
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, activity_of, workflow_of
from understudy.events.errors import InvalidArgumentError
from understudy.events.public import public
from understudy.worker.checks import (
    checked_executor,
    checked_options,
    checked_pause,
    keeps_config,
    refuse_methods,
    refuse_no_client,
    refuse_nothing_to_do,
    refuse_what_is_not_applied,
    seconds,
)
from understudy.worker.definition_check import refuse_what_cannot_replay, warn_of_what_may_differ
from understudy.worker.fatal import Fatal
from understudy.worker.sandbox import GUARDING, NOT_GUARDING, WorkflowRunner, is_guarding

if TYPE_CHECKING:
    from understudy._client.client import Client
    from understudy._temporal.poller_autoscaling import PollerBehavior
    from understudy._temporal.shared_state import SharedStateManager
    from understudy._temporal.versioning import WorkerDeploymentConfig
    from understudy.actors.behaviors.definitions.interception import Interception
    from understudy.actors.system import System
    from understudy.worker.config import WorkerConfig
    from understudy.worker.patches import PatchActivationInput

__all__ = ["Worker"]

_DEFAULTS: Final = WorkerOptions()
_FIVE: Final = PollerBehaviorSimpleMaximum(maximum=5)

DEADLOCK_SECONDS: Final = 2.0


@public("understudy.worker")
class Worker:
    """Runs the workflows and activities of one task queue."""

    @keeps_config
    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        activities: Sequence[Callable[..., Any]] = (),
        nexus_service_handlers: Sequence[Any] = (),
        workflows: Sequence[type | Callable[..., Any]] = (),
        activity_executor: Executor | None = None,
        workflow_task_executor: ThreadPoolExecutor | None = None,
        nexus_task_executor: ThreadPoolExecutor | None = None,
        workflow_runner: WorkflowRunner = GUARDING,
        unsandboxed_workflow_runner: WorkflowRunner = NOT_GUARDING,
        plugins: Sequence[Any] = (),
        interceptors: Sequence[Any] = (),
        build_id: str | None = None,
        identity: str | None = None,
        max_cached_workflows: int = _DEFAULTS.max_cached_workflows,
        max_concurrent_workflow_tasks: int | None = None,
        max_concurrent_activities: int | None = None,
        max_concurrent_local_activities: int | None = None,
        max_concurrent_nexus_tasks: int | None = None,
        tuner: Any = None,
        max_concurrent_workflow_task_polls: int | None = None,
        nonsticky_to_sticky_poll_ratio: float = 0.2,
        max_concurrent_activity_task_polls: int | None = None,
        no_remote_activities: bool = False,
        sticky_queue_schedule_to_start_timeout: timedelta = timedelta(seconds=10),
        max_heartbeat_throttle_interval: timedelta = timedelta(seconds=_DEFAULTS.max_heartbeat_throttle),
        default_heartbeat_throttle_interval: timedelta = timedelta(seconds=_DEFAULTS.default_heartbeat_throttle),
        max_activities_per_second: float | None = None,
        max_task_queue_activities_per_second: float | None = None,
        max_eager_activity_reservations_per_workflow_task: int = 3,
        graceful_shutdown_timeout: timedelta = timedelta(seconds=_DEFAULTS.graceful_shutdown),
        plugin_shutdown_timeout: timedelta | None = timedelta(seconds=60),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        shared_state_manager: SharedStateManager | None = None,
        debug_mode: bool = False,
        disable_eager_activity_execution: bool = False,
        on_fatal_error: Callable[[BaseException], Awaitable[None]] | None = None,
        use_worker_versioning: bool = False,
        disable_safe_workflow_eviction: bool = False,
        deployment_config: WorkerDeploymentConfig | None = None,
        patch_activation_callback: Callable[[PatchActivationInput], bool] | None = None,
        workflow_task_poller_behavior: PollerBehavior = _FIVE,
        activity_task_poller_behavior: PollerBehavior = _FIVE,
        nexus_task_poller_behavior: PollerBehavior = _FIVE,
        disable_payload_error_limit: bool = False,
        max_workflow_task_external_storage_concurrency: int = 3,
        workflow_idle_timeout: timedelta = timedelta(seconds=_DEFAULTS.idle_seconds),
        deadlock_timeout: timedelta = timedelta(seconds=DEADLOCK_SECONDS),
        pause_after_failed_turns: int | None = None,
    ) -> None:
        """Check everything; nothing runs yet.

        What may differ in a replay of the workflows is logged to `understudy.lint`, once for each of them. Parameters
        that make sense only for Temporal's server, core or sandbox are accepted, so that programs run, and ignored.

        Args:
            client: the client of the engine to work for.
            task_queue: whose workflows and activities to run.
            activities: functions, methods or callable instances decorated with `@activity.defn`.
            nexus_service_handlers: refused unless empty: there is no Nexus.
            workflows: classes or async functions decorated with `@workflow.defn`.
            activity_executor: where plain activity functions run; a ProcessPoolExecutor gets them by cloudpickle;
                None: a thread pool of up to 64 threads.
            workflow_task_executor: ignored: turns run on the engine's loop, one at a time.
            nexus_task_executor: ignored: there is no Nexus.
            workflow_runner: an UnsandboxedWorkflowRunner switches guards and lint off for all of the workflows.
            unsandboxed_workflow_runner: ignored: what says `sandboxed=False` runs without guards and lint.
            plugins: refused unless empty: they are not applied.
            interceptors: they stand around workflows and activities, the first outermost.
            build_id: ignored: an engine runs one build of the code.
            identity: the name in the history; None: the client's.
            max_cached_workflows: how many runs stay in memory; those idle longest leave first.
            max_concurrent_workflow_tasks: ignored: turns run one at a time.
            max_concurrent_activities: how many attempts run at a time; None: 1,000.
            max_concurrent_local_activities: ignored: local activities have the slots of the others.
            max_concurrent_nexus_tasks: ignored: there is no Nexus.
            tuner: refused unless None: slots are counted by `max_concurrent_activities`.
            max_concurrent_workflow_task_polls: ignored, as all that is about polls: work is handed over.
            nonsticky_to_sticky_poll_ratio: ignored.
            max_concurrent_activity_task_polls: ignored.
            no_remote_activities: ignored: an activity may run in any worker of its queue that knows it.
            sticky_queue_schedule_to_start_timeout: ignored: a run never waits for a worker that is gone.
            max_heartbeat_throttle_interval: the longest time between two heartbeats that are written down.
            default_heartbeat_throttle_interval: that time for activities without a heartbeat time-out.
            max_activities_per_second: how many attempts it begins a second, local ones not counted; None: no limit.
            max_task_queue_activities_per_second: the same of all workers of its task queue together; the last one that
                says a rate counts.
            max_eager_activity_reservations_per_workflow_task: ignored: every activity is handed over at once.
            graceful_shutdown_timeout: how long running attempts may take to finish when the worker stops.
            plugin_shutdown_timeout: ignored, as plugins are refused.
            workflow_failure_exception_types: exceptions that end any run as failed, in addition to the workflow's own.
            shared_state_manager: ignored: a pool of processes needs none.
            debug_mode: no deadlock watchdog, so that a debugger may stop inside a workflow.
            disable_eager_activity_execution: ignored: every activity is handed over at once.
            on_fatal_error: awaited, on the engine's loop, when the worker has to stop because its executor has broken.
            use_worker_versioning: ignored, see `build_id`.
            disable_safe_workflow_eviction: ignored: runs that leave memory always clean up.
            deployment_config: ignored, see `build_id`.
            patch_activation_callback: asked once by each run that comes to a patch first, whether it goes the new way;
                it may use clock, dice and files, but ask the workflow for nothing. None: every such run does.
            workflow_task_poller_behavior: ignored.
            activity_task_poller_behavior: ignored.
            nexus_task_poller_behavior: ignored.
            disable_payload_error_limit: ignored: no server limits a payload.
            max_workflow_task_external_storage_concurrency: ignored: payloads are in the store.
            workflow_idle_timeout: a run idle for so long leaves memory.
            deadlock_timeout: how long one turn of a workflow may take.
            pause_after_failed_turns: after how many turns in a row whose code failed a run is paused, with a note that
                says why, until somebody unpauses it; None: never.

        Raises:
            InvalidArgumentError: an argument cannot be.
            DefinitionError: one of the definitions is none, or would not replay.
            DuplicateDefinitionError: two definitions have one name.
        """
        self._config: WorkerConfig  # what `keeps_config` has kept
        refuse_no_client(client)
        self._client = client
        self._task_queue = task_queue
        around_workflows, self._intercept = _interception_of(client, tuple(interceptors))
        refuse_nothing_to_do(task_queue, activities, workflows)
        refuse_what_is_not_applied(self._config)
        failures = tuple(workflow_failure_exception_types)
        limit = math.inf if debug_mode else seconds(deadlock_timeout, "deadlock_timeout", allow_zero=False)
        settings: dict[str, Any] = {
            "pause_after_failures": checked_pause(self._config),
            "activates_patch": _patch_activation(patch_activation_callback),
            "interception": around_workflows,
            "converters": client.own_converters,
        }
        guarding = is_guarding(workflow_runner)
        self._workflows = registry(
            "workflow", (_adapted(workflow_of(w), failures, limit, guarding=guarding, **settings) for w in workflows)
        )
        self._activities = registry("activity", (activity_of(activity) for activity in activities))
        self._executor = checked_executor(activity_executor)
        self._identity = identity or client.identity
        self._options = checked_options(self._config)
        refuse_methods(activities)
        for definition in self._workflows.values():
            warn_of_what_may_differ(definition, refuse_what_cannot_replay(definition))
        self._engine: System | None = None
        self._slots: WorkerSlots | None = None
        self._stop_asked: asyncio.Event | None = None
        self._fatal = Fatal(on_fatal_error)
        self._ending: asyncio.Task[None] | None = None
        self._stopped = False

    def __repr__(self) -> str:
        """Show the task queue, workflows and activities."""
        state = "stopped" if self._stopped else "running" if self._slots is not None else "not started"
        return (
            f"<Worker of {self._task_queue!r}, {len(self._workflows)} workflows, "
            f"{len(self._activities)} activities, {state}>"
        )

    @property
    def client(self) -> Client:
        """The client that activities are given."""
        return self._client

    @client.setter
    def client(self, value: Client) -> None:
        if value.engine is not self._client.engine:
            raise InvalidArgumentError(
                what="client", got=repr(value), expected="another client of the same engine", fix="Make a new worker"
            )
        self._client = self._config["client"] = value
        if self._slots is not None:
            self._slots.client = value

    def config(self, *, active_config: bool = False) -> WorkerConfig:
        """Return the arguments of this worker, by name.

        Args:
            active_config: accepted so that programs run: without plugins the active config is that of the start.
        """
        del active_config
        config = self._config.copy()
        config["activities"] = list(config.get("activities", ()))
        config["workflows"] = list(config.get("workflows", ()))
        return config

    @property
    def task_queue(self) -> str:
        """The task queue that it works for."""
        return self._task_queue

    @property
    def is_running(self) -> bool:
        """True while the worker takes work."""
        return self._slots is not None and not self._stopped

    @property
    def is_shutdown(self) -> bool:
        """True once the worker has stopped."""
        return self._stopped

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `shutdown` is called or the task is cancelled.

        Raises:
            RuntimeError: it was started before.
            BrokenExecutor: its pool has broken; it has stopped.
        """
        async with self:
            self._stop_asked = asyncio.Event()
            await self._stop_asked.wait()

    async def shutdown(self) -> None:
        """Stop: no new attempts; those that run get the graceful time, and are cancelled then.

        What was cancelled, or had not begun, runs when the next worker comes.
        """
        if self._stop_asked is not None:
            self._stop_asked.set()
        await self._finish()

    async def __aenter__(self) -> Self:
        """Start working; if the worker breaks, the block is cancelled, and raises the worker's error at its end."""
        self._fatal.enter()
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the worker, as `shutdown`."""
        self._fatal.leave()
        await asyncio.shield(self._finish())
        self._fatal.check(kind)

    def __enter__(self) -> Self:
        """Start working, from synchronous code."""
        self._client.engine.dispatcher.run_blocking(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, as `shutdown`, from synchronous code."""
        if self._engine is not None and not self._engine.stopped:
            self._engine.dispatcher.run_blocking(self._finish())
        self._fatal.check(kind)

    async def _start(self) -> None:
        if self._slots is not None:
            raise RuntimeError("the worker was started before; make a new one")
        self._engine = self._client.engine
        await self._engine.dispatcher.run(self._join())

    async def _join(self) -> None:
        client, engine = self._client, self._client.engine
        self._slots = WorkerSlots(
            task_queue=self._task_queue,
            identity=self._identity,
            workflows=self._workflows,
            activities=self._activities,
            executor=self._executor,
            options=self._options,
            loop=engine.dispatcher.loop,
            converter=client.data_converter.payload_converter,
            failures=client.data_converter.failure_converter,
            client=client,
            intercept=self._intercept,
            on_fatal=self._broken,
        )
        engine.add_worker(self._slots)

    def _broken(self, error: BaseException) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._end(error))

    async def _end(self, error: BaseException) -> None:
        await self._fatal.come(error, self)
        self._fatal.strike()
        await self._finish()

    async def _finish(self) -> None:
        if self._slots is None or self._stopped:
            return
        self._stopped = True
        engine = self._engine
        if engine is not None and not engine.stopped:
            await engine.dispatcher.run(engine.remove_worker(self._slots))


def _adapted(
    definition: WorkflowDefinition, types: tuple[type[BaseException], ...], limit: float, *, guarding: bool, **same: Any
) -> WorkflowDefinition:
    """Return the definition with the worker's settings for all of its workflows; the workflow's own go first."""
    return replace(
        definition,
        failure_exception_types=(*definition.failure_exception_types, *types),
        deadlock_timeout=limit if definition.deadlock_timeout is None else definition.deadlock_timeout,
        sandboxed=definition.sandboxed and guarding,
        **same,
    )


def _patch_activation(callback: Callable[[PatchActivationInput], bool] | None) -> Callable[[str], bool] | None:
    if callback is None:
        return None
    from understudy.worker.patches import patch_activation

    return patch_activation(callback)


def _interception_of(client: Client, own: tuple[Any, ...]) -> tuple[Interception | None, Callable[..., Any] | None]:
    """Return what stands around the workflows and around the activities of a worker; None: nothing.

    The interceptors of its client that are for workers, too, stand in front of its own.
    """
    of_client = client.config().get("interceptors", ())
    if not (own or of_client):
        return None, None
    from understudy.worker.interceptors import Interceptor, around_activities, interception

    for_workers = (each for each in of_client if isinstance(each, Interceptor))
    around = (*for_workers, *checked_interceptors(own, Interceptor, "understudy.worker"))
    return interception(around), around_activities(around)
