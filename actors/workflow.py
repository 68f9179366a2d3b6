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

from asyncio import TimerHandle
from collections.abc import Callable, Sequence
from enum import Enum
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final, get_args

from understudy.actors.behaviors.command import Command, Wake
from understudy.actors.behaviors.decide import Followed, decide, next_run
from understudy.actors.behaviors.run import Run
from understudy.actors.dispatch import LoopActor
from understudy.actors.turn import Part, Turn
from understudy.events.activity import ActivityTimedOut, LocalActivityCompleted, LocalActivityFailed
from understudy.events.errors import EngineError, StopError, StuckWorkflowError, UsageError
from understudy.events.event import Event, Fact
from understudy.events.execution import WorkflowExecution, fold
from understudy.events.failure import Failure
from understudy.events.timer import TimerFired
from understudy.events.workflow import (
    TurnDeferred,
    TurnResumed,
    WorkflowContinuedAsNew,
    WorkflowStarted,
)

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from understudy.actors.workflows import Workflows

__all__ = ["Phase", "Read", "WorkflowActor"]

FIRST_RETRY_SECONDS: Final = 0.1
LAST_RETRY_SECONDS: Final = 30.0
"""Back-off of a turn whose code fails: doubling between these."""

_FOLLOWED: Final = frozenset(get_args(Followed))


class Phase(Enum):
    """Where an actor stands."""

    RECOVERING = "recovering"
    RUNNING = "running"
    DEFERRED = "deferred"
    DRAINING = "draining"
    STOPPED = "stopped"


class Read:
    """A message that changes nothing: `fn(actor)` is the answer, given when what it may have seen is on disk."""

    __slots__ = ("fn", "needs_code")

    def __init__(self, fn: Callable[[WorkflowActor], Any], *, needs_code: bool = False) -> None:
        """Answer with `fn`; `needs_code`: the workflow's code must be live for it."""
        self.fn = fn
        self.needs_code = needs_code


class WorkflowActor(LoopActor):
    """One run, live; made and forgotten by the `Workflows` supervisor."""

    def __init__(self, workflows: Workflows, run_id: str, workflow_id: str, mailbox_limit: int) -> None:
        """Begin RECOVERING: the first turn reads the events."""
        super().__init__(workflows.dispatcher, workflow_id, mailbox_limit)
        self.workflows = workflows
        self.run_id = run_id
        self.phase = Phase.RECOVERING
        self.state = WorkflowExecution(run_id)
        """The aggregate, at version 0 until the events are read."""
        self.run: Run | None = None
        self.trouble: BaseException | None = None
        """Why the code cannot take facts now; shown by `describe`."""
        self.failed_turns = 0
        self.retry_at = 0
        """When the code is tried again, ns since the epoch; 0: not planned."""
        self.last_turn: Turn | None = None
        """The latest turn that is not on disk yet."""
        self.uncommitted = 0
        self.active_at = 0.0
        self.last_row: tuple[Any, ...] | None = None
        self.held: list[Envelope[Any]] = []
        self.lost_turns = 0  # in a row, to the store
        self.restart_handle: TimerHandle | None = None

    def __str__(self) -> str:
        """Show what pykka shows, and the phase."""
        return f"{type(self).__name__} ({self.actor_urn}, {self.phase.value})"

    # -- life --------------------------------------------------------------------------------------------------------

    def begin(self, started: WorkflowStarted, turn: Turn, carried: Sequence[Fact] = ()) -> None:
        """Be a new run: its first events go into `turn`, whose last part is its own."""
        self.phase = Phase.RUNNING
        part = turn.parts[-1]
        for event in (started, *carried):
            self._record(turn, part, event)

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

    def drop_code(self) -> None:
        """Throw the coroutine side away; it is rebuilt from the events when needed."""
        run, self.run = self.run, None
        if run is not None:
            run.close()

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
        message, reply, answer = envelope.message, envelope.reply_to, None
        try:
            if isinstance(message, Command):
                for event in decide(self.state, message, turn.now):
                    if self._stands(event):
                        self._record(turn, turn.own, event)
                turn.taken.append(envelope)
                if type(message) is Wake:
                    turn.own.woken = True
                    self._have_code(turn)
            elif message.needs_code and (turn.now < self.retry_at or not self._have_code(turn)):
                self._refuse_read(envelope)
                return
            else:
                answer = message.fn(self)
        except EngineError:
            raise
        except (Exception, StopError) as error:  # noqa: BLE001 - a refusal, or what the user's query handler raised
            if self.run is not None and (self.run.is_broken or isinstance(error, StopError)):
                self.drop_code()  # a query has changed the workflow, or was stopped in the middle
                self.workflows.wake(self.run_id)
            if reply is None:
                self.workflows.dead_letter(self, message, error)
            else:
                turn.answers.append((reply, None, error))
            return
        if reply is not None:
            turn.answers.append((reply, answer, None))

    def _stands(self, event: Event) -> bool:
        """Whether an event still means something: the code may have settled it in taking the one before."""
        if isinstance(event, TimerFired):
            return event.seq in self.state.timers
        if isinstance(event, ActivityTimedOut):
            return event.seq in self.state.activities
        if isinstance(event, LocalActivityCompleted | LocalActivityFailed) and self.run is not None:
            return self.run.local(event.seq) is not None  # else it is recorded: its turn was lost only by report
        return self.state.is_open

    def _refuse_read(self, envelope: Envelope[Any]) -> None:
        """Answer a query that the code cannot take, or hold it until the turns before it are on disk."""
        if self.uncommitted and self.trouble is None:
            self.workflows.after_commit(self, envelope)
            return
        trouble = self.trouble
        if not isinstance(trouble, UsageError):
            trouble = StuckWorkflowError(
                workflow_id=self.name, run_id=self.run_id, reason=repr(trouble), attempts=self.failed_turns
            )
        if envelope.reply_to is not None:
            envelope.reply_to.set_exception((type(trouble), trouble, None))

    # -- events ------------------------------------------------------------------------------------------------------

    def _record(self, turn: Turn, part: Part, event: Event) -> None:
        """Fold one event in, and let the code take it if it is a fact."""
        state = self.state
        if type(event) in _FOLLOWED:
            event = self._with_next_run(turn, event)
        state.apply(event)
        part.events.append(event)
        if isinstance(event, Fact) and state.deferred is None:
            self._activate(turn, part, event)

    def _with_next_run(self, turn: Turn, closing: Any) -> Event:
        workflows = self.workflows
        last, started = next_run(self.state, closing, new_run_id=workflows.new_id(), dice=workflows.dice())
        if started is not None:
            carried = self.run.unconsumed() if self.run and type(closing) is WorkflowContinuedAsNew else ()
            workflows.begin(last.new_run_id, started, turn, carried)
        return last

    def _activate(self, turn: Turn, part: Part, fact: Fact) -> None:
        version = self.state.version
        if type(fact) is WorkflowStarted:
            if fact.first_turn_at > turn.now:
                self._defer(turn, part, version, "the first turn is due later", None)
                return
            self.run = self._new_run()
        if self.run is None:
            self._defer(turn, part, version, str(self.trouble or "the code is not live"), None)
            return
        self._step(turn, part, fact, version)

    def _step(self, turn: Turn, part: Part, fact: Fact, version: int, *, resumed: Event | None = None) -> bool:
        """Let the code take one fact; False when it failed, or there is none."""
        run = self.run
        if run is None:
            return False
        try:
            requests = self.workflows.guarded(self, run, lambda: run.activate(fact, turn.now))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug in code is not an outcome of the workflow
            self._code_failed(turn, part, version, error)
            return False
        if resumed is not None:
            self._record(turn, part, resumed)
        for request in requests:
            self._record(turn, part, request)
        self._take_local(part, run)
        return True

    def _take_local(self, part: Part, run: Run) -> None:
        if run.has_local:
            asked, dropped = run.take_local()
            part.local.extend(local.scheduled for local in asked)
            part.local_dropped.extend(local.scheduled.seq for local in dropped)
        if run.warnings:
            for warning in run.warnings:
                self.workflows.warn(self, warning)
            run.warnings.clear()

    # -- code that cannot take facts now -----------------------------------------------------------------------------

    def _new_run(self) -> Run | None:
        """Make the coroutine side, or note that no worker knows the type."""
        state = self.state
        definition = self.workflows.definition_of(state.start)
        if definition is None:
            self.trouble = self.workflows.unknown_type(state.start)
            return None
        return self.workflows.new_run(definition, state)

    def _defer(self, turn: Turn, part: Part, since: int, reason: str, failure: Failure | None) -> None:
        self.phase = Phase.DEFERRED
        if self.state.deferred is None:
            self._record(turn, part, TurnDeferred(at=turn.now, since=since, reason=reason, failure=failure))

    def _code_failed(self, turn: Turn, part: Part, since: int | None, error: BaseException) -> None:
        """Put off the facts from `since` on (None: all have been taken), and plan to try again with new code."""
        self.drop_code()
        self.trouble = error
        self.failed_turns += 1
        delay = min(FIRST_RETRY_SECONDS * 2 ** (self.failed_turns - 1), LAST_RETRY_SECONDS)
        self.retry_at = turn.now + int(delay * 1e9)
        failure = Failure(
            kind="application",
            message=str(error),
            type=type(error).__name__,
            stack_trace="".join(format_exception(error)),
        )
        if since is not None:
            self._defer(turn, part, since, f"{type(error).__name__} in the workflow's code", failure)
        self.phase = Phase.DEFERRED
        self.workflows.turn_failed(self, error, delay)

    def _have_code(self, turn: Turn) -> bool:
        """Have live code that has taken every fact: rebuild it from the events if need be; False if it cannot be."""
        state = self.state
        if self.run is None:
            if state.deferred is not None and state.start.first_turn_at > turn.now:
                return False
            if self.uncommitted or turn.own.events:
                self.workflows.wake_after_commit(self)
                return False
            run = self._rebuild(turn)
            if run is not None:
                self._resume(turn, run)
        return self.run is not None

    def _rebuild(self, turn: Turn) -> Run | None:
        run = self._new_run()
        if run is None:
            return None
        events = self.workflows.store.load(self.run_id)
        try:
            self.workflows.guarded(self, run, lambda: run.replay(events), replay=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - NondeterminismError, or a bug in code
            run.close()
            self._code_failed(turn, turn.own, None, error)
            return None
        self.run = run
        if self.state.is_open:
            self._take_local(turn.own, run)
        return run

    def _resume(self, turn: Turn, run: Run) -> None:
        """Let new code take the deferred facts in order; a failure leaves the rest deferred."""
        while run.deferred and self.state.is_open:
            version, fact = run.deferred.popleft()
            resumed = TurnResumed(at=turn.now, through=version)
            if not self._step(turn, turn.own, fact, version, resumed=resumed):
                return
        run.deferred.clear()  # what waited behind the end is too late
        if self.state.deferred is not None and self.state.is_open:  # nothing had come meanwhile
            self._record(turn, turn.own, TurnResumed(at=turn.now, through=self.state.version))
        self._recovered()

    def _recovered(self) -> None:
        self.phase = Phase.RUNNING
        self.trouble, self.failed_turns, self.retry_at = None, 0, 0

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
        if state.is_open:
            self._have_code(turn)
