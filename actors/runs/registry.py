"""The runs that are in memory: found by their ids, and let go when they are idle, or too many.

The base of the supervisor of workflow actors (`actors.runs.supervisor`). A run that left comes back with the next
message or wake-up; what it leaves behind is in the store. Only how often its code has failed is kept here: that the
code is tried again does not depend on where the run is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.effects import Effects
    from understudy.actors.runs.actor import WorkflowActor

__all__ = ["LiveRuns", "Stuck"]

ROOM_SECONDS: Final = 0.1
"""How often runs are asked to leave memory while there are too many."""


class Stuck(NamedTuple):
    """What is kept of a run that left memory after its code failed, until it comes back."""

    trouble: BaseException | None = None
    failed_turns: int = 0
    retry_at: int = 0


class LiveRuns:
    """Live runs by run id, and open ones by workflow id; used on the engine's loop."""

    effects: Effects
    """Set by the composition root."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Begin with no run live."""
        self.dispatcher = dispatcher
        self.live: dict[str, WorkflowActor] = {}
        self.open_ids: dict[str, WorkflowActor] = {}
        self.stuck: dict[str, Stuck] = {}
        """Open runs that are not in memory and whose code has failed, by run id."""
        self.max_live = 10_000
        self._making_room = False

    def closed(self, actor: WorkflowActor) -> None:
        """A run has closed and its last effects are done: free its id, and its memory when nothing waits."""
        self.free_id(actor)
        actor.put_waiting_back()
        self.passivate_if_quiet(actor)

    def free_id(self, actor: WorkflowActor) -> None:
        """Let the workflow id of a closed run mean it no more; another run may have it."""
        if self.open_ids.get(actor.name) is actor:
            del self.open_ids[actor.name]

    def forget(self, actor: WorkflowActor) -> None:
        """Take a run out of the index."""
        if self.live.get(actor.run_id) is actor:
            del self.live[actor.run_id]
        self.free_id(actor)

    def passivate_if_quiet(self, actor: WorkflowActor) -> bool:
        """Let a run leave memory if nothing would be missed; return whether it did."""
        if not actor.is_quiet:
            return False
        self.forget(actor)
        if actor.state.is_open:
            self.effects.left(actor)
            if actor.failed_turns:
                _without_frames(actor.trouble)
                self.stuck[actor.run_id] = Stuck(actor.trouble, actor.failed_turns, actor.retry_at)
        actor.leave()
        return True

    def make_room(self, *, again: bool = False) -> None:
        """Let runs leave if there are too many; those that are busy now are looked at again a little later."""
        if self._making_room or len(self.live) <= self.max_live:
            return
        self._making_room = True
        self.dispatcher.loop.call_later(ROOM_SECONDS if again else 0, self._room)

    def _room(self) -> None:
        self._making_room = False
        if not self.dispatcher.stopped:
            self.passivate(self.max_live * 9 // 10)
            self.make_room(again=True)

    def passivate(self, keep: int, idle_before: float | None = None) -> int:
        """Let the longest idle runs leave memory until `keep` are live; return how many left.

        Args:
            keep: how many may stay.
            idle_before: let go only those whose last turn was before this loop time (s).
        """
        left = 0
        for actor in sorted(self.live.values(), key=lambda a: a.active_at):
            if len(self.live) <= keep or (idle_before is not None and actor.active_at >= idle_before):
                break
            left += self.passivate_if_quiet(actor)
        return left


def _without_frames(error: BaseException | None) -> None:
    """Let go of what an error holds by its traceback: the run's state, and what its code had."""
    seen: set[int] = set()
    rest = [error]
    while rest:
        error = rest.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            error.__traceback__ = None
            rest += (error.__cause__, error.__context__)
