"""Errors that say "it went wrong" of the engine itself: the call was in order, but the engine could not do it.

Those of its store are in `events.errors.store`. Foreign errors become one of these at the border, with the foreign one
as `__cause__`.
"""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import EngineError

__all__ = [
    "EngineStoppedError",
    "IllegalTransitionError",
    "StuckWorkflowError",
    "WorkflowNotBegunError",
]


class IllegalTransitionError(EngineError):
    """An event came where no table allows it: the stream is damaged or the engine is wrong."""

    state: str
    event: str

    statement: ClassVar[str] = "event {event!r} may not follow in state {state}"
    advice: ClassVar[str] = "Keep the run's history and report it, together with the release that wrote it"


class EngineStoppedError(EngineError):
    """The engine stopped before it could answer; what was acknowledged is recorded and goes on at its next start."""

    reason: str = ""

    statement: ClassVar[str] = "the engine stopped{because}"
    advice: ClassVar[str] = "Connect again; a request without an answer may have been recorded, so repeat it by its id"

    @property
    def because(self) -> str:
        """The reason as a part of the sentence."""
        return f": {self.reason}" if self.reason else " before it could answer"


class StuckWorkflowError(EngineError):
    """The workflow's code raises what is no declared failure, turn after turn; the run waits for code that works."""

    workflow_id: str
    run_id: str
    attempts: int
    reason: str

    statement: ClassVar[str] = (
        "workflow {workflow_id!r} (run {run_id!r}) is stuck: its turn failed {attempts} times, last with {reason}"
    )
    advice: ClassVar[str] = (
        "Mend the code and restart the worker, which takes the turn up again; to end a run as failed, raise "
        "ApplicationError or list the type in failure_exception_types"
    )


class WorkflowNotBegunError(EngineError):
    """A query came to a run whose first turn is due later, so there is no code yet that could answer."""

    workflow_id: str
    run_id: str
    due: str

    statement: ClassVar[str] = "workflow {workflow_id!r} (run {run_id!r}) has not begun: its first turn is due at {due}"
    advice: ClassVar[str] = (
        "Ask again then; a signal or an update ends the wait for a start_delay, but none for a cron_schedule or a retry"
    )
