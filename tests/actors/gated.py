"""A store whose commits the test lets through one by one, and which fails as the test says."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue

from understudy.events.errors.root import EngineError
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import Unit

__all__ = ["PATIENCE", "GatedStore"]

PATIENCE = 30.0
"""Seconds after which what is waited for will not happen."""


class GatedStore(MemoryStore):
    """Keeps what the memory store keeps; a commit waits for the test.

    Attributes:
        groups: The runs of each commit's units, in order.
        begun: Gets the number of units of each commit that begins.
        gate: A commit takes one thing out of it: None to go on, or an error to raise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[list[str]] = []
        self.begun: SimpleQueue[int] = SimpleQueue()
        self.gate: SimpleQueue[Exception | None] = SimpleQueue()

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Wait for the test, then store the units or raise."""
        self.groups.append([unit.appends[0].run_id for unit in units])
        self.begun.put(len(units))
        error = self.gate.get(timeout=PATIENCE)
        if error is not None:
            raise error
        return super().commit(units)
