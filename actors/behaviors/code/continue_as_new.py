"""Continue as new: the code says by an exception that another run, with a fresh history, takes its place."""

from __future__ import annotations

from understudy.events.public import public
from understudy.events.workflow import WorkflowContinuedAsNew

__all__ = ["ContinueAsNewError"]


@public("understudy.workflow")
class ContinueAsNewError(BaseException):
    """Ends the run; raised by `workflow.continue_as_new`, and by nobody else.

    No `Exception`, so that code which catches those does not keep the run from ending.
    """

    def __init__(self, request: WorkflowContinuedAsNew) -> None:
        """Carry the event that ends this run and starts the next one."""
        super().__init__("the workflow continues as new")
        self.request = request
