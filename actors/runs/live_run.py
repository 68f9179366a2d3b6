"""One live run as a record: its aggregate, its code, where its actor stands, and what keeps its code from going on.

Nothing here knows an actor, a turn or a supervisor. `code_host` drives the code, `actor` takes the messages, `turn`
and `commits` take what they do to the disk; all of them share this record.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from understudy.events.state.execution import WorkflowExecution

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Callable, Sequence

    from pykka import Future
    from pykka._envelope import Envelope

    from understudy.actors.behaviors.code.run import Run

__all__ = ["LiveRun", "Phase", "Read"]


class Phase(Enum):
    """The phases of the actor of a run."""

    RECOVERING = "recovering"
    RUNNING = "running"
    DEFERRED = "deferred"
    DRAINING = "draining"
    STOPPED = "stopped"


class PartAhead(Protocol):
    """One run's share of a turn that is not on disk yet."""

    woken: bool

    @property
    def run(self) -> LiveRun:
        """The run whose share it is."""
        ...


class TurnAhead(Protocol):
    """A turn that is not on disk yet, as a run remembers its latest."""

    @property
    def answers(self) -> list[tuple[Future[Any], Any, BaseException | None]]:
        """The answers that are given when it is."""
        ...

    @property
    def parts(self) -> Sequence[PartAhead]:
        """The runs that take part in it."""
        ...


class LiveRun:
    """A run in memory; owned by its actor, used on the engine's loop.

    Args:
        run_id: its id.
        workflow_id: the id of its workflow; until the events are read, it may be the run id.
    """

    __slots__ = (
        "active_at",
        "code",
        "failed_turns",
        "has_settled_debts",
        "has_update_before_start",
        "held_messages",
        "last_row",
        "latest_turn",
        "lost_turns",
        "phase",
        "restart_handle",
        "retry_at",
        "run_id",
        "state",
        "trouble",
        "uncommitted",
        "updates_waiting_for_code",
        "workflow_id",
    )

    def __init__(self, run_id: str, workflow_id: str) -> None:
        self.run_id = run_id
        self.workflow_id = workflow_id
        self.phase = Phase.RECOVERING
        self.state = WorkflowExecution(run_id)
        """The aggregate, at version 0 until the events are read."""
        self.code: Run | None = None
        self.trouble: BaseException | None = None
        """The reason why the code cannot take facts now; shown by `describe`."""
        self.failed_turns = 0
        """The number of turns in a row that the code has failed."""
        self.retry_at = 0
        """The time when the code is tried again, ns since the epoch; 0: not planned."""
        self.uncommitted = 0
        """The number of its turns and rows that are handed to the journal and not on disk yet."""
        self.latest_turn: TurnAhead | None = None
        """The latest turn that is not on disk yet."""
        self.active_at = 0.0
        """The time of its last turn that was more than a look, s by the loop's clock."""
        self.last_row: tuple[Any, ...] | None = None
        """The contents of the execution row that was written last."""
        self.held_messages: list[Envelope[Any]] = []
        """Messages that wait until the run begins anew from the disk."""
        self.updates_waiting_for_code: list[Envelope[Any]] = []
        self.has_settled_debts = False
        """True once it has done what it owed to others at its end: to its children, and by its messages."""
        self.has_update_before_start = False
        """True if an update has come that a start delay is not to hold up."""
        self.lost_turns = 0
        """The number of turns in a row that were lost to the store."""
        self.restart_handle: TimerHandle | None = None

    @property
    def is_loaded(self) -> bool:
        """True if the events have been read."""
        return self.state.version > 0

    def drop_code(self) -> None:
        """Throw the coroutine side away; it is rebuilt from the events when needed."""
        code, self.code = self.code, None
        if code is not None:
            code.close()

    def refuse_waiting_updates(self, error: BaseException) -> None:
        """Give `error` to the senders of the updates that wait for code."""
        waiting, self.updates_waiting_for_code = self.updates_waiting_for_code, []
        for envelope in waiting:
            if envelope.reply_to is not None:
                envelope.reply_to.set_exception((type(error), error, error.__traceback__))


class Read:
    """A message that changes nothing: `fn(run)` is the answer, given when what it may have seen is on disk.

    Args:
        fn: returns the answer.
        needs_code: the workflow's code must be live for it.
    """

    __slots__ = ("fn", "needs_code")

    def __init__(self, fn: Callable[[LiveRun], Any], *, needs_code: bool = False) -> None:
        self.fn = fn
        self.needs_code = needs_code
