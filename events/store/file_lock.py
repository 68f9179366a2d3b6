"""One process per database: a lock on a file beside it, which the kernel releases when its holder dies.

The file holds the owner's process id, for the message only: what counts is the lock, so an id that a killed process
left behind means nothing. The file stays when the lock is let go: deleting it would let two processes each lock "the"
file.

`flock` belongs to the open file, not to the process. A second opening in the same process is therefore refused, too,
but a forked child shares the lock, and an orphaned child (a pool's worker) would keep it after its parent was killed.
So children close their copy at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from typing import Final

from understudy.events.errors import StoreLockedError
from understudy.events.store_errors import StoreUnavailableError

__all__ = ["FileLock"]

_OPEN: Final[weakref.WeakSet[FileLock]] = weakref.WeakSet()
_BYTE: Final = 1 << 30
"""Windows forbids others to read a locked region, so the byte that is locked lies behind the process id."""


def _close_in_child() -> None:  # pragma: no cover - it runs in forked children only, where nobody measures
    for lock in list(_OPEN):
        lock.release()


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(handle: int) -> bool:
        os.lseek(handle, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """The lock of the database at `path`, taken when this is made.

    Args:
        path: The database file; the lock is on `<path>.lock`.

    Raises:
        StoreLockedError: another process, or this one, has it open.
        StoreUnavailableError: the lock file cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._handle: int | None = None
        try:
            owner = self._take(f"{path}.lock")
        except OSError as error:
            self.release()
            raise StoreUnavailableError(path=path, reason=f"its lock file cannot be used: {error}") from error
        if owner is not None:
            self.release()
            raise StoreLockedError(path=path, pid=owner)

    def __repr__(self) -> str:
        return f"<FileLock {'held' if self._handle is not None else 'released'}>"

    def release(self) -> None:
        """Let go of the lock; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _take(self, name: str) -> int | None:
        """Take the lock and say who has it; returns None, or the process id of its owner."""
        self._handle = handle = os.open(name, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        if not _lock(handle):
            return _owner(handle)
        _OPEN.add(self)
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, f"{os.getpid()}\n".encode())
        return None


def _owner(handle: int) -> int:
    """Return the process id in the lock file, 0 if its owner has not written it yet."""
    os.lseek(handle, 0, os.SEEK_SET)
    with contextlib.suppress(ValueError):
        return int(os.read(handle, 32))
    return 0
