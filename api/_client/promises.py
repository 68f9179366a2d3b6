"""Promises, seen from outside: resolved or rejected by their tokens."""

from __future__ import annotations

from typing import Any

from understudy._client.connection import Connection
from understudy.actors.behaviors.command import SignalWorkflow
from understudy.events.failure_errors import ApplicationError
from understudy.promise_token import read_token

__all__ = ["Promises"]


class Promises(Connection):
    """The part of a client that resolves promises."""

    async def resolve_promise(self, token: str, value: Any = None) -> None:
        """Resolve a promise of a workflow; it is on disk when this returns. The first resolution counts.

        Args:
            token: what `promise.token` was in the workflow.
            value: what the workflow gets.

        Raises:
            InvalidArgumentError: it is no token.
            WorkflowNotFoundError: the workflow is not in this store.
            WorkflowClosedError: the workflow has ended.
            PayloadEncodeError: the value cannot be stored.
        """
        await self._settle(token, None, value)

    async def reject_promise(self, token: str, error: BaseException | str) -> None:
        """Let a promise of a workflow fail: awaiting it raises an `ApplicationError`. The first resolution counts.

        Args:
            token: what `promise.token` was in the workflow.
            error: why; of an exception, the message and the type go over.

        Raises:
            InvalidArgumentError: it is no token.
            WorkflowNotFoundError: the workflow is not in this store.
            WorkflowClosedError: the workflow has ended.
        """
        kind = ""
        if isinstance(error, ApplicationError):
            kind = error.type or ""
        elif isinstance(error, BaseException):
            kind = type(error).__name__
        message = error.message if isinstance(error, ApplicationError) else str(error)
        await self._settle(token, {"message": message, "type": kind}, None)

    async def _settle(self, token: str, rejected: dict[str, str] | None, value: Any) -> None:
        meant = read_token(token)
        converter = self.converter_of(meant.workflow_id)
        payloads = converter.encode_args([rejected, value], None, where="the value of a promise")
        command = SignalWorkflow(
            name=meant.signal, input=payloads, identity=self.identity, request_id=f"promise/{meant.secret}"
        )
        await self.engine.dispatcher.run(self.service.send_to(meant.workflow_id, None, command))
