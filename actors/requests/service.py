"""The requests that a client can make of a system: one coroutine for each, on the engine's loop.

Workflow ids become run ids here, and an answer is awaited until it is on disk; `requests.starts` starts. The client
(`understudy.client`) turns Python values into payloads before, and back after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.decisions.commands import Command, UpdateWorkflow
from understudy.actors.runs.live_run import LiveRun, Read
from understudy.actors.runs.registry import Stuck
from understudy.events.errors import UpdateNotFoundError, WorkflowClosedError, WorkflowNotFoundError
from understudy.events.state.execution import WorkflowExecution
from understudy.events.store.port import OPEN_STATUS, ExecutionRow
from understudy.events.update import UpdateAccepted, UpdateCompleted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.actors.guard.turn_guard import TurnGuard
    from understudy.actors.requests.post import Post
    from understudy.actors.runs.waiters import Waiters
    from understudy.events.event import Event
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["Service", "Snapshot"]

_NOT_STUCK: Final = Stuck()


class Snapshot:
    """The knowledge that `describe` has of a run at one moment.

    Args:
        execution: its aggregate.
        live: the run, if it is in memory.
        stuck: the facts kept of it if it is not in memory and its code has failed.
    """

    __slots__ = ("execution", "failed_turns", "phase", "retry_at", "trouble")

    def __init__(self, execution: WorkflowExecution, live: LiveRun | None = None, stuck: Stuck = _NOT_STUCK) -> None:
        self.execution = execution
        self.phase = live.phase.value if live is not None else "passivated"
        told = live if live is not None else stuck
        self.trouble: BaseException | None = told.trouble
        self.failed_turns = told.failed_turns
        self.retry_at = told.retry_at


class Service:
    """The requests of one system; used on the engine's loop.

    Args:
        post: the way to its runs.
        waiters: those who wait for ends and updates.
        guard: watches queries while they run.
    """

    def __init__(self, post: Post, waiters: Waiters, guard: TurnGuard) -> None:
        self._post = post
        self._runs = post.runs
        self._store = post.store
        self._waiters = waiters
        self._guard = guard

    # -- messages ----------------------------------------------------------------------------------------------------

    async def send_to(
        self, workflow_id: str, run_id: str | None, command: Command, *, first_run_id: str | None = None
    ) -> Any:
        """Send a command to a workflow; to the run that follows, if the first one has ended by then.

        Args:
            workflow_id: its id.
            run_id: the run that is meant; None: the open one, else the latest.
            command: the command to send.
            first_run_id: the first run of the chain that is meant; None: any.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: it is closed.
            EngineError: it could not be stored.
        """
        meant = self.run_of(workflow_id, run_id, first_run_id)
        while True:
            try:
                return await self._post.send(meant, command)
            except WorkflowClosedError:
                following = self.run_of(workflow_id, run_id, first_run_id)
                if following == meant:
                    raise
                meant = following

    def _is_of_chain(self, run_id: str, first_run_id: str) -> bool:
        if run_id == first_run_id:
            return True
        actor = self._runs.live.get(run_id)
        if actor is not None and actor.run.is_loaded:  # the newest run of a chain may not be on disk yet
            return actor.run.state.start.first_run_id == first_run_id
        row = self._store.execution(run_id)
        return row is not None and row.first_run_id == first_run_id

    async def update(self, run_id: str, update: UpdateWorkflow) -> Failure | None:
        """Send an update and wait until it is accepted and on disk; return the reason why it is refused, if it is.

        It waits for a worker that knows the workflow. An update with the same id is the same one.

        Raises:
            WorkflowClosedError: the run is closed and knows no such update.
            QueryRefusedError: the validator changed the workflow.
        """
        refused: Failure | None = await self._post.ask(run_id, update)
        return refused

    async def update_outcome(self, run_id: str, update_id: str) -> UpdateCompleted | None:
        """Wait until an update is completed; None: its run has ended without that.

        Raises:
            UpdateNotFoundError: the run has accepted no such update.
        """
        waiter = self._waiters.wait_update(run_id, update_id)
        try:
            known, is_open = await self._known_update(run_id, update_id)
            if isinstance(known, UpdateCompleted):
                return known
            if known is None:
                raise UpdateNotFoundError(update_id=update_id, run_id=run_id)
            return await waiter if is_open else None
        finally:
            self._waiters.forget_update(run_id, update_id, waiter)

    async def _known_update(self, run_id: str, update_id: str) -> tuple[UpdateAccepted | UpdateCompleted | None, bool]:
        if run_id in self._runs.live:
            found: Any = await self._post.ask(
                run_id, Read(lambda run: (run.state.updates.get(update_id), run.state.is_open))
            )
            return found[0], found[1]
        state = self._post.execution(run_id)
        return state.updates.get(update_id), state.is_open

    async def query(
        self, run_id: str, name: str, args: tuple[Payload, ...], headers: Mapping[str, Payload]
    ) -> Payload | None:
        """Ask a workflow's query handler.

        Raises:
            UnknownQueryError: it has none of that name.
            QueryRefusedError: the handler did more than read.
            UsageError: the code is not live, and why.
            Exception: what the handler raised.
        """
        guard = self._guard

        def ask(run: LiveRun) -> Payload | None:
            code = run.code
            if code is None:
                raise WorkflowNotFoundError(workflow_id=run.workflow_id, run_id=run.run_id)
            return guard(run.workflow_id, run.run_id, code.definition, code.query, name, args, headers)

        answer: Payload | None = await self._post.ask(run_id, Read(ask, needs_code=True))
        return answer

    # -- looking -----------------------------------------------------------------------------------------------------

    def run_of(self, workflow_id: str, run_id: str | None = None, first_run_id: str | None = None) -> str:
        """Return the id of the run that a workflow id (and a run id) name now: the open run, else the latest.

        Args:
            workflow_id: its id.
            run_id: the run that is meant; None: any.
            first_run_id: the first run of the chain that it has to be of; None: any.

        Raises:
            WorkflowNotFoundError: there is none.
        """
        found = self._run_of(workflow_id, run_id)
        if first_run_id is not None and not self._is_of_chain(found, first_run_id):
            raise WorkflowNotFoundError(workflow_id=workflow_id, run_id=first_run_id)
        return found

    def _run_of(self, workflow_id: str, run_id: str | None) -> str:
        run = self._runs.open_ids.get(workflow_id)
        if run is not None and run_id in {None, run.run_id}:
            return run.run_id
        row = self._store.latest(workflow_id) if run_id is None else self._store.execution(run_id)
        if row is None or row.workflow_id != workflow_id:
            raise WorkflowNotFoundError(workflow_id=workflow_id, run_id=run_id or "")
        return row.run_id

    async def closing(self, run_id: str) -> Event:
        """Wait for a run's closing event.

        Raises:
            EngineStoppedError: the client was closed before.
        """
        actor = self._runs.live.get(run_id)
        if actor is None or (
            actor.run.is_loaded and not actor.run.state.is_open
        ):  # its end may be on disk, and told already
            row = self._store.execution(run_id)
            if row is not None and row.status != OPEN_STATUS:
                return self._store.load(run_id)[-1]
        return await self._waiters.wait(run_id)

    async def snapshot(self, run_id: str) -> Snapshot:
        """Return a snapshot of a run as it is now, without bringing it back to life."""
        if run_id in self._runs.live:
            found: Snapshot = await self._post.ask(run_id, Read(lambda run: Snapshot(run.state, run)))
            return found
        return Snapshot(self._post.execution(run_id), stuck=self._runs.stuck_runs.get(run_id, _NOT_STUCK))

    def history(self, run_id: str) -> list[Event]:
        """Return a run's events that are on disk."""
        return self._store.load(run_id)

    def of_type(self, workflow_type: str, *, limit: int, offset: int) -> list[ExecutionRow]:
        """Return the execution rows of a workflow type, the one that was stored first most recently first."""
        return self._store.executions(workflow_type=workflow_type, limit=limit, offset=offset)

    def row(self, run_id: str) -> ExecutionRow | None:
        """Return a run's execution row."""
        return self._store.execution(run_id)
