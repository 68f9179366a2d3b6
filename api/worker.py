"""Workers: what runs workflow and activity code in this process.

A worker brings definitions, slots and an executor to the engine that its client opened. `async with Worker(...)` or
`await worker.run()` in async programs; `with Worker(...)` in synchronous ones, whose client came from `Client.open`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from understudy.actors.behaviors.definition import WorkflowDefinition, activity_of, workflow_of
from understudy.actors.worker import WorkerOptions, WorkerSlots, registry
from understudy.definition_check import refuse_what_cannot_replay
from understudy.events.errors import ArgumentTypeError, DefinitionError, InvalidArgumentError
from understudy.events.policy import to_ns
from understudy.replayer import Replayer, WorkflowReplayResult, WorkflowReplayResults

if TYPE_CHECKING:
    from understudy.actors.behaviors.lint import Finding
    from understudy.actors.system import System
    from understudy.client import Client

__all__ = ["Replayer", "Worker", "WorkflowReplayResult", "WorkflowReplayResults"]

_DEFAULTS: Final = WorkerOptions()

DEADLOCK_SECONDS: Final = 2.0

_log: Final = logging.getLogger("understudy.lint")
_warned: Final[WeakSet[Any]] = WeakSet()
"""Workflows whose warnings have been logged: another worker of the same code has nothing new to say."""


class Worker:
    """Runs the workflows and activities of one task queue."""

    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        activities: Sequence[Callable[..., Any]] = (),
        workflows: Sequence[type | Callable[..., Any]] = (),
        activity_executor: Executor | None = None,
        identity: str | None = None,
        max_cached_workflows: int = _DEFAULTS.max_cached_workflows,
        max_concurrent_activities: int | None = None,
        graceful_shutdown_timeout: timedelta = timedelta(seconds=_DEFAULTS.graceful_shutdown),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        workflow_idle_timeout: timedelta = timedelta(seconds=_DEFAULTS.idle_seconds),
        deadlock_timeout: timedelta = timedelta(seconds=DEADLOCK_SECONDS),
        debug_mode: bool = False,
    ) -> None:
        """Check everything; nothing runs yet.

        What may differ in a replay of the workflows is logged to `understudy.lint`, once for each of them.

        Args:
            client: the client of the engine to work for.
            task_queue: whose workflows and activities to run.
            activities: functions, methods or callable instances decorated with `@activity.defn`.
            workflows: classes or async functions decorated with `@workflow.defn`.
            activity_executor: where plain activity functions run; a ProcessPoolExecutor gets them by cloudpickle;
                None: a thread pool of up to 64 threads.
            identity: who this is, in the history; None: the client's.
            max_cached_workflows: how many runs stay in memory; those idle longest leave first.
            max_concurrent_activities: how many attempts run at a time; None: 1,000.
            graceful_shutdown_timeout: how long running attempts may take to finish when the worker stops.
            workflow_failure_exception_types: exceptions that end any run as failed, in addition to the workflow's own.
            workflow_idle_timeout: a run idle for so long leaves memory.
            deadlock_timeout: how long one turn of a workflow may take.
            debug_mode: no deadlock watchdog, so that a debugger may stop inside a workflow.

        Raises:
            InvalidArgumentError: an argument cannot be.
            DefinitionError: one of the definitions is none, or would not replay.
            DuplicateDefinitionError: two definitions have one name.
        """
        if not isinstance(task_queue, str) or not task_queue:
            raise InvalidArgumentError(what="task_queue", got=repr(task_queue), expected="a name")
        if not activities and not workflows:
            raise InvalidArgumentError(
                what="activities and workflows",
                got="nothing",
                expected="at least one definition",
                fix="Pass workflows=[...] or activities=[...]",
            )
        self._client = client
        self._task_queue = task_queue
        failures = tuple(workflow_failure_exception_types)
        limit = math.inf if debug_mode else _seconds(deadlock_timeout, "deadlock_timeout", allow_zero=False)
        self._workflows = registry("workflow", (_with_defaults(workflow_of(w), failures, limit) for w in workflows))
        self._activities = registry("activity", (activity_of(activity) for activity in activities))
        self._executor = _checked_executor(activity_executor)
        self._identity = identity or client.identity
        self._options = WorkerOptions(
            max_concurrent_activities=_positive(max_concurrent_activities, "max_concurrent_activities")
            or _DEFAULTS.max_concurrent_activities,
            max_cached_workflows=_positive(max_cached_workflows, "max_cached_workflows", least=0) or 0,
            idle_seconds=_seconds(workflow_idle_timeout, "workflow_idle_timeout"),
            graceful_shutdown=_seconds(graceful_shutdown_timeout, "graceful_shutdown_timeout"),
        )
        self._check_methods(activities)
        for definition in self._workflows.values():
            _warn(definition, refuse_what_cannot_replay(definition))
        self._engine: System | None = None
        self._slots: WorkerSlots | None = None
        self._stop_asked: asyncio.Event | None = None
        self._stopped = False

    def __repr__(self) -> str:
        """Show the queue and what it does."""
        state = "stopped" if self._stopped else "running" if self._slots is not None else "not started"
        return (
            f"<Worker of {self._task_queue!r}, {len(self._workflows)} workflows, "
            f"{len(self._activities)} activities, {state}>"
        )

    @property
    def client(self) -> Client:
        """The client that it was made with."""
        return self._client

    @property
    def task_queue(self) -> str:
        """The queue that it works for."""
        return self._task_queue

    @property
    def is_running(self) -> bool:
        """Whether it takes work."""
        return self._slots is not None and not self._stopped

    @property
    def is_shutdown(self) -> bool:
        """Whether it has stopped."""
        return self._stopped

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `shutdown` is called or the task is cancelled.

        Raises:
            RuntimeError: it was started before.
        """
        await self._start()
        self._stop_asked = asyncio.Event()
        try:
            await self._stop_asked.wait()
        finally:
            await asyncio.shield(self._finish())

    async def shutdown(self) -> None:
        """Stop: no new attempts; those that run get the graceful time, and are cancelled then.

        What was cancelled, or had not begun, runs when the next worker comes.
        """
        if self._stop_asked is not None:
            self._stop_asked.set()
        await self._finish()

    async def __aenter__(self) -> Self:
        """Start working."""
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, as `shutdown`."""
        await self._finish()

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

    async def _start(self) -> None:
        if self._slots is not None:
            msg = "the worker was started before; make a new one"
            raise RuntimeError(msg)
        engine = self._engine = self._client.engine
        await engine.dispatcher.run(self._join())

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
        )
        engine.add_worker(self._slots)

    async def _finish(self) -> None:
        if self._slots is None or self._stopped:
            return
        self._stopped = True
        engine = self._engine
        if engine is not None and not engine.stopped:
            await engine.dispatcher.run(engine.remove_worker(self._slots))

    # -- checks ------------------------------------------------------------------------------------------------------

    def _check_methods(self, activities: Sequence[Callable[..., Any]]) -> None:
        """Refuse `Payments.charge` where `Payments(...).charge` is meant."""
        for activity in activities:
            code = getattr(activity, "__code__", None)
            if code is not None and code.co_varnames[:1] == ("self",) and not hasattr(activity, "__self__"):
                raise DefinitionError(
                    subject=getattr(activity, "__qualname__", repr(activity)),
                    problem="it is a method without its object",
                    fix="pass the method of an instance: activities=[payments.charge]",
                )


def _warn(definition: WorkflowDefinition, findings: Sequence[Finding]) -> None:
    if definition.target in _warned:
        return
    _warned.add(definition.target)
    for found in findings:
        place = f"{found.file}:{found.line}"
        text = "%s: %s in workflow %r may differ in a replay; use %s"
        _log.warning(text, place, found.call, definition.label, found.instead)


def _with_defaults(
    definition: WorkflowDefinition, types: tuple[type[BaseException], ...], limit: float
) -> WorkflowDefinition:
    """Return the definition with what the worker says for all of its workflows; the workflow's own word counts."""
    return replace(
        definition,
        failure_exception_types=(*definition.failure_exception_types, *types),
        deadlock_timeout=limit if definition.deadlock_timeout is None else definition.deadlock_timeout,
    )


def _positive(value: int | None, name: str, *, least: int = 1) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(what=name, got=repr(value), expected="an int")
    if value < least:
        raise InvalidArgumentError(what=name, got=repr(value), expected=f"{least} or more")
    return value


def _seconds(value: timedelta, name: str, *, allow_zero: bool = True) -> float:
    return (to_ns(value, name=name, allow_zero=allow_zero) or 0) / 1e9


def _checked_executor(executor: Executor | None) -> Executor | None:
    if executor is not None and not isinstance(executor, Executor):
        raise ArgumentTypeError(
            what="activity_executor", got=repr(executor), expected="an executor of concurrent.futures"
        )
    return executor
