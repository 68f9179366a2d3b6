"""Runners and restrictions of workflows, for programs that name them: they say which guards a worker's workflows have.

Temporal imports the modules of a workflow anew, in a sandbox, and proxies what may not be used there. Here modules are
imported once. Guards stand in front of clocks, dice, files and sockets while workflow code runs, whichever module it
is in, and a lint reads the source. So there is nothing to pass through and nothing to restrict further: restrictions
are kept as they were given, and do nothing. A runner says one thing that counts: with an `UnsandboxedWorkflowRunner`
neither guards nor lint are on, as for a workflow declared with `sandboxed=False`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy.events.errors import ArgumentTypeError, DeterminismError
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._temporal.restrictions import SandboxRestrictions

__all__ = [
    "GUARDING",
    "NOT_GUARDING",
    "RestrictedWorkflowAccessError",
    "SandboxedWorkflowRunner",
    "UnsandboxedWorkflowRunner",
    "WorkflowRunner",
    "is_guarding",
]

RestrictedWorkflowAccessError = DeterminismError
"""The error that a guard raises, under the name that it has in Temporal."""


@public("understudy.worker")
class WorkflowRunner:
    """A way to run workflow code; the engine knows the two kinds below, and no others."""


@public("understudy.worker")
class UnsandboxedWorkflowRunner(WorkflowRunner):
    """Runs workflows without determinism guards and without the lint."""


@public("understudy.worker.workflow_sandbox")
class SandboxedWorkflowRunner(WorkflowRunner):
    """Runs workflows under the determinism guards: the default of a worker.

    Args:
        restrictions: kept, and not looked at; None: `SandboxRestrictions.default`.
        runner_class: kept, and not looked at.
    """

    def __init__(
        self,
        restrictions: SandboxRestrictions | None = None,
        runner_class: type[WorkflowRunner] = UnsandboxedWorkflowRunner,
    ) -> None:
        self._restrictions = restrictions
        self.runner_class = runner_class

    @property
    def restrictions(self) -> SandboxRestrictions:
        """The restrictions that the runner was given, or the default ones."""
        if self._restrictions is None:
            from understudy._temporal.restrictions import SandboxRestrictions

            return SandboxRestrictions.default
        return self._restrictions


GUARDING: Final = SandboxedWorkflowRunner()
NOT_GUARDING: Final = UnsandboxedWorkflowRunner()


def is_guarding(runner: object) -> bool:
    """Return True if a runner means guards and lint.

    Raises:
        ArgumentTypeError: it is neither of the two kinds.
    """
    if not isinstance(runner, (SandboxedWorkflowRunner, UnsandboxedWorkflowRunner)):
        raise ArgumentTypeError(
            what="workflow_runner",
            got=repr(runner),
            expected="a SandboxedWorkflowRunner or an UnsandboxedWorkflowRunner",
            fix="Leave it out: workflows are not run by code of the program",
        )
    return isinstance(runner, SandboxedWorkflowRunner)
