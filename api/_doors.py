"""Doors, the modules that users import from: what few programs need is imported when it is first asked for.

A cancellation of activity code in a thread waits for the end of such an import: one that is struck would leave the
lock of its module behind, and whoever imports that next would wait for ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from understudy.actors.activities.current import current_attempt
from understudy.actors.activities.thread_cancel import Shield

__all__ = ["later"]


def later(door: str, *modules: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a door's `__getattr__` and `__dir__`, for names whose modules are imported when they are first asked for.

    Every class costs time when it is made, and most programs need few of those that a door offers. Type checkers see
    the imports in the door's `if TYPE_CHECKING`, and this call stands in its `else`.

    Args:
        door: its `__name__`. Of its `__all__`, what it does not import itself is behind one of `modules`.
        modules: where to look, in this order.

    Returns:
        The two functions; any thread, as an import.
    """

    def find(name: str) -> Any:
        own = sys.modules[door]
        if name in getattr(own, "__all__", ()):
            attempt = current_attempt.get(None)
            with Shield(attempt.thread_cancel if attempt is not None else None):
                for module in map(import_module, modules):
                    if name in module.__all__:
                        setattr(own, name, found := getattr(module, name))
                        return found
        raise AttributeError(f"module {door!r} has no attribute {name!r}", name=name, obj=own)

    def names() -> list[str]:
        own = sys.modules[door]
        return sorted({*vars(own), *own.__all__})

    return find, names
