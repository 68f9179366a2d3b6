"""Operators' control of a run through its handle: pause and unpause it, and reset it to an earlier event."""

from __future__ import annotations

from understudy._calls.targets import checked_kind
from understudy._client.handles.address import Addressed, send
from understudy.actors.behaviors.decisions.commands import PauseWorkflow, ResetWorkflow, UnpauseWorkflow
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options.policies import ResetChildren

__all__ = ["Operator"]


class Operator(Addressed):
    """The control of a workflow's handle: pause, unpause, reset."""

    async def pause(self, *, note: str | None = None, freeze_timers: bool = False) -> None:
        """Keep the run's code from taking anything more until the run is unpaused; a paused run stays as it is.

        What comes meanwhile is recorded and waits. Activities that run go on, and so do the run's own time-outs.

        Args:
            note: why, for people.
            freeze_timers: let timers stand still, and go on with the rest of their time later; else they run on.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        note = _checked_note(note)
        await send(
            self._address,
            PauseWorkflow(note=note, freeze_timers=freeze_timers, identity=self._address.connection.identity),
        )

    async def unpause(self, *, note: str | None = None) -> None:
        """Let the run's code go on with what has come meanwhile; a run that is not paused goes on anyway.

        Args:
            note: why, for people.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: the run is closed.
        """
        await send(self._address, UnpauseWorkflow(note=_checked_note(note), identity=self._address.connection.identity))

    async def reset(
        self,
        event_id: int,
        *,
        reason: str = "",
        reapply_signals: bool = True,
        reapply_updates: bool = True,
        children: ResetChildren = ResetChildren.ADOPT,
    ) -> str:
        """Make a new run of this one as it was at an earlier event, and let the code go on from there.

        The new run has the events in front, and the code takes the turn that `event_id` belongs to anew. An open run
        is terminated in the same commit, and `result()` follows to the new one. Activities that were under way at
        that point are attempted again; timers keep their times.

        Args:
            event_id: the number of an event of the run, from 1; its whole turn is taken anew.
            reason: for people.
            reapply_signals: send the new run the signals that came later.
            reapply_updates: send it the updates that were accepted later.
            children: what becomes of the children that were started later.

        Returns:
            The run id of the new run.

        Raises:
            InvalidArgumentError: the run has no such event, or is closed, and its children that are to be terminated
                are open.
            ResetRefusedError: another run of the workflow is open.
            WorkflowNotFoundError: there is no such workflow.
        """
        if isinstance(event_id, bool) or not isinstance(event_id, int):
            raise ArgumentTypeError(what="event_id", got=repr(event_id), expected="the number of an event")
        if event_id < 1:
            raise InvalidArgumentError(what="event_id", got=repr(event_id), expected="1 or more")
        checked_kind(children, ResetChildren, "children")
        command = ResetWorkflow(
            event_id=event_id,
            reason=reason,
            reapply_signals=reapply_signals,
            reapply_updates=reapply_updates,
            children=children,
            identity=self._address.connection.identity,
        )
        new_run_id: str = await send(self._address, command)
        return new_run_id


def _checked_note(note: object) -> str:
    if note is None:
        return ""
    if not isinstance(note, str):
        raise ArgumentTypeError(what="note", got=repr(note), expected="a str")
    return note
