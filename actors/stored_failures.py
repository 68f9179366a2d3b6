"""Failures that the shell itself has to store: they pass the user's failure converter, as those of code do.

Only so are they as open, or as hidden, as the user wants failures to be. A converter that raises is told of instead, by
the names of what it raised and of what it was to convert: an attempt or a broken turn must not hang on it. (Where the
workflow's own code fails, the turn is tried again until it can be converted: `actors.behaviors.code.run`.)

What does not pass it is text of the engine's own that tells nothing of the user's but names and reasons, which stand in
the events in clear anyway: time-outs, terminations, cancellations, workers that do not know an activity.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from understudy.events.converters.in_context import for_workflow
from understudy.events.failures.failure import Failure

if TYPE_CHECKING:
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["failure_in_workflow", "unconverted"]

logger: Final = logging.getLogger("understudy.failures")


def failure_in_workflow(
    error: BaseException, workflow_id: str, failures: FailureConverter, converter: PayloadConverter
) -> Failure:
    """Return what is stored of an error among the events of a workflow."""
    try:
        return for_workflow(failures, workflow_id).to_failure(error, for_workflow(converter, workflow_id))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # noqa: BLE001 - the user's converter is no better than the user's code
        return unconverted(error, raised, failures)


def unconverted(error: BaseException, raised: BaseException, failures: FailureConverter) -> Failure:
    """Return what is stored of an error that the failure converter could not convert; texts may be to be hidden."""
    logger.error("a failure converter failed", exc_info=raised)
    name, what = type(raised).__name__, type(error).__name__
    message = f"{type(failures).__name__} raised {name} when it was to convert {what}"
    return Failure(kind="application", message=message, type=name)
