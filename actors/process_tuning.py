"""Changes two settings of Python while a worker runs: how often the collector looks, and how threads take turns.

The collector looks for cycles after every 700 new containers (CPython's default; 2,000 later), and with hundreds of
runs in flight nearly all that it then looks at is alive: a fifth of the time of a short workflow. The engine's own
objects make no cycles, so looking every 50,000 is often enough.

A thread that wants to compute waits up to 5 ms until the one that computes lets go, and a commit asks for that after
each of its statements. Beside a thread that computes, as a plain activity may, a workflow of one activity took 70 ms at
5 ms, and takes 9 ms at 0.5 ms. The rate of many workflows at once is the same at both.

A program that has set either to a value of its own keeps it.
"""

from __future__ import annotations

import gc
import sys
from types import CodeType
from typing import Final

__all__ = ["is_hook", "relax", "restore"]

RELAXED: Final = 50_000
DEFAULTS: Final = (700, 2_000)
"""The defaults of the collector's first threshold, in the versions of CPython."""

SWITCH_SECONDS: Final = 0.0005
DEFAULT_SWITCH_SECONDS: Final = 0.005

_before: list[tuple[int, int, int]] = []


def is_hook(code: CodeType) -> bool:
    """Return True if this is the code of a `gc.callbacks` hook, which runs wherever a collection strikes."""
    return any(getattr(hook, "__code__", None) is code for hook in gc.callbacks)


def relax() -> None:
    """Change the settings that are still Python's defaults; each call is undone by a `restore`."""
    _before.append(gc.get_threshold())
    if _before[-1][0] in DEFAULTS:
        gc.set_threshold(RELAXED, *_before[-1][1:])
    if _is(DEFAULT_SWITCH_SECONDS):
        sys.setswitchinterval(SWITCH_SECONDS)


def restore() -> None:
    """Put both settings back when the last worker goes, unless somebody changed them meanwhile."""
    before = _before.pop()
    if _before:
        return
    if gc.get_threshold()[0] == RELAXED:
        gc.set_threshold(*before)
    if _is(SWITCH_SECONDS):
        sys.setswitchinterval(DEFAULT_SWITCH_SECONDS)


def _is(seconds: float) -> bool:
    """Return True if this is the switch interval now; CPython keeps whole microseconds."""
    return round(sys.getswitchinterval() * 1e6) == round(seconds * 1e6)
