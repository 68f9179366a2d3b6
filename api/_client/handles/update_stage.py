"""Stages of an update: its sender waits until the update has reached one."""

from __future__ import annotations

from enum import IntEnum

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError

__all__ = ["WorkflowUpdateStage", "checked_stage"]


class WorkflowUpdateStage(IntEnum):
    """The stage that an update is to reach before its sender goes on."""

    ADMITTED = 1
    """The sender does not wait for this stage."""
    ACCEPTED = 2
    """Its validator has let it in, and that is on disk."""
    COMPLETED = 3
    """Its handler has ended, and that is on disk."""


def checked_stage(stage: object) -> WorkflowUpdateStage:
    """Return a stage that a sender can wait for.

    Raises:
        InvalidArgumentError: it is ADMITTED, or none.
    """
    if not isinstance(stage, WorkflowUpdateStage):
        raise ArgumentTypeError(
            what="wait_for_stage", got=repr(stage), expected="an understudy.client.WorkflowUpdateStage"
        )
    if stage is WorkflowUpdateStage.ADMITTED:
        raise InvalidArgumentError(
            what="wait_for_stage", got="ADMITTED", expected="ACCEPTED or COMPLETED", fix="Wait for ACCEPTED"
        )
    return stage
