"""A store that dies at a chosen commit, for the suite that crashes the engine at every commit.

A process can die before its commit reached the disk or after it did; the engine must come back from both. The crash is
a BaseException, so that no `except Exception` on the way mistakes it for a failure it could handle, and it repeats: a
dead process commits nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from understudy.events.errors.root import EngineError
from understudy.events.event import Event
from understudy.events.store.port import EventStore, ExecutionRow, Recorded, Unit

__all__ = ["FailingStore", "SimulatedCrash"]


class SimulatedCrash(BaseException):
    """The process died here."""


class FailingStore:
    """An `EventStore` over another one that crashes at its `fail_at`-th commit, and at all that follow.

    Args:
        inner: The store that keeps the events; open it again after the crash.
        fail_at: The number of the commit, from 1.
        when: Whether that commit is lost (`before`) or on disk but never acknowledged (`after`).
    """

    def __init__(self, inner: EventStore, fail_at: int, when: Literal["before", "after"]) -> None:
        self.inner = inner
        self.fail_at = fail_at
        self.when = when
        self.commits = 0

    def __repr__(self) -> str:
        return f"<FailingStore {self.when} commit {self.fail_at}, {self.commits} so far, of {self.inner!r}>"

    @property
    def url(self) -> str:
        return self.inner.url

    @property
    def crashed(self) -> bool:
        """Whether the crash has happened."""
        return self.commits >= self.fail_at

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Store the units, or crash.

        Raises:
            SimulatedCrash: this is the commit, or the crash was before.
        """
        self.commits += 1
        if self.commits == self.fail_at and self.when == "after":
            self.inner.commit(units)
        if self.crashed:
            raise SimulatedCrash(f"{self.when} commit {self.fail_at}")
        return self.inner.commit(units)

    def load(self, run_id: str, after: int = 0) -> list[Event]:
        return self.inner.load(run_id, after)

    def execution(self, run_id: str) -> ExecutionRow | None:
        return self.inner.execution(run_id)

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        return self.inner.latest(workflow_id)

    def due(self, before: int, limit: int, after: tuple[int, str] | None = None) -> list[ExecutionRow]:
        return self.inner.due(before, limit, after)

    def next_wake(self, after: int) -> int | None:
        return self.inner.next_wake(after)

    def executions(
        self,
        *,
        workflow_id: str | None = None,
        workflow_type: str | None = None,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ExecutionRow]:
        return self.inner.executions(
            workflow_id=workflow_id, workflow_type=workflow_type, status=status, limit=limit, offset=offset
        )

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        return self.inner.recorded(after, limit)

    def last_position(self) -> int:
        return self.inner.last_position()

    def close(self) -> None:
        self.inner.close()
