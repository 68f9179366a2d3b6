"""The systems of this process: one for each store, shared by the clients that name the same URL.

A system belongs to the event loop that opened it. When that loop is closed without the client being closed first, as
`asyncio.run` may leave it, the system is abandoned: its writer has written what it was given, its file is let go, and
the next client opens the store anew.

All clients of a store share what its first one brought to read and write values with, so a later one that brings
something else is refused: with another key, what it believes to be encrypted by that key would not be.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.system import System
from understudy.events.converters.json_hooks import class_of
from understudy.events.errors import InvalidArgumentError
from understudy.events.store import open_store

if TYPE_CHECKING:
    from understudy.events.converters.data_converter import DataConverter

__all__ = ["acquire", "check_codec", "release"]

_PLAIN: Final = {str, bytes, int, float, bool, type(None)}

_lock = threading.Lock()
_systems: dict[str, tuple[System, int, DataConverter]] = {}


def acquire(url: str, converter: DataConverter) -> System:
    """Return the system of `url`, made on the running loop if there is none; each call is answered by `release`.

    Raises:
        InvalidArgumentError: the URL names no store, or the one who has it open has another data converter.
        StoreError: the store cannot be opened, and why.
    """
    place = _place(url)
    with _lock:
        found = _systems.get(place)
        if found is not None:
            system, users, shared = found
            if not system.dispatcher.loop.is_closed() and not system.stopped:
                _same_kind(shared.payload_converter, converter.payload_converter)
                _same_kind(shared.failure_converter, converter.failure_converter)
                check_codec(shared, converter)
                _systems[place] = (system, users + 1, shared)
                return system
            system.abandon()
            del _systems[place]
        store = open_store(url)
        if converter.payload_codec is not None:
            from understudy.events.store.behind_codec import behind_codec  # few programs have one

            store = behind_codec(store, converter.payload_codec)
        system = System(store, converter.payload_converter, converter.failure_converter)
        if not url.startswith("memory:"):
            _systems[place] = (system, 1, converter)
        return system


def release(system: System) -> bool:
    """Give a system back; return True if that was its last user, who has to stop it."""
    with _lock:
        for place, (known, users, converter) in list(_systems.items()):
            if known is system:
                if users > 1:
                    _systems[place] = (system, users - 1, converter)
                    return False
                del _systems[place]
        return True


def check_codec(ours: DataConverter, theirs: DataConverter) -> None:
    """Refuse a codec that is not the one that a system has its store behind.

    Raises:
        InvalidArgumentError: it is of another kind, or has other settings.
    """
    if ours is not theirs:
        _same_codec(ours.payload_codec, theirs.payload_codec)


def _same_kind(ours: object, theirs: object) -> None:
    if type(ours) is not type(theirs):
        raise InvalidArgumentError(
            what="data_converter",
            got=f"one with {_name(theirs)}",
            expected=f"one with {_name(ours)}, as the client has that opened the store in this process",
            fix="Give all clients of a store the same data converter",
        )


def _same_codec(ours: object, theirs: object) -> None:
    _same_kind(ours, theirs)
    if type(ours).__eq__ is not object.__eq__:
        same = ours == theirs
    else:
        same = ours is theirs or not _differ(getattr(ours, "__dict__", None), getattr(theirs, "__dict__", None))
    if not same:
        raise InvalidArgumentError(
            what="data_converter.payload_codec",
            got=f"a {_name(theirs)} with other settings",
            expected=f"one like the {_name(ours)} of the client that opened the store in this process",
            fix="Give all clients of a store the same data converter",
        )


def _differ(ours: Any, theirs: Any) -> bool:
    """Return True if settings are known to be different; what is opaque, such as a cipher, is not."""
    kind: type[Any] = class_of(ours)
    if kind is not type(theirs):
        return True
    if kind in _PLAIN:
        return bool(ours != theirs)
    if kind is dict:
        return ours.keys() != theirs.keys() or any(_differ(ours[name], theirs[name]) for name in ours)
    if kind in {list, tuple}:
        return len(ours) != len(theirs) or any(map(_differ, ours, theirs))
    return False


def _name(of: object) -> str:
    return "no codec" if of is None else type(of).__name__


def _place(url: str) -> str:
    """Return the same for all spellings of one file."""
    scheme, _, path = url.partition(":///")
    return f"{scheme}:///{os.path.realpath(path)}" if scheme == "sqlite" and path else url
