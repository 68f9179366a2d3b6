"""The attempts in flight: those that wait for a slot, run, back off, or are completed from outside, by run.

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
        """Begin with no attempt; `alarms` wake those that back off, or wait for a slot and not for ever."""
        self._of_run: dict[str, dict[int, Attempt]] = {}
        self._alarms = alarms
        self.asleep: set[Attempt] = set()
        """Attempts whose code waits for nothing but time, which a test may skip."""

    def __len__(self) -> int:
        """Count the attempts in flight."""
        return sum(map(len, self._of_run.values()))

    def __repr__(self) -> str:
        """Show how many attempts there are."""
        return f"<{len(self)} attempts in flight>"

    @property
    def is_running(self) -> bool:
        """True if an attempt is at work, here or outside: it does not wait for a worker, back off or sleep."""
        attempts = (attempt for of_run in self._of_run.values() for attempt in of_run.values())
        return any(
            (attempt.worker is not None or attempt.outside) and attempt not in self.asleep for attempt in attempts
        )

    def find(self, run_id: str, key: int) -> Attempt | None:
        """Return the attempt of a run's activity, or None; `key` is `Assignment.key`."""
        of_run = self._of_run.get(run_id)
        return of_run.get(key) if of_run is not None else None

    def keys(self, run_id: str) -> Iterable[int]:
        """Return a copy of the keys of a run's attempts."""
        return list(self._of_run.get(run_id, ()))

    def by_name(self) -> dict[str, Attempt]:
        """Return all attempts by run id and key."""
        return {
            f"{run_id}/{key}": attempt for run_id, of_run in self._of_run.items() for key, attempt in of_run.items()
        }

    def outside(self) -> Iterable[Attempt]:
        """Return a list of the attempts that are completed from outside."""
        return [attempt for of_run in self._of_run.values() for attempt in of_run.values() if attempt.outside]

    def holds(self, attempt: Attempt) -> bool:
        """Return True if `attempt` is the one that its activity has in flight."""
        return self.find(attempt.assignment.run_id, attempt.assignment.key) is attempt

    def keep(self, attempt: Attempt) -> None:
        """Take an attempt in, as the one of its activity."""
        assignment = attempt.assignment
        of_run = self._of_run.get(assignment.run_id)
        if of_run is None:
            of_run = self._of_run[assignment.run_id] = {}
        of_run[assignment.key] = attempt

    def forget(self, attempt: Attempt) -> None:
        """Drop an attempt and its alarm, unless another one has taken its place."""
        run_id, key = attempt.assignment.run_id, attempt.assignment.key
        of_run = self._of_run.get(run_id)
        if of_run is not None and of_run.get(key) is attempt:
            self.silence(attempt)
            del of_run[key]
            if not of_run:
                del self._of_run[run_id]

    def wake(self, attempt: Attempt, at: int, fn: Callable[[], None]) -> None:
        """Set the alarm of an attempt: call `fn` at `at`, ns since the epoch, and not what was to be called before."""
        self._alarms.set(_name(attempt), at, fn)

    def silence(self, attempt: Attempt) -> None:
        """Forget the alarm of an attempt."""
        if self._alarms.waiting:
            self._alarms.forget(_name(attempt))


def _name(attempt: Attempt) -> str:
    """Return an alarm name that no other attempt in flight has."""
    return f"{attempt.assignment.run_id}/{attempt.assignment.key}"
