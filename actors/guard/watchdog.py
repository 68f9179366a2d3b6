"""Notices a turn that does not yield, reports what it is doing and stops it.

All runs of an engine share one thread, so workflow code that computes for long, or blocks, holds up every other run. No
code on that thread can notice: it takes another one.

A turn says `enter` and `leave`; each is a store of one attribute, for they stand around every activation. The
watchdog's thread looks four times per limit. A turn that it has seen for a whole limit is stuck: it takes the stack,
reports, and has Python raise the `DeadlockError` in the stuck thread (`PyThreadState_SetAsyncExc`), where it ends the
turn. Code that swallows it gets it again after another limit. The watchdog counts its own looks and reads no clock, so
a process that was suspended does not wake up to a deadlock. When nothing runs it sleeps without end, and the next
`enter` wakes it.

The race: a turn may end while the watchdog is about to raise, and then nothing may be raised any more.
- The watchdog announces the strike in `_struck` before it looks at `_turn` for the last time; `leave` clears `_turn`
  before it looks at `_struck`. So either the watchdog sees that the turn is over, or `leave` sees the announcement.
- `leave` then waits for the exception and catches it, if it was not raised in the turn.
- What remains is a window of one bytecode: the exception may come at the very entry of `leave`. Then it passes through
  the `finally` in which `leave` stands, with `_turn` still set. So the one rule for the caller is:

      try:
          try:
              ...  # the turn: nothing but this run is lost if it is torn down anywhere in here
          finally:
              watchdog.leave()
      except DeadlockError:
          watchdog.leave()  # harmless the second time
          ...  # drop the run from memory and rebuild it from its events

An exception that Python raises out of nothing can come anywhere in the turn, in the engine's own code as well (think
of a workflow that creates tasks for ever): a run that was struck must not be used again. A thread that hangs in C
(`time.sleep`, a lock, a query) is reported at once, but the exception reaches it only when C returns.
"""

from __future__ import annotations

import logging
import sys
import threading
from _thread import get_ident
from collections.abc import Callable
from typing import Any, Final

from understudy.actors.guard.interrupt import deliver_pending, raiser
from understudy.events.errors import DeadlockError

__all__ = ["Watchdog"]

_LOOKS: Final = 4
"""Looks per limit, so a turn is struck between one and one and a quarter limits after it began."""
_SHORTEST_LOOK: Final = 1e-4
_LONGEST_LOOK: Final = 3600.0
_FRAMES: Final = 30
"""Frames of the stack that are reported, from the innermost."""

_Turn = tuple[str, str, float | None, int]
"""Workflow id, run id, limit in seconds, thread; each turn is a new tuple, recognised by its identity."""

_log: Final = logging.getLogger("understudy.watchdog")


class Watchdog:
    """Watches the turns of one thread; its own daemon thread starts with the first turn.

    Args:
        limit_seconds: how long a turn may take, in seconds; `float("inf")` for no limit.
        report: called on the watchdog's thread with each DeadlockError, before it is raised in the stuck thread.

    Raises:
        ValueError: the limit is not above zero.
    """

    __slots__ = (
        "_closed",
        "_limit",
        "_lock",
        "_parked",
        "_report",
        "_shortest",
        "_struck",
        "_thread",
        "_turn",
        "_wake",
    )

    def __init__(self, *, limit_seconds: float = 2.0, report: Callable[[DeadlockError], None]) -> None:
        if not limit_seconds > 0:
            raise ValueError(f"limit_seconds is {limit_seconds}; it must be above 0")
        self._limit = self._shortest = limit_seconds
        self._report = report
        self._turn: _Turn | None = None
        self._struck: DeadlockError | None = None
        self._parked = True
        self._closed = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        """Show the turn that is watched."""
        turn = self._turn
        return f"<Watchdog limit={self._limit:g}s {f'run {turn[1]!r}' if turn else 'idle'}>"

    # -- the watched thread ----------------------------------------------------------------------------------------

    def enter(self, workflow_id: str, run_id: str = "", *, limit: float | None = None) -> None:
        """Begin a turn on the calling thread.

        Args:
            workflow_id: for the report.
            run_id: for the report.
            limit: how long this turn may take, in seconds; None: the watchdog's limit.
        """
        self._turn = (workflow_id, run_id, limit, get_ident())
        if self._parked or (limit is not None and limit < self._shortest):
            self._rouse(limit)

    def leave(self) -> DeadlockError | None:
        """End the turn; harmless when none is running.

        Returns:
            The error that was raised in this turn, even if its code swallowed it.
        """
        try:
            self._turn = None
            if self._struck is None:
                return None
            return self._settle()
        except DeadlockError:  # pragma: no cover - the race itself: a test goes for it, but cannot have it for sure
            return self._settle()

    def _settle(self) -> DeadlockError | None:
        """Wait until the watchdog has raised what it announced, and take the error here if it is still pending."""
        with self._lock:
            pass
        deliver_pending()
        struck, self._struck = self._struck, None
        return struck

    def _rouse(self, limit: float | None) -> None:
        if limit is not None and limit < self._shortest:
            self._shortest = limit
        if self._closed:
            self._parked = False  # nobody is there to be woken
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="understudy-watchdog", daemon=True)
            self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Stop watching and wait for the watchdog's thread; from any thread but its own. A second time is harmless."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    # -- the watchdog's thread ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        seen: _Turn | None = None
        waited = due = 0.0
        while not self._closed:
            turn = self._turn
            if turn is None:
                # Never parks twice without a look's wait between: short turns must not wake it one by one.
                turn = self._park()
            if turn is not seen:
                seen, waited, due = turn, 0.0, self._limit_of(turn)
            elif turn is not None and waited >= due:
                self._strike(turn, waited)
                due = waited + self._limit_of(turn)
            look = min(max(self._shortest / _LOOKS, _SHORTEST_LOOK), _LONGEST_LOOK)
            if self._wake.wait(look):
                self._wake.clear()  # there is a shorter limit, or the end
            else:
                waited += look

    def _limit_of(self, turn: _Turn | None) -> float:
        own = turn[2] if turn else None
        return self._limit if own is None else own

    def _park(self) -> _Turn | None:
        """Wait for the next turn; `enter` stores its turn before it looks whether it has to wake anybody."""
        self._parked = True
        if self._turn is None and not self._closed:
            self._wake.wait()
        self._parked = False
        if not self._closed:  # or the end would be slept through
            self._wake.clear()
        return self._turn

    def _strike(self, turn: _Turn, seconds: float) -> None:
        workflow_id, run_id, _, ident = turn
        error = DeadlockError(workflow_id=workflow_id, run_id=run_id, seconds=seconds, stack=_stack_of(ident))
        if self._turn is not turn:
            return  # pragma: no cover - it ended while its stack was taken, which may be another turn's then
        try:
            self._report(error)
        except Exception:  # noqa: BLE001 - whatever the caller's report does, the turn has to be stopped
            _log.exception("the report of a deadlock failed: %s", error)
        raise_in_thread, carrier = raiser(), _carrier(error)
        with self._lock:
            self._struck = error
            # From here to the call Python switches to no other thread, where threads share a lock; where they do not,
            # `_settle` waits for ours.
            if self._turn is turn:
                raise_in_thread(ident, carrier)
            else:
                self._struck = None


def _stack_of(ident: int) -> str:
    import traceback

    # There is no public way to another thread's stack.
    frame = sys._current_frames().get(ident)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return "".join(traceback.format_stack(frame, limit=_FRAMES)) if frame is not None else ""


def _carrier(error: DeadlockError) -> type[DeadlockError]:
    """Return a class that makes errors with the fields of `error`: Python raises a class there, without arguments."""

    def fill(self: DeadlockError) -> None:
        DeadlockError.__init__(self, **error.fields())

    def as_plain(_self: DeadlockError) -> str | tuple[Any, ...]:
        return error.__reduce__()

    body = {"__init__": fill, "__reduce__": as_plain, "__module__": DeadlockError.__module__}
    return type(DeadlockError.__name__, (DeadlockError,), body)
