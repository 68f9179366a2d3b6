"""A workflow as a pykka actor: `tell`, `ask` and `proxy()`, from plain synchronous code in any thread.

The reference names a workflow, not an object in memory: it stays good when the run leaves memory, and finds it again.
Messages are `Signal`, `Query`, `Update`, `Cancel`, `Terminate` and `Result`; what `ask` returns is pykka's future, or
its value. A proxy turns attributes into messages: `ref.proxy().approve("kim")` signals, queries or updates, whichever
`approve` is, and `ref.proxy().result()` waits for the end. A name that could mean two things is refused, not guessed
at; a message says which is meant.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec
import pykka

from understudy._client.handles.handle import WorkflowHandle
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.actors.runs.actor import WorkflowActor
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, UnknownSignalError, nearest_name

if TYPE_CHECKING:
    from understudy._client.connection import Connection
    from understudy.actors.behaviors.definitions.definition import HandlerDefinition, WorkflowDefinition
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Cancel", "Query", "Result", "Signal", "Terminate", "Update", "WorkflowProxy", "WorkflowRef"]


class Signal(msgspec.Struct, frozen=True):
    """Send a signal; answered with None once it is on disk."""

    name: str
    args: tuple[Any, ...] = ()
    request_id: str | None = None


class Query(msgspec.Struct, frozen=True):
    """Ask a query; the answer is what its handler returns."""

    name: str
    args: tuple[Any, ...] = ()
    result_type: Any = None


class Update(msgspec.Struct, frozen=True):
    """Send an update; answered with its result."""

    name: str
    args: tuple[Any, ...] = ()
    id: str | None = None
    result_type: Any = None


class Cancel(msgspec.Struct, frozen=True):
    """Ask the workflow to cancel."""

    reason: str = ""


class Terminate(msgspec.Struct, frozen=True):
    """End the run without asking its code."""

    reason: str = ""


class Result(msgspec.Struct, frozen=True):
    """Wait for the workflow's result."""

    result_type: Any = None


class WorkflowRef(pykka.ActorRef[WorkflowActor]):
    """A reference to a workflow; any thread."""

    def __init__(self, client: Connection, workflow_id: str, run_id: str | None) -> None:
        """Use `Client.actor_ref` instead; pykka's own __init__ wants an actor that is in memory."""
        self._connection = client
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.actor_class = WorkflowActor
        self.actor_urn = f"urn:understudy:{workflow_id}"

    def __repr__(self) -> str:
        """Show the workflow id."""
        return f"<WorkflowRef for {self.workflow_id!r}>"

    __str__ = __repr__

    def is_alive(self) -> bool:
        """Return True if messages can be sent: the client is open, and the engine runs."""
        try:
            return not self._connection.engine.stopped
        except pykka.ActorDeadError:
            return False
        except RuntimeError:
            return False

    def tell(self, message: Any) -> None:
        """Send a message and do not wait; it is durable soon after. A message that cannot be delivered is logged.

        Raises:
            ActorDeadError: the client was closed.
            ArgumentTypeError: it is no message for a workflow.
        """
        future = self._send(message)
        future.add_done_callback(_log_failure)

    @overload
    def ask(self, message: Any, *, block: Literal[False], timeout: float | None = None) -> pykka.Future[Any]: ...
    @overload
    def ask(self, message: Any, *, block: Literal[True], timeout: float | None = None) -> Any: ...
    @overload
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any: ...
    def ask(  # pyright: ignore[reportIncompatibleMethodOverride] - pykka's own overloads, all of them
        self, message: Any, *, block: bool = True, timeout: float | None = None
    ) -> Any:
        """Send a message and wait for its answer.

        Args:
            message: a Signal, Query, Update, Cancel, Terminate or Result.
            block: False: return pykka's future at once.
            timeout: seconds to wait.

        Raises:
            pykka.Timeout: `timeout` has passed.
            Exception: the answer is an error.
        """
        if block:
            self._refuse_on_loop(message)
        answer: pykka.Future[Any] = pykka.ThreadingFuture()
        try:
            future = self._send(message)
        except pykka.ActorDeadError as error:
            answer.set_exception((type(error), error, error.__traceback__))
        else:
            future.add_done_callback(partial(_hand_over, answer))
        return answer.get(timeout=timeout) if block else answer

    def stop(self, *, block: bool = True, timeout: float | None = None) -> Any:
        """Terminate the workflow: what stopping an actor means for one that is durable."""
        return self.ask(Terminate(reason="stopped through its actor reference"), block=block, timeout=timeout)

    def proxy(self) -> WorkflowProxy:  # type: ignore[override]  # the same surface, without introspecting an actor
        """Return an object whose methods are the workflow's signals and queries.

        Raises:
            ActorDeadError: the client was closed.
        """
        if not self.is_alive():
            raise pykka.ActorDeadError(f"{self} not found")
        return WorkflowProxy(self)

    # -- within ------------------------------------------------------------------------------------------------------

    def _refuse_on_loop(self, message: Any) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self.is_alive() and running is self._connection.engine.dispatcher.loop:
            raise RuntimeError(
                f"ask({message!r}) blocks, and this is the engine's own loop: use block=False, or a WorkflowHandle"
            )

    def _send(self, message: Any) -> Any:
        if not self.is_alive():
            raise pykka.ActorDeadError(f"{self} not found")
        loop = self._connection.engine.dispatcher.loop
        return asyncio.run_coroutine_threadsafe(self._request(message), loop)

    def _request(self, message: Any) -> Coroutine[Any, Any, Any]:
        handle = self._handle()
        if isinstance(message, Signal):
            return handle.signal(message.name, args=message.args, request_id=message.request_id)
        if isinstance(message, Query):
            return handle.query(message.name, args=message.args, result_type=message.result_type)
        if isinstance(message, Update):
            return handle.execute_update(
                message.name, args=message.args, id=message.id, result_type=message.result_type
            )
        if isinstance(message, Cancel):
            return handle.cancel(reason=message.reason)
        if isinstance(message, Terminate):
            return handle.terminate(reason=message.reason)
        if isinstance(message, Result):
            return self._result(message.result_type)
        raise ArgumentTypeError(
            what="the message", got=repr(message), expected="a Signal, Query, Update, Cancel, Terminate or Result"
        )

    def _handle(self, result_type: Any = None) -> WorkflowHandle[Any, Any]:
        connection, run_id = self._connection, self.run_id
        return WorkflowHandle(
            connection, self.workflow_id, run_id=run_id, result_run_id=run_id, result_type=result_type
        )

    async def _result(self, result_type: Any) -> Any:
        definition = await self._definition()
        hint = result_type
        if hint is None and definition is not None:
            hint = definition.signature.returns
        return await self._handle(hint).result()

    async def _definition(self) -> WorkflowDefinition | None:
        return self._connection.engine.definitions.of(await self._start())

    async def _start(self) -> WorkflowStarted:
        service = self._connection.service
        return (await service.snapshot(service.run_of(self.workflow_id, self.run_id))).execution.start

    # -- the requests of a proxy; the coroutines run on the engine's loop ----------------------------------------------

    def later(self, request: Callable[[], Coroutine[Any, Any, Any]]) -> pykka.Future[Any]:
        """Return a pykka future for the outcome of a coroutine on the engine's loop."""
        answer: pykka.Future[Any] = pykka.ThreadingFuture()
        if self.is_alive():
            future = asyncio.run_coroutine_threadsafe(request(), self._connection.engine.dispatcher.loop)
            future.add_done_callback(partial(_hand_over, answer))
        else:
            answer.set_exception((pykka.ActorDeadError, pykka.ActorDeadError(f"{self} not found"), None))
        return answer

    async def end(self) -> Any:
        """Wait for the result, unless the workflow has a handler of that name.

        Raises:
            InvalidArgumentError: it has one.
        """
        definition = await self._definition()
        handlers = [] if definition is None else _handlers(definition, "result")
        if definition is not None and handlers:
            raise _ambiguous("result", definition, handlers, end=True)
        return await self._result(None)

    async def call(self, name: str, args: Sequence[Any]) -> Any:
        """Signal, query or update, according to the handler called `name`.

        Raises:
            UnknownSignalError: it is none of them.
            InvalidArgumentError: it is several.
            UnknownWorkflowTypeError: no worker knows the type, so it may be either.
        """
        start = await self._start()
        definition = self._connection.engine.definitions.of(start)
        if definition is None:
            raise self._connection.engine.definitions.unknown_type(start)
        handlers = _handlers(definition, name) or _handlers(definition, None)
        if len(handlers) > 1:
            raise _ambiguous(name, definition, handlers)
        if not handlers:
            names = tuple(str(n) for n in (*definition.signals, *definition.queries, *definition.updates) if n)
            raise UnknownSignalError(
                name=name, known=names, nearest=nearest_name(name, names), workflow_type=definition.label
            )
        [handler] = handlers
        handle = self._handle()
        if handler.kind is HandlerKind.QUERY:
            return await handle.query(name, args=args, result_type=handler.signature.returns)
        if handler.kind is HandlerKind.UPDATE:
            fn: Any = handler.fn if handler.name else name
            return await handle.execute_update(fn, args=args, result_type=handler.signature.returns)
        await handle.signal(handler.fn if handler.name else name, args=args)
        return None


class WorkflowProxy:
    """A workflow's handlers as methods that return pykka futures; any thread."""

    def __init__(self, ref: WorkflowRef) -> None:
        """Use `WorkflowRef.proxy` instead; the name is mangled, because any other may be a handler's."""
        self.__ref = ref

    def __repr__(self) -> str:
        """Show the workflow id."""
        return f"<WorkflowProxy for {self.__ref.workflow_id!r}>"

    def result(self) -> pykka.Future[Any]:
        """Return a future for the workflow's result; it is an error if the workflow has a handler of that name."""
        return self.__ref.later(self.__ref.end)

    def __getattr__(self, name: str) -> Any:
        """Return a function that sends the message called `name`."""
        if name.startswith("__"):
            raise AttributeError(name)
        ref = self.__ref

        def send(*args: Any) -> pykka.Future[Any]:
            return ref.later(lambda: ref.call(name, args))

        return send


def _handlers(definition: WorkflowDefinition, name: str | None) -> list[HandlerDefinition]:
    """Return the signal, the query and the update of that name, those that there are; None: the dynamic ones."""
    found = (definition.signals.get(name), definition.queries.get(name), definition.updates.get(name))
    return [handler for handler in found if handler is not None]


def _ambiguous(
    name: str, definition: WorkflowDefinition, handlers: Sequence[HandlerDefinition], *, end: bool = False
) -> InvalidArgumentError:
    kinds = [handler.kind.name.lower() for handler in handlers]
    meanings = [f"{kind} {name!r}" for kind in kinds]
    messages = [f"ask({kind.capitalize()}({name!r}, ...))" for kind in kinds]
    if end:
        meanings.insert(0, "the end of the run")
        messages.insert(0, "ask(Result())")
    return InvalidArgumentError(
        what=f"proxy().{name}()",
        got=f"{' and '.join(meanings)} of workflow {definition.label!r}",
        expected="a name that means one thing",
        fix=f"Say on the reference which is meant: {' or '.join(messages)}",
    )


def _hand_over(answer: pykka.Future[Any], done: concurrent.futures.Future[Any]) -> None:
    error = done.exception()
    if error is None:
        answer.set(done.result())
    else:
        answer.set_exception((type(error), error, error.__traceback__))


def _log_failure(done: concurrent.futures.Future[Any]) -> None:
    error = done.exception()
    if error is not None:
        import logging

        logging.getLogger("understudy.workflows").warning("a message was not delivered: %s", error)
