"""Promises, seen from outside: resolved or rejected by their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy._client.connection import Connection
from understudy.actors.behaviors.decisions.commands import SignalWorkflow
from understudy.events.converters.in_context import for_workflow
from understudy.events.errors import ArgumentTypeError
from understudy.events.failures.exceptions import ApplicationError

if TYPE_CHECKING:
    from understudy._calls.promise_token import PromiseToken
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["Promises"]


class Promises(Connection):
    """Durable promises: the part of a client that resolves and rejects them."""

    async def resolve_promise(self, token: str, value: Any = None) -> None:
        """Resolve a promise of a workflow; it is on disk when this returns. The first resolution counts.

        Args:
            token: what `promise.token` was in the workflow; one that is made up, and names an open workflow, resolves
                nothing and is not refused, for only the workflow's code knows its promises.
            value: what the workflow gets.

        Raises:
            InvalidArgumentError: it is no token.
            WorkflowNotFoundError: the workflow is not in this store.
            WorkflowClosedError: the workflow has ended.
            PayloadEncodeError: the value cannot be stored.
        """
        from understudy._calls.promise_token import read_token

        meant = read_token(token)
        converter = self.converter_of(meant.workflow_id)
        # null in front: where older releases have put why a promise was rejected
        await self._settle(meant, converter.encode_args([None, value], None, where="the value of a promise"))

    async def reject_promise(self, token: str, error: BaseException | str) -> None:
        """Let a promise of a workflow fail: awaiting it raises an `ApplicationError`. The first resolution counts.

        Args:
            token: what `promise.token` was in the workflow.
            error: why; an exception goes over as the failure of an activity does, with details and causes, and what
                is no ApplicationError is the cause of one.

        Raises:
            ArgumentTypeError: `error` is neither an exception nor a text.
            InvalidArgumentError: it is no token.
            WorkflowNotFoundError: the workflow is not in this store.
            WorkflowClosedError: the workflow has ended.
            PayloadEncodeError: the error's details cannot be stored.
        """
        from understudy._calls.promise_token import read_token

        if not isinstance(error, BaseException | str):
            raise ArgumentTypeError(what="error", got=repr(error), expected="an exception, or a text that says why")
        meant = read_token(token)
        failures = for_workflow(self.data_converter.failure_converter, meant.workflow_id)
        why = ApplicationError(error) if isinstance(error, str) else error
        await self._settle(meant, failure=failures.to_failure(why, self.converter_of(meant.workflow_id)))

    async def _settle(
        self, meant: PromiseToken, payloads: tuple[Payload, ...] = (), failure: Failure | None = None
    ) -> None:
        command = SignalWorkflow(
            name=meant.signal,
            input=payloads,
            identity=self.identity,
            request_id=f"promise/{meant.secret}",
            failure=failure,
        )
        await self.engine.dispatcher.run(self.service.send_to(meant.workflow_id, None, command))
