"""The systems of this process: one for each store, shared by the clients that name the same URL.

A system belongs to the event loop that opened it. When that loop is closed without the client being closed first, as
`asyncio.run` may leave it, the system is abandoned: its writer has written what it was given, its file is let go, and
the next client opens the store anew.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from understudy.actors.system import System
from understudy.events.errors import InvalidArgumentError
from understudy.events.store import open_store

if TYPE_CHECKING:
    from understudy.events.failure import FailureConverter
    from understudy.events.payload import PayloadConverter

__all__ = ["acquire", "release"]

_lock = threading.Lock()
_systems: dict[str, tuple[System, int]] = {}


def acquire(url: str, converter: PayloadConverter, failures: FailureConverter) -> System:
    """Return the system of `url`, made on the running loop if there is none; each call is answered by `release`.

    Raises:
        InvalidArgumentError: the URL names no store, or the one who has it open has other converters.
        StoreError: the store cannot be opened, and why.
    """
    place = _place(url)
    with _lock:
        found = _systems.get(place)
        if found is not None:
            system, users = found
            if not system.dispatcher.loop.is_closed() and not system.stopped:
                _same_kind(system.workflows.converter, converter)
                _same_kind(system.workflows.failures, failures)
                _systems[place] = (system, users + 1)
                return system
            system.abandon()
            del _systems[place]
        system = System(open_store(url), converter, failures)
        if not url.startswith("memory:"):
            _systems[place] = (system, 1)
        return system


def release(system: System) -> bool:
    """Give a system back; True when that was its last user, who has to stop it."""
    with _lock:
        for place, (known, users) in list(_systems.items()):
            if known is system:
                if users > 1:
                    _systems[place] = (system, users - 1)
                    return False
                del _systems[place]
        return True


def _same_kind(ours: object, theirs: object) -> None:
    if type(ours) is not type(theirs):
        raise InvalidArgumentError(
            what="data_converter",
            got=f"one with {type(theirs).__name__}",
            expected=f"one with {type(ours).__name__}, as the client has that opened the store in this process",
            fix="Give all clients of a store the same data converter",
        )


def _place(url: str) -> str:
    """Return the same for all spellings of one file."""
    scheme, _, path = url.partition(":///")
    return f"{scheme}:///{os.path.realpath(path)}" if scheme == "sqlite" and path else url
