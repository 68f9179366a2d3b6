"""Messages from run to run: signals, and requests to cancel, to workflows that are no children.

A message has an id that follows from its sender's, so that delivering it twice is delivering it once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from understudy.actors.behaviors.decisions.child_runs import child_run_id, own_id
from understudy.actors.behaviors.decisions.commands import CancelWorkflow, Command, NoteMessage, SignalWorkflow
from understudy.actors.relations.children import GONE
from understudy.actors.relations.delivered import was_delivered
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested

if TYPE_CHECKING:
    from understudy.actors.relations.children import Children
    from understudy.actors.relations.retried import RetriedTasks
    from understudy.actors.requests.service import Service
    from understudy.actors.runs.definitions import Definitions
    from understudy.actors.runs.live_run import LiveRun
    from understudy.actors.runs.registry import RunRegistry
    from understudy.events.failures.failure import Failure
    from understudy.events.store.port import EventStore

__all__ = ["Outbound"]

Message = ExternalSignalRequested | ExternalCancelRequested


class Outbound:
    """The messages of runs to other workflows; used on the engine's loop.

    Args:
        tasks: does the work.
        runs: those in memory.
        store: where all are.
        service: sends commands to workflows.
        children: knows which are being started.
        definitions: by which failures are converted.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands everything in
        self,
        *,
        tasks: RetriedTasks,
        runs: RunRegistry,
        store: EventStore,
        service: Service,
        children: Children,
        definitions: Definitions,
    ) -> None:
        self._tasks = tasks
        self._runs = runs
        self._store = store
        self._service = service
        self._children = children
        self._definitions = definitions

    def send(self, sender: LiveRun, asked: Message, *, again: bool = False) -> None:
        """Deliver a message to another workflow, and tell the sender; `again`: an earlier try may have succeeded."""
        self._tasks.start("send", sender.run_id, asked.seq, partial(self._send, sender, asked), again=again)

    async def _send(self, sender: LiveRun, asked: Message, again: bool) -> None:  # noqa: FBT001 - a `Work`
        request_id, first = f"{own_id(sender.state, message=asked.seq)}/{asked.seq}", None
        store = self._store
        if again and not asked.run_id and was_delivered(store, asked.workflow_id, asked.at, request_id):
            self._told(sender, asked, None)
            return
        if isinstance(asked, ExternalCancelRequested):
            command: Command = CancelWorkflow(reason=asked.reason, request_id=request_id)
        else:
            if asked.child:
                await self._children.begun(sender.run_id, asked.child)
                child = sender.state.children.get(asked.child)
                first = (child.run_id if child is not None else "") or child_run_id(sender.state, asked.child)
            command = SignalWorkflow(name=asked.name, input=asked.input, headers=asked.headers, request_id=request_id)
        failure = None
        try:
            await self._service.send_to(asked.workflow_id, asked.run_id or None, command, first_run_id=first)
        except GONE as error:
            told = ApplicationError(str(error), type="ExternalWorkflowExecutionNotFound", non_retryable=True)
            failure = self._definitions.failure_of(sender.workflow_id, told)
        self._told(sender, asked, failure)

    def _told(self, sender: LiveRun, asked: Message, failure: Failure | None) -> None:
        if sender.state.is_open:
            self._runs.tell(sender.run_id, NoteMessage(seq=asked.seq, failure=failure))
