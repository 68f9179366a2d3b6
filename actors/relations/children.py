"""Children: starts those of a run, cancels them, and tells parents how they end.

Everything here follows from events that are on disk, and is done again when a run comes back: a child has a run id
that follows from its parent's, and a request to it an id that does, so that doing it twice is doing it once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.decisions.child_runs import child_run_id, child_start, end_of_child, own_id
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteChild,
    FailChild,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    TerminateWorkflow,
)
from understudy.actors.relations.delivered import was_delivered
from understudy.events.child import ChildPhase
from understudy.events.errors import WorkflowClosedError, WorkflowNotFoundError
from understudy.events.failures.already_started import WorkflowAlreadyStartedError
from understudy.events.options.policies import ResetChildren, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.state.evolve import fold
from understudy.events.store.port import OPEN_STATUS
from understudy.events.workflow import WorkflowTerminated

if TYPE_CHECKING:
    from understudy.actors.clock import Clock
    from understudy.actors.relations.retried import RetriedTasks
    from understudy.actors.requests.post import Post
    from understudy.actors.requests.service import Service
    from understudy.actors.requests.starts import Starts
    from understudy.actors.runs.live_run import LiveRun
    from understudy.actors.runs.registry import RunRegistry
    from understudy.events.child import ChildInitiated
    from understudy.events.event import Event
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.state.pending import PendingChild
    from understudy.events.store.port import EventStore
    from understudy.events.workflow import WorkflowStarted

__all__ = ["GONE", "REPLACED", "Children", "request_id_of"]

PARENT_CANCELED: Final = "cancelled by its parent"

REPLACED: Final = TerminateWorkflow(reason="its parent was reset")

GONE: Final = (WorkflowNotFoundError, WorkflowClosedError)
"""The errors by which the store says that no message reaches a workflow."""


class Children:
    """The dealings of runs with their children; used on the engine's loop.

    Args:
        tasks: does the work.
        runs: those in memory.
        store: where all are.
        clock: the time, ns since the epoch.
        post: sends commands to runs.
        starts: starts the children.
        service: sends commands to workflows.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands everything in
        self,
        *,
        tasks: RetriedTasks,
        runs: RunRegistry,
        store: EventStore,
        clock: Clock,
        post: Post,
        starts: Starts,
        service: Service,
    ) -> None:
        self._tasks = tasks
        self._runs = runs
        self._store = store
        self._clock = clock
        self._post = post
        self._starts = starts
        self._service = service

    def start_child(self, parent: LiveRun, seq: int, *, again: bool = False) -> None:
        """Start a child; `again` is True if an earlier try may have succeeded."""
        pending = parent.state.children.get(seq)
        if pending is None or pending.run_id:
            return
        self._tasks.start("start", parent.run_id, seq, partial(self.start, parent, pending), again=again)

    async def start(self, parent: LiveRun, pending: PendingChild, again: bool) -> None:  # noqa: FBT001 - a `Work`
        """Start a child, or find that it has started, and tell its parent."""
        asked, state = pending.initiated, parent.state
        run_id = child_run_id(state, asked.seq)
        row = self._store.execution(run_id) if again or state.start.resets else None
        if row is not None and (row.workflow_id, row.workflow_type) != (asked.workflow_id, asked.workflow_type):
            run_id = child_run_id(state, asked.seq, other=True)
            row = self._store.execution(run_id)
        if row is None:
            started = child_start(state, asked, self._clock())
            try:
                await self._starts.start(started, asked.id_reuse_policy, WorkflowIDConflictPolicy.FAIL, run_id=run_id)
            except WorkflowAlreadyStartedError as error:
                if await self._makes_room(state, asked, error.run_id or ""):
                    await self.start(parent, pending, again)
                else:
                    self._runs.tell(parent.run_id, NoteChildConflict(seq=asked.seq, run_id=error.run_id or ""))
                return
        self._runs.tell(parent.run_id, NoteChild(seq=asked.seq, run_id=run_id))
        ended = self._end_of(run_id) if row is not None or state.start.resets else None
        if ended is not None:
            self._runs.tell(parent.run_id, ended)

    async def _makes_room(self, parent: WorkflowExecution, asked: ChildInitiated, run_id: str) -> bool:
        """Return True if the run that held the id of a new child has gone, as the reset of its parent says."""
        start, store = parent.start, self._store
        if not (start.resets and run_id):
            return False
        whose = [start.seed, *(mark.run_id for mark in start.resets)]
        holder = self._read(run_id)
        if holder.start.parent_run_id not in whose:
            return False
        if not holder.is_open:  # it has gone meanwhile, and its actor is about to hear so
            await self._service.snapshot(run_id)
            return asked.id_reuse_policy is not WorkflowIDReusePolicy.REJECT_DUPLICATE
        closing = store.load(whose[-2])[-1]
        if not (isinstance(closing, WorkflowTerminated) and closing.reset_children is ResetChildren.TERMINATE):
            return False
        with suppress(WorkflowClosedError):
            await self._post.send(run_id, REPLACED)
        return True

    def look_at_child(self, parent: LiveRun, pending: PendingChild) -> None:
        """Do for one child of a run that is back what a crash may have swallowed."""
        seq = pending.initiated.seq
        if not pending.run_id:
            self.start_child(parent, seq, again=True)
        else:
            ended = self._end_of(pending.run_id)
            if ended is not None:
                self._runs.tell(parent.run_id, ended)
        if pending.phase is ChildPhase.CANCELING:
            self.cancel_child(parent, seq, again=True)

    def _end_of(self, run_id: str) -> Any:
        """Return the command that tells how a child ended, from the disk; None if it has not ended."""
        store = self._store
        while True:
            row = store.execution(run_id)
            if row is None or row.status == OPEN_STATUS:
                return None
            state = self._read(run_id)
            closed = state.closed
            if closed is None:
                return None
            following = _following(closed)
            if not following:
                return end_of_child(state, closed)
            run_id = following

    def tell_parent(self, child: LiveRun, closing: Event) -> None:
        """Tell the parent of a run that has ended, unless another run follows or nobody waits for it."""
        start = child.state.start
        if not start.parent_run_id or _following(closing):
            return
        ended = end_of_child(child.state, closing)
        self._tasks.start("end", child.run_id, 0, lambda _: self._tell_parent(start, ended))

    async def _tell_parent(self, child: WorkflowStarted, ended: CompleteChild | FailChild) -> None:
        parent_id = self._open_parent(child, ended.run_id)
        if parent_id:
            self._runs.tell(parent_id, ended)

    def _open_parent(self, child: WorkflowStarted, first_run_id: str) -> str:
        """Return the run that waits for a child: its starter, or the run that a reset made of that; empty: none.

        Args:
            child: the first event of one of its runs.
            first_run_id: the run that its parent knows it by.
        """
        live, store, started = self._runs.live, self._store, child.parent_run_id
        actor = live.get(started)
        if actor is not None and actor.run.state.is_open:
            return started
        row = store.execution(started)
        if row is None or row.status == OPEN_STATUS:
            return started if row is not None else ""
        latest = store.latest(row.workflow_id)
        if latest is None or latest.status != OPEN_STATUS:
            return ""
        actor = live.get(latest.run_id)
        parent = actor.run.state if actor is not None and actor.run.is_loaded else self._read(latest.run_id)
        pending = parent.children.get(child.parent_seq)
        is_its_own = pending is not None and first_run_id == _run_of(parent, pending)
        return latest.run_id if is_its_own else ""

    def _read(self, run_id: str) -> WorkflowExecution:
        return fold(run_id, self._store.load(run_id))

    def open_children(self, parent: WorkflowExecution, after: int) -> list[str]:
        """Return the workflow ids of the children of a closed run that are numbered above `after`, and still open."""
        store, found = self._store, list[str]()
        for seq, pending in parent.children.items():
            run_id = _run_of(parent, pending)
            if seq > after and store.execution(run_id) is not None and self._end_of(run_id) is None:
                found.append(pending.initiated.workflow_id)
        return found

    def cancel_child(self, parent: LiveRun, seq: int, *, again: bool = False) -> None:
        """Ask a child to cancel, once it has started; `again` is True if an earlier try may have succeeded."""
        pending = parent.state.children.get(seq)
        if pending is not None:
            self._tasks.start("cancel", parent.run_id, seq, partial(self._cancel_child, parent, pending), again=again)

    async def _cancel_child(self, parent: LiveRun, pending: PendingChild, again: bool) -> None:  # noqa: FBT001 - a `Work`
        seq = pending.initiated.seq
        await self.begun(parent.run_id, seq)
        request_id = request_id_of(parent.state, pending, "cancel")
        command = CancelWorkflow(reason=pending.cancel_reason or PARENT_CANCELED, request_id=request_id)
        try:
            await self.send_to_child(parent, pending, command, again=again)
        except GONE:
            return  # it has ended, or has never begun; its parent is told so
        self._runs.tell(parent.run_id, NoteChildCanceling(seq=seq))

    async def begun(self, parent_id: str, seq: int) -> None:
        """Wait until the start of a child has succeeded or failed."""
        starting = self._tasks.running("start", parent_id, seq)
        if starting is not None:
            await asyncio.wait([starting])

    async def send_to_child(self, parent: LiveRun, pending: PendingChild, command: Command, *, again: bool) -> None:
        """Send a command to a child; a request to cancel counts once in its chain, also if it is sent again."""
        asked, store = pending.initiated, self._store
        request_id = command.request_id if again and isinstance(command, CancelWorkflow) else ""
        if request_id and was_delivered(store, asked.workflow_id, asked.at, request_id):
            return
        first = _run_of(parent.state, pending)
        await self._service.send_to(asked.workflow_id, None, command, first_run_id=first)


def request_id_of(parent: WorkflowExecution, pending: PendingChild, why: str) -> str:
    """Return the id of a request to cancel a child: the same whenever the request is made."""
    seq = pending.initiated.seq
    return f"{own_id(parent, child=seq)}/child/{seq}/{why}"


def _run_of(parent: WorkflowExecution, pending: PendingChild) -> str:
    """Return the id of the run that a child began as, or begins as."""
    return pending.run_id or child_run_id(parent, pending.initiated.seq)


def _following(closing: Event) -> str:
    """Return the run that follows a closed one; empty: none does."""
    following: str = getattr(closing, "new_run_id", "")
    return following
