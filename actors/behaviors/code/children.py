"""The children of a run, as its code sees them.

A child is a future, like an activity (`code.handles`), and has a second one that resolves when the child has started.
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
    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.events import child as ch
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["Children"]

H = TypeVar("H", bound=ChildHandle[Any])


class Children:
    """The children of one run; owned by its `Context`.

    Args:
        recorder: of the run.
        converter: of the run's values.
        failures: of the run's failures.
        cancel_reason: returns why the run itself was asked to stop; empty: it was not, or nobody said why.
    """

    __slots__ = ("_cancel_reason", "_converter", "_failures", "_recorder", "_seq", "open")

    def __init__(
        self,
        recorder: Recorder,
        converter: PayloadConverter,
        failures: FailureConverter,
        cancel_reason: Callable[[], str],
    ) -> None:
        """Begin without any child."""
        self._recorder = recorder
        self._converter = converter
        self._failures = failures
        self._cancel_reason = cancel_reason
        self._seq = 0
        self.open: dict[int, ChildHandle[Any]] = {}
        """The children that have no outcome, as far as the code knows, by number."""

    def let_go(self) -> None:
        """Drop the handles, which refer back to this."""
        self.open.clear()

    def next_child(self) -> int:
        """Return the number for the next child."""
        return self._seq + 1

    def start_child(self, initiated: ch.ChildInitiated, result_hint: Any, make: type[H]) -> H:
        """Ask for a child; `initiated.seq` comes from `next_child`, and `make` is the class of the handle."""
        self._recorder.ask(initiated)
        seq = self._seq = initiated.seq
        loop = self._recorder.loop
        handle = make(loop=loop)
        handle.converter = for_workflow(self._converter, initiated.workflow_id)
        handle.failures = for_workflow(self._failures, initiated.workflow_id)
        handle.initiated, handle.run_id, handle.started = initiated, "", loop.create_future()
        handle.prepare(
            result_hint,
            initiated.cancellation_type,
            lambda: self._cancel_child(seq),
            lambda: canceled_child(initiated, self._run_of(seq)),
        )
        self.open[seq] = handle
        return handle

    def _run_of(self, seq: int) -> str:
        """Return the run id of a child; empty while the code does not know that it has started."""
        handle = self.open.get(seq)
        return handle.run_id if handle is not None else ""

    def _cancel_child(self, seq: int) -> None:
        recorder = self._recorder
        if seq in self.open and not recorder.ends_behind(seq, CHILD_ENDS):
            reason = self.open[seq].reason or self._cancel_reason()
            recorder.ask(ChildCancelRequested(at=recorder.now, seq=seq, reason=reason, source=source_line()))

    def child_started(self, fact: ch.ChildStarted) -> None:
        """Tell those who wait for the start of a child that it runs."""
        handle = self.open.get(fact.seq)
        if handle is not None:
            handle.has_started(fact.run_id)

    def child_not_started(self, fact: ch.ChildStartFailed) -> None:
        """Tell those who wait for the start of a child that its id is taken."""
        handle = self.open.pop(fact.seq, None)
        if handle is not None:
            asked = handle.initiated
            handle.has_not_started(
                WorkflowAlreadyStartedError(asked.workflow_id, asked.workflow_type, run_id=fact.run_id or None)
            )

    def cancel_delivered(self, fact: ch.ChildCancelDelivered) -> None:
        """End a child as cancelled: it has the request. Only children that wait for just that have this fact."""
        handle = self.open.get(fact.seq)
        if handle is not None and not handle.done():
            handle.end_canceled(None)


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
