"""The supervisor of all workflow actors: it makes them, restarts them, and decides what their failures mean.

A turn whose code fails is tried again with back-off. A turn whose write fails, or whose events cannot be read, is told
to those who wait, and its actor begins anew from the disk. An actor whose run another owner has, or that never came
to the disk, is let go (ONE-OWNER).
"""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from random import random
from typing import TYPE_CHECKING, Any, Final

from pykka._envelope import Envelope

from understudy.actors.behaviors.decisions.commands import CompleteActivity, FailActivity
from understudy.actors.behaviors.decisions.successor import next_run
from understudy.actors.runs.actor import WorkflowActor
from understudy.actors.runs.code_host import CodeHost
from understudy.actors.runs.commits import AfterCommit, Commits
from understudy.actors.runs.live_run import LiveRun, Phase
from understudy.actors.runs.registry import WAKE, RunRegistry
from understudy.actors.runs.turn import Owner, Part, Turn
from understudy.actors.supervision.backoff import Backoff
from understudy.actors.supervision.supervisor import Directive, Strategy, Supervisor
from understudy.events.errors import EngineError, MissingEventError, VersionConflictError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.workflow import WorkflowContinuedAsNew

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Mapping, Sequence

    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.decisions.activation import Activation
    from understudy.actors.behaviors.decisions.commands import ResetWorkflow
    from understudy.actors.behaviors.decisions.reset import Reset
    from understudy.actors.clock import Clock
    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.guard.turn_guard import TurnGuard
    from understudy.actors.ids import NewId
    from understudy.actors.journal import Journal
    from understudy.actors.runs.definitions import Definitions
    from understudy.actors.runs.reset_check import OpenChildren
    from understudy.events.event import Event, Fact
    from understudy.events.store.port import EventStore
    from understudy.events.workflow import WorkflowStarted

__all__ = ["WorkflowSupervisor"]

logger: Final = logging.getLogger("understudy.workflows")

CODE_BACKOFF: Final = Backoff(first=0.1, last=30.0)
"""Between the turns of a run whose code fails."""
WRITE_BACKOFF: Final = Backoff(first=0.2, last=2.0)
"""Before an actor reads its events again after a failed write; a message does not make it try sooner."""
READ_BACKOFF: Final = Backoff(first=0.2, last=30.0)
"""The same while its events cannot be read; a message makes it try at once."""


def directive_of(error: EngineError) -> Directive:
    """Return the directive for an actor whose turn could not be read or written."""
    never_was = isinstance(error, MissingEventError) and not error.found
    return Directive.STOP if never_was or isinstance(error, VersionConflictError) else Directive.RESTART


class WorkflowSupervisor(Supervisor[Owner, EngineError]):
    """The actors of one system's live runs; used on the engine's loop.

    Args:
        dispatcher: whose loop it is.
        store: where events are.
        journal: the only writer of them.
        clock: the time, ns since the epoch.
        new_id: makes run ids.
        guard: watches code while it runs.
        definitions: those that workers bring.
        mailbox_limit: the number of messages that may wait for one run.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands everything in
        self,
        *,
        dispatcher: Dispatcher,
        store: EventStore,
        journal: Journal,
        clock: Clock,
        new_id: NewId,
        guard: TurnGuard,
        definitions: Definitions,
        mailbox_limit: int,
    ) -> None:
        super().__init__(dispatcher, "workflows", Strategy(directive=directive_of, backoff=WRITE_BACKOFF))
        self.reading_strategy = Strategy(directive=directive_of, backoff=READ_BACKOFF)
        """The strategy for actors whose events cannot be read."""
        self._store = store
        self._clock = clock
        self.new_id = new_id
        self.dice = random
        self._guard = guard
        self.definitions = definitions
        self._mailbox_limit = mailbox_limit
        self.runs = RunRegistry(dispatcher, self._make)
        self.commits = Commits(dispatcher, journal, self.runs, self._turn_lost)
        self.finish = self.commits.finish  # asked at every turn: not by way of a method of its own
        self._dead_letters = 0
        self._retries: dict[str, TimerHandle] = {}
        """The timers that try failed code again, by run id."""

    def act_through(self, effects: AfterCommit, open_children: OpenChildren) -> None:
        """Take the object that acts once events are on disk; it acts through this one, so the composition root sets it.

        Args:
            effects: acts once events are on disk.
            open_children: returns the workflow ids of the children of a run above a number that are still open.
        """
        self._effects = self.commits.effects = effects
        self._open_children = open_children
        self.runs.left = effects.left

    def __repr__(self) -> str:
        """Show how many runs are live."""
        return f"<workflows: {len(self.runs.live)} live>"

    @property
    def children(self) -> Mapping[str, WorkflowActor]:
        """The actors of live runs, by run id."""
        return self.runs.live

    # -- making actors -----------------------------------------------------------------------------------------------

    def _make(self, run: LiveRun) -> WorkflowActor:
        code = CodeHost(run, self, self.definitions, self._guard, _take_start)
        return WorkflowActor(self.dispatcher, run, code, self, self._clock, self._mailbox_limit)

    def begin(self, run_id: str, started: WorkflowStarted, messages: Sequence[Envelope[Any]] = ()) -> Turn:
        """Start a new run in a turn of its own, which is not finished yet.

        Args:
            run_id: its id.
            started: its first event.
            messages: signals and updates that come with the start.
        """
        actor = self.runs.new(run_id, started.workflow_id)
        turn = Turn(actor, started.at, 0)  # its id is its own once it is on disk: another run may hold it
        actor.begin(started, turn, (), messages)
        self.runs.make_room()
        return turn

    def begin_next(self, run: LiveRun, closing: Any, turn: Turn) -> Event:
        """Return the closing event with the run that follows, if one does, which begins in the same turn."""
        last, started = next_run(run.state, closing, new_run_id=self.new_id(), dice=self.dice())
        if started is not None:
            carried = run.code.unconsumed() if run.code and type(closing) is WorkflowContinuedAsNew else ()
            self._follow(last.new_run_id, started, turn, carried)
        return last

    def _follow(self, run_id: str, started: WorkflowStarted, turn: Turn, carried: Sequence[Fact]) -> None:
        actor = self.runs.new(run_id, started.workflow_id)
        self.runs.open_ids[started.workflow_id] = actor.run
        turn.parts.append(Part(actor, 0))
        actor.begin(started, turn, carried)
        self.runs.make_room()

    # -- requests of actors ------------------------------------------------------------------------------------------

    def after_commit(self, run: LiveRun, envelope: Envelope[Any]) -> None:
        """Put a message back once what the run has handed in is on disk."""
        self.commits.after_commit(run, envelope)

    def wake_after_commit(self, run: LiveRun) -> None:
        """Wake the run once what it has handed in is on disk."""
        self.commits.wake_after_commit(run)

    def wake(self, run_id: str) -> None:
        """Let a run see what is due."""
        self.runs.wake(run_id)

    def redeliver(self, run: LiveRun, envelopes: list[Envelope[Any]]) -> None:
        """Hand messages that reached an actor after it left memory to its successor."""
        self.runs.redeliver(run, envelopes)

    def load(self, run_id: str) -> list[Event]:
        """Return the events of a run that are on disk.

        Raises:
            EngineError: they cannot be read.
        """
        return self._store.load(run_id)

    def reset(self, run: LiveRun, command: ResetWorkflow, now: int) -> Reset:
        """Return the run that a reset founds on the events of this one.

        Raises:
            UsageError: it cannot be reset so.
            EngineError: its events cannot be read.
        """
        from understudy.actors.behaviors.decisions.reset import reset
        from understudy.actors.runs.reset_check import check_reset_of_closed

        new_id = self.new_id()
        made = reset(run.run_id, self.load(run.run_id), command, new_id, now)
        if not run.state.is_open:
            check_reset_of_closed(run, command.children, made.last_child, self._store, self._open_children)
        return made

    def recovered(self, run: LiveRun, envelopes: list[Envelope[Any]]) -> None:
        """Index a run that is back, if it is open, and make up the effects that a crash or a lost turn swallowed.

        Args:
            run: its state is what is on disk (EFFECT-AFTER).
            envelopes: what it takes next. An attempt whose outcome is among them, as of a run that was passivated
                meanwhile, is not made again.
        """
        state = run.state
        if state.closed is not None:
            self.runs.free_id(run)  # its last turn may have been lost by report alone, with a run behind it
            self._effects.make_up_end(run, state.closed)
            return
        told = (envelope.message for envelope in envelopes)
        ended = {(m.seq, m.attempt) for m in told if isinstance(m, CompleteActivity | FailActivity)}
        self.runs.open_ids[run.workflow_id] = run
        self._effects.make_up(run, ended)

    # -- failures ----------------------------------------------------------------------------------------------------

    def _turn_lost(self, turn: Turn, error: EngineError) -> None:
        """Tell those who wait that a write failed; the restarted actor tries commands again that nobody waits for."""
        turn.refuse(error)
        begun = [append.run_id for append, _ in turn.founded_runs]
        for part in turn.parts:
            if part.after == 0:
                self._let_go(part.owner, error)
                begun.append(part.run.run_id)
                continue
            if part is turn.own:
                part.run.held_messages.extend(e for e in turn.taken_commands if e.reply_to is None)
            self.failed(part.owner, error)
        if isinstance(error, StoreUnavailableError):  # they may be on disk for all that
            for run_id in begun:
                self.dispatcher.loop.call_later(WRITE_BACKOFF.first, self.wake, run_id)

    def failed(self, child: Owner, failure: EngineError) -> None:
        """Restart an actor from the disk, because its turn could not be read or written, or let it go."""
        run = child.run
        if run.phase is Phase.STOPPED:
            return  # a turn behind the one that it was let go for
        strategy = self.strategy if run.is_loaded else self.reading_strategy
        run.drop_code()
        run.trouble = failure
        if strategy.directive(failure) is Directive.STOP:
            logger.error("run %s of workflow %s is let go: %s", run.run_id, run.workflow_id, failure)
            self._let_go(child, failure)
            return
        already = run.phase is Phase.DRAINING
        run.phase = Phase.DRAINING
        if not already:
            logger.warning("run %s of workflow %s waits for the store: %s", run.run_id, run.workflow_id, failure)
            run.lost_turns += 1
            if run.restart_handle is not None:
                run.restart_handle.cancel()
            delay = strategy.backoff.delay(run.lost_turns)
            run.restart_handle = self.dispatcher.loop.call_later(delay, self._restart, child)

    def _let_go(self, child: Owner, error: BaseException) -> None:
        child.run.refuse_waiting_updates(error)
        self.runs.forget(child.run)
        child.leave()

    def _restart(self, child: Owner) -> None:
        run = child.run
        if run.phase is not Phase.DRAINING:
            return
        if run.uncommitted:
            run.restart_handle = self.dispatcher.loop.call_later(WRITE_BACKOFF.first, self._restart, child)
            return
        if not run.held_messages:
            run.held_messages.append(Envelope(WAKE))
        child.restart()

    def turn_failed(self, run: LiveRun, error: BaseException) -> float:
        """Log that the code of a run failed, plan to try it again, and return after how many seconds."""
        from understudy.actors.runs.log_fields import turn_failure

        delay = CODE_BACKOFF.delay(run.failed_turns)
        planned = self._retries.pop(run.run_id, None)
        if planned is not None:
            planned.cancel()
        self._retries[run.run_id] = self.dispatcher.loop.call_later(delay, self._retry_code, run.run_id)
        text = "workflow %s (run %s): its code failed, attempt %d; next in %.1f s"
        about = run.workflow_id, run.run_id, run.failed_turns, delay
        logger.error(text, *about, exc_info=error, extra=turn_failure(run.state))
        return delay

    def _retry_code(self, run_id: str) -> None:
        """Let a run whose code failed try it again, in memory or not."""
        del self._retries[run_id]
        actor = self.runs.live.get(run_id)
        has_no_code = run_id in self.runs.stuck_runs or (actor is not None and actor.run.code is None)
        if not self.dispatcher.stopped and has_no_code:
            self.runs.try_at_once(run_id)

    def warn(self, run: LiveRun, warning: str | Warning) -> None:
        """Log a warning from the run for a person; what is a warning to Python is one there, too."""
        logger.warning("workflow %s (run %s): %s", run.workflow_id, run.run_id, warning)
        if isinstance(warning, Warning):
            with suppress(Warning):  # where warnings are errors, this one must not cost the turn
                warnings.warn(warning, stacklevel=2)

    def dead_letter(self, run: LiveRun, message: object, error: BaseException) -> None:
        """Log a message that nobody waits for and that could not be delivered."""
        self._dead_letters += 1
        logger.warning("dead letter for workflow %s (run %s): %r: %s", run.workflow_id, run.run_id, message, error)

    # -- workers -----------------------------------------------------------------------------------------------------

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let a worker's definitions be used, and wake the runs that waited for one."""
        self.definitions.add_worker(worker)
        self.runs.max_live = worker.options.max_cached_workflows
        for actor in list(self.runs.live.values()):
            if actor.run.phase is Phase.DEFERRED and actor.run.is_loaded:
                self.runs.try_at_once(actor.run.run_id)
        for run_id in list(self.runs.stuck_runs):
            self.runs.try_at_once(run_id)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Use the worker's definitions no more; runs that only it had code for wait for another that has."""
        self.definitions.remove_worker(worker)
        for actor in self.runs.live.values():
            if actor.run.code is not None and self.definitions.of(actor.run.state.start) is None:
                actor.code.lose_code()


def _take_start(host: CodeHost, turn: Turn, version: int, taken: Activation) -> bool:
    from understudy.actors.runs.first_turn import take_start  # few starts are put off while updates wait

    return take_start(host, turn, version, taken)
