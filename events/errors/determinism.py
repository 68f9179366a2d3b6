"""Errors of workflow code that a replay cannot repeat: it touches the outside, has changed, or does not yield.

They say "you did wrong", as those in `events.errors.usage`. What user code must not swallow is a `StopError` instead.
"""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import StopError, UsageError

__all__ = [
    "DeadlockError",
    "DeterminismError",
    "NewerRunError",
    "NondeterminismError",
    "UnsupportedVersionError",
]


class NondeterminismError(UsageError):
    """A replay asked for something else than is recorded (SAME-AGAIN); the sources are `file:line`."""

    run_id: str
    position: int
    recorded: str
    produced: str
    recorded_source: str = ""
    produced_source: str = ""

    statement: ClassVar[str] = (
        "the code no longer does what it did: event {position} of run {run_id!r} is {recorded}{recorded_at}, "
        "but the replay came to {produced}{produced_at}"
    )
    advice: ClassVar[str] = (
        "Bring the old code back, or keep both ways in one code with workflow.patched(...); the run waits where it is "
        "until then"
    )

    @property
    def recorded_at(self) -> str:
        """The place that the recorded command came from, as a part of the sentence."""
        return f" ({self.recorded_source})" if self.recorded_source else ""

    @property
    def produced_at(self) -> str:
        """The place that the new command comes from, as a part of the sentence."""
        return f" ({self.produced_source})" if self.produced_source else ""


class DeterminismError(StopError):
    """Workflow code touched the outside; `instead` is the deterministic call for the same."""

    call: str
    instead: str
    file: str = ""
    line: int = 0

    statement: ClassVar[str] = "{call} in workflow code{at} would give another result in a replay"
    advice: ClassVar[str] = "Use {instead}"

    @property
    def at(self) -> str:
        """The place of the call, as a part of the sentence."""
        return f" ({self.file}:{self.line})" if self.file else ""


class UnsupportedVersionError(UsageError):
    """The code does not know the version of a change that its run keeps to; see `workflow.get_version`."""

    change_id: str
    version: int
    min_supported: int
    max_supported: int

    statement: ClassVar[str] = (
        "this run keeps to version {version} of change {change_id!r}, and the code supports {min_supported} to "
        "{max_supported}"
    )
    advice: ClassVar[str] = "Bring the code of that version back; the run waits where it is until then"


class NewerRunError(UsageError):
    """A run was begun by a later release, which orders something otherwise and says so by a behaviour flag."""

    run_id: str
    flags: int
    known: int

    statement: ClassVar[str] = (
        "run {run_id!r} was begun by a later release: of its behaviour flags {flags} this one knows {known}"
    )
    advice: ClassVar[str] = "Run it by that release or a later one; it waits where it is until then"


class DeadlockError(StopError):
    """A turn of a workflow held the loop too long; `stack` is what it was doing.

    All fields have defaults because the watchdog raises the bare class in the stuck thread: Python's asynchronous
    exceptions take a class and no arguments. Who catches it there raises it again with what it knows.
    """

    workflow_id: str = ""
    run_id: str = ""
    seconds: float = 0.0
    stack: str = ""

    statement: ClassVar[str] = "a turn of workflow {workflow_id!r} (run {run_id!r}) did not yield for {seconds:g} s"
    advice: ClassVar[str] = "Move what computes or blocks into an activity; a workflow's code only decides and awaits"

    def __str__(self) -> str:
        """Put the stack last: its lines are for reading one by one, and would tear the sentences apart."""
        return f"{super().__str__()} It was at:\n{self.stack.rstrip()}" if self.stack else super().__str__()
