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

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from understudy.actors.behaviors.code.queries import escapes
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.decisions.commands import Command, ResetWorkflow, UpdateWorkflow, Wake
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.runs.execution_row import execution_row
from understudy.actors.runs.live_run import LiveRun, Phase
from understudy.actors.runs.turn import Part, Turn
from understudy.events.activity import ActivityTimedOut, LocalActivityCompleted, LocalActivityFailed
from understudy.events.errors import EngineError, StopError, StuckWorkflowError, UsageError, WorkflowNotBegunError
from understudy.events.event import Event, Fact
from understudy.events.failures.failure import Failure
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.store.port import Append
from understudy.events.timer import TimerFired
from understudy.events.workflow import TurnResumed, WorkflowStarted, WorkflowTerminated

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from understudy.actors.behaviors.decisions.activation import Activation

__all__ = ["Read", "WorkflowActor"]

_LATER: Final = object()
"""Instead of an answer: it is given elsewhere."""


class Read:
    """A message that changes nothing: `fn(actor)` is the answer, given when what it may have seen is on disk."""

    __slots__ = ("fn", "needs_code")

    def __init__(self, fn: Callable[[WorkflowActor], Any], *, needs_code: bool = False) -> None:
        """Answer with `fn`; `needs_code`: the workflow's code must be live for it."""
        self.fn = fn
        self.needs_code = needs_code


class WorkflowActor(LiveRun):
    """One run, live; made and forgotten by the `Workflows` supervisor."""

    # -- life --------------------------------------------------------------------------------------------------------

    def begin(
        self,
        started: WorkflowStarted,
        turn: Turn,
        carried: Sequence[Fact] = (),
        messages: Sequence[Envelope[Any]] = (),
    ) -> None:
        """Be a new run: its first events go into `turn`, whose last part is its own.

        Args:
            started: its first event.
            turn: where its events go.
            carried: signals that the run before it did not take; its first turn is due later.
            messages: signals and updates that come with the start.
        """
        self.phase = Phase.RUNNING
        part = turn.parts[-1]
        if messages:
            self._begin_with(turn, part, started, messages)
            return
        for event in (started, *carried):
            self._record(turn, part, event)

    def _begin_with(self, turn: Turn, part: Part, started: WorkflowStarted, messages: Sequence[Envelope[Any]]) -> None:
        self._fold(part, started)
        if started.first_turn_at > turn.now:
            self._defer(turn, part, 1, "the first turn is due later", None)
        else:
            self.run = self._new_run(turn, part, 1)
            if self.run is None:
                self._defer(turn, part, 1, str(self.trouble), None)
        if self._ahead(turn, part, started, (), messages):
            self._step(turn, part, started, 1)

    # -- messages in front of the first step ---------------------------------------------------------------------------

    def _take_up(self, turn: Turn, version: int, taken: Activation) -> bool:
        """Let new code take what was put off; in front of a start, the updates that waited with it are let in."""
        started, run = taken.fact, self.run
        if type(started) is not WorkflowStarted or not self.waiting or run is None:
            return super()._take_up(turn, version, taken)
        waiting, self.waiting = self.waiting, []
        if not self._ahead(turn, turn.own, started, taken.messages, waiting):
            return False
        return self._step(turn, turn.own, started, version, (), TurnResumed(at=turn.now, through=self.state.version))

    def _ahead(
        self,
        turn: Turn,
        part: Part,
        started: WorkflowStarted,
        facts: Sequence[Fact],
        envelopes: Sequence[Envelope[Any]],
    ) -> bool:
        """Let the code take messages before it takes its start, as `Run.activate` does; False: it cannot go on.

        Args:
            turn: this one.
            part: where new events go.
            started: the start, not activated yet.
            facts: messages that are recorded.
            envelopes: messages that are to be.
        """
        self._try(turn, part, lambda run: run.prepare(started, turn.now))
        for fact in facts:
            self._try(turn, part, partial(Run.ahead, message=fact, now=turn.now))
        taken = bool(facts)
        for envelope in envelopes:
            taken |= self._take_ahead(turn, part, envelope)
        if self.run is not None and not taken:  # it has had a turn that no replay will know of
            self.drop_code()
            self.run = self._new_run(turn, part, 1)
        return self.run is not None

    def _try(self, turn: Turn, part: Part, do: Callable[[Run], None]) -> None:
        run = self.run
        if run is None:
            return
        try:
            self.workflows.guarded(self, run, do, run)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug in code is not an outcome of the workflow
            self._code_failed(turn, part, 1, error)

    def _take_ahead(self, turn: Turn, part: Part, envelope: Envelope[Any]) -> bool:
        """Record a message and let the code take it; False: there is none of it."""
        message, reply = envelope.message, envelope.reply_to
        is_update = type(message) is UpdateWorkflow and message.update_id not in self.state.updates
        if is_update and self.run is None:
            self.waiting.append(envelope)
            return False
        refused: Any = None
        error: BaseException | None = None
        try:
            refused = self._refused_update(turn, envelope) if is_update else None
        except KeyboardInterrupt:
            raise
        except BaseException as caught:  # noqa: BLE001 - a refusal, or the watchdog's
            error = _tellable(caught)
            self.drop_code()  # the validator has changed the workflow, or was stopped in the middle
            self._defer(turn, part, 1, f"{type(error).__name__} in the validator of an update", None)
            self.workflows.wake_after_commit(self)
        if reply is not None:
            turn.answers.append((reply, refused, error))
        if refused is not None or error is not None:
            return False
        events = decide(self.state, message, turn.now)
        for event in events:
            fact: Any = msgspec.structs.replace(event, with_start=True)
            self._fold(part, fact)
            self._try(turn, part, partial(Run.ahead, message=fact, now=turn.now))
        return bool(events)

    # -- in memory, or not ---------------------------------------------------------------------------------------------

    @property
    def is_loaded(self) -> bool:
        """Whether the events have been read."""
        return self.state.version > 0

    @property
    def is_quiet(self) -> bool:
        """Whether the actor could leave memory now and nothing would be missed."""
        return (
            not self.uncommitted
            and not self.held
            and not self.waiting
            and (self.is_settled or self.state.is_open or not self.state.owes)
            and self.actor_inbox.empty()
            and (self.phase is Phase.RUNNING or self.phase is Phase.DEFERRED)
            and (self.run is None or self.run.is_idle)
        )

    def leave(self) -> None:
        """Leave memory; the events stay."""
        self.phase = Phase.STOPPED
        self.actor_stopped.set()
        self.drop_code()
        del self.actor_inbox  # it knows its actor: no cycle is left to the collector, and late mail is redelivered

    def restart(self) -> None:
        """Begin anew from the disk, with the messages that were held; after a failed write."""
        self.drop_code()
        self.state, self.last_row = WorkflowExecution(self.run_id), None
        self.phase = Phase.RECOVERING
        held, self.held = self.held, []
        self.actor_inbox.envelopes[:0] = held
        self.actor_inbox.take_turn()

    # -- turns -------------------------------------------------------------------------------------------------------

    def on_turn(self, envelopes: list[Envelope[Any]]) -> None:
        """Take everything that waited; an error of the engine costs this actor's turn, not the loop."""
        if len(envelopes) > 1 or type(envelopes[0].message) is not Read or envelopes[0].message.needs_code:
            self.active_at = self.dispatcher.loop.time()  # whoever only looks does not keep it in memory
        if self.phase is Phase.DRAINING:
            self.held.extend(envelopes)
            if not (self.is_loaded or self.uncommitted):
                self.restart()  # its events could not be read: whoever asks now is told how that stands now
        elif self.phase is Phase.STOPPED:
            self.workflows.redeliver(self, envelopes)
        else:
            self._turn(envelopes)

    def _turn(self, envelopes: list[Envelope[Any]]) -> None:
        workflows = self.workflows
        now = workflows.clock()
        try:
            if self.phase is Phase.RECOVERING:
                self._load()
            turn = Turn(self, now, self.state.version)
            if self.phase is Phase.RECOVERING:
                self._recover(turn, envelopes)
            for envelope in envelopes:
                self._take(turn, envelope)
        except EngineError as error:
            workflows.turn_lost(self, envelopes, error)
        else:
            workflows.finish(turn)

    def _take(self, turn: Turn, envelope: Envelope[Any]) -> None:
        message, reply = envelope.message, envelope.reply_to
        try:
            if isinstance(message, Command):
                answer = self._command(turn, envelope)
            elif message.needs_code and (turn.now < self.retry_at or not self._have_code(turn)):
                answer = self._refuse_read(turn, envelope)
            else:
                answer = message.fn(self)
        except (EngineError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a refusal, or what the user's query handler raised
            if self.run is not None and (self.run.is_broken or isinstance(error, StopError)):
                self.drop_code()  # a query has changed the workflow, or was stopped in the middle
                self.workflows.wake(self.run_id)
            if reply is None:
                self.workflows.dead_letter(self, message, error)
            else:
                turn.answers.append((reply, None, _tellable(error)))
            return
        if reply is not None and answer is not _LATER:
            turn.answers.append((reply, answer, None))

    def _command(self, turn: Turn, envelope: Envelope[Any]) -> Any:
        """Record what a command means; the answer is None, or why an update was not let in."""
        command: Command = envelope.message
        if type(command) is ResetWorkflow:
            return self._reset(turn, envelope)
        if type(command) is UpdateWorkflow:
            refused = self._refused_update(turn, envelope)
            if refused is not None:
                return refused
        for event in decide(self.state, command, turn.now):
            if self._stands(event):
                self._record(turn, turn.own, event)
        turn.taken.append(envelope)
        if type(command) is Wake and self.state.is_open:
            turn.own.woken = True
            if self.state.paused is None and turn.now >= self.retry_at:
                self._have_code(turn)
        return None

    def _reset(self, turn: Turn, envelope: Envelope[Any]) -> object:
        """Found a new run on the events of this one, which is terminated if it is open; the answer is its run id."""
        from understudy.actors.behaviors.decisions.reset import reset
        from understudy.actors.runs.reset_check import check_reset_of_closed

        workflows, command = self.workflows, envelope.message
        if self.uncommitted or turn.own.events:
            workflows.after_commit(self, envelope)
            return _LATER
        new_id = workflows.new_id()
        events = workflows.store.load(self.run_id)
        made = reset(self.run_id, events, command, new_id, turn.now)
        if not self.state.is_open:
            check_reset_of_closed(self, command.children, made.last_child)
        if self.state.is_open:
            end = WorkflowTerminated(
                at=turn.now,
                reason=command.reason or f"reset to event {command.event_id}",
                identity=command.identity,
                new_run_id=new_id,
                reset_children=command.children,
                reset_after=made.last_child,
            )
            self._record(turn, turn.own, end)
        turn.founded = ((Append(new_id, 0, tuple(made.events)), execution_row(made.state, 0)), *turn.founded)
        return new_id

    def _refused_update(self, turn: Turn, envelope: Envelope[Any]) -> Failure | object | None:
        """Return why an update is not let in, or _LATER if it has to wait for code; None: it is let in.

        Raises:
            QueryRefusedError: its validator changed the workflow.
        """
        update: UpdateWorkflow = envelope.message
        if update.update_id in self.state.updates or not self.state.is_open:
            return None  # that is to be decided without the code
        if self.run is None and (turn.now < self.retry_at or not self._have_code(turn)):
            self.waiting.append(envelope)
            if self.state.start.is_delayed and not self.is_called:
                self.is_called = True
                self.workflows.wake_after_commit(self)
            return _LATER
        run = self.run
        if run is None or not self.state.is_open:
            return None
        of_update = (update.update_id, update.name, update.input, update.headers)
        return self.workflows.guarded(self, run, run.validate, *of_update)

    def _stands(self, event: Event) -> bool:
        """Whether an event still means something: the code may have settled it in taking the one before."""
        if isinstance(event, TimerFired):
            return event.seq in self.state.timers
        if isinstance(event, ActivityTimedOut):
            return event.seq in self.state.activities
        if isinstance(event, LocalActivityCompleted | LocalActivityFailed) and self.run is not None:
            return self.run.local(event.seq) is not None  # else it is recorded: its turn was lost only by report
        return self.state.is_open

    def _refuse_read(self, turn: Turn, envelope: Envelope[Any]) -> object:
        """Answer a query that the code cannot take, or hold it until the turns before it are on disk."""
        if (self.uncommitted or turn.own.events) and self.trouble is None:
            self.workflows.after_commit(self, envelope)
            return _LATER
        trouble, state = self.trouble, self.state
        if trouble is None and state.is_open and state.first_turn_at > turn.now:
            due = datetime.fromtimestamp(state.first_turn_at // 1_000_000_000, UTC).isoformat()
            trouble = WorkflowNotBegunError(workflow_id=self.name, run_id=self.run_id, due=due)
        elif not isinstance(trouble, UsageError):
            trouble = StuckWorkflowError(
                workflow_id=self.name, run_id=self.run_id, reason=repr(trouble), attempts=self.failed_turns
            )
        if envelope.reply_to is not None:
            envelope.reply_to.set_exception((type(trouble), trouble, None))
        return _LATER

    # -- recovery ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Read the aggregate from the store.

        Raises:
            EngineError: it cannot be read; the run waits, and who sent messages is told.
        """
        events = self.workflows.store.load(self.run_id)
        if not events:
            raise self.workflows.nothing_stored(self)
        self.state = fold(self.run_id, events)

    def _recover(self, turn: Turn, envelopes: list[Envelope[Any]]) -> None:
        """Plan again what a crash swallowed, and rebuild the code of an open run."""
        state = self.state
        self.phase = Phase.DEFERRED if state.deferred is not None else Phase.RUNNING
        self.workflows.recovered(self, envelopes)  # before the code goes on, for the sake of EFFECT-AFTER
        if state.is_open and state.paused is None and turn.now >= self.retry_at:
            self._have_code(turn)


def _tellable(error: BaseException) -> BaseException:
    """Return an error as it can be raised in who waits for an answer."""
    if not escapes(error):
        return error
    told = RuntimeError(f"the workflow's code raised {type(error).__name__}: {error}")
    told.__cause__ = error
    return told
