"""A turn under guard, and code of a user for it: written as text, in a module of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.behaviors.snippet import module
from understudy.actors.guard import seams as guard
from understudy.events.errors import DeterminismError

__all__ = ["LIBRARY", "code", "refused", "take_turn", "under_guard"]

LIBRARY = "/venv/site-packages/lib/stamps.py"

IMPORTS = """
import asyncio, concurrent.futures, datetime, multiprocessing, os, queue, random, secrets, shutil, socket, subprocess
import threading, time, uuid
from pathlib import Path
"""

take_turn: Callable[[Callable[[], object]], object] = module("def turn(code): return code()", "understudy.turn").turn
"""A frame of the engine: the guard looks no further out than that."""


def code(line: str, **names: Any) -> Callable[[], object]:
    """Make a workflow function of one line, with all modules at hand."""
    found: Callable[[], object] = module(f"{IMPORTS}\ndef run(): return {line}", **names).run
    return found


def under_guard(run: Callable[[], object], *, deep: bool = False) -> DeterminismError | None:
    """Run code as a turn does, and return what was refused even where the code swallowed it."""
    token = guard.enter(deep=deep)
    try:
        take_turn(run)
    except DeterminismError:
        pass
    finally:
        violation = guard.leave(token)
    return violation


def refused(run: Callable[[], object] | str, *, deep: bool = False, **names: Any) -> str:
    """Return the name of the call that was refused, or an empty string."""
    violation = under_guard(code(run, **names) if isinstance(run, str) else run, deep=deep)
    return violation.call if violation else ""
