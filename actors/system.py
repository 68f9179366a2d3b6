"""The composition root: one store, one journal, one loop, and the actors that live on it.

There is one system for each store in a process; clients of the same URL share it. It runs on the loop of whoever opened
it, or, for synchronous programs, on a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from understudy.actors import process_tuning as interpreter
from understudy.actors.activities.attempt import SHUTDOWN
from understudy.actors.activities.cancellation import WORKER_SHUTDOWN
from understudy.actors.activities.supervisor import ActivitySupervisor
from understudy.actors.clock import Clock, system_clock
from understudy.actors.dispatch import Dispatcher
from understudy.actors.effects import Effects, Relations
from understudy.actors.guard.turn_guard import TurnGuard
from understudy.actors.ids import run_ids
from understudy.actors.journal import INLINE_SECONDS, Journal
from understudy.actors.requests.post import Post
from understudy.actors.requests.service import Service
from understudy.actors.requests.starts import Starts
from understudy.actors.runs.definitions import Definitions
from understudy.actors.runs.supervisor import WorkflowSupervisor
from understudy.actors.runs.waiters import Waiters
from understudy.actors.timers import HORIZON_NS, Timers
from understudy.events.errors import EngineStoppedError

if TYPE_CHECKING:
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.actors.relations.retried import RetriedTasks
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.store.port import EventStore

__all__ = ["System"]

SWEEP_SECONDS: Final = 5.0
"""The time between two looks for idle runs; shorter where runs may be idle for less."""
LEAST_SWEEP_SECONDS: Final = 0.01
PAGE: Final = 1_000
"""Execution rows read at a time."""


class System:
    """Everything that works for one store; its methods are called on the engine's loop except where said."""

    def __init__(  # noqa: PLR0913 - what the parts are given
        self,
        store: EventStore,
        converter: PayloadConverter,
        failures: FailureConverter,
        *,
        clock: Clock = system_clock,
        mailbox_limit: int = 10_000,
        inline_seconds: float = INLINE_SECONDS,
        waiters: Waiters | None = None,
        adapt: Callable[[WorkflowDefinition], WorkflowDefinition] | None = None,
    ) -> None:
        """Compose the parts on the running loop.

        Args:
            store: where events are.
            converter: of payloads.
            failures: their converter.
            clock: the time, ns since the epoch.
            mailbox_limit: the number of messages that may wait for one run.
            inline_seconds: see `Journal`.
            waiters: those who wait for ends; None: an object of its own.
            adapt: changes each definition that a worker brings; None: they are taken as they are.
        """
        loop = asyncio.get_running_loop()
        self.store = store
        self.clock = clock
        self._adapt = adapt
        self.dispatcher = Dispatcher(loop)
        self.journal = Journal(self.dispatcher, store, inline_seconds)
        self.guard = TurnGuard()
        self.waiters = waiters if waiters is not None else Waiters(loop)
        self.definitions = Definitions(converter, failures)
        self.workflows = WorkflowSupervisor(
            dispatcher=self.dispatcher,
            store=store,
            journal=self.journal,
            clock=clock,
            new_id=run_ids(clock),
            guard=self.guard,
            definitions=self.definitions,
            mailbox_limit=mailbox_limit,
        )
        self.runs = self.workflows.runs
        self.activities = ActivitySupervisor(self.dispatcher, clock, self.runs.tell)
        self.timers = Timers(loop, clock, self.runs.wake)
        self.post = Post(self.dispatcher, self.runs, store)
        self.starts = Starts(self.post, self.workflows)
        self.service = Service(self.post, self.waiters, self.guard)
        self._between_runs: RetriedTasks | None = None
        """The work that runs have with each other, and that is under way; None until the first run has any."""
        self._made_relations: Relations | None = None
        self.workflows.act_through(self._effects(), self._open_children)
        self.workers: list[WorkerSlots] = []
        self.stopped = False
        self.own_thread: threading.Thread | None = None
        """Runs the loop for this system alone, and ends with it."""
        self._idle_seconds = 0.0
        self._jobs: list[asyncio.TimerHandle] = []
        self._every(HORIZON_NS / 2e9, self._page_in)
        self._every(SWEEP_SECONDS, self._sweep)
        self._every(1.0, self._sweep_attempts)

    def _effects(self) -> Effects:
        return Effects(
            clock=self.clock,
            activities=self.activities,
            timers=self.timers,
            waiters=self.waiters,
            relations=self._relations,
            try_at_once=self.runs.try_at_once,
        )

    def _relations(self) -> Relations:
        """Return the parts that deal with several runs; their modules are imported when a run needs them (2 ms)."""
        if self._made_relations is None:
            from understudy.actors.relations.children import Children
            from understudy.actors.relations.closing import Closing
            from understudy.actors.relations.outbound import Outbound
            from understudy.actors.relations.retried import RetriedTasks

            tasks = self._between_runs = RetriedTasks(self.dispatcher)
            runs, store, service = self.runs, self.store, self.service
            children = Children(
                tasks=tasks,
                runs=runs,
                store=store,
                clock=self.clock,
                post=self.post,
                starts=self.starts,
                service=service,
            )
            outbound = Outbound(
                tasks=tasks,
                runs=runs,
                store=store,
                service=service,
                children=children,
                definitions=self.definitions,
            )
            closing = Closing(
                tasks=tasks,
                store=store,
                children=children,
                outbound=outbound,
                put_row=self.workflows.commits.put_row,
            )
            self._made_relations = Relations(children, outbound, closing)
        return self._made_relations

    def _open_children(self, parent: WorkflowExecution, after: int) -> list[str]:
        return self._relations().children.open_children(parent, after)

    def __repr__(self) -> str:
        """Show the store and the load."""
        return f"<system of {self.store.url}: {self.workflows!r}, {len(self.activities)} attempts>"

    # -- recovery ----------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Bring back, a page at a time, the open runs that need care; those that sleep wait for their hour."""
        self._page_in(first=True)

    def _page_in(self, *, first: bool = False) -> None:
        """Arm the wake-ups of the next horizon; on the first call also those that are overdue or need care at once."""
        horizon = self.clock() + HORIZON_NS
        after = None if first else (self.timers.horizon, "\x7f")
        self.timers.horizon = horizon
        while rows := self.store.due(horizon, PAGE, after):
            for row in rows:
                if row.run_id not in self.runs.live:
                    self.timers.set(row.run_id, row.wake_at)
            last = rows[-1]
            after = (last.wake_at or 0, last.run_id)
            if len(rows) < PAGE:
                break

    # -- time --------------------------------------------------------------------------------------------------------

    @property
    def is_quiet(self) -> bool:
        """True if only time or somebody outside can make anything happen: no turn, write or attempt is under way."""
        return (
            self.journal.is_idle
            and not self.activities.is_running
            and not self.tasks_between_runs
            and not any(
                actor.run.uncommitted or actor.run.held_messages or not actor.actor_inbox.empty()
                for actor in self.runs.live.values()
            )
        )

    @property
    def tasks_between_runs(self) -> int:
        """The number of pieces of work that runs have with other runs and that are under way."""
        return len(self._between_runs) if self._between_runs is not None else 0

    def next_due(self) -> int | None:
        """Return the time of what is due next, in memory or in the store, ns since the epoch; None: nothing is."""
        timers = self.timers
        known = (timers.next_at, self.activities.alarms.next_at, self.store.next_wake(timers.horizon))
        return min((at for at in known if at is not None), default=None)

    def time_jumped(self) -> None:
        """See to what is due, after the clock was made to jump."""
        self._page_in()
        self.timers.look()
        self.activities.alarms.look()

    # -- workers -----------------------------------------------------------------------------------------------------

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let a worker take part."""
        if self._adapt is not None:
            worker.workflows = {name: self._adapt(known) for name, known in worker.workflows.items()}
        self.guard.install(worker.workflows.values())
        self.workers.append(worker)
        interpreter.relax()
        self.activities.add_worker(worker)
        self.workflows.add_worker(worker)
        self._idle_seconds = idle = worker.options.idle_seconds
        if 0 < idle < SWEEP_SECONDS:
            self._every(max(idle / 2, LEAST_SWEEP_SECONDS), self._sweep)
        self.recover()

    async def remove_worker(self, worker: WorkerSlots) -> None:
        """Let a worker go: no more attempts, time for those that run, then cancellation."""
        if worker not in self.workers:
            return
        self.workers.remove(worker)
        interpreter.restore()
        self.activities.remove_worker(worker)
        worker.begin_shutdown()
        await self._drain(worker)
        self.workflows.remove_worker(worker)
        worker.close()

    async def _drain(self, worker: WorkerSlots) -> None:
        if worker.running:
            worker.drained = asyncio.Event()
            try:
                await asyncio.wait_for(worker.drained.wait(), worker.options.graceful_shutdown)
            except TimeoutError:
                for attempt in list(worker.running):
                    attempt.cancel(SHUTDOWN, WORKER_SHUTDOWN)

    # -- end ---------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop everything; what was acknowledged is on disk, what was under way comes back at the next start."""
        if self.stopped:
            return
        for worker in list(self.workers):
            await self.remove_worker(worker)
        self.stopped = True
        for job in self._jobs:
            job.cancel()
        self.timers.close()
        self.activities.close()
        if self._between_runs is not None:
            self._between_runs.close()
        await asyncio.sleep(0)  # turns that stand in line
        idle = asyncio.Event()
        self.journal.when_idle(idle.set)
        await idle.wait()
        self.dispatcher.stopped = True
        self.journal.close()
        error = EngineStoppedError(reason="the client was closed")
        self.runs.close(error)
        self.waiters.fail(error)
        self.guard.close()
        self.store.close()
        if self.own_thread is not None:
            self.dispatcher.loop.call_soon(self.dispatcher.loop.stop)

    def abandon(self) -> None:
        """Let go of the store after the loop was closed under the system; any thread."""
        self.stopped = self.dispatcher.stopped = True
        self.journal.close()
        self.runs.close()
        self.guard.close()
        self.store.close()

    # -- housekeeping ------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        if self._idle_seconds:
            self.runs.passivate(0, asyncio.get_running_loop().time() - self._idle_seconds)

    def _sweep_attempts(self) -> None:
        now = self.dispatcher.loop.time()
        for worker in self.workers:
            for attempt in list(worker.running):
                attempt.sweep(now)

    def _every(self, seconds: float, job: Callable[[], Any]) -> None:
        index = len(self._jobs)

        def again() -> None:
            self._jobs[index] = self.dispatcher.loop.call_later(seconds, again)
            job()

        self._jobs.append(self.dispatcher.loop.call_later(seconds, again))


def start_loop_thread() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    """Start an event loop on a daemon thread of its own, for programs that have none."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_loop, args=(loop,), name="understudy-engine", daemon=True)
    thread.start()
    return loop, thread


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
