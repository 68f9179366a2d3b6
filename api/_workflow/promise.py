"""Durable promises: values that a workflow waits for and somebody outside gives it, by a token.

`understudy.workflow` shows them to users; they are used from workflow code, on the workflow's own loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from understudy._calls.promise_token import PromiseToken, read_token
from understudy._workflow.side_effects import side_effect
from understudy.actors.behaviors.code.context import current
from understudy.events.errors import InvalidArgumentError, ReadOnlyContextError
from understudy.events.failures.exceptions import ApplicationError

if TYPE_CHECKING:
    from understudy.events.signal import SignalReceived

__all__ = ["DurablePromise", "promise"]

T = TypeVar("T")


class DurablePromise(Generic[T]):
    """A value to come; await it, as often as you like, and hand out its `token`."""

    __slots__ = ("_future", "_signal", "_token", "_type")

    def __init__(self, token: str, signal: str, type: Any) -> None:
        """Do not call this; use `workflow.promise` instead."""
        self._token = token
        self._signal = signal
        self._type = type
        self._future = current().inbox.promised(signal)

    def __repr__(self) -> str:
        """Show whether the promise is resolved; not the token, which is a secret."""
        return f"<DurablePromise, {'resolved' if self.done() else 'pending'}>"

    @property
    def token(self) -> str:
        """The token: `client.resolve_promise(token, value)` resolves the promise; whoever has the token may do so."""
        return self._token

    def done(self) -> bool:
        """Return True if somebody has resolved or rejected the promise."""
        return self._future.done()

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the value.

        Raises:
            ApplicationError: the promise was rejected.
            PayloadDecodeError: the value does not fit the type it is wanted as.
        """
        return self._value().__await__()

    async def _value(self) -> T:
        fact: SignalReceived = await asyncio.shield(self._future)
        context = current()
        if context.inbox.promises is not None and not context.recorder.read_only:
            context.inbox.promises[self._signal] = True
        converter = context.converter
        where = "the value of a promise"
        if fact.failure is not None:
            raise _rejection(context.failures.from_failure(fact.failure, converter))
        # as rejections were recorded before failures went over as a whole; null: resolved
        rejected = converter.decode(fact.input[0], dict[str, str] | None, where=where)
        if rejected is not None:
            raise ApplicationError(rejected["message"], type=rejected["type"] or None)
        value: T = converter.decode(fact.input[1], self._type, where=where)
        return value


@overload
def promise(*, type: type[T], token: str | None = ...) -> DurablePromise[T]: ...
@overload
def promise(*, type: Any = ..., token: str | None = ...) -> DurablePromise[Any]: ...
def promise(*, type: Any = Any, token: str | None = None) -> DurablePromise[Any]:
    """Make a promise that somebody outside resolves by its token: an activity, another process, a web hook.

    Args:
        type: the type that the value is decoded to.
        token: of a promise that was made before, by this run or one that it continues; None: a new promise.

    Raises:
        InvalidArgumentError: the token is none of a promise, or that of another workflow's promise.
        ReadOnlyContextError: called in a query, a validator or a condition.
    """
    context = current()
    if context.recorder.read_only:
        raise ReadOnlyContextError(call="workflow.promise()", handler=context.recorder.read_only)
    if token is None:
        made = PromiseToken(side_effect(_new_secret), context.execution.start.workflow_id)
        return DurablePromise(str(made), made.signal, type)
    meant = read_token(token)
    own = context.execution.start.workflow_id
    if meant.workflow_id != own:
        raise InvalidArgumentError(
            what="token",
            got=f"the token of a promise of workflow {meant.workflow_id!r}",
            expected=f"that of a promise of this workflow, {own!r}: what resolves it arrives there",
            fix="Make a promise here and hand out its token, or let that workflow await its own and send a signal",
        )
    return DurablePromise(token, meant.signal, type)


def _rejection(error: BaseException) -> ApplicationError:
    """Return the error that awaiting raises: a rejection is none of this workflow's cancellations or time-outs."""
    if isinstance(error, ApplicationError):
        return error
    wrapped = ApplicationError(str(error), type=type(error).__name__)
    wrapped.__cause__ = error
    return wrapped


def _new_secret() -> str:
    from secrets import token_urlsafe

    return token_urlsafe(16)
