"""The event store: one port, an adapter for memory and one for an SQLite file, and the door to both, `open_store`.

In reading order: `port`, what an adapter promises; `mapper`, events to rows and back; `memory`, the plain adapter;
`batch` and `sqlite`, the durable one; `behind_codec`, any store with encoded payloads, and `coroutine_bridge`, which
runs a codec from plain code. The shell and the doors may import it, facts and behaviours may not. This floor's border:
here are files, threads and locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from understudy.events.store.mapper import EventMapper
    from understudy.events.store.port import EventStore

__all__ = ["open_store"]

_MEMORY: Final = "memory://"
_SQLITE: Final = "sqlite:///"
_ACCEPTED: Final = "'memory://', 'sqlite:///relative.db' or 'sqlite:////absolute/path.db'"
_IN_MEMORY: Final = frozenset({"sqlite://", _SQLITE, ":memory:", "sqlite://:memory:", "sqlite:///:memory:"})
"""How SQLAlchemy and sqlite3 spell a database in memory; ours needs no SQL for that."""


def open_store(url: str, mapper: EventMapper | None = None) -> EventStore:
    """Open the store that a URL names, making its file if there is none; the slashes are SQLAlchemy's.

    Args:
        url: `memory://`, `sqlite:///relative.db` or `sqlite:////absolute/path.db`.
        mapper: Maps events to bytes; the default neither compresses nor encrypts.

    Returns:
        The store; close it when done.

    Raises:
        InvalidArgumentError: no store has such a URL.
        EngineError: what the adapter says about its place (`SqliteStore`).
    """
    if url == _MEMORY:
        from understudy.events.store.memory import MemoryStore

        return MemoryStore(mapper)
    if url.startswith(_SQLITE) and url not in _IN_MEMORY and "?" not in url:
        from understudy.events.store.sqlite.store import SqliteStore

        return SqliteStore(url.removeprefix(_SQLITE), mapper)
    from understudy.events.errors import InvalidArgumentError

    raise InvalidArgumentError(what="url", got=repr(url), expected=_ACCEPTED, fix=_fix(url))


def _fix(url: str) -> str:
    if url in _IN_MEMORY:
        return "Write 'memory://' for a store in memory"
    if "?" in url:
        return "Leave out the options behind the question mark"
    if url.startswith("sqlite://"):
        return f"Write three slashes and a path: {_SQLITE + url.removeprefix('sqlite://')!r}"
    if "://" not in url and url:
        return f"Write the path as a URL: {_SQLITE + url!r}"
    return ""
