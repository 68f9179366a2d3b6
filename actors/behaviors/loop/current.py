"""Become the running loop of a thread for one turn, and give the thread back as it was.

The thread most likely belongs to an asyncio loop that is in the middle of a callback. Three things are the thread's:
the running loop, the hooks for asynchronous generators (an outer loop's would end our generators as tasks of its own),
and from Python 3.14 on the current task, which up to 3.13 is kept for each loop.
"""

from __future__ import annotations

import asyncio
import sys
from sys import get_asyncgen_hooks, set_asyncgen_hooks
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import TypeAlias

    Finish: TypeAlias = Callable[[AsyncGenerator[Any, Any]], None]
    Surroundings: TypeAlias = tuple[asyncio.AbstractEventLoop | None, Any, Any, Any]

__all__ = ["enter", "leave", "running_loop"]

running_loop = asyncio._get_running_loop  # noqa: SLF001 - what asyncio gives to those who write loops
_set_running_loop = asyncio._set_running_loop  # noqa: SLF001


def _enter(loop: asyncio.AbstractEventLoop, finish: Finish, task: Any = None) -> Surroundings:
    outer = running_loop()
    begin, end = get_asyncgen_hooks()
    set_asyncgen_hooks(None, finish)
    _set_running_loop(loop)
    return outer, begin, end, task


def _leave(surroundings: Surroundings) -> None:
    outer, begin, end, _task = surroundings
    _set_running_loop(outer)
    set_asyncgen_hooks(begin, end)


if sys.version_info >= (3, 14):  # pragma: no cover - it needs that version

    def enter(loop: asyncio.AbstractEventLoop, finish: Finish) -> Surroundings:
        """Make `loop` the running loop of this thread; see `_enter`."""
        outer = running_loop()
        return _enter(loop, finish, None if outer is None else asyncio.tasks._swap_current_task(outer, None))  # noqa: SLF001 - as above

    def leave(surroundings: Surroundings) -> None:
        """Bring back the state before `enter`."""
        _leave(surroundings)
        outer, _begin, _end, task = surroundings
        if outer is not None and task is not None:
            asyncio.tasks._swap_current_task(outer, task)  # noqa: SLF001

else:
    enter = _enter
    leave = _leave
