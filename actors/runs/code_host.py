"""The driver of a live run's code: it folds events in, hands facts to the code, and records the code's requests.

It knows no messages: the actor decides what they mean, and has the events recorded here. Where no code can take a fact
(no worker knows the type, the first turn is due later, or the code failed), it is put off; new code is built from the
events and takes up what waited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, TypeVarTuple, get_args

from understudy.actors.behaviors.code.queries import escapes
from understudy.actors.behaviors.decisions.commands import PauseWorkflow, UpdateWorkflow
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.behaviors.decisions.successor import Followed
from understudy.actors.runs.live_run import LiveRun, Phase
from understudy.events.errors import UnknownWorkflowTypeError
from understudy.events.event import Event, Fact
from understudy.events.state.evolve import apply
from understudy.events.workflow import TurnDeferred, TurnResumed, WorkflowCompleted, WorkflowStarted

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from understudy.actors.behaviors.code.run import Run
    from understudy.actors.behaviors.decisions.activation import Activation
    from understudy.actors.guard.turn_guard import TurnGuard
    from understudy.actors.runs.definitions import Definitions
    from understudy.actors.runs.turn import Part, Turn
    from understudy.events.failures.failure import Failure

__all__ = ["LATER", "CodeHost", "Host", "TakeStart", "tellable"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LATER: Final = object()
"""Sentinel instead of an answer: the answer is given later, by somebody else."""

_FOLLOWED: Final = frozenset(get_args(Followed))


class Host(Protocol):
    """The supervisor of all runs, as the driver of one run's code sees it."""

    def begin_next(self, run: LiveRun, closing: Any, turn: Turn) -> Event:
        """Return the closing event with the run that follows, if one does, which begins in the same turn."""
        ...

    def load(self, run_id: str) -> list[Event]:
        """Return the events of a run that are on disk."""
        ...

    def wake_after_commit(self, run: LiveRun) -> None:
        """Wake the run once what it has handed in is on disk."""
        ...

    def turn_failed(self, run: LiveRun, error: BaseException) -> float:
        """Plan to try failed code again, and return the seconds until then."""
        ...

    def warn(self, run: LiveRun, warning: str | Warning) -> None:
        """Log a warning from the run for a person."""
        ...


TakeStart = Callable[["CodeHost", "Turn", int, "Activation"], bool]
"""Lets new code take a start for which updates wait; False: the code failed (`runs.first_turn`)."""


class CodeHost:
    """The driver of one run's code; used on the engine's loop.

    Args:
        run: the run.
        host: the supervisor, asked for all that leaves the run.
        definitions: those that workers bring.
        guard: watches the code while it runs.
        take_start: lets new code take a start for which updates wait.
    """

    __slots__ = ("_definitions", "_guard", "_take_start", "host", "run")

    def __init__(
        self, run: LiveRun, host: Host, definitions: Definitions, guard: TurnGuard, take_start: TakeStart
    ) -> None:
        self.run = run
        self.host = host
        self._definitions = definitions
        self._guard = guard
        self._take_start = take_start

    def guarded(self, code: Run, activation: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run one activation of the code under guard; its errors are the guard's, or the code's."""
        run = self.run
        return self._guard(run.workflow_id, run.run_id, code.definition, activation, *args)

    # -- events ------------------------------------------------------------------------------------------------------

    def record(self, turn: Turn, part: Part, event: Event) -> None:
        """Fold one event in, and let the code take it if it is a fact."""
        state = self.run.state
        if type(event) in _FOLLOWED and (type(event) is not WorkflowCompleted or state.start.cron_schedule):
            event = self.host.begin_next(self.run, event, turn)
        apply(state, event)
        part.events.append(event)
        if isinstance(event, Fact) and state.deferred is None:
            self._activate(turn, part, event)

    def fold(self, part: Part, event: Event) -> None:
        """Fold one event in that the code takes later."""
        apply(self.run.state, event)
        part.events.append(event)

    def _activate(self, turn: Turn, part: Part, fact: Fact) -> None:
        run = self.run
        version = run.state.version
        if type(fact) is WorkflowStarted:
            if fact.first_turn_at > turn.now:
                self.defer(turn, part, version, "the first turn is due later", None)
                return
            run.code = self.new_code(turn, part, version)
        if run.code is None:
            self.defer(turn, part, version, *self._why_not_live())
            return
        self.step(turn, part, fact, version)

    def step(  # noqa: PLR0913, PLR0917 - an activation, and where it goes
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
        code = run.code
        if code is None:
            return False
        try:
            requests = self._guard(
                run.workflow_id, run.run_id, code.definition, code.activate, fact, turn.now, messages
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug in code is not an outcome of the workflow
            self.code_failed(turn, part, version, error)
            return False
        if resumed is not None:
            self.record(turn, part, resumed)
        for request in requests:
            self.record(turn, part, request)
        if code.has_more:
            self._take_more(part, code)
        return True

    def _take_more(self, part: Part, code: Run) -> None:
        """Take what an activation leaves beside requests: local activities, and warnings."""
        if code.has_local:
            asked, dropped = code.take_local()
            done = self.run.state.local_done or ()  # their outcomes wait behind a deferred turn
            new = (local.scheduled for local in asked if local.scheduled.seq not in done)
            part.new_local_activities = [*part.new_local_activities, *new]
            canceled = (local.scheduled.seq for local in dropped)
            part.canceled_local_activities = [*part.canceled_local_activities, *canceled]
        if code.warnings:
            for warning in code.warnings:
                self.host.warn(self.run, warning)
            code.warnings.clear()

    def lose_code(self) -> None:
        """Go on without code, because its worker has stopped: messages are recorded and wait for another worker."""
        run = self.run
        run.drop_code()
        run.trouble = self._definitions.unknown_type(run.state.start)
        if run.phase is Phase.RUNNING:
            run.phase = Phase.DEFERRED

    # -- updates -----------------------------------------------------------------------------------------------------

    def refused_update(self, turn: Turn, envelope: Envelope[Any]) -> Failure | object | None:
        """Return the reason why an update is refused, or LATER if it has to wait for code; None: it is let in.

        Raises:
            QueryRefusedError: its validator changed the workflow.
        """
        run = self.run
        update: UpdateWorkflow = envelope.message
        if update.update_id in run.state.updates or not run.state.is_open:
            return None  # that is to be decided without the code
        if run.code is None and (turn.now < run.retry_at or not self.have_code(turn)):
            run.updates_waiting_for_code.append(envelope)
            if run.state.start.is_delayed and not run.has_update_before_start:
                run.has_update_before_start = True
                self.host.wake_after_commit(run)
            return LATER
        code = run.code
        if code is None or not run.state.is_open:
            return None
        return self.guarded(code, code.validate, update.update_id, update.name, update.input, update.headers)

    # -- code that cannot take facts now -----------------------------------------------------------------------------

    def new_code(self, turn: Turn, part: Part, since: int | None) -> Run | None:
        """Make new code from the definition, or note why there is none; the arguments are those of `code_failed`."""
        run = self.run
        definition = self._definitions.of(run.state.start)
        if definition is None:
            run.trouble = self._definitions.unknown_type(run.state.start)
            return None
        try:
            return self._definitions.new_code(definition, run.state)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the user's converters, which are told whose values they convert
            self.code_failed(turn, part, since, error)
            return None

    def defer(self, turn: Turn, part: Part, since: int, reason: str, failure: Failure | None) -> None:
        """Put facts off from event number `since` on, unless they are put off already."""
        run = self.run
        run.phase = Phase.DEFERRED
        if run.state.deferred is None:
            self.record(turn, part, TurnDeferred(at=turn.now, since=since, reason=reason, failure=failure))

    def _why_not_live(self) -> tuple[str, Failure | None]:
        """Return the recorded reason why no code takes a fact; the failure converter describes an error of the code."""
        trouble = self.run.trouble
        if trouble is None or isinstance(trouble, UnknownWorkflowTypeError):
            return str(trouble or "the code is not live"), None
        return _in_code(trouble), self._definitions.failure_of(self.run.workflow_id, trouble)

    def code_failed(self, turn: Turn, part: Part, since: int | None, error: BaseException) -> None:
        """Put off the facts from `since` on (None: all have been taken), and plan to try again with new code."""
        run = self.run
        run.drop_code()
        run.trouble = error
        run.failed_turns += 1
        failure = self._definitions.failure_of(run.workflow_id, error)
        if since is not None:
            self.defer(turn, part, since, _in_code(error), failure)
        run.phase = Phase.DEFERRED
        run.retry_at = turn.now + int(self.host.turn_failed(run, error) * 1e9)
        self._pause_if_hopeless(turn, part, failure)

    def _pause_if_hopeless(self, turn: Turn, part: Part, failure: Failure) -> None:
        """Pause the run after as many failed turns as its worker says."""
        run = self.run
        definition = self._definitions.of(run.state.start)
        limit = definition.pause_after_failures if definition is not None else 0
        if limit and run.failed_turns >= limit and run.state.is_open:
            why = f"{type(run.trouble).__name__}: {failure.message}"
            note = f"paused after {run.failed_turns} failed turns in a row: {why}"
            for event in decide(run.state, PauseWorkflow(note=note, identity="understudy"), turn.now):
                self.record(turn, part, event)

    def have_code(self, turn: Turn) -> bool:
        """Have live code that has taken every fact: rebuild it from the events if need be; False if it cannot be."""
        run = self.run
        state = run.state
        if run.code is None:
            if state.deferred is not None and state.first_turn_at > turn.now and not run.has_update_before_start:
                return False
            if run.uncommitted or turn.own.events:
                self.host.wake_after_commit(run)
                return False
            code = self._rebuild(turn)
            if code is not None and state.paused is None:
                self._resume(turn, code)
        return run.code is not None

    def _rebuild(self, turn: Turn) -> Run | None:
        run = self.run
        code = self.new_code(turn, turn.own, None)
        if code is None:
            run.phase = Phase.DEFERRED
            return None
        events = self.host.load(run.run_id)
        try:
            self._guard(run.workflow_id, run.run_id, code.definition, code.replay, events, replay=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - NondeterminismError, or a bug in code
            code.close()
            self.code_failed(turn, turn.own, None, error)
            return None
        run.code = code
        if run.state.is_open:
            self._take_more(turn.own, code)
        return code

    def _resume(self, turn: Turn, code: Run) -> None:
        """Let new code take the deferred facts in order; a failure leaves the rest deferred."""
        state = self.run.state
        while code.deferred and state.is_open:
            version, _ = code.deferred[0]
            if not self._take_up(turn, version, code.deferred.take()):
                return
        code.deferred.clear()  # facts that waited behind the end are too late
        if state.deferred is not None and state.is_open:  # nothing had come meanwhile
            self.record(turn, turn.own, TurnResumed(at=turn.now, through=state.version))
        self._recovered(turn)

    def _take_up(self, turn: Turn, version: int, taken: Activation) -> bool:
        """Activate the oldest deferred facts; False when the code failed."""
        if type(taken.fact) is WorkflowStarted and self.run.updates_waiting_for_code and self.run.code is not None:
            return self._take_start(self, turn, version, taken)
        resumed = TurnResumed(at=turn.now, through=taken.through)
        return self.step(turn, turn.own, taken.fact, version, taken.messages, resumed)

    def _recovered(self, turn: Turn) -> None:
        run = self.run
        run.phase = Phase.RUNNING
        run.trouble, run.failed_turns, run.retry_at = None, 0, 0
        turn.own.owner.put_back_waiting_updates()


def tellable(error: BaseException) -> BaseException:
    """Return an error of the workflow's code in a form that those who wait for an answer can raise."""
    if not escapes(error):
        return error
    told = RuntimeError(f"the workflow's code raised {type(error).__name__}: {error}")
    told.__cause__ = error
    return told


def _in_code(error: BaseException) -> str:
    """Return as much of the code's error as may stand in clear."""
    return f"{type(error).__name__} in the workflow's code"
