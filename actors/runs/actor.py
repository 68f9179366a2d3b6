"""The workflow actor: the one live owner of a run.

A turn takes everything in the mailbox. Each message is decided into events, each fact among them is activated in the
workflow's code, what the code asks for follows it, and all of it goes to the journal as one unit. The state is then
ahead of the disk, and the next turn may go on at once; but effects and answers wait for the commit of the turn that
they come from (EFFECT-AFTER, ACKED).

Phases: RECOVERING until the events are read; RUNNING while the code is live; DEFERRED while facts are recorded but no
code can take them, because no worker knows the type, the first turn is due later, or the code failed; DRAINING after a
failed write, until the turns behind it have come back; STOPPED at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from understudy.actors.behaviors.decisions.commands import Command, ResetWorkflow, UpdateWorkflow, Wake
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.dispatch import LoopActor
from understudy.actors.runs.code_host import LATER, CodeHost, tellable
from understudy.actors.runs.execution_row import execution_row
from understudy.actors.runs.live_run import LiveRun, Phase, Read
from understudy.actors.runs.turn import Owner, Turn
from understudy.events.activity import ActivityTimedOut, LocalActivityCompleted, LocalActivityFailed
from understudy.events.errors import (
    EngineError,
    MissingEventError,
    StopError,
    StuckWorkflowError,
    UsageError,
    WorkflowNotBegunError,
)
from understudy.events.event import Event, Fact
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.store.port import Append
from understudy.events.timer import TimerFired
from understudy.events.workflow import WorkflowTerminated

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from understudy.actors.behaviors.decisions.reset import Reset
    from understudy.actors.clock import Clock
    from understudy.actors.dispatch import Dispatcher
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Supervision", "WorkflowActor"]


class Supervision(Protocol):
    """The supervisor of runs, as a workflow actor sees it."""

    def finish(self, turn: Turn) -> None:
        """Hand a turn to the journal; its answers and effects come after the commit."""
        ...

    def failed(self, child: Owner, failure: EngineError) -> None:
        """Restart an actor from the disk, because its turn could not be read or written, or let it go."""
        ...

    def redeliver(self, run: LiveRun, envelopes: list[Envelope[Any]]) -> None:
        """Hand messages that reached an actor after it left memory to its successor."""
        ...

    def dead_letter(self, run: LiveRun, message: object, error: BaseException) -> None:
        """Log a message that nobody waits for and that could not be delivered."""
        ...

    def recovered(self, run: LiveRun, envelopes: list[Envelope[Any]]) -> None:
        """Make up the effects that a crash or a lost turn swallowed; `envelopes` are taken next."""
        ...

    def after_commit(self, run: LiveRun, envelope: Envelope[Any]) -> None:
        """Put a message back once what the run has handed in is on disk."""
        ...

    def wake(self, run_id: str) -> None:
        """Let a run look for what is due."""
        ...

    def load(self, run_id: str) -> list[Event]:
        """Return the events of a run that are on disk."""
        ...

    def reset(self, run: LiveRun, command: ResetWorkflow, now: int) -> Reset:
        """Return the run that a reset founds on the events of this one."""
        ...


class WorkflowActor(LoopActor):
    """The actor of one live run.

    Args:
        dispatcher: whose loop its turns run on.
        run: the record of the run.
        code: the driver of its code.
        supervision: whom it asks for what is not its own.
        clock: by which its turns are timed.
        mailbox_limit: the number of messages that may wait.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what an actor is made of
        self,
        dispatcher: Dispatcher,
        run: LiveRun,
        code: CodeHost,
        supervision: Supervision,
        clock: Clock,
        mailbox_limit: int,
    ) -> None:
        super().__init__(dispatcher, run.workflow_id, mailbox_limit)
        self.run = run
        self.code = code
        self._supervision = supervision
        self._clock = clock

    def __str__(self) -> str:
        """Show what pykka shows, and the phase."""
        return f"{type(self).__name__} ({self.actor_urn}, {self.run.phase.value})"

    # -- life --------------------------------------------------------------------------------------------------------

    def begin(
        self,
        started: WorkflowStarted,
        turn: Turn,
        carried: Sequence[Fact] = (),
        messages: Sequence[Envelope[Any]] = (),
    ) -> None:
        """Start this run: record its first events in the last part of `turn`.

        Args:
            started: its first event.
            turn: where its events go.
            carried: signals that the run before it did not take; its first turn is due later.
            messages: signals and updates that come with the start.
        """
        self.run.phase = Phase.RUNNING
        part = turn.parts[-1]
        if messages:
            from understudy.actors.runs.first_turn import begin_with_messages

            begin_with_messages(self.code, turn, part, started, messages)
            return
        for event in (started, *carried):
            self.code.record(turn, part, event)

    @property
    def can_leave_memory(self) -> bool:
        """True if the actor could leave memory now and nothing would be missed."""
        run = self.run
        return (
            not run.uncommitted
            and not run.held_messages
            and not run.updates_waiting_for_code
            and (run.has_settled_debts or run.state.is_open or not run.state.owes)
            and (run.phase is Phase.RUNNING or run.phase is Phase.DEFERRED)
            and self.actor_inbox.empty()
            and (run.code is None or run.code.waits_for_events_only)
        )

    def leave(self) -> None:
        """Leave memory; the events stay."""
        self.run.phase = Phase.STOPPED
        self.actor_stopped.set()
        self.run.drop_code()
        del self.actor_inbox  # it knows its actor: no cycle is left to the collector, and late mail is redelivered

    def restart(self) -> None:
        """Begin anew from the disk, with the messages that were held; called after a failed write."""
        run = self.run
        run.drop_code()
        run.state, run.last_row = WorkflowExecution(run.run_id), None
        run.phase = Phase.RECOVERING
        held, run.held_messages = run.held_messages, []
        self.actor_inbox.envelopes[:0] = held
        self.actor_inbox.take_turn()

    def put_back_waiting_updates(self) -> None:
        """Let the updates that wait for code come in again."""
        waiting, self.run.updates_waiting_for_code = self.run.updates_waiting_for_code, []
        for envelope in waiting:
            self.actor_inbox.put(envelope)

    # -- turns -------------------------------------------------------------------------------------------------------

    def on_turn(self, envelopes: list[Envelope[Any]]) -> None:
        """Take all messages that waited; an error of the engine costs this actor's turn, not the loop."""
        run = self.run
        if len(envelopes) > 1 or type(envelopes[0].message) is not Read or envelopes[0].message.needs_code:
            run.active_at = self.dispatcher.loop.time()  # whoever only looks does not keep it in memory
        if run.phase is Phase.DRAINING:
            run.held_messages.extend(envelopes)
            if not (run.is_loaded or run.uncommitted):
                self.restart()  # its events could not be read: whoever asks now is told how that stands now
        elif run.phase is Phase.STOPPED:
            self._supervision.redeliver(run, envelopes)
        else:
            self._turn(envelopes)

    def _turn(self, envelopes: list[Envelope[Any]]) -> None:
        run, supervision = self.run, self._supervision
        now = self._clock()
        try:
            if run.phase is Phase.RECOVERING:
                self._load()
            turn = Turn(self, now, run.state.version)
            if run.phase is Phase.RECOVERING:
                self._recover(turn, envelopes)
            for envelope in envelopes:
                self._take(turn, envelope)
        except EngineError as error:
            for envelope in envelopes:
                if envelope.reply_to is not None:
                    envelope.reply_to.set_exception((type(error), error, error.__traceback__))
            run.held_messages.extend(envelope for envelope in envelopes if envelope.reply_to is None)
            supervision.failed(self, error)
        else:
            supervision.finish(turn)

    def _take(self, turn: Turn, envelope: Envelope[Any]) -> None:
        run, message, reply = self.run, envelope.message, envelope.reply_to
        try:
            if isinstance(message, Command):
                answer = self._command(turn, envelope)
            elif message.needs_code and (turn.now < run.retry_at or not self.code.have_code(turn)):
                answer = self._refuse_read(turn, envelope)
            else:
                answer = message.fn(run)
        except (EngineError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a refusal, or what the user's query handler raised
            if run.code is not None and (run.code.is_broken or isinstance(error, StopError)):
                run.drop_code()  # a query has changed the workflow, or was stopped in the middle
                self._supervision.wake(run.run_id)
            if reply is None:
                self._supervision.dead_letter(run, message, error)
            else:
                turn.answers.append((reply, None, tellable(error)))
            return
        if reply is not None and answer is not LATER:
            turn.answers.append((reply, answer, None))

    def _command(self, turn: Turn, envelope: Envelope[Any]) -> Any:
        """Record the events of a command; the answer is None, or the reason why an update is refused."""
        run, command = self.run, envelope.message
        if type(command) is ResetWorkflow:
            return self._reset(turn, envelope)
        if type(command) is UpdateWorkflow:
            refused = self.code.refused_update(turn, envelope)
            if refused is not None:
                return refused
        for event in decide(run.state, command, turn.now):
            if self._stands(event):
                self.code.record(turn, turn.own, event)
        turn.taken_commands.append(envelope)
        if type(command) is Wake and run.state.is_open:
            turn.own.woken = True
            if run.state.paused is None and turn.now >= run.retry_at:
                self.code.have_code(turn)
        return None

    def _reset(self, turn: Turn, envelope: Envelope[Any]) -> object:
        """Found a new run on the events of this one, which is terminated if it is open; the answer is its run id."""
        run, command = self.run, envelope.message
        if run.uncommitted or turn.own.events:
            self._supervision.after_commit(run, envelope)
            return LATER
        made = self._supervision.reset(run, command, turn.now)
        new_id = made.state.run_id
        if run.state.is_open:
            end = WorkflowTerminated(
                at=turn.now,
                reason=command.reason or f"reset to event {command.event_id}",
                identity=command.identity,
                new_run_id=new_id,
                reset_children=command.children,
                reset_after=made.last_child,
            )
            self.code.record(turn, turn.own, end)
        turn.founded_runs = ((Append(new_id, 0, tuple(made.events)), execution_row(made.state, 0)), *turn.founded_runs)
        return new_id

    def _stands(self, event: Event) -> bool:
        """True if an event still means something: the code may have settled it when it took the one before."""
        run = self.run
        if isinstance(event, TimerFired):
            return event.seq in run.state.timers
        if isinstance(event, ActivityTimedOut):
            return event.seq in run.state.activities
        if isinstance(event, LocalActivityCompleted | LocalActivityFailed) and run.code is not None:
            return run.code.local(event.seq) is not None  # else it is recorded: its turn was lost only by report
        return run.state.is_open

    def _refuse_read(self, turn: Turn, envelope: Envelope[Any]) -> object:
        """Answer a query that the code cannot take, or hold it until the turns before it are on disk."""
        run = self.run
        if (run.uncommitted or turn.own.events) and run.trouble is None:
            self._supervision.after_commit(run, envelope)
            return LATER
        trouble, state = run.trouble, run.state
        if trouble is None and state.is_open and state.first_turn_at > turn.now:
            due = datetime.fromtimestamp(state.first_turn_at // 1_000_000_000, UTC).isoformat()
            trouble = WorkflowNotBegunError(workflow_id=run.workflow_id, run_id=run.run_id, due=due)
        elif not isinstance(trouble, UsageError):
            trouble = StuckWorkflowError(
                workflow_id=run.workflow_id, run_id=run.run_id, reason=repr(trouble), attempts=run.failed_turns
            )
        if envelope.reply_to is not None:
            envelope.reply_to.set_exception((type(trouble), trouble, None))
        return LATER

    # -- recovery ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Read the aggregate from the store.

        Raises:
            EngineError: it cannot be read; the run waits, and who sent messages is told.
        """
        run = self.run
        events = self._supervision.load(run.run_id)
        if not events:  # an execution row or a message names a run that is not there
            raise MissingEventError(run_id=run.run_id, expected=1, found=0)
        run.state = fold(run.run_id, events)

    def _recover(self, turn: Turn, envelopes: list[Envelope[Any]]) -> None:
        """Plan again what a crash swallowed, and rebuild the code of an open run."""
        run = self.run
        state = run.state
        run.phase = Phase.DEFERRED if state.deferred is not None else Phase.RUNNING
        self.name = run.workflow_id = state.start.workflow_id
        self._supervision.recovered(run, envelopes)  # before the code goes on, for the sake of EFFECT-AFTER
        if state.is_open and state.paused is None and turn.now >= run.retry_at:
            self.code.have_code(turn)
