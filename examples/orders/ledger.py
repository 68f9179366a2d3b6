"""The ledger: what really happened to goods and money, in an SQLite file of its own.

It stands for the systems of other people (a warehouse, a payment service), which know nothing of workflows and do not
fall when the shop does. It is only ever added to: the stock of an item is the sum of its entries, and so is what an
order has paid. An entry has a key, and a second one with the same key counts as a repeated call, not as an entry. That
is all the help a workflow needs from outside to have its effects counted once.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

__all__ = ["STOCK", "Entry", "Ledger"]

STOCK: Final = {
    "kettle": 1_000,
    "teapot": 1_000,
    "lantern": 1_000,
    "blanket": 1_000,
    "compass": 1_000,
    "hammock": 1_000,
    "sundial": 0,
    "sextant": 0,
}
"""Items, and how many there are in the beginning."""

SCHEMA: Final = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE entries (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL,
        item TEXT NOT NULL, quantity INTEGER NOT NULL, cents INTEGER NOT NULL, note TEXT NOT NULL
    );
    CREATE INDEX entries_by_kind ON entries (kind, order_id);
    CREATE INDEX entries_by_item ON entries (item, quantity);
    CREATE TABLE calls (key TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL);
"""

UNPICKED: Final = """
    SELECT order_id FROM entries AS charge WHERE kind = 'charge'
    AND NOT EXISTS (SELECT 1 FROM entries WHERE kind = 'pick' AND order_id = charge.order_id)
    ORDER BY rowid
"""

CALLED_BEFORE_AND_AFTER: Final = """
    SELECT count(DISTINCT first.key) FROM calls AS first JOIN calls AS again USING (key)
    WHERE first.at < ?1 AND again.at >= ?1
"""


class Entry(NamedTuple):
    """One line of the ledger; goods and money that leave the shop are negative."""

    key: str
    kind: str
    order_id: str
    item: str = ""
    quantity: int = 0
    cents: int = 0
    note: str = ""


class Ledger:
    """An open ledger; each process has its own, each used by one thread."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        # No fsync for each entry: what was written survives a killed process, though not a power cut.
        self._db.execute("PRAGMA synchronous = NORMAL")

    @classmethod
    def create(cls, path: Path, stock: Mapping[str, int]) -> Self:
        """Make the file, and stock the shop."""
        ledger = cls(path)
        ledger._db.executescript(SCHEMA)
        for item, quantity in stock.items():
            ledger.post(Entry(f"stock/{item}", "stock", "", item, quantity))
        return ledger

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def post(self, entry: Entry) -> None:
        """Add an entry, unless one with its key is there; the call is counted anyway."""
        with self._db:
            self._db.execute("INSERT INTO calls VALUES (?, ?, ?)", (entry.key, entry.kind, time.time()))
            self._db.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", entry)

    def in_stock(self, item: str) -> int:
        """Return how many of an item are left."""
        return self._number("SELECT coalesce(sum(quantity), 0) FROM entries WHERE item = ?", item)

    def unpicked(self) -> list[str]:
        """Return the orders that are paid and wait for the warehouse, oldest first."""
        return [order_id for (order_id,) in self._db.execute(UNPICKED)]

    def count(self, kind: str) -> int:
        """Return how many entries of a kind there are."""
        return self._number("SELECT count(*) FROM entries WHERE kind = ?", kind)

    def cents(self, kind: str) -> int:
        """Return the sum of the entries of a kind."""
        return self._number("SELECT coalesce(sum(cents), 0) FROM entries WHERE kind = ?", kind)

    def entries(self) -> list[Entry]:
        """Return everything that happened to orders, oldest first."""
        return [Entry(*row) for row in self._db.execute("SELECT * FROM entries WHERE order_id != '' ORDER BY rowid")]

    def calls(self, kind: str) -> int:
        """Return how often entries of a kind were asked for: as often as their activity got so far."""
        return self._number("SELECT count(*) FROM calls WHERE kind = ?", kind)

    def first_call(self, since: float) -> float | None:
        """Return when the first call came, in seconds since the epoch, at or after a moment; None: not yet."""
        moment: float | None = self._db.execute("SELECT min(at) FROM calls WHERE at >= ?", (since,)).fetchone()[0]
        return moment

    def called_again(self, moment: float) -> int:
        """Return how many entries were asked for before a moment and once more after it."""
        return self._number(CALLED_BEFORE_AND_AFTER, moment)

    def _number(self, query: str, value: object) -> int:
        return int(self._db.execute(query, (value,)).fetchone()[0])
