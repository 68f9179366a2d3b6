"""One run of workflow code, sans I/O: facts in, requests out.

A fact is activated alone: it resolves a future, starts a task or calls a handler; then the loop is stepped until
nothing is ready, conditions are checked in the order in which they were made, and what the code asked for meanwhile is
returned. So the order of the stream is the order of the code, and a replay needs no marks between turns: behind each
fact stand just the requests that it led to. Where facts had to wait (no worker knew the type, or the code failed), the
stream says so: see `events.workflow`.

Phases: NEW, then REPLAYING while recorded facts are activated, RUNNING for live ones, CLOSED when the run function is
done, BROKEN after anything that was not a declared failure; a broken run is thrown away and rebuilt from its events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context as Variables
from enum import Enum
from typing import Any, Final

from understudy.actors.behaviors.condition import check_conditions
from understudy.actors.behaviors.context import Context, LocalActivity
from understudy.actors.behaviors.continuing import ContinueAsNewError
from understudy.actors.behaviors.definition import HandlerDefinition, WorkflowDefinition
from understudy.actors.behaviors.outcome import OUTCOMES
from understudy.actors.behaviors.query import answer, digest, message_args, refused
from understudy.events.errors import UsageError
from understudy.events.event import Event, Fact, Request
from understudy.events.execution import WorkflowExecution
from understudy.events.failure import FailureConverter, FailureError, is_cancelled_exception
from understudy.events.payload import Payload, PayloadConverter
from understudy.events.signal import SignalReceived
from understudy.events.workflow import (
    TurnDeferred,
    TurnResumed,
    WorkflowCanceled,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)

__all__ = ["Phase", "Run"]


class Phase(Enum):
    """Where a run stands."""

    NEW = "new"
    REPLAYING = "replaying"
    RUNNING = "running"
    CLOSED = "closed"
    BROKEN = "broken"


class Run:
    """The coroutine side of one run, driven by its actor and by replays; never shared between threads."""

    __slots__ = ("_context", "_digest", "_main", "_trouble", "deferred", "definition", "phase", "warnings")

    def __init__(
        self,
        definition: WorkflowDefinition,
        execution: WorkflowExecution,
        converter: PayloadConverter,
        failures: FailureConverter,
    ) -> None:
        """Begin with no code running yet."""
        self.definition = definition
        self.phase = Phase.NEW
        self.warnings: list[str] = []
        """What the shell shall log: signals dropped, handlers left behind."""
        self._context = Context(definition, execution, converter, failures)
        self.deferred = self._context.deferred
        self._main: asyncio.Task[Any] | None = None
        self._trouble: BaseException | None = None
        self._digest = b""
        """Of the instance since the last step, for queries; empty: not taken."""

    def __repr__(self) -> str:
        """Show type and phase."""
        return f"<{self.definition.label} run {self._context.execution.run_id} {self.phase.value}>"

    @property
    def is_idle(self) -> bool:
        """Whether nothing but the stream can wake the run: no local activity is under way."""
        return not self._context.local

    @property
    def is_broken(self) -> bool:
        """Whether it must not be used any more."""
        return self.phase is Phase.BROKEN

    # -- activation --------------------------------------------------------------------------------------------------

    def activate(self, fact: Fact, now: int) -> list[Request]:
        """Activate one fact live and return what the code asked for, a closing request last.

        Args:
            fact: already decided upon; it will be recorded in front of what is returned.
            now: workflow time, ns since the epoch.

        Raises:
            BaseException: the code did something that is no outcome of the workflow; the run is BROKEN.
        """
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.RUNNING
        context = self._context
        context.expect((), -1)
        self._step(fact, now)
        requests, context.requests = context.requests, []
        return requests

    def replay(self, events: Sequence[Event]) -> None:
        """Lead new code through a recorded stream from its first event on.

        Facts that the stream leaves deferred are in `deferred` afterwards.

        Raises:
            NondeterminismError: the code asked for something else than the record says.
            BaseException: as `activate`.
        """
        self.phase = Phase.REPLAYING
        waits, waiting = {event.since for event in events if type(event) is TurnDeferred}, False
        context, deferred, position, end = self._context, self.deferred, 0, len(events)
        while position < end:
            event = events[position]
            position += 1
            if isinstance(event, Fact):
                if waiting or deferred or position in waits:
                    deferred.append((position, event))
                else:
                    position = self._replay_fact(event, event.at, events, position)
            elif isinstance(event, Request):
                if event.may_be_missing:
                    continue
                self.phase = Phase.BROKEN
                context.refuse(position - 1, event, None)
            elif type(event) is TurnDeferred:
                waiting = True
            elif type(event) is TurnResumed:
                waiting = False
                while deferred and deferred[0][0] <= event.through:
                    position = self._replay_fact(deferred.popleft()[1], event.at, events, position, hidden=1)
        context.expect((), -1)
        if self.phase is Phase.REPLAYING:
            self.phase = Phase.RUNNING

    def _replay_fact(self, fact: Fact, now: int, events: Sequence[Event], position: int, *, hidden: int = 0) -> int:
        """Activate a recorded fact; `hidden`: its TurnResumed stands in front, but was recorded behind it."""
        self._context.expect(events, position, hidden=hidden)
        self._step(fact, now)
        return self._context.cursor

    def _step(self, fact: Fact, now: int) -> None:
        context = self._context
        if self.phase is Phase.CLOSED:
            return
        context.now = now
        self._digest = b""
        try:
            context.loop.run_turn(_APPLY[type(fact)], self, fact)
            while context.conditions and check_conditions(context):
                context.loop.run_until_idle()
            self._look_for_trouble()
            if not context.closed and self._main is not None and self._main.done():
                self._close(self._main)
        except BaseException:
            self.phase = Phase.BROKEN
            raise

    def _look_for_trouble(self) -> None:
        uncaught = self._context.loop.on_error
        if uncaught:
            self.warnings.extend(f"{report['message']}: {report.get('exception')!r}" for report in uncaught)
            uncaught.clear()
        if self._trouble is not None:
            raise self._trouble

    # -- facts, one method each (the table is at the end) ------------------------------------------------------------

    def _start(self, fact: WorkflowStarted) -> None:
        context = self._context
        definition = self.definition
        signature = definition.signature
        if definition.name is None:
            args: Sequence[Any] = [context.converter.raw(fact.input)]
        else:
            where = f"workflow {definition.label!r}"
            signature.check(len(fact.input), where=where)
            args = context.converter.decode_args(fact.input, signature, where=where)
        try:
            context.instance, run = definition.instantiate(args)
        except Exception as error:
            if not self._is_failure(error):
                raise
            self._fail(error)
            return
        self._main = context.loop.create_task(run(*args), name=fact.workflow_id, context=Variables())
        buffered, context.buffered = context.buffered, []
        for signal in buffered:
            self._signal(signal)

    def _cancel(self, fact: WorkflowCancelRequested) -> None:
        self._context.cancel_requested = fact
        if self._main is not None:
            self._main.cancel(fact.reason or None)

    def _signal(self, fact: SignalReceived) -> None:
        context = self._context
        if self._main is None:
            context.buffered.append(fact)
            return
        handler = context.signals.get(fact.name) or context.signals.get(None)
        if handler is None:
            context.buffered.append(fact)
            return
        try:
            args = message_args(context, handler, fact.name, fact.input)
        except UsageError as error:
            self.warnings.append(f"signal {fact.name!r} was dropped: {error}")
            return
        try:
            outcome = handler.fn(context.instance, *args)
        except (Exception, ContinueAsNewError) as error:  # noqa: BLE001 - sorted by kind below
            self._handler_failed(error)
            return
        if handler.is_async:
            coroutine = self._run_handler(fact.name, handler, outcome)
            _ = context.loop.create_task(coroutine, name=f"signal {fact.name}", context=Variables())

    async def _run_handler(self, name: str, handler: HandlerDefinition, coroutine: Coroutine[Any, Any, Any]) -> None:
        running = self._context.running_handlers
        key = id(coroutine)
        running[key] = (name, handler)
        try:
            await coroutine
        except (Exception, ContinueAsNewError) as error:  # noqa: BLE001 - sorted by kind below
            self._handler_failed(error)
        finally:
            running.pop(key, None)

    def _handler_failed(self, error: Exception | ContinueAsNewError) -> None:
        """A declared failure of a handler ends the run with it, as continuing does; anything else breaks the turn."""
        if not (isinstance(error, ContinueAsNewError) or self._is_failure(error)):
            self._trouble = self._trouble or error
        elif self.phase is Phase.CLOSED or self._main is None or self._main.done():
            self.warnings.append(f"a signal handler failed when the workflow had ended: {error!r}")
        elif isinstance(error, ContinueAsNewError):
            self._ask(error.request)
            self.phase = Phase.CLOSED
        else:
            self._fail(error)

    # -- closing -----------------------------------------------------------------------------------------------------

    def _is_failure(self, error: BaseException) -> bool:
        return isinstance(error, (FailureError, asyncio.TimeoutError, *self.definition.failure_exception_types))

    def _close(self, main: asyncio.Task[Any]) -> None:
        context = self._context
        canceled = context.cancel_requested is not None
        if main.cancelled():
            if not canceled:
                raise asyncio.CancelledError
            self._ask(WorkflowCanceled(at=context.now))
        elif (error := main.exception()) is None:
            self._ask(WorkflowCompleted(at=context.now, result=self._encode_result(main.result())))
        elif isinstance(error, ContinueAsNewError):
            self._ask(error.request)
        elif canceled and is_cancelled_exception(error):
            self._ask(WorkflowCanceled(at=context.now, failure=context.failures.to_failure(error, context.converter)))
        elif self._is_failure(error):
            self._fail(error)
        else:
            raise error
        for name, handler in context.running_handlers.values():
            if handler.unfinished_policy == 1:
                self.warnings.append(f"the workflow ended while the handler of signal {name!r} was still running")
        self.phase = Phase.CLOSED

    def _fail(self, error: BaseException) -> None:
        context = self._context
        failure = context.failures.to_failure(error, context.converter)
        self._ask(WorkflowFailed(at=context.now, failure=failure))
        self.phase = Phase.CLOSED

    def _ask(self, request: Request) -> None:
        self._context.read_only = ""
        self._context.ask(request)
        self._context.closed = True

    def _encode_result(self, result: Any) -> Payload | None:
        if result is None:
            return None
        where = f"the result of workflow {self.definition.label!r}"
        return self._context.converter.encode(result, self.definition.signature.returns, where=where)

    # -- queries -----------------------------------------------------------------------------------------------------

    def query(self, name: str, payloads: tuple[Payload, ...]) -> Payload | None:
        """Answer a query; the code may read, not change or ask for anything.

        Raises:
            UnknownQueryError: no handler has this name, and there is no dynamic one.
            QueryRefusedError: the handler asked for something, or changed something and left the run BROKEN.
            Exception: whatever the handler raises.
        """
        context = self._context
        before = self._digest = self._digest or digest(context)
        try:
            return answer(context, name, payloads)
        finally:
            if digest(context) != before:
                self.phase = Phase.BROKEN
                raise refused(context, name, "its handler changed the workflow, which is built anew from its events")

    # -- what the shell takes out ------------------------------------------------------------------------------------

    @property
    def has_local(self) -> bool:
        """Whether `take_local` has anything to give."""
        context = self._context
        return bool(context.local_asked or context.local_dropped)

    def take_local(self) -> tuple[list[LocalActivity], list[LocalActivity]]:
        """Return the local activities newly asked for and those to cancel, and forget that they are new."""
        context = self._context
        asked, dropped = context.local_asked, context.local_dropped
        context.local_asked, context.local_dropped = [], []
        return asked, dropped

    def local(self, seq: int) -> LocalActivity | None:
        """Return a local activity without an outcome."""
        return self._context.local.get(seq)

    def unconsumed(self) -> list[SignalReceived]:
        """Return the signals that no handler has taken, in order; also those that wait behind a deferred turn."""
        waiting = (fact for _, fact in self.deferred)
        return [*self._context.buffered, *(fact for fact in waiting if isinstance(fact, SignalReceived))]

    def stacks(self) -> list[str]:
        """Return the await stacks of all tasks, for a person to read."""
        return self._context.loop.stacks()

    def close(self) -> None:
        """Drop the code without running any more of it; used by passivation and after trouble."""
        self._context.closed = True  # what its `finally` blocks ask for is dropped
        self._context.loop.close_run()
        self._main = None


def _in_context(apply: Callable[[Context, Any], None]) -> Callable[[Run, Any], None]:
    """Make a method of `Run` of what needs no more than its context."""
    return lambda run, fact: apply(run._context, fact)  # noqa: SLF001 - as if it stood in the class


_APPLY: Final[dict[type[Fact], Callable[[Run, Any], None]]] = {
    WorkflowStarted: Run._start,  # noqa: SLF001 - the table belongs to the class above
    WorkflowCancelRequested: Run._cancel,  # noqa: SLF001 - the same
    SignalReceived: Run._signal,  # noqa: SLF001 - the same
    **{fact: _in_context(apply) for fact, apply in OUTCOMES.items()},
}
