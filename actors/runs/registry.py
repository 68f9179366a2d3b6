"""The runs in memory: found by their ids, brought back by a message, and let go when they are idle, or too many.

A run that left comes back with the next message or wake-up; what it leaves behind is in the store. Only how often its
code has failed is kept here: that the code is tried again does not depend on where the run is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pykka._envelope import Envelope

from understudy.actors.behaviors.decisions.commands import Command, Wake
from understudy.actors.runs.live_run import LiveRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.runs.actor import WorkflowActor
    from understudy.actors.runs.turn import Owner

__all__ = ["WAKE", "RunRegistry", "Stuck"]

ROOM_SECONDS: Final = 0.1
"""The time between two tries to make room while there are too many runs in memory."""

WAKE: Final = Wake()


class Stuck(NamedTuple):
    """The facts kept of a run that left memory after its code failed, until it comes back."""

    trouble: BaseException | None = None
    failed_turns: int = 0
    retry_at: int = 0


class RunRegistry:
    """Actors of live runs by run id, and open runs by workflow id; used on the engine's loop.

    Args:
        dispatcher: whose loop it is.
        make: makes the actor of a run.
    """

    left: Callable[[LiveRun], None]
    """Is told of an open run that leaves memory; set by whoever owns the registry."""

    def __init__(self, dispatcher: Dispatcher, make: Callable[[LiveRun], WorkflowActor]) -> None:
        self._dispatcher = dispatcher
        self._make = make
        self.live: dict[str, WorkflowActor] = {}
        self.open_ids: dict[str, LiveRun] = {}
        self.stuck_runs: dict[str, Stuck] = {}
        """Open runs that are not in memory and whose code has failed, by run id."""
        self.max_live = 10_000
        self._making_room = False

    # -- finding and telling -----------------------------------------------------------------------------------------

    def actor(self, run_id: str, workflow_id: str = "") -> WorkflowActor:
        """Return the live actor of a run, or bring it back; it reads its events in its first turn."""
        found = self.live.get(run_id)
        if found is None:
            run = LiveRun(run_id, workflow_id or run_id)
            if run_id in self.stuck_runs:
                run.trouble, run.failed_turns, run.retry_at = self.stuck_runs.pop(run_id)
            found = self.live[run_id] = self._make(run)
            self.make_room()
        return found

    def new(self, run_id: str, workflow_id: str) -> WorkflowActor:
        """Return the actor of a run that begins now."""
        run = LiveRun(run_id, workflow_id)
        run.active_at = self._dispatcher.loop.time()
        actor = self.live[run_id] = self._make(run)
        return actor

    def tell(self, run_id: str, command: Command) -> None:
        """Send a message to a run; nobody waits for its answer."""
        self.actor(run_id).actor_inbox.put(Envelope(command))

    def wake(self, run_id: str) -> None:
        """Let a run look for what is due."""
        self.tell(run_id, WAKE)

    def try_at_once(self, run_id: str) -> None:
        """Let a run whose code is not live try the code now, also if it failed and its next time has not come."""
        self.actor(run_id).run.retry_at = 0
        self.wake(run_id)

    def redeliver(self, left: LiveRun, envelopes: list[Envelope[Any]]) -> None:
        """Hand messages that reached an actor after it left memory to its successor."""
        inbox = self.actor(left.run_id, left.workflow_id).actor_inbox
        for envelope in envelopes:
            inbox.put(envelope)

    # -- letting go --------------------------------------------------------------------------------------------------

    def closed(self, owner: Owner) -> None:
        """Free the id of a run that has closed and whose last effects are done, and its memory when nothing waits."""
        self.free_id(owner.run)
        if owner.run.updates_waiting_for_code:
            owner.put_back_waiting_updates()
        self.passivate_if_quiet(owner.run)

    def free_id(self, run: LiveRun) -> None:
        """Free the workflow id of a closed run for another run."""
        if self.open_ids.get(run.workflow_id) is run:
            del self.open_ids[run.workflow_id]

    def forget(self, run: LiveRun) -> None:
        """Take a run out of the index."""
        actor = self.live.get(run.run_id)
        if actor is not None and actor.run is run:
            del self.live[run.run_id]
        self.free_id(run)

    def passivate_if_quiet(self, run: LiveRun) -> bool:
        """Let a run leave memory if nothing would be missed; return True if it left."""
        actor = self.live.get(run.run_id)
        if actor is None or actor.run is not run or not actor.can_leave_memory:
            return False
        self.forget(run)
        if run.state.is_open:
            self.left(run)
            if run.failed_turns:
                _without_frames(run.trouble)
                self.stuck_runs[run.run_id] = Stuck(run.trouble, run.failed_turns, run.retry_at)
        actor.leave()
        return True

    def make_room(self, *, again: bool = False) -> None:
        """Let runs leave memory if there are too many; runs that are busy now are looked at again a little later."""
        if self._making_room or len(self.live) <= self.max_live:
            return
        self._making_room = True
        self._dispatcher.loop.call_later(ROOM_SECONDS if again else 0, self._room)

    def _room(self) -> None:
        self._making_room = False
        if not self._dispatcher.stopped:
            self.passivate(self.max_live * 9 // 10)
            self.make_room(again=True)

    def passivate(self, keep: int, idle_before: float | None = None) -> int:
        """Let the longest idle runs leave memory until `keep` are live; return how many left.

        Args:
            keep: the number of runs that may stay.
            idle_before: let go only those whose last turn was before this loop time (s).
        """
        left = 0
        for run in sorted((actor.run for actor in self.live.values()), key=lambda run: run.active_at):
            if len(self.live) <= keep or (idle_before is not None and run.active_at >= idle_before):
                break
            left += self.passivate_if_quiet(run)
        return left

    def close(self, error: BaseException | None = None) -> None:
        """Let all actors leave memory; those whose updates wait get `error`."""
        for actor in list(self.live.values()):
            if error is not None:
                actor.run.refuse_waiting_updates(error)
            actor.leave()
        self.live.clear()


def _without_frames(error: BaseException | None) -> None:
    """Drop the traceback of an error, which holds the run's state and what its code had."""
    seen: set[int] = set()
    rest = [error]
    while rest:
        error = rest.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            error.__traceback__ = None
            rest += (error.__cause__, error.__context__)
