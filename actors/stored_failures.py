"""Failures that the shell itself has to store: they pass the user's failure converter, as failures of code do.

Only so are they as open, or as hidden, as the user wants failures to be. If the converter raises, a failure is stored
that names what it raised and what it was to convert: an attempt or a broken turn must not hang on a converter. (Where
the workflow's own code fails, the turn is tried again until its failure can be converted: `actors.behaviors.code.run`.)

Texts of the engine's own do not pass the converter: time-outs, terminations, cancellations, workers that do not know an
activity. They tell nothing of the user's but names and reasons, which stand in the events in clear anyway.
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
    """Return the failure that is stored for an error among the events of a workflow."""
    try:
        return for_workflow(failures, workflow_id).to_failure(error, for_workflow(converter, workflow_id))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # noqa: BLE001 - the user's converter is no better than the user's code
        return unconverted(error, raised, failures)


def unconverted(error: BaseException, raised: BaseException, failures: FailureConverter) -> Failure:
    """Return the failure for an error that the converter could not convert; it has no texts, which may be secret."""
    logger.error("a failure converter failed", exc_info=raised)
    name, what = type(raised).__name__, type(error).__name__
    message = f"{type(failures).__name__} raised {name} when it was to convert {what}"
    return Failure(kind="application", message=message, type=name)
