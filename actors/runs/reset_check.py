"""Refuses to reset a closed run while another run is open, or if open children would have to be terminated.

An open run that is reset is terminated in the same commit, and its closing event says what becomes of its children.
Nothing can be recorded of a closed one (CLOSED), so it cannot be asked to terminate any: a crash would cut that off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from understudy.events.errors import InvalidArgumentError, ResetRefusedError
from understudy.events.options.policies import ResetChildren
from understudy.events.store.port import OPEN_STATUS

if TYPE_CHECKING:
    from understudy.actors.runs.live_run import LiveRun
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.store.port import EventStore

__all__ = ["OpenChildren", "check_reset_of_closed"]

OpenChildren = Callable[["WorkflowExecution", int], Sequence[str]]
"""Returns the workflow ids of the children of a closed run that are numbered above a number, and still open."""


def check_reset_of_closed(
    run: LiveRun, children: ResetChildren, last_child: int, store: EventStore, open_children: OpenChildren
) -> None:
    """Refuse what a closed run cannot be reset to.

    Args:
        run: the closed one.
        children: says what becomes of those with numbers above `last_child`.
        last_child: the number of the last child that the new run remembers.
        store: where the runs of its workflow are looked up.
        open_children: finds those of its children that are open.

    Raises:
        ResetRefusedError: another run has its workflow id.
        InvalidArgumentError: children are to be terminated, and are open.
    """
    latest = store.latest(run.workflow_id)
    if latest is not None and latest.status == OPEN_STATUS:
        raise ResetRefusedError(workflow_id=run.workflow_id, run_id=run.run_id, open_run_id=latest.run_id)
    if children is not ResetChildren.TERMINATE:
        return
    names = open_children(run.state, last_child)
    if names:
        raise InvalidArgumentError(
            what=f"children, for a reset of run {run.run_id!r},",
            got=f"ResetChildren.{children.name}",
            expected="ADOPT or ABANDON",
            fix=f"It is closed, and these children of it are open: {', '.join(map(repr, names))}. "
            "Terminate them first, or let them be adopted or abandoned",
        )
