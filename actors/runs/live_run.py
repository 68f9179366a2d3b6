"""The live code of a run and the aggregate beside it: events are folded in, and facts are handed to the code.

This is the half of a workflow actor that knows no messages: `actors.runs.actor` decides what they mean, and has the
events recorded here. Where no code can take a fact (no worker knows the type, the first turn is due later, or the code
failed), it is put off; new code is built from the events and takes up what waited.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, get_args

from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.decisions.commands import PauseWorkflow
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.behaviors.decisions.successor import Followed, next_run
from understudy.actors.dispatch import LoopActor
from understudy.actors.runs.turn import Part, Turn
from understudy.events.errors import UnknownWorkflowTypeError
from understudy.events.event import Event, Fact
from understudy.events.state.evolve import apply
from understudy.events.state.execution import WorkflowExecution
from understudy.events.workflow import (
    TurnDeferred,
    TurnResumed,
    WorkflowCompleted,
    WorkflowContinuedAsNew,
    WorkflowStarted,
)

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from pykka._envelope import Envelope

    from understudy.actors.behaviors.decisions.activation import Activation
    from understudy.actors.runs.supervisor import Workflows
    from understudy.events.failures.failure import Failure

__all__ = ["LiveRun", "Phase"]

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


class LiveRun(LoopActor):
    """A run's state and its code; the base of `WorkflowActor`."""

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
        self.is_settled = False
        """Whether what it owed to others at its end has been done: to its children, and by its messages."""
        self.waiting: list[Envelope[Any]] = []
        """Updates that wait for code to look at them."""
        self.is_called = False
        """Whether an update has come that a start delay is not to hold up."""
        self.lost_turns = 0  # in a row, to the store
        self.restart_handle: TimerHandle | None = None

    def __str__(self) -> str:
        """Show what pykka shows, and the phase."""
        return f"{type(self).__name__} ({self.actor_urn}, {self.phase.value})"

    # -- events ------------------------------------------------------------------------------------------------------

    def _record(self, turn: Turn, part: Part, event: Event) -> None:
        """Fold one event in, and let the code take it if it is a fact."""
        state = self.state
        if type(event) in _FOLLOWED and (type(event) is not WorkflowCompleted or state.start.cron_schedule):
            event = self._with_next_run(turn, event)
        apply(state, event)
        part.events.append(event)
        if isinstance(event, Fact) and state.deferred is None:
            self._activate(turn, part, event)

    def _fold(self, part: Part, event: Event) -> None:
        """Fold one event in that the code takes later."""
        apply(self.state, event)
        part.events.append(event)

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
            self.run = self._new_run(turn, part, version)
        if self.run is None:
            self._defer(turn, part, version, *self._why_not_live())
            return
        self._step(turn, part, fact, version)

    def _step(  # noqa: PLR0913, PLR0917 - an activation, and where it goes
        self,
        turn: Turn,
        part: Part,
        fact: Fact,
        version: int,
        messages: Sequence[Fact] = (),
        resumed: Event | None = None,
    ) -> bool:
        """Let the code take one fact; False when it failed, or there is none."""
        run = self.run
        if run is None:
            return False
        try:
            requests = self.workflows.guarded(self, run, run.activate, fact, turn.now, messages)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug in code is not an outcome of the workflow
            self._code_failed(turn, part, version, error)
            return False
        if resumed is not None:
            self._record(turn, part, resumed)
        for request in requests:
            self._record(turn, part, request)
        if run.has_more:
            self._take_more(part, run)
        return True

    def _take_more(self, part: Part, run: Run) -> None:
        """Take what an activation leaves beside requests: local activities, and warnings."""
        if run.has_local:
            asked, dropped = run.take_local()
            done = self.state.local_done or ()  # their outcomes wait behind a deferred turn
            part.local = [*part.local, *(local.scheduled for local in asked if local.scheduled.seq not in done)]
            part.local_dropped = [*part.local_dropped, *(local.scheduled.seq for local in dropped)]
        if run.warnings:
            for warning in run.warnings:
                self.workflows.warn(self, warning)
            run.warnings.clear()

    def drop_code(self) -> None:
        """Throw the coroutine side away; it is rebuilt from the events when needed."""
        run, self.run = self.run, None
        if run is not None:
            run.close()

    def lose_code(self) -> None:
        """Go on without code, whose worker has stopped: what comes is recorded and waits for another worker."""
        self.drop_code()
        self.trouble = self.workflows.unknown_type(self.state.start)
        if self.phase is Phase.RUNNING:
            self.phase = Phase.DEFERRED

    # -- code that cannot take facts now -----------------------------------------------------------------------------

    def _new_run(self, turn: Turn, part: Part, since: int | None) -> Run | None:
        """Make the coroutine side, or note why not; the arguments are those of `_code_failed`."""
        state = self.state
        definition = self.workflows.definition_of(state.start)
        if definition is None:
            self.trouble = self.workflows.unknown_type(state.start)
            return None
        try:
            return self.workflows.new_run(definition, state)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the user's converters, which are told whose values they convert
            self._code_failed(turn, part, since, error)
            return None

    def _defer(self, turn: Turn, part: Part, since: int, reason: str, failure: Failure | None) -> None:
        self.phase = Phase.DEFERRED
        if self.state.deferred is None:
            self._record(turn, part, TurnDeferred(at=turn.now, since=since, reason=reason, failure=failure))

    def _why_not_live(self) -> tuple[str, Failure | None]:
        """Return why no code takes a fact, as it is recorded: what code raised is the failure converter's to tell."""
        trouble = self.trouble
        if trouble is None or isinstance(trouble, UnknownWorkflowTypeError):
            return str(trouble or "the code is not live"), None
        return _in_code(trouble), self.workflows.failure_of(self, trouble)

    def _code_failed(self, turn: Turn, part: Part, since: int | None, error: BaseException) -> None:
        """Put off the facts from `since` on (None: all have been taken), and plan to try again with new code."""
        self.drop_code()
        self.trouble = error
        self.failed_turns += 1
        delay = min(FIRST_RETRY_SECONDS * 2 ** (self.failed_turns - 1), LAST_RETRY_SECONDS)
        self.retry_at = turn.now + int(delay * 1e9)
        failure = self.workflows.failure_of(self, error)
        if since is not None:
            self._defer(turn, part, since, _in_code(error), failure)
        self.phase = Phase.DEFERRED
        self.workflows.turn_failed(self, error, delay)
        self._pause_if_hopeless(turn, part, failure)

    def _pause_if_hopeless(self, turn: Turn, part: Part, failure: Failure) -> None:
        """Pause the run after as many failed turns as its worker says."""
        state = self.state
        definition = self.workflows.definition_of(state.start)
        limit = definition.pause_after_failures if definition is not None else 0
        if limit and self.failed_turns >= limit and state.is_open:
            why = f"{type(self.trouble).__name__}: {failure.message}"
            note = f"paused after {self.failed_turns} failed turns in a row: {why}"
            for event in decide(state, PauseWorkflow(note=note, identity="understudy"), turn.now):
                self._record(turn, part, event)

    def _have_code(self, turn: Turn) -> bool:
        """Have live code that has taken every fact: rebuild it from the events if need be; False if it cannot be."""
        state = self.state
        if self.run is None:
            if state.deferred is not None and state.first_turn_at > turn.now and not self.is_called:
                return False
            if self.uncommitted or turn.own.events:
                self.workflows.wake_after_commit(self)
                return False
            run = self._rebuild(turn)
            if run is not None and state.paused is None:
                self._resume(turn, run)
        return self.run is not None

    def _rebuild(self, turn: Turn) -> Run | None:
        run = self._new_run(turn, turn.own, None)
        if run is None:
            self.phase = Phase.DEFERRED
            return None
        events = self.workflows.store.load(self.run_id)
        try:
            self.workflows.guarded(self, run, run.replay, events, replay=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - NondeterminismError, or a bug in code
            run.close()
            self._code_failed(turn, turn.own, None, error)
            return None
        self.run = run
        if self.state.is_open:
            self._take_more(turn.own, run)
        return run

    def _resume(self, turn: Turn, run: Run) -> None:
        """Let new code take the deferred facts in order; a failure leaves the rest deferred."""
        while run.deferred and self.state.is_open:
            version, _ = run.deferred[0]
            if not self._take_up(turn, version, run.deferred.take()):
                return
        run.deferred.clear()  # what waited behind the end is too late
        if self.state.deferred is not None and self.state.is_open:  # nothing had come meanwhile
            self._record(turn, turn.own, TurnResumed(at=turn.now, through=self.state.version))
        self._recovered()

    def _take_up(self, turn: Turn, version: int, taken: Activation) -> bool:
        """Let new code take what has been put off longest; False when it failed."""
        resumed = TurnResumed(at=turn.now, through=taken.through)
        return self._step(turn, turn.own, taken.fact, version, taken.messages, resumed)

    def _recovered(self) -> None:
        self.phase = Phase.RUNNING
        self.trouble, self.failed_turns, self.retry_at = None, 0, 0
        self.put_waiting_back()

    def put_waiting_back(self) -> None:
        """Let the updates that wait for code come in again."""
        waiting, self.waiting = self.waiting, []
        for envelope in waiting:
            self.actor_inbox.put(envelope)

    def refuse_waiting(self, error: BaseException) -> None:
        """Tell those who sent the updates that wait for code that none will come."""
        waiting, self.waiting = self.waiting, []
        for envelope in waiting:
            if envelope.reply_to is not None:
                envelope.reply_to.set_exception((type(error), error, error.__traceback__))


def _in_code(error: BaseException) -> str:
    """Return as much of what code raised as may stand in clear."""
    return f"{type(error).__name__} in the workflow's code"
