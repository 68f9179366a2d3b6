"""Answer queries, whose handlers may only read.

A handler can do more than read in three ways. It asks for something (an activity, a timer, a random number): that is
refused at the line of the call. It makes something ready on the loop, such as a task; or it changes what the instance
holds: both are seen afterwards, and then the run has to be built anew from its events, so that the change is gone.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Final

from understudy.actors.behaviors.code.arguments import message_args
from understudy.actors.behaviors.definitions.definition import HandlerKind
from understudy.events.errors import QueryRefusedError, ReadOnlyContextError, StopError
from understudy.events.errors.rpc import WorkflowQueryFailedError
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context
    from understudy.events.payloads.payload import Payload

__all__ = ["answer", "digest", "escapes", "refused"]

_STACK_TRACE: Final = "__stack_trace"
"""Temporal's name of the query that every workflow answers."""


def escapes(error: BaseException) -> bool:
    """True if an error of the user's code must not reach the caller who waits for an answer as it is.

    There `asyncio.CancelledError` would look like a cancellation of its own, `SystemExit` would end the engine's loop,
    and no future takes `StopIteration`. An interrupt is not the code's, and what stops workflow code is the engine's.
    """
    return isinstance(error, StopIteration) or not isinstance(error, (Exception, StopError, KeyboardInterrupt))


def answer(
    context: Context, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
) -> Payload | None:
    """Ask a query handler; `__stack_trace` is answered without one, by where each task of the run waits.

    Raises:
        UnknownQueryError: no handler has this name, and there is no dynamic one.
        QueryRefusedError: the handler asked for something.
        WorkflowQueryFailedError: the handler raised what is no Exception; that is the cause.
        Exception: whatever else the handler raises.
    """
    try:
        return _answer(context, name, payloads, headers)
    except BaseException as error:
        if not escapes(error):
            raise
        who = f"query {name!r} of workflow {context.execution.start.workflow_id!r}"
        raise WorkflowQueryFailedError(f"{who} failed: {type(error).__name__}: {error}") from error


def _answer(
    context: Context, name: str, payloads: tuple[Payload, ...], headers: Mapping[str, Payload]
) -> Payload | None:
    if name == _STACK_TRACE:
        return context.converter.encode("\n\n".join(context.loop.stacks()), str)
    inbox, label = context.inbox, context.definition.label
    handler = inbox.handler(HandlerKind.QUERY, name)
    args = message_args(context.converter, label, handler, name, payloads)
    context.recorder.read_only = f"query {name!r}"
    try:
        value, answered = context.loop.call(inbox.caller.query, handler, name, args, headers)
    except ReadOnlyContextError as error:
        raise refused(context, name, f"its handler asked for {error.call}") from error
    finally:
        context.recorder.read_only = ""
    if not answered:
        raise refused(context, name, "its handler, or an interceptor of it, waited for something")
    if isinstance(value, Coroutine):
        value.close()
        raise refused(context, name, "its handler returned a coroutine")
    if value is None:
        return None
    where = Phrase("the answer to query {!r} of workflow {!r}", (name, label))
    return context.converter.encode(value, handler.signature.returns, where=where)


def refused(context: Context, name: str, reason: str) -> QueryRefusedError:
    """Return the error that says why a query did not get its answer."""
    return QueryRefusedError(query=name, workflow_id=context.execution.start.workflow_id, reason=reason)


def digest(context: Context) -> bytes:
    """Return a digest of what the instance holds; `busy` while the loop has something to run."""
    from understudy.actors.behaviors.code.fingerprint import fingerprint

    return fingerprint(context.instance) if context.loop.is_idle() else b"busy"
