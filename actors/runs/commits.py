"""Commits: a finished turn goes to the journal, and its answers and effects come once it is on disk.

A turn that changes nothing has its answers at once, or with the latest turn of its run that is not on disk yet: what
it saw may rest on that one (ACKED). What becomes of the actors of a turn that could not be written is their
supervisor's business.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from understudy.actors.runs.execution_row import row_of
from understudy.events.store.port import Unit

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from pykka._envelope import Envelope

    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.journal import Journal
    from understudy.actors.runs.live_run import LiveRun
    from understudy.actors.runs.registry import RunRegistry
    from understudy.actors.runs.turn import Part, Turn
    from understudy.events.errors import EngineError
    from understudy.events.event import Event
    from understudy.events.store.port import Append, ExecutionRow

__all__ = ["AfterCommit", "Commits"]


class AfterCommit(Protocol):
    """Effects of events that are on disk, and of those that a run that comes back may have lost (`actors.effects`)."""

    def of_part(self, part: Part) -> None:
        """Do what the events of one run's part of a committed turn ask for."""
        ...

    def make_up(self, run: LiveRun, ended: AbstractSet[tuple[int, int]]) -> None:
        """Do what an open run that came back may have lost, but for attempts that have `ended`."""
        ...

    def make_up_end(self, run: LiveRun, closing: Event) -> None:
        """Tell those who still wait for the end of a run that came back closed."""
        ...

    def left(self, run: LiveRun) -> None:
        """Drop what only a run in memory needs."""
        ...


class Commits:
    """The way from a finished turn to its answers and effects; used on the engine's loop.

    Args:
        dispatcher: whose loop it is.
        journal: the only writer.
        runs: those in memory.
        lost: is told of a turn that could not be written.
    """

    effects: AfterCommit
    """Does what follows once a part is on disk; set by whoever owns the commits."""

    def __init__(
        self, dispatcher: Dispatcher, journal: Journal, runs: RunRegistry, lost: Callable[[Turn, EngineError], None]
    ) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._runs = runs
        self._lost = lost

    def finish(self, turn: Turn) -> None:
        """Hand a turn to the journal; its answers and effects come after the commit."""
        if turn.is_empty:
            self._finish_empty(turn)
            return
        appends: list[Append] = []
        rows: list[ExecutionRow] = []
        for part in turn.parts:
            run = part.run
            run.uncommitted += 1
            run.latest_turn = turn
            if part.events:
                appends.append(part.append())
            elif turn.founded_runs:
                continue  # a closed run that another one is founded on stays as it is
            row = row_of(run)
            if row is not None:
                rows.append(row)
        for append, founded in turn.founded_runs:
            appends.append(append)
            rows.append(founded)
        self._journal.submit(Unit(tuple(appends), tuple(rows)), partial(self._committed, turn))

    def _finish_empty(self, turn: Turn) -> None:
        own = turn.own
        last = own.run.latest_turn
        if last is not None:
            last.answers.extend(turn.answers)
            for part in last.parts:
                part.woken |= part.run is own.run and own.woken
        else:
            turn.answer()
            self.effects.of_part(own)

    def _committed(self, turn: Turn, error: EngineError | None) -> None:
        for part in turn.parts:
            part.run.uncommitted -= 1
            if part.run.latest_turn is turn:
                part.run.latest_turn = None
        if error is not None:
            self._lost(turn, error)
            return
        turn.answer()
        for part in turn.parts:
            run = part.run
            run.lost_turns = 0
            if not part.after:
                self._runs.open_ids[run.workflow_id] = run
            self.effects.of_part(part)
            if not run.state.is_open and part.closes:
                self._runs.closed(part.owner)
        for append, _ in turn.founded_runs:
            self._runs.wake(append.run_id)

    async def put_row(self, run: LiveRun) -> None:
        """Store the execution row of a closed run that owes nothing to others any more, and let it go.

        Raises:
            EngineError: it could not be stored; what is there says that the run is due.
        """
        run.has_settled_debts = True
        row = row_of(run)
        if row is not None:
            stored: Future[EngineError | None] = self._dispatcher.loop.create_future()
            run.uncommitted += 1
            self._journal.submit(Unit((), (row,)), lambda error: None if stored.done() else stored.set_result(error))
            error = await stored
            run.uncommitted -= 1
            if error is not None:
                run.has_settled_debts, run.last_row = False, None
                raise error
        self._runs.passivate_if_quiet(run)

    def after_commit(self, run: LiveRun, envelope: Envelope[Any]) -> None:
        """Put a message back once what the run has handed in is on disk."""
        self._journal.when_idle(lambda: self._runs.redeliver(run, [envelope]))

    def wake_after_commit(self, run: LiveRun) -> None:
        """Wake the run once what it has handed in is on disk."""
        self._journal.when_idle(lambda: self._runs.wake(run.run_id))
