"""One run of workflow code, sans I/O: facts in, requests out.

A fact is activated alone: it resolves a future, starts a task or calls a handler; then the loop is stepped until
nothing is ready, conditions are checked in the order in which they were made, and what the code asked for meanwhile is
returned. So the order of the stream is the order of the code, and a replay needs no marks between turns: behind each
fact stand just the requests that it led to. The one exception is a start with messages: they are handled in front of
the run function's first step (`decisions.activation`). Where facts had to wait (no worker knew the type, or the code
failed), the stream says so: see `events.workflow`.

Phases: NEW, then REPLAYING while recorded facts are activated, RUNNING for live ones, CLOSED when the run function is
done, BROKEN after anything that was not a declared failure; a broken run is thrown away and rebuilt from its events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context as Variables
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from understudy.actors.behaviors.code.arguments import DirectCalls, run_args
from understudy.actors.behaviors.code.conditions import check_conditions
from understudy.actors.behaviors.code.context import Context
from understudy.actors.behaviors.code.continue_as_new import ContinueAsNewError
from understudy.actors.behaviors.code.inbox import Inbox
from understudy.actors.behaviors.code.outcomes import OUTCOMES, is_declared
from understudy.actors.behaviors.code.queries import answer, digest, refused
from understudy.actors.behaviors.decisions.activation import Activation, recorded
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
from understudy.events.converters.failure_converter import FailureConverter
from understudy.events.converters.in_context import takes_context
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.errors import NewerRunError
from understudy.events.event import Event, Fact, Request
from understudy.events.failures.exceptions import CancelledError, is_cancelled_exception
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import NO_HEADERS, Payload, Phrase
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import WorkflowExecution
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import (
    BEHAVIOUR_FLAGS,
    TurnDeferred,
    TurnResumed,
    WorkflowCanceled,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.activities import LocalActivity

__all__ = ["Phase", "Run"]

T = TypeVar("T")


class Phase(Enum):
    """The phases in the life of a run."""

    NEW = "new"
    REPLAYING = "replaying"
    RUNNING = "running"
    CLOSED = "closed"
    BROKEN = "broken"


class Run:
    """The coroutine side of one run, driven by its actor and by replays; never shared between threads."""

    __slots__ = (
        "_context",
        "_digest",
        "_entry",
        "_main",
        "_recorder",
        "_trouble",
        "deferred",
        "definition",
        "phase",
        "warnings",
    )

    def __init__(
        self,
        definition: WorkflowDefinition,
        execution: WorkflowExecution,
        converter: PayloadConverter,
        failures: FailureConverter,
        *,
        in_context: bool | None = None,
    ) -> None:
        """Begin without code; `in_context`: True if converters want to know whose values they have; None: ask them."""
        self.definition = definition
        self.phase = Phase.NEW
        context = self._context = Context(definition, execution, converter, failures)
        self._recorder = context.recorder
        context.inbox = Inbox(context.recorder, definition, converter, failures, self)
        context.in_context = takes_context(converter) or takes_context(failures) if in_context is None else in_context
        self.warnings = context.inbox.warnings
        """Warnings that the shell logs: signals dropped, handlers left behind."""
        self.deferred = context.recorder.deferred
        self._entry: tuple[Callable[..., Any], Sequence[Any]] | None = None
        """The run function and its arguments, from when the instance is made until the first step."""
        self._main: asyncio.Task[Any] | None = None
        self._trouble: BaseException | None = None
        self._digest = b""
        """The digest of the instance since the last step, for queries; empty: not taken."""

    def __repr__(self) -> str:
        """Show type, id and phase."""
        return f"<{self.definition.label} run {self._context.execution.run_id} {self.phase.value}>"

    @property
    def waits_for_events_only(self) -> bool:
        """True if nothing but the stream can wake the run: no local activity is under way."""
        local, done = self._context.local, self._context.execution.local_done
        return local is None or not local.pending or (done is not None and local.pending.keys() <= done)

    @property
    def is_broken(self) -> bool:
        """True if the run must not be used any more."""
        return self.phase is Phase.BROKEN

    # -- activation --------------------------------------------------------------------------------------------------

    def activate(self, fact: Fact, now: int, messages: Sequence[Fact] = ()) -> list[Request]:
        """Activate one fact live and return what the code asked for, a closing request last.

        Args:
            fact: already decided upon; it will be recorded in front of what is returned.
            now: workflow time, ns since the epoch.
            messages: with a start, those in front of the run function's first step; else further ones of this turn.

        Raises:
            BaseException: the code did something that is no outcome of the workflow; the run is BROKEN.
        """
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.RUNNING
        self._recorder.expect((), -1)
        if messages:
            self._step(fact, now, messages)
        else:
            self._guarded_turn(_APPLY[type(fact)], fact, now)
        return self._recorder.take()

    def prepare(self, fact: WorkflowStarted, now: int) -> None:
        """Make the instance, so that messages which come with the start can be looked at before it is activated."""
        self._guarded_turn(Run._make, fact, now)

    def ahead(self, message: Fact, now: int) -> None:
        """Take a message before the start that was prepared; its requests come with those of the start."""
        self._guarded_turn(_APPLY[type(message)], message, now)

    def replay(self, events: Sequence[Event]) -> None:
        """Lead new code through a recorded stream from its first event on.

        Facts that the stream leaves deferred are in `deferred` afterwards.

        Raises:
            NondeterminismError: the code asked for something else than the record says.
            BaseException: as `activate`.
        """
        self.phase = Phase.REPLAYING
        waits, waiting = {event.since for event in events if type(event) is TurnDeferred}, False
        recorder, deferred, position, end = self._recorder, self.deferred, 0, len(events)
        while position < end:
            event = events[position]
            position += 1
            if isinstance(event, Fact):
                if waiting or deferred or position in waits:
                    deferred.append((position, event))
                elif type(event) is WorkflowStarted:
                    position = self._replay_one(recorded(events, position), event.at, events)
                else:  # nearly all of them, so without a detour
                    recorder.expect(events, position)
                    self._guarded_turn(_APPLY[type(event)], event, event.at)
                    position = recorder.cursor
            elif isinstance(event, Request):
                if event.may_be_missing:
                    continue
                self.phase = Phase.BROKEN
                recorder.refuse(position - 1, event, None)
            elif type(event) is TurnDeferred:
                waiting = True
            elif type(event) is TurnResumed:
                waiting = False
                if deferred and deferred[0][0] <= event.through:
                    position = self._replay_one(deferred.take(event.through), event.at, events, position)
        recorder.expect((), -1)
        if self.phase is Phase.REPLAYING:
            self.phase = Phase.RUNNING

    def _replay_one(self, activation: Activation, now: int, events: Sequence[Event], resumed_at: int = 0) -> int:
        """Activate recorded facts; `resumed_at`: the index behind their TurnResumed, if they were deferred."""
        self._recorder.expect(events, resumed_at or activation.through, hidden=1 if resumed_at else 0)
        self._step(activation.fact, now, activation.messages)
        return self._recorder.cursor

    def _step(self, fact: Fact, now: int, messages: Sequence[Fact] = ()) -> None:
        if messages and type(fact) is not WorkflowStarted:
            self._guarded_turn(_together, (fact, *messages), now)
            return
        if messages:
            self._guarded_turn(Run._make, fact, now)
        for message in messages:
            self.ahead(message, now)
        self._guarded_turn(_APPLY[type(fact)], fact, now)

    def _guarded_turn(self, apply: Callable[[Run, Any], None], fact: Any, now: int) -> None:
        """Apply a fact, and run what is ready until nothing is; an error that is no outcome breaks the run."""
        context = self._context
        if self.phase is Phase.CLOSED:
            return
        self._recorder.now = now
        self._digest = b""
        try:
            context.loop.run_turn(apply, self, fact)
            while context.conditions and check_conditions(context):
                context.loop.run_until_idle()
            main = self._main
            if context.loop.on_error:
                _note_uncaught(context.loop.on_error, self.warnings)
            if self._trouble is not None:
                raise self._trouble  # noqa: TRY301 - as whatever is raised here, it breaks the run
            if main is not None and not self._recorder.closed and main.done():
                self._close(main)
        except BaseException:
            self.phase = Phase.BROKEN
            raise

    # -- facts, one method each (the table is at the end) ------------------------------------------------------------

    def _make(self, fact: WorkflowStarted) -> None:
        """Make the instance, if there is none."""
        if self._entry is not None:
            return
        context, definition = self._context, self.definition
        if fact.flags & ~BEHAVIOUR_FLAGS:
            raise NewerRunError(run_id=context.execution.run_id, flags=fact.flags, known=BEHAVIOUR_FLAGS)
        if definition.interception is not None:
            from understudy.actors.behaviors.code.interceptors import chain_of

            context.chain = context.inbox.caller = chain_of(definition.interception, context)
        try:
            args = run_args(context.converter, definition, fact)
            context.instance, run = definition.instantiate(args)
            if context.chain is None:
                context.inbox.caller = DirectCalls(context.instance)
            self.definition = context.definition = definition.configured(context.instance)
        except Exception as error:
            if not self.is_failure(error):
                raise
            self._fail(error)
        else:
            self._entry = run, args

    def _start(self, fact: WorkflowStarted) -> None:
        self._make(fact)
        if self._entry is not None:
            (run, args), self._entry = self._entry, _BEGUN
            context, chain = self._context, self._context.chain
            code = run(*args) if chain is None else chain.execute(args, fact.headers)
            self._main = context.loop.create_task(code, name=fact.workflow_id, context=Variables())

    def _cancel(self, fact: WorkflowCancelRequested) -> None:
        self._context.cancel_requested = fact
        if self._main is not None:
            self._main.cancel(fact.reason or None)

    def handler_failed(self, error: BaseException, *, is_bug: bool = False) -> None:
        """End the run by a declared failure of a handler, or by continuing as new; anything else breaks the turn."""
        if is_bug or not (isinstance(error, ContinueAsNewError) or self.is_failure(error)):
            self._trouble = self._trouble or error
        elif self.phase is Phase.CLOSED or (self._main is not None and self._main.done()):
            self.warnings.append(f"a handler failed when the workflow had ended: {error!r}")
        elif isinstance(error, ContinueAsNewError):
            self._ask(error.request)
            self.phase = Phase.CLOSED
        else:
            try:
                self._fail(error)
            except Exception as trouble:  # noqa: BLE001 - the failure converter's: in a task nobody would hear of it
                self._trouble = self._trouble or trouble

    # -- closing -----------------------------------------------------------------------------------------------------

    def is_failure(self, error: BaseException) -> bool:
        """True if an exception is an outcome of the workflow, and no bug."""
        return is_declared(error, self.definition.failure_exception_types)

    def _close(self, main: asyncio.Task[Any]) -> None:
        context = self._context
        canceled = context.cancel_requested is not None
        if main.cancelled():
            if canceled:
                self._ask(WorkflowCanceled(at=self._recorder.now))
            else:  # the code cancelled itself, and nobody had asked it to
                self._fail(CancelledError("Workflow cancelled itself"))
        elif (error := main.exception()) is None:
            self._complete(main.result())
        elif isinstance(error, ContinueAsNewError):
            self._ask(error.request)
        elif canceled and is_cancelled_exception(error):
            self._ask(
                WorkflowCanceled(at=self._recorder.now, failure=context.failures.to_failure(error, context.converter))
            )
        elif self.is_failure(error):
            self._fail(error)
        else:
            raise error
        context.inbox.warn_of_unfinished()
        self.phase = Phase.CLOSED

    def _complete(self, value: Any) -> None:
        context, result = self._context, None
        try:
            if value is not None:
                where = Phrase("the result of workflow {!r}", (self.definition.label,))
                result = context.converter.encode(value, self.definition.signature.returns, where=where)
        except Exception as error:
            if not self.is_failure(error):
                raise
            self._fail(error)
        else:
            self._ask(WorkflowCompleted(at=self._recorder.now, result=result))

    def _fail(self, error: BaseException) -> None:
        context = self._context
        self._ask(WorkflowFailed(at=self._recorder.now, failure=context.failures.to_failure(error, context.converter)))
        self.phase = Phase.CLOSED

    def _ask(self, request: Request) -> None:
        recorder = self._recorder
        recorder.read_only = ""
        recorder.ask(request)
        recorder.closed = True

    # -- queries -----------------------------------------------------------------------------------------------------

    def query(
        self, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload] = NO_HEADERS
    ) -> Payload | None:
        """Answer a query; the code may read, not change or ask for anything.

        Raises:
            UnknownQueryError: no handler has this name, and there is no dynamic one.
            QueryRefusedError: the handler asked for something, or changed something and left the run BROKEN.
            Exception: whatever the handler raises.
        """
        return self._read(name, "handler", lambda context: answer(context, name, payloads, headers))

    def validate(
        self, update_id: str, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload] = NO_HEADERS
    ) -> Failure | None:
        """Return the reason why an update is refused; None: it is accepted, as all are if there is no instance.

        Raises:
            QueryRefusedError: the validator changed something, and left the run BROKEN.
        """
        if self.phase is Phase.CLOSED:
            return None
        return self._read(
            name, "validator", lambda context: context.inbox.validate((update_id, name), payloads, headers)
        )

    def _read(self, name: str, who: str, read: Callable[[Context], T]) -> T:
        context = self._context
        before = self._digest = self._digest or digest(context)
        try:
            return read(context)
        finally:
            if digest(context) != before:
                self.phase = Phase.BROKEN
                raise refused(context, name, f"its {who} changed the workflow, which is built anew from its events")

    # -- for the shell to take ---------------------------------------------------------------------------------------

    @property
    def has_more(self) -> bool:
        """True if the last activation left more than requests."""
        return bool(self.has_local or self._context.inbox.warnings)

    @property
    def has_local(self) -> bool:
        """True if `take_local` has anything to return."""
        local = self._context.local
        return local is not None and bool(local.new_local_activities or local.canceled_local_activities)

    def take_local(self) -> tuple[list[LocalActivity], list[LocalActivity]]:
        """Return the local activities newly asked for and those to cancel, and forget that they are new."""
        local = self._context.local
        return local.take() if local is not None else ([], [])

    def local(self, seq: int) -> LocalActivity | None:
        """Return a local activity that has no outcome; None: there is none with this number."""
        local = self._context.local
        return local.pending.get(seq) if local is not None else None

    def unconsumed(self) -> list[SignalReceived]:
        """Return the signals that the next run gets, in order, including those behind a deferred turn."""
        waiting = (fact for _, fact in self.deferred)
        return [*self._context.inbox.unconsumed(), *(fact for fact in waiting if isinstance(fact, SignalReceived))]

    def stacks(self) -> list[str]:
        """Return the await stacks of all tasks, for a person to read."""
        return self._context.loop.stacks()

    def close(self) -> None:
        """Drop the code without running any more of it; used by passivation and after trouble."""
        if self._context.loop.is_closed():
            return
        self._recorder.closed = self._recorder.dropped = True  # what its `finally` blocks ask for is dropped
        self._context.loop.close_run()
        self._context.let_go()
        self._main = self._entry = None


_BEGUN: Final[tuple[Any, Sequence[Any]]] = (None, ())
"""Stands for the run function and its arguments once it was called."""


def _note_uncaught(uncaught: list[dict[str, Any]], warnings: list[str | Warning]) -> None:
    warnings.extend(f"{report['message']}: {report.get('exception')!r}" for report in uncaught)
    uncaught.clear()


def _together(run: Run, facts: Sequence[Fact]) -> None:
    for fact in facts:
        if run.phase is not Phase.CLOSED:
            _APPLY[type(fact)](run, fact)


def _in_context(apply: Callable[[Context, Any], None]) -> Callable[[Run, Any], None]:
    """Make a method of `Run` of a function that needs only its context."""
    return lambda run, fact: apply(run._context, fact)  # noqa: SLF001 - as if it stood in the class


_APPLY: Final[dict[type[Fact], Callable[[Run, Any], None]]] = {
    WorkflowStarted: Run._start,  # noqa: SLF001 - the table belongs to the class above
    WorkflowCancelRequested: Run._cancel,  # noqa: SLF001 - the same
    SignalReceived: _in_context(lambda context, fact: context.inbox.signal(fact)),
    UpdateAccepted: _in_context(lambda context, fact: context.inbox.update(fact)),
    **{fact: _in_context(apply) for fact, apply in OUTCOMES.items()},
}
