"""Cancellation of code in a thread: CancelledError is raised in it, and in nothing else that the thread does.

    IDLE ──begin──► RUNNING ──leave──► OVER           one call of `run`, in the thread
    RUNNING ──cancel──► the exception is left with the thread
    RUNNING, shielded ──cancel──► it waits for the end of the outermost shield
    IDLE ──cancel──► `run` raises at once, and the user's function never begins

What must not happen is that the exception comes after the user's function is over: in the pool's own code, or in the
next piece of work of the same thread. Hence the lock: whoever cancels looks at the state and raises under it, and the
thread becomes OVER under it, so that behind `leave` nothing is raised any more. What was raised before is pending at
most until the next entry of a function; `leave` has it come there. Two things rest on how CPython looks for pending
exceptions, only behind calls, at function entries and at backward jumps: no block under the lock has a call in it in
the thread that may be struck, and where an exception comes at the entry of `leave` itself, `run` calls it again.
"""

from __future__ import annotations

import threading
from _thread import get_ident
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from understudy.actors.guard.interrupt import deliver_pending, raiser
from understudy.events.failures.exceptions import CancelledError

__all__ = ["Shield", "ThreadCancel"]

R = TypeVar("R")


class ThreadCancel:
    """Cancels one call of a function in a thread."""

    __slots__ = ("_asked", "_lock", "_over", "_shields", "_struck", "_thread", "_waiting")

    def __init__(self) -> None:
        """Begin in the state IDLE."""
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._asked = False
        self._over = False
        self._struck = False
        self._waiting = False
        self._shields = 0

    def __repr__(self) -> str:
        """Show the state and whether it was cancelled."""
        state = "over" if self._over else "idle" if self._thread is None else f"running, {self._shields} shields"
        return f"<ThreadCancel {state}{', cancelled' if self._asked else ''}>"

    # -- anybody -----------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Raise in the thread, now or at the end of its shield; any thread. Only the first call does something."""
        strike = raiser()
        with self._lock:
            if self._asked or self._over:
                return
            self._asked = True
            if self._thread is None:
                return
            if self._shields:
                self._waiting = True
                return
            self._struck = True
            strike(self._thread, CancelledError)

    @property
    def is_here(self) -> bool:
        """True if the calling thread is the one that may be struck, and not a helper that the code has started."""
        return self._thread == get_ident()

    # -- the thread --------------------------------------------------------------------------------------------------

    def run(self, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Call `fn`, which may be interrupted while it runs; a result counts even if the thread was struck at its end.

        Raises:
            CancelledError: the call was cancelled, before it began or while it ran.
            BaseException: what `fn` raised.
        """
        returned: list[R] = []
        try:
            try:
                self._begin()
                returned.append(fn(*args, **kwargs))
            finally:
                self._leave()
        except CancelledError:
            self._leave()  # the exception may have come at the very entry of the first call
            if not returned:
                raise
        return returned[0]

    def _begin(self) -> None:
        ident = get_ident()
        with self._lock:
            asked = self._asked
            self._thread = ident
        if asked:
            raise CancelledError

    def _leave(self) -> None:
        try:
            with self._lock:
                self._over = True
            if self._struck:
                deliver_pending()
        except CancelledError:
            self._leave()  # it has come; whatever it interrupted is done now

    def enter_shield(self) -> None:
        """Hold back a cancellation that comes from here on; an earlier one is raised here at the latest.

        If it is raised here, the count of shields stays one too high. That does no harm: nothing is raised twice.
        """
        with self._lock:
            self._shields += 1
        deliver_pending()

    def leave_shield(self) -> None:
        """End one of the shields.

        Raises:
            CancelledError: the shield was the outermost one, and a cancellation came meanwhile.
        """
        with self._lock:
            self._shields -= 1
            due = self._waiting and not self._shields
            if due:
                self._waiting = False
        if due:
            raise CancelledError


class Shield:
    """Holds cancellation of the calling thread back while its block runs; in other threads it does nothing."""

    __slots__ = ("_cancel",)

    def __init__(self, cancel: ThreadCancel | None) -> None:
        """Shield from `cancel`; None if there is nothing to hold back."""
        self._cancel = cancel if cancel is not None and cancel.is_here else None

    def __enter__(self) -> None:
        """Begin to hold back."""
        if self._cancel is not None:
            self._cancel.enter_shield()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the shield; a cancellation that came meanwhile replaces what the block raised."""
        if self._cancel is not None:
            self._cancel.leave_shield()
