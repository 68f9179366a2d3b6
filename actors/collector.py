"""Python's garbage collector, relaxed while a worker runs.

The collector looks for cycles after every 700 new containers (CPython's default; 2,000 later), and with hundreds of
runs in flight nearly all that it then looks at is alive: a fifth of the time of a short workflow. The engine's own
objects make hardly any cycles, so looking every 20,000 is often enough. A program that has set a threshold of its own
keeps it.
"""

from __future__ import annotations

import gc
from types import CodeType
from typing import Final

__all__ = ["is_hook", "relax", "restore"]

RELAXED: Final = 20_000
DEFAULTS: Final = (700, 2_000)

_before: list[tuple[int, int, int]] = []


def is_hook(code: CodeType) -> bool:
    """Whether this is the code of a `gc.callbacks` hook: it runs wherever a collection strikes."""
    return any(getattr(hook, "__code__", None) is code for hook in gc.callbacks)


def relax() -> None:
    """Raise the collector's first threshold, if it is Python's default; each call is answered by `restore`."""
    _before.append(gc.get_threshold())
    if _before[-1][0] in DEFAULTS:
        gc.set_threshold(RELAXED, *_before[-1][1:])


def restore() -> None:
    """Put the threshold back when the last worker goes, unless somebody changed it meanwhile."""
    before = _before.pop()
    if not _before and gc.get_threshold()[0] == RELAXED:
        gc.set_threshold(*before)
