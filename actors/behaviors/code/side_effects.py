"""Code that runs once and in no replay: what a side effect computes, what a worker says to a patch.

What comes of it is recorded, so it may look outside. It may ask the workflow for nothing: a replay would miss that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from understudy.events.errors import ReadOnlyContextError

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.context import Context

__all__ = ["once"]

T = TypeVar("T")


def once(context: Context, value: Callable[[], T], handler: str) -> T:
    """Call what no replay calls: it may only read, and code that survived its error would differ in a replay.

    Raises:
        ReadOnlyContextError: whoever asks may only read; or `value` did more than to read.
    """
    if context.read_only:
        raise ReadOnlyContextError(call=handler, handler=context.read_only)
    loop, dice = context.loop, context.dice
    before, state = loop.progress(), dice and dice.getstate()
    context.read_only = handler
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
        context.read_only = ""
    return result
