"""A worker as the engine sees it: definitions, slots and an executor; the engine's side of `Worker`.

A worker has a slot for each attempt that runs on it, and knows the attempts as `Occupant`s alone: it cancels them when
it stops, and has them look at their long time-outs. Task queues ask it for a free slot and for its rate.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from understudy.actors.activities.token_bucket import TokenBucket
from understudy.actors.activities.worker_options import WorkerOptions
from understudy.actors.behaviors.definitions.definition import ActivityDefinition, WorkflowDefinition
from understudy.events.converters.in_context import takes_context
from understudy.events.errors import (
    DuplicateDefinitionError,
    UnknownActivityTypeError,
    UnknownWorkflowTypeError,
    nearest_name,
)

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["Occupant", "WorkerSlots", "is_process_pool", "registry"]


class Occupant(Protocol):
    """The attempt that has a slot, as far as its worker knows it; used on the engine's loop."""

    def cancel(self, reason: str, details: ActivityCancellationDetails) -> None:
        """Ask the code to stop."""

    def sweep(self, now: float) -> None:
        """Time out if a long limit is over at loop time `now`, s."""


class WorkerSlots(msgspec.Struct, eq=False):
    """Keeps the slots and definitions of one running worker; used on the engine's loop."""

    task_queue: str
    identity: str
    workflows: Mapping[str | None, WorkflowDefinition]
    activities: Mapping[str | None, ActivityDefinition]
    executor: Executor | None
    options: WorkerOptions
    loop: asyncio.AbstractEventLoop
    converter: PayloadConverter
    failures: FailureConverter
    client: object = None
    """The client for the code of activities, whose class the engine does not know; None if there is none."""
    intercept: Callable[..., Awaitable[Any]] | None = None
    """Calls the function of an attempt through interceptors; None if there are none."""
    on_fatal: Callable[[BaseException], None] | None = None
    """Called once with the error that ends the worker: its executor has broken."""
    meter: object = None
    """The meter that `activity.metric_meter()` builds on; None if nothing is counted."""
    in_context: bool = False
    """True if the converter wants to know whose values it converts."""
    rate: TokenBucket | None = None
    """The limit on the rate at which attempts begin; None if only slots limit them."""
    thread: int = msgspec.field(default_factory=threading.get_ident)
    running: set[Occupant] = msgspec.field(default_factory=set["Occupant"])
    shutting_down: bool = False
    stopping: threading.Event = msgspec.field(default_factory=threading.Event)
    _stopping: asyncio.Event | None = None
    drained: asyncio.Event | None = None
    on_release: Callable[[WorkerSlots], None] | None = None
    """Called when a slot is free again; None if no task queue listens."""
    _own_executor: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        """Ask the converter once whether it takes a context; make the bucket for the rate of the options."""
        self.in_context = takes_context(self.converter)
        per_second = self.options.max_activities_per_second
        self.rate = TokenBucket(per_second) if per_second else None

    def has_slot(self) -> bool:
        """Return True if one more attempt may run."""
        return len(self.running) < self.options.max_concurrent_activities and not self.shutting_down

    async def wait_for_shutdown(self) -> None:
        """Wait until the worker begins to stop."""
        if self._stopping is None:
            self._stopping = asyncio.Event()
            if self.shutting_down:
                self._stopping.set()
        await self._stopping.wait()

    def begin_shutdown(self) -> None:
        """Take no more attempts, and wake code that waits for the worker to stop."""
        self.shutting_down = True
        self.stopping.set()
        if self._stopping is not None:
            self._stopping.set()

    def fail(self, error: BaseException) -> None:
        """Take no more attempts, since the executor has broken, and report it once."""
        told, self.on_fatal = self.on_fatal, None
        if told is not None:
            self.begin_shutdown()
            told(error)

    def release(self, attempt: Occupant) -> None:
        """Take back the slot of an attempt whose code has ended."""
        self.running.discard(attempt)
        if self.drained is not None and not self.running:
            self.drained.set()
        if self.on_release is not None:
            self.on_release(self)

    def knows(self, activity_type: str) -> bool:
        """Return True if this worker has the activity called `activity_type`, or a dynamic one."""
        return activity_type in self.activities or None in self.activities

    def definition(self, activity_type: str) -> ActivityDefinition:
        """Return the activity called `activity_type`, or the dynamic one.

        Raises:
            UnknownActivityTypeError: this worker has neither.
        """
        found = self.activities.get(activity_type) or self.activities.get(None)
        if found is None:
            known = tuple(name for name in self.activities if name)
            raise UnknownActivityTypeError(
                name=activity_type,
                known=known,
                nearest=nearest_name(activity_type, known),
                task_queue=self.task_queue,
            )
        return found

    def workflow(self, workflow_type: str) -> WorkflowDefinition | None:
        """Return the workflow called `workflow_type`, or the dynamic one, or None."""
        return self.workflows.get(workflow_type) or self.workflows.get(None)

    def unknown_workflow(self, workflow_type: str) -> UnknownWorkflowTypeError:
        """Return the error for a type that this worker does not know."""
        known = tuple(name for name in self.workflows if name)
        return UnknownWorkflowTypeError(
            name=workflow_type,
            known=known,
            nearest=nearest_name(workflow_type, known),
            task_queue=self.task_queue,
        )

    def executor_for_plain(self) -> Executor:
        """Return the executor of a plain function: the user's, or a thread pool made when first needed."""
        if self.executor is not None:
            return self.executor
        if self._own_executor is None:
            from concurrent.futures import ThreadPoolExecutor

            threads = min(64, self.options.max_concurrent_activities)
            self._own_executor = ThreadPoolExecutor(threads, thread_name_prefix="understudy-activity")
        return self._own_executor

    def close(self) -> None:
        """Shut down our own thread pool, if there is one; threads that run end by themselves."""
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=False, cancel_futures=True)


def is_process_pool(executor: Executor) -> bool:
    """Return True if an executor runs its work in other processes."""
    pools = sys.modules.get("concurrent.futures.process")  # 20 ms to import; whoever made such a pool has
    return pools is not None and isinstance(executor, pools.ProcessPoolExecutor)


def registry(kind: str, definitions: Iterable[Any]) -> dict[str | None, Any]:
    """Return a table of definitions by name.

    Raises:
        DuplicateDefinitionError: two definitions have one name.
    """
    table: dict[str | None, Any] = {}
    for definition in definitions:
        if definition.name in table:
            raise DuplicateDefinitionError(
                kind=kind, name=definition.label, first=table[definition.name].place, second=definition.place
            )
        table[definition.name] = definition
    return table
