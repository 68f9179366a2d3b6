"""Run a callable live, never in replay, and refuse it if it did more than read.

That is how a side effect computes its value, and how a worker decides on a patch. The result is recorded, so the
callable may look outside. It may ask the workflow for nothing: a replay would miss that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from understudy.events.errors import ReadOnlyContextError

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.recorder import Recorder

__all__ = ["live_only"]

T = TypeVar("T")


def live_only(recorder: Recorder, value: Callable[[], T], handler: str) -> T:
    """Call a function that no replay calls, as code of the run that may only read.

    Whatever it raises aborts the turn: code that survived the error would differ in a replay.

    Args:
        recorder: of the run; not in a replay.
        value: what to call.
        handler: its name, for errors.

    Raises:
        ReadOnlyContextError: whoever asks may only read; or `value` did more than to read.
    """
    if recorder.read_only:
        raise ReadOnlyContextError(call=handler, handler=recorder.read_only)
    loop, dice = recorder.loop, recorder.dice
    before, state = loop.progress(), dice and dice.getstate()
    recorder.read_only = handler
    try:
        result = value()
        if dice is not None and dice.getstate() != state:
            raise ReadOnlyContextError(call="workflow.random()", handler=handler)  # noqa: TRY301 - as if raised inside
        if loop.progress() != before:
            raise ReadOnlyContextError(call="what makes tasks ready", handler=handler)  # noqa: TRY301 - the same
    except BaseException as error:
        loop.abort(error)
        raise
    finally:
        recorder.read_only = ""
    return result
