"""A turn: what one activation of an actor wants stored, and what is to happen once it is.

Nearly always one actor takes part; a run that the workflow's retry policy follows by another makes it two, and then
both streams are stored together or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.events.store.port import Append, ExecutionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pykka import Future
    from pykka._envelope import Envelope

    from understudy.actors.runs.actor import WorkflowActor
    from understudy.events.activity import ActivityScheduled
    from understudy.events.event import Event

__all__ = ["Part", "Turn"]


class Part:
    """One actor's share of a turn."""

    __slots__ = ("actor", "after", "events", "local", "local_dropped", "woken")

    def __init__(self, actor: WorkflowActor, after: int) -> None:
        """Begin behind version `after` of the actor's stream."""
        self.actor = actor
        self.after = after
        self.events: list[Event] = []
        self.local: Sequence[ActivityScheduled] = ()
        self.local_dropped: Sequence[int] = ()
        self.woken = False
        """Whether the actor was woken, so that attempts may be due."""

    def append(self) -> Append:
        """Return the part as the store wants it."""
        return Append(self.actor.run_id, self.after, tuple(self.events))


class Turn:
    """What a turn gathers."""

    __slots__ = ("answers", "founded", "now", "parts", "taken")

    def __init__(self, actor: WorkflowActor, now: int, after: int) -> None:
        """Begin with one actor's empty part at `now`, ns since the epoch."""
        self.now = now
        self.parts = [Part(actor, after)]
        self.founded: Sequence[tuple[Append, ExecutionRow]] = ()
        """Runs that begin with a history, as resets make them; woken once they are on disk."""
        self.taken: list[Envelope[Any]] = []
        """Commands that went in; those that nobody waits for are tried again if the commit fails."""
        self.answers: list[tuple[Future[Any], Any, BaseException | None]] = []

    @property
    def own(self) -> Part:
        """The part of the actor whose turn it is."""
        return self.parts[0]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        parts = self.parts
        return not parts[0].events and not self.founded and (len(parts) == 1 or not any(part.events for part in parts))

    def answer(self) -> None:
        """Give all answers; called once what they rest on is on disk."""
        for reply, value, error in self.answers:
            if error is None:
                reply.set(value)
            else:
                reply.set_exception((type(error), error, error.__traceback__))
        self.answers.clear()

    def refuse(self, error: BaseException) -> None:
        """Tell everybody who waits for an answer that it did not happen.

        Also those who were to be refused: what they were refused for may rest on a state that never was.
        """
        self.answers = [(reply, None, error) for reply, _, _ in self.answers]
        self.answer()
