"""Patches that a worker decides: it says whether a run that comes to one for the first time goes the new way.

So a change is rolled out by degrees, or held back until every worker has code that knows it. What was decided is
recorded with the run, and nobody is asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from understudy._workflow.info import Info, info
from understudy.events.errors import ArgumentTypeError
from understudy.events.public import public

__all__ = ["PatchActivationInput", "patch_activation"]


@public("understudy.worker")
@dataclass(frozen=True)
class PatchActivationInput:
    """The facts by which a worker's `patch_activation_callback` decides.

    Attributes:
        workflow_info: of the run that has come to the patch.
        patch_id: the id that the run gave to `workflow.patched`.
    """

    workflow_info: Info
    patch_id: str


def patch_activation(callback: Callable[[PatchActivationInput], bool]) -> Callable[[str], bool]:
    """Return the function that the engine asks, in the workflow's turn, for a worker's callback.

    Raises:
        ArgumentTypeError: it cannot be called; when it is asked: it returned something else than True or False.
    """
    name = "patch_activation_callback"
    if not callable(callback):
        raise ArgumentTypeError(what=name, got=repr(callback), expected="a function of a PatchActivationInput")

    def activates_patch(patch_id: str) -> bool:
        decision: object = callback(PatchActivationInput(info(), patch_id))
        if not isinstance(decision, bool):
            raise ArgumentTypeError(what=f"the result of {name}", got=repr(decision), expected="True or False")
        return decision

    return activates_patch
