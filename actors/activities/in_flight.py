"""What is in flight: the attempts that wait for a slot, run, back off, or are completed from outside, by run.

An activity has at most one attempt here. It stays here while its run's actor is passivated or being rebuilt, so a run
that comes back does not dispatch again what still runs. After a crash nothing is in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.actors.activities.attempt import Attempt
    from understudy.actors.timers import Alarms

__all__ = ["InFlight"]


class InFlight:
    """The attempts of one system by run id and key, and the alarm that each may have; used on the engine's loop."""

    def __init__(self, alarms: Alarms) -> None:
        """Begin with none; `alarms` are those of attempts that wait for a slot, and not for ever, or back off."""
        self._of_run: dict[str, dict[int, Attempt]] = {}
        self._alarms = alarms
        self.asleep: set[Attempt] = set()
        """Those whose code waits for nothing but time, which a test may skip."""

    def __len__(self) -> int:
        """Count them."""
        return sum(map(len, self._of_run.values()))

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"<{len(self)} attempts in flight>"

    @property
    def is_running(self) -> bool:
        """Whether one is at work, here or outside, and not waiting for a worker, backing off or asleep."""
        attempts = (attempt for of_run in self._of_run.values() for attempt in of_run.values())
        return any(
            (attempt.worker is not None or attempt.outside) and attempt not in self.asleep for attempt in attempts
        )

    def find(self, run_id: str, key: int) -> Attempt | None:
        """Return the attempt of a run's activity."""
        of_run = self._of_run.get(run_id)
        return of_run.get(key) if of_run is not None else None

    def keys(self, run_id: str) -> Iterable[int]:
        """Return the keys of a run's attempts, as they are now."""
        return list(self._of_run.get(run_id, ()))

    def outside(self) -> Iterable[Attempt]:
        """Return those that are completed from outside, as they are now."""
        return [attempt for of_run in self._of_run.values() for attempt in of_run.values() if attempt.outside]

    def holds(self, attempt: Attempt) -> bool:
        """Whether `attempt` is the one of its activity."""
        return self.find(attempt.run_id, attempt.key) is attempt

    def keep(self, attempt: Attempt) -> None:
        """Hold it."""
        of_run = self._of_run.get(attempt.run_id)
        if of_run is None:
            of_run = self._of_run[attempt.run_id] = {}
        of_run[attempt.key] = attempt

    def forget(self, attempt: Attempt) -> None:
        """Hold it no more, and forget its alarm; nothing if another is held in its place."""
        of_run = self._of_run.get(attempt.run_id)
        if of_run is not None and of_run.get(attempt.key) is attempt:
            self.silence(attempt)
            del of_run[attempt.key]
            if not of_run:
                del self._of_run[attempt.run_id]

    def wake(self, attempt: Attempt, at: int, fn: Callable[[], None]) -> None:
        """Call `fn` at `at`, ns since the epoch, in place of what was to be called before."""
        self._alarms.set(_name(attempt), at, fn)

    def silence(self, attempt: Attempt) -> None:
        """Forget its alarm."""
        if self._alarms.waiting:
            self._alarms.forget(_name(attempt))


def _name(attempt: Attempt) -> str:
    """Return a name that no other attempt in flight has."""
    return f"{attempt.run_id}/{attempt.key}"
