"""The post: puts a message into a run's mailbox and awaits the answer, or reads a run as it stands.

Every request stands on it. An answer comes when what it rests on is on disk (ACKED).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pykka._envelope import Envelope

from understudy.actors.dispatch import Reply
from understudy.events.state.evolve import fold

if TYPE_CHECKING:
    import asyncio

    from understudy.actors.behaviors.decisions.commands import Command
    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.runs.live_run import Read
    from understudy.actors.runs.registry import RunRegistry
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.store.port import EventStore

__all__ = ["Post"]


class Post:
    """The way to the runs of one system; used on the engine's loop.

    Args:
        dispatcher: whose loop it is.
        runs: those in memory, and the way to bring others back.
        store: where all are.
    """

    def __init__(self, dispatcher: Dispatcher, runs: RunRegistry, store: EventStore) -> None:
        self._dispatcher = dispatcher
        self.runs = runs
        self.store = store

    async def send(self, run_id: str, command: Command) -> Any:
        """Send a command and wait until its events are on disk.

        Raises:
            UsageError: the run refuses it, as a closed one does.
            EngineError: it could not be stored.
        """
        return await self.ask(run_id, command)

    def ask(self, run_id: str, message: Command | Read) -> asyncio.Future[Any]:
        """Put a message down and return the future of its answer.

        Raises:
            MailboxFullError: as many messages as may wait are waiting.
        """
        reply = self.reply()
        self.runs.actor(run_id).actor_inbox.put(Envelope(message, reply))
        return reply.future

    def execution(self, run_id: str) -> WorkflowExecution:
        """Return the aggregate of a run as it is now, in memory or on disk.

        Raises:
            EngineError: it cannot be read.
        """
        actor = self.runs.live.get(run_id)
        if actor is not None and actor.run.is_loaded:
            return actor.run.state
        return fold(run_id, self.store.load(run_id))

    def reply(self) -> Reply:
        """Return a new answer, to be given and awaited."""
        future: asyncio.Future[Any] = self._dispatcher.loop.create_future()
        return Reply(future)
