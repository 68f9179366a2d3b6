"""One process per database: a lock on a file beside it, which the kernel releases when its holder dies.

The file holds the owner's process id, for the message only: what counts is the lock, so an id that a killed process
left behind means nothing. Behind it stands a token of the process, since in two containers both may have the id 1.

The file stays when the lock is let go. Only an opening that was refused withdraws the file that it made. Whoever had
opened that file before would then lock one that nobody else can find, so all look, once they have the lock, whether
their file still has its name, and else begin anew.

`flock` belongs to the open file, not to the process. A second opening in the same process is therefore refused, too,
but a forked child shares the lock, and an orphaned child (a pool's worker) would keep it after its parent was killed.
So children close their copy at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from pathlib import Path
from typing import Final

from understudy.events.errors import StoreLockedError
from understudy.events.errors.store import StoreUnavailableError

__all__ = ["FileLock"]

_OPEN: Final[weakref.WeakSet[FileLock]] = weakref.WeakSet()
_BYTE: Final = 1 << 30
"""Windows forbids others to read a locked region, so the byte that is locked lies behind the process id."""
_TOKEN: Final = os.urandom(8).hex()
_TRIES: Final = 100
"""How often the file may be gone when it is locked; each time costs another process an opening that was refused."""


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
        self._file = Path(f"{path}.lock")
        self._handle: int | None = None
        self._made = False
        try:
            owner = self._take()
        except OSError as error:
            self.release()
            raise StoreUnavailableError(path=path, reason=f"its lock file cannot be used: {error}") from error
        if owner is not None:
            self.release()
            pid, token = owner
            raise StoreLockedError(path=path, pid=pid, in_this_process=(pid, token) == (os.getpid(), _TOKEN))

    def __repr__(self) -> str:
        return f"<FileLock {'held' if self._handle is not None else 'released'}>"

    def release(self) -> None:
        """Let go of the lock; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def withdraw(self) -> None:
        """Let go of the lock, and leave no file behind that was not there before."""
        if self._made and self._is_found():
            with contextlib.suppress(OSError):  # Windows deletes no file that is open
                self._file.unlink()
        self.release()

    def _take(self) -> tuple[int, str] | None:
        """Take the lock and say who has it; returns None, or the process id and the token of its owner."""
        for _ in range(_TRIES):
            self._handle = handle = self._open()
            if not _lock(handle):
                return _owner(handle)
            if self._is_found():
                _OPEN.add(self)
                os.ftruncate(handle, 0)
                os.lseek(handle, 0, os.SEEK_SET)
                os.write(handle, f"{os.getpid()}\n{_TOKEN}\n".encode())
                return None
            self.release()
        raise FileNotFoundError(f"{self._file} was gone each time that it was locked")

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self._file, flags | os.O_EXCL, 0o644)
        except FileExistsError:
            self._made = False
            return os.open(self._file, flags, 0o644)
        self._made = True
        return handle

    def _is_found(self) -> bool:
        """True if the open file is the one that others find by its name."""
        if self._handle is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._handle), self._file.stat())
        except FileNotFoundError:
            return False


def _owner(handle: int) -> tuple[int, str]:
    """Return the process id and the token in the lock file; 0 if its owner has not written them yet."""
    os.lseek(handle, 0, os.SEEK_SET)
    pid, _, token = os.read(handle, 64).decode(errors="replace").partition("\n")
    return int(pid) if pid.isdecimal() else 0, token.strip()
