"""The messages of a run: signals and updates on their way to handlers, and signals that wait for one.

A signal that no handler takes waits here: for a handler that the code sets later, for `workflow.receive`, or for the
run that follows this one. An update is accepted by its handler's validator before it is recorded, so it never waits.
Handlers may be set and taken away while the run goes on; what the class declares is only what it begins with.

How a handler is called is a `Caller`'s matter: as it is (`DirectCalls`), or through the interceptors of the run.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from contextvars import Context as Variables
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from understudy.actors.behaviors.code.arguments import DirectCalls, message_args, no_handler
from understudy.actors.behaviors.code.continue_as_new import ContinueAsNewError
from understudy.actors.behaviors.definitions.definition import HandlerDefinition, HandlerKind, HandlerUnfinishedPolicy
from understudy.events.errors import StopError, UsageError
from understudy.events.failures.exceptions import FailureError, is_cancelled_exception
from understudy.events.public import public
from understudy.events.signal import PROMISE_PREFIX, SignalReceived
from understudy.events.update import UpdateAccepted, UpdateCompleted

if TYPE_CHECKING:
    from asyncio import Future

    from understudy.actors.behaviors.code.arguments import Caller
    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = [
    "Inbox",
    "RunningHandler",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedUpdateHandlersWarning",
    "current_update",
]

current_update: Final[ContextVar[tuple[str, str] | None]] = ContextVar("understudy_update", default=None)
"""Id and name of the update whose handler or validator is running."""

Table = Mapping[str | None, HandlerDefinition]


@public("understudy.workflow")
class UnfinishedSignalHandlersWarning(RuntimeWarning):
    """A workflow ended while a signal's handler was still running."""


@public("understudy.workflow")
class UnfinishedUpdateHandlersWarning(RuntimeWarning):
    """A workflow ended while an update's handler was still running; the sender is told that the update failed."""


_UNFINISHED: Final[dict[HandlerKind, type[Warning]]] = {
    HandlerKind.SIGNAL: UnfinishedSignalHandlersWarning,
    HandlerKind.UPDATE: UnfinishedUpdateHandlersWarning,
}


_NO_INSTANCE: Final = DirectCalls(None)
"""The caller of a run whose code is not made yet: no handler is called before."""


class Owner(Protocol):
    """The run, as its inbox sees it."""

    def is_failure(self, error: BaseException) -> bool:
        """True if an exception is a declared failure."""
        ...

    def handler_failed(self, error: BaseException, *, is_bug: bool = False) -> None:
        """Take the error of a handler: it ends the run or breaks the turn; `is_bug`: it breaks the turn in any case."""
        ...


class RunningHandler:
    """A handler that has begun and not ended."""

    __slots__ = ("handler", "id", "name")

    def __init__(self, handler: HandlerDefinition, name: str, update_id: str = "") -> None:
        """Name the message that the handler handles."""
        self.handler = handler
        self.name = name
        self.id = update_id


class Inbox:
    """The handlers of one run and what waits for them; owned by its `Context`.

    Args:
        recorder: of the run.
        definition: declares the handlers that the run begins with.
        converter: of the run's values.
        failures: of the run's failures.
        owner: is told how handlers end.

    Attributes:
        caller: calls the handlers; set by the run when it has its instance.
    """

    __slots__ = (
        "_converter",
        "_definition",
        "_failures",
        "_owner",
        "_receivers",
        "_recorder",
        "_tables",
        "caller",
        "promises",
        "running",
        "unhandled_signals",
        "warnings",
    )

    def __init__(
        self,
        recorder: Recorder,
        definition: WorkflowDefinition,
        converter: PayloadConverter,
        failures: FailureConverter,
        owner: Owner,
    ) -> None:
        """Begin with the handlers that the definition declares."""
        self._recorder = recorder
        self._definition = definition
        self._converter = converter
        self._failures = failures
        self._owner = owner
        self.caller: Caller = _NO_INSTANCE
        self._tables: dict[HandlerKind, dict[str | None, HandlerDefinition]] | None = None
        self._receivers: dict[str, deque[Future[SignalReceived]]] | None = None
        self.unhandled_signals: list[SignalReceived] = []
        self.promises: dict[str, bool] | None = None
        """The promises that this run has made, by the names of their signals: True if it has got the value."""
        self.running: dict[int, RunningHandler] = {}
        self.warnings: list[str | Warning] = []
        """Warnings that the shell logs."""

    def close(self) -> None:
        """Let go of the run, which refers to this: no cycle is left to the collector; called once."""
        del self._owner, self.caller

    def is_failure(self, error: BaseException) -> bool:
        """True if an exception is an outcome of the workflow, and no bug."""
        return self._owner.is_failure(error)

    # -- handlers ----------------------------------------------------------------------------------------------------

    def handlers(self, kind: HandlerKind) -> Table:
        """Return the handlers of a kind by name; None is the name of the dynamic one."""
        tables = self._tables
        return tables[kind] if tables is not None else self._definition.handlers(kind)

    def find(self, kind: HandlerKind, name: str) -> HandlerDefinition | None:
        """Return the handler for messages called `name`, or the dynamic one, or None."""
        table = self.handlers(kind)
        return table.get(name) or table.get(None)

    def handler(self, kind: HandlerKind, name: str) -> HandlerDefinition:
        """Return the handler for messages called `name`, or the dynamic one.

        Raises:
            UnknownSignalError: or UnknownQueryError, or UnknownUpdateError: there is none.
        """
        found = self.find(kind, name)
        if found is None:
            raise no_handler(kind, name, self.handlers(kind), self._definition.label)
        return found

    def set(self, kind: HandlerKind, name: str | None, handler: HandlerDefinition | None) -> None:
        """Set a handler, or take it away; a new one handles the signals that waited for it now, in order."""
        tables = self._tables
        if tables is None:
            of_class = self._definition.handlers
            tables = self._tables = {each: dict(of_class(each)) for each in HandlerKind}
        if handler is None:
            tables[kind].pop(name, None)
            return
        tables[kind][name] = handler
        if kind is HandlerKind.SIGNAL:
            waiting, self.unhandled_signals = self.unhandled_signals, []
            for fact in waiting:
                self.signal(fact)

    # -- signals -----------------------------------------------------------------------------------------------------

    def signal(self, fact: SignalReceived) -> None:
        """Hand a signal to its handler, or to the code that waits for it, or keep it."""
        if fact.name.startswith(PROMISE_PREFIX):
            if self.resolution(fact.name) is None:
                self.unhandled_signals.append(fact)
            while self._hand_over(fact):
                pass
            return
        handler = self.find(HandlerKind.SIGNAL, fact.name)
        if handler is not None:
            self._handle_signal(handler, fact)
        elif not self._hand_over(fact):
            self.unhandled_signals.append(fact)

    def _handle_signal(self, handler: HandlerDefinition, fact: SignalReceived) -> None:
        try:
            args = self._args(handler, fact.name, fact.input)
        except (UsageError, FailureError) as error:
            self.warnings.append(f"signal {fact.name!r} was dropped: {error}")
            return
        try:
            left = self.caller.signal(handler, fact.name, args, fact.headers)
        except (Exception, ContinueAsNewError) as error:  # noqa: BLE001 - sorted by kind where it is told
            self._owner.handler_failed(error)
            return
        if left is not None:
            coroutine = self._run_signal(RunningHandler(handler, fact.name), left)
            _ = self._recorder.loop.create_task(coroutine, name=f"signal {fact.name}", context=Variables())

    def _args(self, handler: HandlerDefinition, name: str, payloads: tuple[Payload, ...]) -> Sequence[Any]:
        return message_args(self._converter, self._definition.label, handler, name, payloads)

    async def _run_signal(self, running: RunningHandler, coroutine: Coroutine[Any, Any, Any]) -> None:
        key = id(coroutine)
        self.running[key] = running
        try:
            await coroutine
        except (Exception, ContinueAsNewError) as error:  # noqa: BLE001 - sorted by kind where it is told
            self._owner.handler_failed(error)
        except GeneratorExit as error:  # which its task would keep to itself; what leaves memory is told otherwise
            self._owner.handler_failed(error, is_bug=True)
        finally:
            self.running.pop(key, None)

    def warn_of_unfinished(self) -> None:
        """Warn of each handler that the end of the workflow cuts off, unless its policy is to abandon it."""
        for running in self.running.values():
            if running.handler.unfinished_policy is HandlerUnfinishedPolicy.WARN_AND_ABANDON:
                kind, warning = running.handler.kind.name.lower(), _UNFINISHED[running.handler.kind]
                self.warnings.append(
                    warning(
                        f"the workflow ended while the handler of {kind} {running.name!r} was still running; await "
                        "workflow.wait_condition(workflow.all_handlers_finished) at its end, or set unfinished_policy"
                    )
                )

    # -- signals without a handler -----------------------------------------------------------------------------------

    def _hand_over(self, fact: SignalReceived) -> bool:
        waiting = self._receivers.get(fact.name) if self._receivers is not None else None
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(fact)
                return True
        return False

    def take(self, name: str) -> SignalReceived | None:
        """Take the first waiting signal called `name`."""
        for index, fact in enumerate(self.unhandled_signals):
            if fact.name == name:
                return self.unhandled_signals.pop(index)
        return None

    def await_signal(self, name: str) -> Future[SignalReceived]:
        """Return a future for the next signal called `name`; whoever cancels it loses none."""
        if self._receivers is None:
            self._receivers = {}
        future: Future[SignalReceived] = self._recorder.loop.create_future()
        self._receivers.setdefault(name, deque()).append(future)
        return future

    def put_back(self, fact: SignalReceived) -> None:
        """Let a signal wait again, as the first of all: its receiver was cancelled before it could look."""
        if not self._hand_over(fact):
            self.unhandled_signals.insert(0, fact)

    # -- promises ----------------------------------------------------------------------------------------------------

    def resolution(self, name: str) -> SignalReceived | None:
        """Return the signal that resolved a promise, the first of that name; the signal stays in the inbox."""
        return next((fact for fact in self.unhandled_signals if fact.name == name), None)

    def promised(self, name: str) -> Future[SignalReceived]:
        """Return a future for the signal that resolves a promise, or has resolved it."""
        if self.promises is None:
            self.promises = {}
        self.promises.setdefault(name, False)
        came = self.resolution(name)
        future = self.await_signal(name)
        if came is not None:
            self._hand_over(came)
        return future

    def unconsumed(self) -> list[SignalReceived]:
        """Return the signals that the next run gets: those not taken, and those that resolved promises of this run."""
        promises, carried = self.promises or {}, list[SignalReceived]()
        for fact in self.unhandled_signals:
            if promises.get(fact.name):
                carried.append(msgspec.structs.replace(fact, was_awaited=True))
            elif not fact.was_awaited or fact.name in promises:
                carried.append(fact)
        return carried

    # -- updates -----------------------------------------------------------------------------------------------------

    def validate(
        self, update: tuple[str, str], payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
    ) -> Failure | None:
        """Return why an update is refused; None: it is accepted. The code may read, not change or ask for anything.

        Args:
            update: its id and its name.
            payloads: its arguments.
            headers: for interceptors.
        """
        try:
            handler, args = self._update_handler(update[1], payloads)
            if handler.validator is not None:
                self._call_validator(handler, args, update, headers)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, StopError)):
                raise
            return self._failures.to_failure(error, self._converter)
        return None

    def _update_handler(self, name: str, payloads: tuple[Payload, ...]) -> tuple[HandlerDefinition, Sequence[Any]]:
        handler = self.handler(HandlerKind.UPDATE, name)
        return handler, self._args(handler, name, payloads)

    def _call_validator(
        self, handler: HandlerDefinition, args: Sequence[Any], update: tuple[str, str], headers: Mapping[str, Payload]
    ) -> None:
        recorder = self._recorder
        recorder.read_only = f"the validator of update {update[1]!r}"
        variables = Variables()
        variables.run(current_update.set, update)
        try:
            recorder.loop.call(variables.run, self.caller.validate, handler, update, args, headers)
        finally:
            recorder.read_only = ""

    def update(self, fact: UpdateAccepted) -> None:
        """Handle an update that was accepted."""
        handler, args = self._update_handler(fact.name, fact.input)
        coroutine = self._run_update(RunningHandler(handler, fact.name, fact.update_id), args, fact.headers)
        _ = self._recorder.loop.create_task(coroutine, name=f"update {fact.name}", context=Variables())

    async def _run_update(self, running: RunningHandler, args: Sequence[Any], headers: Mapping[str, Payload]) -> None:
        recorder, handler = self._recorder, running.handler
        update = running.id, running.name
        current_update.set(update)
        key = id(running)
        self.running[key] = running
        result, failure = None, None
        try:
            value, is_awaited = self.caller.update(handler, update, args, headers)
            if is_awaited:
                value = await value
            if value is not None:
                where = f"the result of update {running.name!r} of workflow {self._definition.label!r}"
                result = self._converter.encode(value, handler.signature.returns, where=where)
        except (Exception, CancelledError, ContinueAsNewError) as error:  # noqa: BLE001 - sorted by kind right here
            if isinstance(error, ContinueAsNewError) or not (
                is_cancelled_exception(error) or self._owner.is_failure(error)
            ):
                self._owner.handler_failed(error)
                return
            try:
                failure = self._failures.to_failure(error, self._converter)
            except Exception as trouble:  # noqa: BLE001 - who sent the update hears when it can be converted
                self._owner.handler_failed(trouble, is_bug=True)
                return
        except GeneratorExit as error:  # which its task would keep to itself; what leaves memory is told otherwise
            self._owner.handler_failed(error, is_bug=True)
            return
        finally:
            self.running.pop(key, None)
        recorder.ask(UpdateCompleted(at=recorder.now, update_id=running.id, result=result, failure=failure))
