"""Other workflows, as the code of a run sees them: its children, and messages that it sends.

A child is a future, like an activity (`actors.behaviors.code.handles`), and a second one that resolves when it has
started. A message is a future that resolves when the other workflow has it on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from understudy.actors.behaviors.code.handles import ChildHandle
from understudy.actors.behaviors.code.source_line import source_line
from understudy.events.child import CHILD_ENDS, ChildCancelRequested
from understudy.events.converters.in_context import for_workflow
from understudy.events.failures.already_started import WorkflowAlreadyStartedError
from understudy.events.failures.exceptions import CancelledError, ChildWorkflowError
from understudy.events.options.policies import RetryState

if TYPE_CHECKING:
    from asyncio import Future

    from understudy.actors.behaviors.code.context import Context
    from understudy.events import child as ch
    from understudy.events import outbound as out

__all__ = ["Related"]

H = TypeVar("H", bound=ChildHandle[Any])


class Related:
    """The children of one run and its messages; owned by its `Context`."""

    __slots__ = ("_child_seq", "_context", "_message_seq", "children", "messages")

    def __init__(self, context: Context) -> None:
        """Begin without any."""
        self._context = context
        self._child_seq = self._message_seq = 0
        self.children: dict[int, ChildHandle[Any]] = {}
        self.messages: dict[int, Future[None]] = {}

    def let_go(self) -> None:
        """Drop the handles, which refer back to this."""
        self.children.clear()
        self.messages.clear()

    # -- children ----------------------------------------------------------------------------------------------------

    def next_child(self) -> int:
        """Return the number for the next child."""
        return self._child_seq + 1

    def start_child(self, initiated: ch.ChildInitiated, result_hint: Any, make: type[H]) -> H:
        """Ask for a child; `initiated.seq` comes from `next_child`, and `make` is the class of the handle."""
        self._context.ask(initiated)
        seq = self._child_seq = initiated.seq
        loop = self._context.loop
        handle = make(loop=loop)
        handle.converter = for_workflow(self._context.converter, initiated.workflow_id)
        handle.failures = for_workflow(self._context.failures, initiated.workflow_id)
        handle.initiated, handle.run_id, handle.started = initiated, "", loop.create_future()
        handle.prepare(
            result_hint,
            initiated.cancellation_type,
            lambda: self._cancel_child(seq),
            lambda: canceled_child(initiated, self._run_of(seq)),
        )
        self.children[seq] = handle
        return handle

    def _run_of(self, seq: int) -> str:
        """Return the run that a child began as; empty: it has not, as far as the code knows."""
        handle = self.children.get(seq)
        return handle.run_id if handle is not None else ""

    def _cancel_child(self, seq: int) -> None:
        context = self._context
        if seq in self.children and not context.ends_behind(seq, CHILD_ENDS):
            asked = context.cancel_requested
            reason = self.children[seq].reason or (asked.reason if asked is not None else "")
            context.ask(ChildCancelRequested(at=context.now, seq=seq, reason=reason, source=source_line()))

    def child_started(self, fact: ch.ChildStarted) -> None:
        """The child runs."""
        handle = self.children.get(fact.seq)
        if handle is not None:
            handle.has_started(fact.run_id)

    def child_not_started(self, fact: ch.ChildStartFailed) -> None:
        """The child's id is taken."""
        handle = self.children.pop(fact.seq, None)
        if handle is not None:
            asked = handle.initiated
            handle.has_not_started(
                WorkflowAlreadyStartedError(asked.workflow_id, asked.workflow_type, run_id=fact.run_id or None)
            )

    def cancel_delivered(self, fact: ch.ChildCancelDelivered) -> None:
        """The child has the request; recorded only where the code waits for that."""
        handle = self.children.get(fact.seq)
        if handle is not None and not handle.done():
            handle.end_canceled(None)

    # -- messages ----------------------------------------------------------------------------------------------------

    def send(self, request: Callable[[int], out.ExternalSignalRequested | out.ExternalCancelRequested]) -> Future[None]:
        """Ask for a message; `request` makes it from its number."""
        seq = self._message_seq + 1
        self._context.ask(request(seq))
        self._message_seq = seq
        future: Future[None] = self._context.loop.create_future()
        self.messages[seq] = future
        return future

    def message_ended(self, seq: int, error: BaseException | None) -> None:
        """The message was delivered, or was not."""
        future = self.messages.pop(seq, None)
        if future is None or future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def canceled_child(initiated: ch.ChildInitiated, run_id: str) -> ChildWorkflowError:
    """Return the error of a child that was cancelled without waiting for its outcome."""
    error = ChildWorkflowError(
        "Child workflow cancelled",
        namespace="default",
        workflow_id=initiated.workflow_id,
        run_id=run_id,
        workflow_type=initiated.workflow_type,
        initiated_event_id=initiated.seq,
        started_event_id=0,
        retry_state=RetryState.CANCEL_REQUESTED,
    )
    error.__cause__ = CancelledError("Cancelled")
    return error
