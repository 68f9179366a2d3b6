"""The memory adapter keeps the contract."""

from __future__ import annotations

from pathlib import Path

from tests.store.contract import WritingContract
from tests.store.contract_reads import ReadingContract
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore


class TestMemoryStore(WritingContract, ReadingContract):
    """All of it."""

    def open(self, folder: Path) -> EventStore:
        return MemoryStore()
