"""What a client can ask of a system: one coroutine for each request, on the engine's loop.

Here the id policies are applied, workflow ids become run ids, and an answer is awaited until it is on disk. The client
(`understudy.client`) turns Python values into payloads before, and back after.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pykka._envelope import Envelope

from understudy.actors.behaviors.command import Command, TerminateWorkflow
from understudy.actors.dispatch import Reply
from understudy.actors.workflow import Read, WorkflowActor
from understudy.events.errors import AlreadyOpenError, WorkflowClosedError, WorkflowNotFoundError
from understudy.events.execution import WorkflowExecution, fold
from understudy.events.failure_errors import WorkflowAlreadyStartedError
from understudy.events.policy import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.store.port import OPEN_STATUS, ExecutionRow

if TYPE_CHECKING:
    import asyncio

    from understudy.actors.system import System
    from understudy.events.event import Event
    from understudy.events.payload import Payload
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Service", "Snapshot"]

REPLACED: Final = "replaced by a new run of the same workflow id"

_LOOKS_BACK: Final = frozenset(
    {
        WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        WorkflowIDReusePolicy.REJECT_DUPLICATE,
    }
)
"""Policies for which it matters how the last run ended."""

_MAY_FOLLOW_FAILED: Final = frozenset({"Failed", "Canceled", "Terminated", "TimedOut"})


class Snapshot:
    """What `describe` knows of a run at one moment."""

    __slots__ = ("execution", "failed_turns", "phase", "retry_at", "trouble")

    def __init__(self, execution: WorkflowExecution, actor: WorkflowActor | None = None) -> None:
        """Take what is there; `actor`: the run is live."""
        self.execution = execution
        self.phase = actor.phase.value if actor is not None else "passivated"
        self.trouble: BaseException | None = actor.trouble if actor is not None else None
        self.failed_turns = actor.failed_turns if actor is not None else 0
        self.retry_at = actor.retry_at if actor is not None else 0


class Service:
    """The requests; one for each system."""

    def __init__(self, system: System) -> None:
        """Serve `system`."""
        self._system = system
        self._workflows = system.workflows
        self._store = system.store

    # -- starting ----------------------------------------------------------------------------------------------------

    async def start(
        self,
        started: WorkflowStarted,
        reuse: WorkflowIDReusePolicy,
        conflict: WorkflowIDConflictPolicy,
    ) -> str:
        """Start a run and return its id once it is on disk; or that of the run which stands in its place.

        Raises:
            WorkflowAlreadyStartedError: the id is taken, and the policies say that this is an error.
            EngineError: it could not be stored; nothing has started.
        """
        look_up = bool(started.request_id) or reuse in _LOOKS_BACK
        while True:
            known = self._known(started.workflow_id, look_up=look_up)
            if known is not None:
                run_id, status = known
                standing = self._standing(started, run_id, status, reuse, conflict)
                if standing:
                    await self._on_disk(run_id)
                    return standing
                if status == OPEN_STATUS:
                    with suppress(WorkflowClosedError):  # somebody else ends it at the same time
                        await self.send(run_id, TerminateWorkflow(reason=REPLACED))
                    continue
            try:
                return await self._begin(started)
            except AlreadyOpenError:  # by a run that is not in memory, or by a start at the same time
                look_up = True

    async def _begin(self, started: WorkflowStarted) -> str:
        """Start a run and return its id once it is on disk.

        Raises:
            AlreadyOpenError: another run with its workflow id is open; that is the store's to say (ONE-OWNER).
        """
        workflows = self._workflows
        run_id = workflows.new_id()
        turn = workflows.begin(run_id, started)
        reply = self._reply()
        turn.answers.append((reply, run_id, None))
        workflows.finish(turn)
        return str(await reply.future)

    def _known(self, workflow_id: str, *, look_up: bool) -> tuple[str, str] | None:
        """Return the run that a workflow id means now, and its status: the open one, else the latest.

        Args:
            workflow_id: its id.
            look_up: ask the store, too, and not only memory: a query for each start would cost a tenth of a workflow.
        """
        actor = self._workflows.open_ids.get(workflow_id)
        if actor is not None:
            return actor.run_id, OPEN_STATUS
        row = self._store.latest(workflow_id) if look_up else None
        return (row.run_id, row.status) if row is not None else None

    def _standing(
        self,
        started: WorkflowStarted,
        run_id: str,
        status: str,
        reuse: WorkflowIDReusePolicy,
        conflict: WorkflowIDConflictPolicy,
    ) -> str:
        """Return the run that stands in for a new one: what is there, or what this request began; none: empty.

        Raises:
            WorkflowAlreadyStartedError: the policies want neither.
        """
        if started.request_id:
            first = self._first(run_id)
            if first.start.request_id == started.request_id:
                return first.run_id
        if status == OPEN_STATUS:
            if (
                conflict is WorkflowIDConflictPolicy.TERMINATE_EXISTING
                or reuse is WorkflowIDReusePolicy.TERMINATE_IF_RUNNING
            ):
                return ""
            if conflict is WorkflowIDConflictPolicy.USE_EXISTING:
                return run_id
        elif reuse is not WorkflowIDReusePolicy.REJECT_DUPLICATE and (
            reuse is not WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY or status in _MAY_FOLLOW_FAILED
        ):
            return ""
        raise WorkflowAlreadyStartedError(started.workflow_id, started.workflow_type, run_id=run_id)

    def _first(self, run_id: str) -> WorkflowExecution:
        """Return the first of a chain of runs."""
        execution = self._execution(run_id)
        first = execution.start.first_run_id
        return self._execution(first) if first else execution

    async def _on_disk(self, run_id: str) -> None:
        """Wait until what a live run has done so far is on disk (ACKED)."""
        if run_id in self._workflows.live:
            await self._read(run_id, Read(lambda _: None))

    # -- messages ----------------------------------------------------------------------------------------------------

    async def send(self, run_id: str, command: Command) -> Any:
        """Send a command and wait until what it means is on disk.

        Raises:
            UsageError: the run refuses it, as a closed one does.
            EngineError: it could not be stored.
        """
        reply = self._reply()
        self._workflows.actor(run_id).actor_inbox.put(Envelope(command, reply))
        return await reply.future

    async def query(self, run_id: str, name: str, args: tuple[Payload, ...]) -> Payload | None:
        """Ask a workflow's query handler.

        Raises:
            UnknownQueryError: it has none of that name.
            QueryRefusedError: the handler did more than read.
            UsageError: the code is not live, and why.
            Exception: what the handler raised.
        """
        guarded = self._system.guarded

        def ask(actor: WorkflowActor) -> Payload | None:
            run = actor.run
            if run is None:
                raise WorkflowNotFoundError(workflow_id=actor.name, run_id=actor.run_id)
            return guarded(actor, run, lambda: run.query(name, args))

        answer: Payload | None = await self._read(run_id, Read(ask, needs_code=True))
        return answer

    async def _read(self, run_id: str, read: Read) -> Any:
        reply = self._reply()
        self._workflows.actor(run_id).actor_inbox.put(Envelope(read, reply))
        return await reply.future

    def _reply(self) -> Reply:
        future: asyncio.Future[Any] = self._system.dispatcher.loop.create_future()
        return Reply(future)

    # -- looking -----------------------------------------------------------------------------------------------------

    def run_of(self, workflow_id: str, run_id: str | None = None) -> str:
        """Return the run id that a workflow id (and a run id) mean now: the open run, else the latest.

        Raises:
            WorkflowNotFoundError: there is none.
        """
        actor = self._workflows.open_ids.get(workflow_id)
        if actor is not None and run_id in {None, actor.run_id}:
            return actor.run_id
        row = self._store.latest(workflow_id) if run_id is None else self._store.execution(run_id)
        if row is None or row.workflow_id != workflow_id:
            raise WorkflowNotFoundError(workflow_id=workflow_id, run_id=run_id or "")
        return row.run_id

    async def closing(self, run_id: str) -> Event:
        """Wait for a run's closing event.

        Raises:
            EngineStoppedError: the client was closed before.
        """
        actor = self._workflows.live.get(run_id)
        if actor is None or (actor.is_loaded and not actor.state.is_open and not actor.uncommitted):
            row = self._store.execution(run_id)
            if row is not None and row.status != OPEN_STATUS:
                return self._store.load(run_id)[-1]
        return await self._system.outcomes.wait(run_id)

    async def snapshot(self, run_id: str) -> Snapshot:
        """Return what is known of a run now, without bringing it back to life."""
        if run_id in self._workflows.live:
            found: Snapshot = await self._read(run_id, Read(lambda actor: Snapshot(actor.state, actor)))
            return found
        return Snapshot(self._execution(run_id))

    def _execution(self, run_id: str) -> WorkflowExecution:
        actor = self._workflows.live.get(run_id)
        if actor is not None and actor.is_loaded:
            return actor.state
        return fold(run_id, self._store.load(run_id))

    def history(self, run_id: str) -> list[Event]:
        """Return a run's events that are on disk."""
        return self._store.load(run_id)

    def row(self, run_id: str) -> ExecutionRow | None:
        """Return a run's execution row."""
        return self._store.execution(run_id)
