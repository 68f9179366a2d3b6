"""Failures that the shell itself has to store: they pass the user's failure converter, as those of code do.

Only so are they as open, or as hidden, as the user wants failures to be. What does not pass it is text of the engine's
own that tells nothing of the user's but names and reasons, which stand in the events in clear anyway: time-outs,
terminations, cancellations, workers that do not know an activity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.serialization import for_workflow

if TYPE_CHECKING:
    from understudy.events.failure import Failure, FailureConverter
    from understudy.events.payload import PayloadConverter

__all__ = ["failure_in_workflow"]


def failure_in_workflow(
    error: BaseException, workflow_id: str, failures: FailureConverter, converter: PayloadConverter
) -> Failure:
    """Return what is stored of an error among the events of a workflow."""
    return for_workflow(failures, workflow_id).to_failure(error, for_workflow(converter, workflow_id))
