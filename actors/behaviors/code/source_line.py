"""Find the line of the user's code that made a call, as `file:line`, which errors of a replay show."""

from __future__ import annotations

import sys
from types import FrameType

__all__ = ["source_line"]

_ENGINE = ("understudy.", "asyncio.")
_LOOP = "understudy.actors.behaviors.loop.loop"
_TURN = frozenset({"run_turn", "run_until_idle", "call", "_drain", "_close_coroutines", "_finish_generator"})
"""Functions of the loop that enter code of the run: what is further out is the program around the engine. The others,
such as `call_later`, are called by the run's code."""

_LINES: dict[tuple[str, int], str] = {}
"""The texts by place: a program asks from few lines, and often."""
_MOST_LINES = 10_000


def source_line(engine_frames: int = 2) -> str:
    """Return `file:line` of the innermost frame of the run that is the user's, or an empty string.

    Args:
        engine_frames: how many frames, from this one on, are sure to be the engine's, and need no look.
    """
    frame: FrameType | None = sys._getframe(engine_frames)  # noqa: SLF001 - inspect.currentframe is the same, behind a heavy import
    while frame is not None and not (
        (name := frame.f_globals.get("__name__", "")) == _LOOP and frame.f_code.co_name in _TURN
    ):
        if not name.startswith(_ENGINE):
            file, line = place = frame.f_code.co_filename, frame.f_lineno
            if (known := _LINES.get(place)) is None:
                if len(_LINES) >= _MOST_LINES:
                    _LINES.clear()
                known = _LINES[place] = f"{file.rpartition('/')[2]}:{line}"
            return known
        frame = frame.f_back
    return ""
