"""A turn: the events that one activation of an actor wants stored, and the answers to give once they are.

Nearly always one run takes part; a run that the workflow's retry policy follows by another makes it two, and then
both streams are stored together or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from understudy.events.store.port import Append, ExecutionRow
from understudy.events.workflow import CLOSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pykka import Future
    from pykka._envelope import Envelope

    from understudy.actors.runs.live_run import LiveRun
    from understudy.events.activity import ActivityScheduled
    from understudy.events.event import Event

__all__ = ["Owner", "Part", "Turn"]


class Owner(Protocol):
    """The one live owner of a run, as turns and those who commit them know it: its actor."""

    run: LiveRun

    def put_back_waiting_updates(self) -> None:
        """Let the updates that wait for code come in again."""
        ...

    def leave(self) -> None:
        """Leave memory; the events stay."""
        ...

    def restart(self) -> None:
        """Begin anew from the disk, with the messages that were held."""
        ...


class Part:
    """One run's share of a turn, behind version `after` of its stream."""

    __slots__ = ("after", "canceled_local_activities", "events", "new_local_activities", "owner", "run", "woken")

    def __init__(self, owner: Owner, after: int) -> None:
        self.owner = owner
        self.run = owner.run
        self.after = after
        self.events: list[Event] = []
        self.new_local_activities: Sequence[ActivityScheduled] = ()
        self.canceled_local_activities: Sequence[int] = ()
        self.woken = False
        """True if the actor was woken, so that attempts may be due."""

    @property
    def closes(self) -> bool:
        """True if the run ends in it; nothing follows a closing event (CLOSED)."""
        return bool(self.events) and type(self.events[-1]) in CLOSING

    def append(self) -> Append:
        """Return the part as the store wants it."""
        return Append(self.run.run_id, self.after, tuple(self.events))


class Turn:
    """The parts and answers of one turn; it begins with its owner's empty part at `now`, ns since the epoch."""

    __slots__ = ("answers", "founded_runs", "now", "parts", "taken_commands")

    def __init__(self, owner: Owner, now: int, after: int) -> None:
        self.now = now
        self.parts = [Part(owner, after)]
        self.founded_runs: Sequence[tuple[Append, ExecutionRow]] = ()
        """Runs that begin with a history, as resets make them; woken once they are on disk."""
        self.taken_commands: list[Envelope[Any]] = []
        """Commands that went in; those that nobody waits for are tried again if the commit fails."""
        self.answers: list[tuple[Future[Any], Any, BaseException | None]] = []

    @property
    def own(self) -> Part:
        """The part of the run whose turn it is."""
        return self.parts[0]

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to store."""
        parts = self.parts
        return (
            not parts[0].events
            and not self.founded_runs
            and (len(parts) == 1 or not any(part.events for part in parts))
        )

    def answer(self) -> None:
        """Give all answers; called once what they rest on is on disk."""
        for reply, value, error in self.answers:
            if error is None:
                reply.set(value)
            else:
                reply.set_exception((type(error), error, error.__traceback__))
        self.answers.clear()

    def refuse(self, error: BaseException) -> None:
        """Tell everybody who waits for an answer that the turn did not happen.

        Also those who were to be refused: what they were refused for may rest on a state that never was.
        """
        self.answers = [(reply, None, error) for reply, _, _ in self.answers]
        self.answer()
