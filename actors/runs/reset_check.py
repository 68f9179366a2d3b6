"""What stands in the way of a reset of a closed run: another run of its workflow, and children that would be lost.

An open run that is reset is terminated in the same commit, and its closing event says what becomes of its children.
Nothing can be recorded of a closed one (CLOSED), so it cannot be asked to terminate any: a crash would cut that off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.errors import InvalidArgumentError, ResetRefusedError
from understudy.events.options.policies import ResetChildren
from understudy.events.store.port import OPEN_STATUS

if TYPE_CHECKING:
    from understudy.actors.runs.actor import WorkflowActor

__all__ = ["check_reset_of_closed"]


def check_reset_of_closed(actor: WorkflowActor, children: ResetChildren, last_child: int) -> None:
    """Refuse what a closed run cannot be reset to.

    Args:
        actor: of the closed run.
        children: what is to become of those with numbers above `last_child`.
        last_child: the number of the last child that the new run remembers.

    Raises:
        ResetRefusedError: another run has its workflow id.
        InvalidArgumentError: children are to be terminated, and are open.
    """
    workflows = actor.workflows
    latest = workflows.store.latest(actor.name)
    if latest is not None and latest.status == OPEN_STATUS:
        raise ResetRefusedError(workflow_id=actor.name, run_id=actor.run_id, open_run_id=latest.run_id)
    if children is not ResetChildren.TERMINATE:
        return
    names = workflows.effects.related.open_children(actor.state, last_child)
    if names:
        raise InvalidArgumentError(
            what=f"children, for a reset of run {actor.run_id!r},",
            got=f"ResetChildren.{children.name}",
            expected="ADOPT or ABANDON",
            fix=f"It is closed, and these children of it are open: {', '.join(map(repr, names))}. "
            "Terminate them first, or let them be adopted or abandoned",
        )
