"""The end of a run: its last messages reach their ends, and its children are left as their policies say.

A closed run stays due in the store until that is done, so a crash in the middle is made up at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from understudy.actors.behaviors.decisions.commands import CancelWorkflow, Command, TerminateWorkflow
from understudy.actors.relations.children import GONE, REPLACED, request_id_of
from understudy.events.child import ChildPhase
from understudy.events.errors import EngineStoppedError
from understudy.events.options.policies import ParentClosePolicy, ResetChildren
from understudy.events.workflow import WorkflowTerminated

if TYPE_CHECKING:
    from understudy.actors.relations.children import Children
    from understudy.actors.relations.outbound import Outbound
    from understudy.actors.relations.retried import RetriedTasks
    from understudy.actors.runs.live_run import LiveRun
    from understudy.events.event import Event
    from understudy.events.state.pending import PendingChild
    from understudy.events.store.port import EventStore

__all__ = ["Closing"]

AT_ONCE: Final = 100
"""The number of children told at once that their parent has closed; of 5,000, one after the other took 6 s, so 1 s."""
PARENT_CLOSED: Final = "by parent close policy"

_COMMANDS: Final[dict[ParentClosePolicy, Command]] = {
    ParentClosePolicy.UNSPECIFIED: TerminateWorkflow(reason=PARENT_CLOSED),
    ParentClosePolicy.TERMINATE: TerminateWorkflow(reason=PARENT_CLOSED),
    ParentClosePolicy.REQUEST_CANCEL: CancelWorkflow(reason=PARENT_CLOSED),
}


class Closing:
    """Settles what closed runs owe to others; used on the engine's loop.

    Args:
        tasks: does the work.
        store: where the execution rows are.
        children: of the runs.
        outbound: their messages.
        put_row: stores the row of a run that owes nothing any more, and lets it go.
    """

    def __init__(
        self,
        *,
        tasks: RetriedTasks,
        store: EventStore,
        children: Children,
        outbound: Outbound,
        put_row: Callable[[LiveRun], Awaitable[None]],
    ) -> None:
        self._tasks = tasks
        self._store = store
        self._children = children
        self._outbound = outbound
        self._put_row = put_row

    def settle(self, run: LiveRun, *, again: bool = False) -> None:
        """See the last messages of a closed run to their ends, leave its children, and note when that is done.

        Args:
            run: the closed one.
            again: True if it came back closed, so that what it asked for may have been lost.
        """
        if run.state.owes and not run.has_settled_debts:
            self._tasks.start("settle", run.run_id, 0, partial(self._settle, run), again=again)

    async def _settle(self, run: LiveRun, again: bool) -> None:  # noqa: FBT001 - a `Work`
        children = list(run.state.children.values())
        if again:
            row = self._store.execution(run.run_id)
            if row is not None and row.wake_at is None:  # it was done before; somebody only looks at the run
                run.has_settled_debts = True
                return
            await _all(children, partial(self._start_missing, run))
            for asked in run.state.outbound.values():
                self._outbound.send(run, asked, again=True)
            for pending in children:
                if pending.phase is ChildPhase.CANCELING:
                    self._children.cancel_child(run, pending.initiated.seq, again=True)
        await self._sent(run)
        await _all(children, partial(self._leave_child, run, again=again))
        await self._put_row(run)

    async def _start_missing(self, parent: LiveRun, pending: PendingChild) -> None:
        """Start a child that a crash kept from starting: a child must exist to be abandoned."""
        closed = parent.state.closed
        if not pending.run_id and not _is_reset(closed) and _on_close(closed, pending) is None:
            await self._children.start(parent, pending, True)  # noqa: FBT003 - a `Work`

    async def _sent(self, run: LiveRun) -> None:
        """Wait until every message of a closed run that is on its way has reached its end.

        Raises:
            EngineStoppedError: one has not, and is left to the next start.
        """
        sends = [self._tasks.running("send", run.run_id, seq) for seq in run.state.outbound]
        cancels = [self._tasks.running("cancel", run.run_id, seq) for seq in run.state.children]
        under_way = [task for task in (*sends, *cancels) if task is not None]
        if not all(await asyncio.gather(*under_way)):
            raise EngineStoppedError

    async def _leave_child(self, parent: LiveRun, pending: PendingChild, *, again: bool) -> None:
        command = _on_close(parent.state.closed, pending)
        await self._children.begun(parent.run_id, pending.initiated.seq)
        if isinstance(command, CancelWorkflow):
            command = replace(command, request_id=request_id_of(parent.state, pending, "close"))
        if command is not None:
            with suppress(*GONE):  # it has ended, or has never begun
                await self._children.send_to_child(parent, pending, command, again=again)


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
    """Return the command for a child whose parent has closed; None: it gets none."""
    asked = pending.initiated
    if not (isinstance(closing, WorkflowTerminated) and closing.new_run_id):
        return _COMMANDS.get(asked.parent_close_policy)
    if closing.reset_children is ResetChildren.TERMINATE and asked.seq > closing.reset_after:
        return REPLACED
    return None
