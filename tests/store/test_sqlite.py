"""The SQLite adapter keeps the contract, also when a cipher and a compressor stand between."""

from __future__ import annotations

from pathlib import Path

from tests.store.contract import WritingContract
from tests.store.contract_reads import ReadingContract
from tests.store.mappers import scrambling_mapper
from understudy.events.store.port import EventStore
from understudy.events.store.sqlite.store import SqliteStore


class TestSqliteStore(WritingContract, ReadingContract):
    """All of it."""

    def open(self, folder: Path) -> EventStore:
        return SqliteStore(folder / "store.db")


class TestSqliteStoreWithCipherAndCompressor(WritingContract, ReadingContract):
    """All of it."""

    def open(self, folder: Path) -> EventStore:
        return SqliteStore(folder / "store.db", scrambling_mapper())
