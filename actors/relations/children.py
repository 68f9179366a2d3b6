"""Other workflows: starts the children of a run, tells parents how they end, delivers messages from run to run.

Everything here follows from events that are on disk, and is done again when a run comes back: a child has a run id
that follows from its parent's, and a message an id that follows from its sender's, so that doing it twice is doing it
once. What the store refuses for the moment is tried again until it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from understudy.actors.behaviors.decisions.child_runs import child_run_id, child_start, end_of_child, own_id
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteChild,
    FailChild,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    NoteMessage,
    SignalWorkflow,
    TerminateWorkflow,
)
from understudy.actors.relations.delivered import has_arrived
from understudy.actors.relations.retried import UntilDone
from understudy.events.child import ChildPhase
from understudy.events.errors import EngineStoppedError, WorkflowClosedError, WorkflowNotFoundError
from understudy.events.failures.already_started import WorkflowAlreadyStartedError
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.options.policies import (
    ParentClosePolicy,
    ResetChildren,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested
from understudy.events.state.evolve import fold
from understudy.events.store.port import OPEN_STATUS
from understudy.events.workflow import WorkflowTerminated

if TYPE_CHECKING:
    from understudy.actors.requests.service import Service
    from understudy.actors.runs.actor import WorkflowActor
    from understudy.actors.runs.supervisor import Workflows
    from understudy.events.child import ChildInitiated
    from understudy.events.event import Event
    from understudy.events.failures.failure import Failure
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.state.pending import PendingChild
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Related"]

AT_ONCE: Final = 100
"""How many children are told together that their parent has closed; of 5,000, one after the other took 6 s, so 1 s."""
PARENT_CANCELED: Final = "cancelled by its parent"
PARENT_CLOSED: Final = "by parent close policy"

_COMMANDS: Final[dict[ParentClosePolicy, Command]] = {
    ParentClosePolicy.UNSPECIFIED: TerminateWorkflow(reason=PARENT_CLOSED),
    ParentClosePolicy.TERMINATE: TerminateWorkflow(reason=PARENT_CLOSED),
    ParentClosePolicy.REQUEST_CANCEL: CancelWorkflow(reason=PARENT_CLOSED),
}

_REPLACED: Final = TerminateWorkflow(reason="its parent was reset")

Message = ExternalSignalRequested | ExternalCancelRequested

_GONE: Final = (WorkflowNotFoundError, WorkflowClosedError)
"""What the store says of a workflow that no message reaches."""


class Related(UntilDone):
    """What runs have to do with each other; used on the engine's loop."""

    def __init__(self, workflows: Workflows, service: Service) -> None:
        """Act through these."""
        super().__init__(workflows.dispatcher)
        self._workflows = workflows
        self._service = service

    # -- children ----------------------------------------------------------------------------------------------------

    def start_child(self, parent: WorkflowActor, seq: int, *, again: bool = False) -> None:
        """Start a child; `again`: it may have been started before."""
        pending = parent.state.children.get(seq)
        if pending is None or pending.run_id:
            return
        self._spawn("start", parent.run_id, seq, partial(self._start, parent, pending), again=again)

    async def _start(self, parent: WorkflowActor, pending: PendingChild, again: bool) -> None:  # noqa: FBT001 - a `Do`
        workflows, asked, state = self._workflows, pending.initiated, parent.state
        run_id = child_run_id(state, asked.seq)
        row = workflows.store.execution(run_id) if again or state.start.resets else None
        if row is not None and (row.workflow_id, row.workflow_type) != (asked.workflow_id, asked.workflow_type):
            run_id = child_run_id(state, asked.seq, other=True)
            row = workflows.store.execution(run_id)
        if row is None:
            started = child_start(state, asked, workflows.clock())
            try:
                await self._service.start(started, asked.id_reuse_policy, WorkflowIDConflictPolicy.FAIL, run_id=run_id)
            except WorkflowAlreadyStartedError as error:
                if await self._makes_room(state, asked, error.run_id or ""):
                    await self._start(parent, pending, again)
                else:
                    workflows.tell(parent.run_id, NoteChildConflict(seq=asked.seq, run_id=error.run_id or ""))
                return
        workflows.tell(parent.run_id, NoteChild(seq=asked.seq, run_id=run_id))
        ended = self._end_of(run_id) if row is not None or state.start.resets else None
        if ended is not None:
            workflows.tell(parent.run_id, ended)

    async def _makes_room(self, parent: WorkflowExecution, asked: ChildInitiated, run_id: str) -> bool:
        """Whether a run that holds the id of a new child has to go, as the reset that its parent came out of says."""
        start, store = parent.start, self._workflows.store
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
            await self._service.send(run_id, _REPLACED)
        return True

    def look_at_child(self, parent: WorkflowActor, pending: PendingChild) -> None:
        """A parent is back: do what a crash may have swallowed about one of its children."""
        seq = pending.initiated.seq
        if not pending.run_id:
            self.start_child(parent, seq, again=True)
        else:
            ended = self._end_of(pending.run_id)
            if ended is not None:
                self._workflows.tell(parent.run_id, ended)
        if pending.phase is ChildPhase.CANCELING:
            self.cancel_child(parent, seq, again=True)

    def _end_of(self, run_id: str) -> Any:
        """Return how a child ended, from the disk; None: it has not."""
        store = self._workflows.store
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

    def tell_parent(self, child: WorkflowActor, closing: Event) -> None:
        """A run has ended, and its parent waits for that, unless another run follows or the parent is closed."""
        start = child.state.start
        if not start.parent_run_id or _following(closing):
            return
        ended = end_of_child(child.state, closing)
        self._spawn("end", child.run_id, 0, lambda _: self._tell_parent(start, ended))

    async def _tell_parent(self, child: WorkflowStarted, ended: CompleteChild | FailChild) -> None:
        parent_id = self._open_parent(child, ended.run_id)
        if parent_id:
            self._workflows.tell(parent_id, ended)

    def _open_parent(self, child: WorkflowStarted, first_run_id: str) -> str:
        """Return the run that waits for a child: the one that started it, or what that was reset to; empty: none.

        Args:
            child: the first event of one of its runs.
            first_run_id: the run that its parent knows it by.
        """
        live, store, started = self._workflows.live, self._workflows.store, child.parent_run_id
        actor = live.get(started)
        if actor is not None and actor.state.is_open:
            return started
        row = store.execution(started)
        if row is None or row.status == OPEN_STATUS:
            return started if row is not None else ""
        latest = store.latest(row.workflow_id)
        if latest is None or latest.status != OPEN_STATUS:
            return ""
        actor = live.get(latest.run_id)
        parent = actor.state if actor is not None and actor.is_loaded else self._read(latest.run_id)
        pending = parent.children.get(child.parent_seq)
        is_its_own = pending is not None and first_run_id == _run_of(parent, pending)
        return latest.run_id if is_its_own else ""

    def _read(self, run_id: str) -> WorkflowExecution:
        return fold(run_id, self._workflows.store.load(run_id))

    def open_children(self, parent: WorkflowExecution, after: int) -> list[str]:
        """Return the workflow ids of the children of a closed run that are numbered above `after`, and still open."""
        store, found = self._workflows.store, list[str]()
        for seq, pending in parent.children.items():
            run_id = _run_of(parent, pending)
            if seq > after and store.execution(run_id) is not None and self._end_of(run_id) is None:
                found.append(pending.initiated.workflow_id)
        return found

    def cancel_child(self, parent: WorkflowActor, seq: int, *, again: bool = False) -> None:
        """Ask a child to cancel, once it has started; `again`: it may have been asked before."""
        pending = parent.state.children.get(seq)
        if pending is not None:
            self._spawn("cancel", parent.run_id, seq, partial(self._cancel_child, parent, pending), again=again)

    async def _cancel_child(self, parent: WorkflowActor, pending: PendingChild, again: bool) -> None:  # noqa: FBT001 - a `Do`
        seq = pending.initiated.seq
        await self._begun(parent.run_id, seq)
        request_id = _request_id(parent.state, pending, "cancel")
        command = CancelWorkflow(reason=pending.cancel_reason or PARENT_CANCELED, request_id=request_id)
        try:
            await self._send_to_child(parent, pending, command, again=again)
        except _GONE:
            return  # it has ended, or has never begun; its parent is told so
        self._workflows.tell(parent.run_id, NoteChildCanceling(seq=seq))

    async def _begun(self, parent_id: str, seq: int) -> None:
        starting = self._tasks.get(("start", parent_id, seq))
        if starting is not None:
            await asyncio.wait([starting])

    async def _send_to_child(
        self, parent: WorkflowActor, pending: PendingChild, command: Command, *, again: bool
    ) -> None:
        """Send a command to a child; a request to cancel is in its chain once, also if it is sent again."""
        asked, store = pending.initiated, self._workflows.store
        request_id = command.request_id if again and isinstance(command, CancelWorkflow) else ""
        if request_id and has_arrived(store, asked.workflow_id, asked.at, request_id):
            return
        first = _run_of(parent.state, pending)
        await self._service.send_to(asked.workflow_id, None, command, first_run_id=first)

    # -- the end of a run ----------------------------------------------------------------------------------------------

    def settle(self, run: WorkflowActor, *, again: bool = False) -> None:
        """A run has closed: see its last messages to their ends, leave its children, and note when that is done.

        Args:
            run: the closed one.
            again: it came back closed, so that what it asked for may have been lost.
        """
        if run.state.owes and not run.is_settled:
            self._spawn("settle", run.run_id, 0, partial(self._settle, run), again=again)

    async def _settle(self, run: WorkflowActor, again: bool) -> None:  # noqa: FBT001 - a `Do`
        children = list(run.state.children.values())
        if again:
            row = self._workflows.store.execution(run.run_id)
            if row is not None and row.wake_at is None:  # it was done before; somebody only looks at the run
                run.is_settled = True
                return
            await _all(children, partial(self._start_missing, run))
            for asked in run.state.outbound.values():
                self.send(run, asked, again=True)
            for pending in children:
                if pending.phase is ChildPhase.CANCELING:
                    self.cancel_child(run, pending.initiated.seq, again=True)
        await self._sent(run)
        await _all(children, partial(self._leave_child, run, again=again))
        await self._workflows.put_row(run)

    async def _start_missing(self, parent: WorkflowActor, pending: PendingChild) -> None:
        """Start a child that a crash kept from starting: to be abandoned it has to be there."""
        closed = parent.state.closed
        if not pending.run_id and not _is_reset(closed) and _on_close(closed, pending) is None:
            await self._start(parent, pending, True)  # noqa: FBT003 - a `Do`

    async def _sent(self, run: WorkflowActor) -> None:
        """Wait until every message of a closed run that is on its way has reached its end.

        Raises:
            EngineStoppedError: one has not, and is left to the next start.
        """
        keys = [("send", run.run_id, seq) for seq in run.state.outbound]
        keys += [("cancel", run.run_id, seq) for seq in run.state.children]
        under_way = [task for key in keys if (task := self._tasks.get(key)) is not None]
        if not all(await asyncio.gather(*under_way)):
            raise EngineStoppedError

    async def _leave_child(self, parent: WorkflowActor, pending: PendingChild, *, again: bool) -> None:
        command = _on_close(parent.state.closed, pending)
        await self._begun(parent.run_id, pending.initiated.seq)
        if isinstance(command, CancelWorkflow):
            command = replace(command, request_id=_request_id(parent.state, pending, "close"))
        if command is not None:
            with suppress(*_GONE):  # it has ended, or has never begun
                await self._send_to_child(parent, pending, command, again=again)

    # -- messages ----------------------------------------------------------------------------------------------------

    def send(self, sender: WorkflowActor, asked: Message, *, again: bool = False) -> None:
        """Deliver a message to another workflow, and tell the sender; `again`: it may have been sent before."""
        self._spawn("send", sender.run_id, asked.seq, partial(self._send, sender, asked), again=again)

    async def _send(self, sender: WorkflowActor, asked: Message, again: bool) -> None:  # noqa: FBT001 - a `Do`
        request_id, first = f"{own_id(sender.state, message=asked.seq)}/{asked.seq}", None
        store = self._workflows.store
        if again and not asked.run_id and has_arrived(store, asked.workflow_id, asked.at, request_id):
            self._told(sender, asked, None)
            return
        if isinstance(asked, ExternalCancelRequested):
            command: Command = CancelWorkflow(reason=asked.reason, request_id=request_id)
        else:
            if asked.child:
                await self._begun(sender.run_id, asked.child)
                child = sender.state.children.get(asked.child)
                first = (child.run_id if child is not None else "") or child_run_id(sender.state, asked.child)
            command = SignalWorkflow(name=asked.name, input=asked.input, headers=asked.headers, request_id=request_id)
        failure = None
        try:
            await self._service.send_to(asked.workflow_id, asked.run_id or None, command, first_run_id=first)
        except _GONE as error:
            told = ApplicationError(str(error), type="ExternalWorkflowExecutionNotFound", non_retryable=True)
            failure = self._workflows.failure_of(sender, told)
        self._told(sender, asked, failure)

    def _told(self, sender: WorkflowActor, asked: Message, failure: Failure | None) -> None:
        if sender.state.is_open:
            self._workflows.tell(sender.run_id, NoteMessage(seq=asked.seq, failure=failure))


async def _all(children: list[PendingChild], do: Callable[[PendingChild], Coroutine[Any, Any, None]]) -> None:
    """Do something about all children, many at once; the first error ends it."""
    for first in range(0, len(children), AT_ONCE):
        doing = map(do, children[first : first + AT_ONCE])
        for error in await asyncio.gather(*doing, return_exceptions=True):
            if error is not None:
                raise error


def _is_reset(closing: Event | None) -> bool:
    return isinstance(closing, WorkflowTerminated) and bool(closing.new_run_id)


def _on_close(closing: Event | None, pending: PendingChild) -> Command | None:
    """Return what a child is told when its parent has closed; None: nothing."""
    asked = pending.initiated
    if not (isinstance(closing, WorkflowTerminated) and closing.new_run_id):
        return _COMMANDS.get(asked.parent_close_policy)
    if closing.reset_children is ResetChildren.TERMINATE and asked.seq > closing.reset_after:
        return _REPLACED
    return None


def _request_id(parent: WorkflowExecution, pending: PendingChild, why: str) -> str:
    """Return the request id under which a child is asked to cancel, the same whenever it is asked."""
    seq = pending.initiated.seq
    return f"{own_id(parent, child=seq)}/child/{seq}/{why}"


def _run_of(parent: WorkflowExecution, pending: PendingChild) -> str:
    """Return the run that a child began as, or begins as."""
    return pending.run_id or child_run_id(parent, pending.initiated.seq)


def _following(closing: Event) -> str:
    """Return the run that follows a closed one; empty: none does."""
    following: str = getattr(closing, "new_run_id", "")
    return following
