"""Starting runs: apply the id policies, and wait until a start is on disk."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pykka._envelope import Envelope

from understudy.actors.behaviors.decisions.commands import Command, TerminateWorkflow, UpdateWorkflow
from understudy.actors.runs.live_run import Read
from understudy.events.errors import AlreadyOpenError, EngineError, WorkflowClosedError
from understudy.events.failures.already_started import WorkflowAlreadyStartedError
from understudy.events.options.policies import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from understudy.events.store.port import OPEN_STATUS
from understudy.events.update import UpdateCompleted

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from understudy.actors.ids import NewId
    from understudy.actors.requests.post import Post
    from understudy.actors.runs.turn import Turn
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Started", "Starts"]

REPLACED: Final = "replaced by a new run of the same workflow id"

_LOOKS_BACK: Final = frozenset(
    {
        WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        WorkflowIDReusePolicy.REJECT_DUPLICATE,
    }
)
"""Policies that ask how the last run ended."""

_MAY_FOLLOW_FAILED: Final = frozenset({"Failed", "Canceled", "Terminated", "TimedOut"})


class Started(NamedTuple):
    """The outcome of a start."""

    run_id: str
    answer: asyncio.Future[Any] | None = None
    """The answer to the message that went with the start."""
    taken_by: str = ""
    """The run that got the message."""


class Founder(Protocol):
    """The supervisor of runs, as starts see it: it begins runs."""

    new_id: NewId

    def begin(self, run_id: str, started: WorkflowStarted, messages: Sequence[Envelope[Any]] = ()) -> Turn:
        """Start a new run in a turn of its own, which is not finished yet."""
        ...

    def finish(self, turn: Turn) -> None:
        """Hand a turn to the journal; its answers and effects come after the commit."""
        ...


class Starts:
    """The requests that start runs; used on the engine's loop.

    Args:
        post: the way to runs that are there.
        founder: begins those that are not.
    """

    def __init__(self, post: Post, founder: Founder) -> None:
        self._post = post
        self._runs = post.runs
        self._store = post.store
        self._founder = founder

    async def start(
        self,
        started: WorkflowStarted,
        reuse: WorkflowIDReusePolicy,
        conflict: WorkflowIDConflictPolicy,
        *,
        run_id: str = "",
        first: Command | None = None,
    ) -> Started:
        """Start a run and return its id once it is on disk; or return the run that stands in its place.

        Args:
            started: its first event.
            reuse: what closed runs with its workflow id mean.
            conflict: what an open run with its workflow id means.
            run_id: the run id it shall have; empty: a new one.
            first: a message that goes with the start, in the same commit, or to the run that stands in its place.

        Raises:
            WorkflowAlreadyStartedError: the id is taken, and the policies say that this is an error.
            EngineError: it could not be stored; nothing has started.
        """
        look_up = bool(started.request_id) or reuse in _LOOKS_BACK or isinstance(first, UpdateWorkflow)
        while True:
            known = self._known(started.workflow_id, look_up=look_up)
            if isinstance(first, UpdateWorkflow) and known is not None and self._has_update(known[0], first):
                return Started(known[0], self._post.ask(known[0], first), known[0])
            if known is not None:
                standing = self._standing(started, *known, reuse, conflict)
                if standing:
                    await self._on_disk(known[0])
                    answer = None if first is None else self._post.ask(known[0], first)
                    if answer is None or await self._has_taken(first, answer, is_open=known[1] == OPEN_STATUS):
                        return Started(standing, answer, known[0])
                    continue
                if known[1] == OPEN_STATUS:
                    with suppress(WorkflowClosedError):  # somebody else ends it at the same time
                        await self._post.send(known[0], TerminateWorkflow(reason=REPLACED))
                    continue
            try:
                return await self._begin(started, run_id or self._founder.new_id(), first)
            except AlreadyOpenError:  # by a run that is not in memory, or by a start at the same time
                look_up = True

    def _has_update(self, run_id: str, update: UpdateWorkflow) -> bool:
        """Return True if a run has accepted this very update before: then it is sent again, whatever the policies say.

        One that a run did not complete before its own end has no outcome to come, and belongs to the next run.
        """
        execution = self._post.execution(run_id)
        found = execution.updates.get(update.update_id)
        return found is not None and (execution.is_open or type(found) is UpdateCompleted)

    async def _has_taken(self, message: Command | None, answer: asyncio.Future[Any], *, is_open: bool) -> bool:
        """Wait until a signal is on disk; False: the run, which was open, has ended. Updates may take long."""
        if isinstance(message, UpdateWorkflow):
            return True
        try:
            await answer
        except WorkflowClosedError:
            if is_open:
                return False
            raise
        return True

    async def _begin(self, started: WorkflowStarted, run_id: str, first: Command | None) -> Started:
        """Start a run and return its id once it is on disk.

        Raises:
            AlreadyOpenError: another run with its workflow id is open; that is the store's to say (ONE-OWNER).
        """
        founder = self._founder
        answer: asyncio.Future[Any] | None = None
        messages: tuple[Envelope[Any], ...] = ()
        if first is not None:
            told = self._post.reply()
            answer, messages = told.future, (Envelope(first, told),)
        turn = founder.begin(run_id, started, messages)
        reply = self._post.reply()
        turn.answers.append((reply, run_id, None))
        founder.finish(turn)
        try:
            await reply.future
        except EngineError:
            if answer is not None and not answer.cancel():
                answer.exception()  # whoever waits for it is told by this error
            raise
        return Started(run_id, answer, run_id)

    def _known(self, workflow_id: str, *, look_up: bool) -> tuple[str, str] | None:
        """Return the run that a workflow id names now, and its status: the open one, else the latest.

        Args:
            workflow_id: its id.
            look_up: ask the store, too, and not only memory: a query for each start would cost a tenth of a workflow.
        """
        run = self._runs.open_ids.get(workflow_id)
        if run is not None:
            return run.run_id, OPEN_STATUS
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
        """Return the run that stands in for a new one: one that is there, or one of this request; none: empty.

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
        execution = self._post.execution(run_id)
        first = execution.start.first_run_id
        return self._post.execution(first) if first else execution

    async def _on_disk(self, run_id: str) -> None:
        """Wait until all that a live run has done so far is on disk (ACKED)."""
        if run_id in self._runs.live:
            await self._post.ask(run_id, Read(lambda _: None))
