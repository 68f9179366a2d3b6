"""What the shell takes out of a run beside requests: local activities, unread signals, stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.signal import SignalReceived

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.activities import LocalActivity
    from understudy.actors.behaviors.code.context import Context
    from understudy.actors.behaviors.decisions.activation import Deferred

__all__ = ["Outlet"]


class Outlet:
    """The part of a `Run` that the shell looks into between activations."""

    __slots__ = ("_context", "deferred")
    _context: Context
    deferred: Deferred

    @property
    def has_more(self) -> bool:
        """Whether the last activation left more than requests."""
        return bool(self.has_local or self._context.inbox.warnings)

    @property
    def has_local(self) -> bool:
        """Whether `take_local` has anything to give."""
        local = self._context.local
        return local is not None and bool(local.asked or local.dropped)

    def take_local(self) -> tuple[list[LocalActivity], list[LocalActivity]]:
        """Return the local activities newly asked for and those to cancel, and forget that they are new."""
        local = self._context.local
        return local.take() if local is not None else ([], [])

    def local(self, seq: int) -> LocalActivity | None:
        """Return a local activity without an outcome."""
        local = self._context.local
        return local.pending.get(seq) if local is not None else None

    def unconsumed(self) -> list[SignalReceived]:
        """Return the signals that the next run gets, in order; also those that wait behind a deferred turn."""
        waiting = (fact for _, fact in self.deferred)
        return [*self._context.inbox.unconsumed(), *(fact for fact in waiting if isinstance(fact, SignalReceived))]

    def stacks(self) -> list[str]:
        """Return the await stacks of all tasks, for a person to read."""
        return self._context.loop.stacks()
