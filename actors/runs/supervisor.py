"""The supervisor of all workflow actors: it starts them, finds them, wakes them, lets them go, and restarts them.

It keeps the index of live runs (by run id, and by workflow id for open ones), applies the id policies, hands finished
turns to the journal and, once they are on disk, sees to their effects. A run that is not live is brought back by the
next message or wake-up. A turn whose code fails is tried again with back-off; a turn whose write fails is told to
those who wait, and its actor begins anew from the disk.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from functools import partial
from random import random
from typing import TYPE_CHECKING, Any, Final

from pykka._envelope import Envelope

from understudy.actors.behaviors.decisions.commands import Command, CompleteActivity, FailActivity, Wake
from understudy.actors.runs.actor import WorkflowActor
from understudy.actors.runs.definitions import Definitions
from understudy.actors.runs.execution_row import row_of
from understudy.actors.runs.live_run import LiveRun, Phase
from understudy.actors.runs.log_fields import turn_failure
from understudy.actors.runs.turn import Part, Turn
from understudy.events.errors import EngineError, MissingEventError, VersionConflictError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.port import Unit

if TYPE_CHECKING:
    from asyncio import Future, TimerHandle
    from collections.abc import Sequence

    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.clock import Clock
    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.guard.turn_guard import Guarded
    from understudy.actors.ids import NewId
    from understudy.actors.journal import Journal
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.event import Fact
    from understudy.events.store.port import Append, EventStore, ExecutionRow
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Workflows"]

logger: Final = logging.getLogger("understudy.workflows")

WAKE: Final = Wake()
FIRST_STORE_RETRY: Final = 0.2
LAST_STORE_RETRY: Final = 2.0
LAST_READ_RETRY: Final = 30.0
"""Seconds that an actor waits before it reads its events again: doubling from the first, up to the second after failed
writes, up to the third while its events cannot be read; a message makes it try at once."""


class Workflows(Definitions):
    """The live runs of one system; used on the engine's loop."""

    def __init__(  # noqa: PLR0913 - the composition root hands everything in
        self,
        *,
        dispatcher: Dispatcher,
        store: EventStore,
        journal: Journal,
        clock: Clock,
        new_id: NewId,
        guarded: Guarded,
        converter: PayloadConverter,
        failures: FailureConverter,
        mailbox_limit: int,
    ) -> None:
        """Begin with no run live and no worker."""
        super().__init__(dispatcher, converter, failures)
        self.store = store
        self.journal = journal
        self.clock = clock
        self.new_id = new_id
        self.dice = random
        self.guarded = guarded
        self._mailbox_limit = mailbox_limit
        self._dead_letters = 0
        self._retries: dict[str, TimerHandle] = {}
        """When code that failed is tried again, by run id."""

    def __repr__(self) -> str:
        """Show how many runs are live."""
        return f"<workflows: {len(self.live)} live>"

    # -- finding and starting actors ---------------------------------------------------------------------------------

    def actor(self, run_id: str, workflow_id: str = "") -> WorkflowActor:
        """Return the live actor of a run, or bring it back; it reads its events in its first turn."""
        found = self.live.get(run_id)
        if found is None:
            found = self.live[run_id] = WorkflowActor(self, run_id, workflow_id or run_id, self._mailbox_limit)
            if run_id in self.stuck:
                found.trouble, found.failed_turns, found.retry_at = self.stuck.pop(run_id)
            self.make_room()
        return found

    def begin(
        self,
        run_id: str,
        started: WorkflowStarted,
        turn: Turn | None = None,
        carried: Sequence[Fact] = (),
        messages: Sequence[Envelope[Any]] = (),
    ) -> Turn:
        """Start a new run, in a turn of its own, or in that of the run that it follows and with messages of that.

        Args:
            run_id: its id.
            started: its first event.
            turn: of the run that it follows; None: one of its own.
            carried: signals that the run before did not take.
            messages: signals and updates that come with the start.
        """
        actor = WorkflowActor(self, run_id, started.workflow_id, self._mailbox_limit)
        actor.active_at = self.dispatcher.loop.time()
        self.live[run_id] = actor
        if turn is None:  # its id is its own once it is on disk: another run may hold it
            turn = Turn(actor, started.at, 0)
        else:
            self.open_ids[started.workflow_id] = actor
            turn.parts.append(Part(actor, 0))
        actor.begin(started, turn, carried, messages)
        self.make_room()
        return turn

    def tell(self, run_id: str, command: Command) -> None:
        """Send a message that nobody waits for."""
        self.actor(run_id).actor_inbox.put(Envelope(command))

    def wake(self, run_id: str) -> None:
        """Let a run see what is due."""
        self.tell(run_id, WAKE)

    def redeliver(self, left: WorkflowActor, envelopes: list[Envelope[Any]]) -> None:
        """Hand messages that reached an actor after it left memory to its successor."""
        inbox = self.actor(left.run_id, left.name).actor_inbox
        for envelope in envelopes:
            inbox.put(envelope)

    # -- finished turns ----------------------------------------------------------------------------------------------

    def finish(self, turn: Turn) -> None:
        """Hand a turn to the journal; its answers and effects come after the commit."""
        actor = turn.own.actor
        if turn.is_empty:
            self._finish_empty(actor, turn)
            return
        appends: list[Append] = []
        rows: list[ExecutionRow] = []
        for part in turn.parts:
            part.actor.uncommitted += 1
            part.actor.last_turn = turn
            if part.events:
                appends.append(part.append())
            elif turn.founded:
                continue  # a closed run that another one is founded on stays as it is
            row = row_of(part.actor)
            if row is not None:
                rows.append(row)
        for append, founded in turn.founded:
            appends.append(append)
            rows.append(founded)
        self.journal.submit(Unit(tuple(appends), tuple(rows)), partial(self._committed, turn))

    def _finish_empty(self, actor: WorkflowActor, turn: Turn) -> None:
        last = actor.last_turn
        if last is not None:
            last.answers.extend(turn.answers)
            for part in last.parts:
                part.woken |= part.actor is actor and turn.own.woken
        else:
            turn.answer()
            self.effects.of_part(turn.own)

    def _committed(self, turn: Turn, error: EngineError | None) -> None:
        for part in turn.parts:
            part.actor.uncommitted -= 1
            if part.actor.last_turn is turn:
                part.actor.last_turn = None
        if error is not None:
            self._not_committed(turn, error)
            return
        turn.answer()
        for part in turn.parts:
            actor = part.actor
            actor.lost_turns = 0
            if not part.after:
                self.open_ids[actor.name] = actor
            self.effects.of_part(part)
        for append, _ in turn.founded:
            self.wake(append.run_id)

    async def put_row(self, actor: WorkflowActor) -> None:
        """Store the execution row of a closed run that owes nothing to others any more, and let it go.

        Raises:
            EngineError: it could not be stored; what is there says that the run is due.
        """
        actor.is_settled = True
        row = row_of(actor)
        if row is not None:
            stored: Future[EngineError | None] = self.dispatcher.loop.create_future()
            actor.uncommitted += 1
            self.journal.submit(Unit((), (row,)), lambda error: None if stored.done() else stored.set_result(error))
            error = await stored
            actor.uncommitted -= 1
            if error is not None:
                actor.is_settled, actor.last_row = False, None
                raise error
        self.passivate_if_quiet(actor)

    def after_commit(self, actor: WorkflowActor, envelope: Envelope[Any]) -> None:
        """Put a message back once what the actor has handed in is on disk."""
        self.journal.when_idle(lambda: self.redeliver(actor, [envelope]))

    def wake_after_commit(self, actor: LiveRun) -> None:
        """Wake the actor once what it has handed in is on disk."""
        self.journal.when_idle(lambda: self.wake(actor.run_id))

    # -- trouble -----------------------------------------------------------------------------------------------------

    def _not_committed(self, turn: Turn, error: EngineError) -> None:
        """A write failed: who waits is told; what nobody waits for is tried again from the disk's state."""
        turn.refuse(error)
        begun = [append.run_id for append, _ in turn.founded]
        for part in turn.parts:
            actor = part.actor
            if part.after == 0:
                self._never_was(actor, error)
                begun.append(actor.run_id)
            else:
                again = turn.taken if actor is turn.own.actor else []
                self.turn_lost(actor, [e for e in again if e.reply_to is None], error)
        if isinstance(error, StoreUnavailableError):  # they may be on disk for all that
            for run_id in begun:
                self.dispatcher.loop.call_later(FIRST_STORE_RETRY, self.wake, run_id)

    def _never_was(self, actor: WorkflowActor, error: EngineError) -> None:
        actor.refuse_waiting(error)
        self.forget(actor)
        actor.leave()

    def turn_lost(self, actor: WorkflowActor, envelopes: list[Envelope[Any]], error: EngineError) -> None:
        """A turn could not be read or written: tell who waits, keep the rest, begin anew from the disk."""
        for envelope in envelopes:
            if envelope.reply_to is not None:
                envelope.reply_to.set_exception((type(error), error, error.__traceback__))
        if actor.phase is Phase.STOPPED:
            return  # a turn behind the one that it was let go for
        actor.drop_code()
        actor.trouble = error
        never_was = isinstance(error, MissingEventError) and not error.found
        if never_was or isinstance(error, VersionConflictError):
            logger.error("run %s of workflow %s is let go: %s", actor.run_id, actor.name, error)
            self._never_was(actor, error)
            return
        actor.held.extend(e for e in envelopes if e.reply_to is None)
        already = actor.phase is Phase.DRAINING
        actor.phase = Phase.DRAINING
        if not already:
            logger.warning("run %s of workflow %s waits for the store: %s", actor.run_id, actor.name, error)
            last = LAST_READ_RETRY if not actor.is_loaded else LAST_STORE_RETRY
            delay = min(FIRST_STORE_RETRY * 2 ** min(actor.lost_turns, 10), last)
            actor.lost_turns += 1
            if actor.restart_handle is not None:
                actor.restart_handle.cancel()
            actor.restart_handle = self.dispatcher.loop.call_later(delay, self._restart, actor)

    def _restart(self, actor: WorkflowActor) -> None:
        if actor.phase is not Phase.DRAINING:
            return
        if actor.uncommitted:
            actor.restart_handle = self.dispatcher.loop.call_later(FIRST_STORE_RETRY, self._restart, actor)
            return
        if not actor.held:
            actor.held.append(Envelope(WAKE))
        actor.restart()

    def nothing_stored(self, actor: WorkflowActor) -> EngineError:
        """Return the error for a run that an execution row or a message names but that has no events."""
        return MissingEventError(run_id=actor.run_id, expected=1, found=0)

    def turn_failed(self, actor: LiveRun, error: BaseException, delay: float) -> None:
        """The code failed: say so, and try again later."""
        planned = self._retries.pop(actor.run_id, None)
        if planned is not None:
            planned.cancel()
        self._retries[actor.run_id] = self.dispatcher.loop.call_later(delay, self._retry_code, actor.run_id)
        text = "workflow %s (run %s): its code failed, attempt %d; next in %.1f s"
        about = actor.name, actor.run_id, actor.failed_turns, delay
        logger.error(text, *about, exc_info=error, extra=turn_failure(actor.state))

    def _retry_code(self, run_id: str) -> None:
        """Let a run whose code failed try it again, in memory or not."""
        del self._retries[run_id]
        actor = self.live.get(run_id)
        if not self.dispatcher.stopped and (run_id in self.stuck or (actor is not None and actor.run is None)):
            self.try_at_once(run_id)

    def try_at_once(self, run_id: str) -> None:
        """Let a run whose code is not live try it now, also if it failed and its next time has not come."""
        self.actor(run_id).retry_at = 0
        self.wake(run_id)

    def warn(self, actor: LiveRun, warning: str | Warning) -> None:
        """Log what the run wants a person to know; what is a warning to Python is one there, too."""
        logger.warning("workflow %s (run %s): %s", actor.name, actor.run_id, warning)
        if isinstance(warning, Warning):
            with suppress(Warning):  # where warnings are errors, this one must not cost the turn
                warnings.warn(warning, stacklevel=2)

    def dead_letter(self, actor: WorkflowActor, message: object, error: BaseException) -> None:
        """A message that nobody waits for could not be delivered."""
        self._dead_letters += 1
        logger.warning("dead letter for workflow %s (run %s): %r: %s", actor.name, actor.run_id, message, error)

    # -- recovery, workers -------------------------------------------------------------------------------------------

    def recovered(self, actor: WorkflowActor, envelopes: list[Envelope[Any]]) -> None:
        """A run is back: index it if it is open, and make up the effects that a crash or a lost turn swallowed.

        Args:
            actor: of the run; its state is what is on disk (EFFECT-AFTER).
            envelopes: what it takes next. An attempt whose outcome is among them, as of a run that was passivated
                meanwhile, is not made again.
        """
        state = actor.state
        actor.name = state.start.workflow_id
        if state.closed is not None:
            self.free_id(actor)  # its last turn may have been lost by report alone, with a run behind it
            self.effects.make_up_end(actor, state.closed)
            return
        told = (envelope.message for envelope in envelopes)
        ended = {(m.seq, m.attempt) for m in told if isinstance(m, CompleteActivity | FailActivity)}
        self.open_ids[actor.name] = actor
        self.effects.make_up(actor, ended)

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let a worker's definitions be used, and wake the runs that waited for one."""
        self.workers.setdefault(worker.task_queue, []).append(worker)
        self.max_live = worker.options.max_cached_workflows
        for actor in list(self.live.values()):
            if actor.phase is Phase.DEFERRED and actor.is_loaded:
                self.try_at_once(actor.run_id)
        for run_id in list(self.stuck):
            self.try_at_once(run_id)
