"""What goes wrong with an SQLite store while it is open, each made to happen: who is told, and what is left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from eventsourcing.persistence import OperationalError

from tests.store.examples import append, noted, row, run_unit, stored_units, unit
from tests.store.mappers import scrambling_mapper
from understudy.events.errors import (
    CorruptEventError,
    MissingEventError,
    StoreBusyError,
    StoreFormatError,
    StoreFullError,
    VersionConflictError,
)
from understudy.events.errors.store import StoreUnavailableError, UnstorableError
from understudy.events.store.sqlite.border import SqliteBorder
from understudy.events.store.sqlite.store import SqliteStore


def raw(path: Path) -> sqlite3.Connection:
    """A connection past the store, as any other program has it."""
    return sqlite3.connect(path, isolation_level=None, timeout=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


def fill(store: SqliteStore, first: int = 0) -> int:
    """Commit groups of five units until the disk is full; returns how many units were stored."""
    for start in range(first, first + 10_000, 5):
        outcomes = store.commit([run_unit(number) for number in range(start, start + 5)])
        if outcomes != [None] * 5:
            assert {type(outcome) for outcome in outcomes} == {StoreFullError}
            return start
    raise AssertionError("the disk has no end")


def test_a_full_disk_refuses_the_whole_group_and_keeps_what_was_acknowledged(path: Path) -> None:
    with closing(SqliteStore(path, max_page_count=40)) as store:
        stored = fill(store)
        assert stored > 0
        assert stored_units(store, range(stored + 5)) == list(range(stored))
        outcomes = store.commit([run_unit(number) for number in range(9_000, 9_005)])
        assert len({id(outcome) for outcome in outcomes}) == 5
    with closing(SqliteStore(path)) as store:
        assert stored_units(store, range(stored + 5)) == list(range(stored))
        assert store.commit([run_unit(stored)]) == [None]


def test_a_full_disk_is_named_before_a_conflict_in_the_same_group(path: Path) -> None:
    with closing(SqliteStore(path, max_page_count=40)) as store:
        stored = fill(store)
        group = [unit(append("run-00000", 0, "stale")), *(run_unit(number) for number in range(stored, stored + 50))]
        outcomes = store.commit(group)
        assert {type(outcome) for outcome in outcomes} == {StoreFullError}
        assert stored_units(store, range(stored + 50)) == list(range(stored))
        (stale,) = store.commit(group[:1])
        assert isinstance(stale, VersionConflictError)


def test_a_database_held_by_another_program_is_busy_and_works_again_afterwards(path: Path) -> None:
    with closing(SqliteStore(path, busy_timeout=0.01)) as store, closing(raw(path)) as other:
        store.commit([run_unit(0)])
        other.execute("BEGIN IMMEDIATE")
        outcomes = store.commit([run_unit(1), run_unit(2)])
        assert [type(outcome) for outcome in outcomes] == [StoreBusyError] * 2
        assert stored_units(store, range(3)) == [0]
        other.execute("ROLLBACK")
        assert store.commit([run_unit(1), run_unit(2)]) == [None, None]


def test_a_new_store_on_a_database_held_by_another_program_is_busy(path: Path) -> None:
    with closing(raw(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError):
            SqliteStore(path, busy_timeout=0.01)
        other.execute("ROLLBACK")
    SqliteStore(path).close()


def test_readers_are_not_kept_waiting_by_a_writer(path: Path) -> None:
    with closing(SqliteStore(path, busy_timeout=0.01)) as store, closing(raw(path)) as other:
        store.commit([run_unit(1)])
        other.execute("BEGIN IMMEDIATE")
        assert stored_units(store, [1]) == [1]


@pytest.mark.parametrize("state", [b"", b"{", b'{"at":"noon"}', b"\xff\xfe\x00", b"null"])
def test_a_corrupt_event_is_named_by_run_and_version(path: Path, state: bytes) -> None:
    with closing(SqliteStore(path)) as store, closing(raw(path)) as other:
        store.commit([unit(append("a", 0, "one", "two", "three"))])
        other.execute("UPDATE stored_events SET state = ? WHERE originator_version = 2", (state,))
        with pytest.raises(CorruptEventError) as caught:
            store.load("a")
        assert (caught.value.run_id, caught.value.version) == ("a", 2)
        with pytest.raises(CorruptEventError):
            store.recorded(0, 10)
        assert store.recorded(0, 1)[0].event == noted("one")
        assert store.load("a", after=2) == [noted("three")]


def test_flipped_bytes_in_an_event_never_pass_as_another_topic(path: Path) -> None:
    with closing(SqliteStore(path)) as store, closing(raw(path)) as other:
        store.commit([unit(append("a", 0, "one"))])
        (state,) = other.execute("SELECT state FROM stored_events").fetchone()
        for place in range(len(state)):
            flipped = state[:place] + bytes([state[place] ^ 0x80]) + state[place + 1 :]
            other.execute("UPDATE stored_events SET state = ?", (flipped,))
            with pytest.raises(CorruptEventError):
                store.load("a")


def test_an_event_of_an_unknown_topic_names_the_topic(path: Path) -> None:
    with closing(SqliteStore(path)) as store, closing(raw(path)) as other:
        store.commit([unit(append("a", 0, "one"))])
        other.execute("UPDATE stored_events SET topic = 'moon.landed'")
        with pytest.raises(CorruptEventError, match=r"moon\.landed"):
            store.load("a")


def test_events_under_another_key_cannot_be_read(path: Path) -> None:
    with closing(SqliteStore(path, scrambling_mapper(shift=1))) as store:
        store.commit([unit(append("a", 0, "one"))])
    with closing(SqliteStore(path, scrambling_mapper(shift=2))) as store, pytest.raises(CorruptEventError, match="key"):
        store.load("a")


@pytest.mark.parametrize(("lost", "after", "expected", "found"), [(1, 0, 1, 2), (2, 0, 2, 3), (3, 1, 3, 4)])
def test_no_gaps_a_missing_event_is_named(path: Path, lost: int, after: int, expected: int, found: int) -> None:
    with closing(SqliteStore(path)) as store, closing(raw(path)) as other:
        store.commit([unit(append("a", 0, "one", "two", "three", "four"))])
        other.execute("DELETE FROM stored_events WHERE originator_version = ?", (lost,))
        with pytest.raises(MissingEventError) as caught:
            store.load("a", after)
        assert caught.value.fields() == {"run_id": "a", "expected": expected, "found": found}
        assert store.load("a", after=3) == [noted("four")]


def test_a_damaged_page_is_a_damaged_store(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.commit([run_unit(number) for number in range(300)])
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 8] = b"\xa5" * 4096 * 7
    path.write_bytes(content)
    with pytest.raises(StoreFormatError, match="malformed"), closing(SqliteStore(path)) as store:
        store.recorded(0, 1000)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(row("bad", "bad", wake_at=2**63), id="a time beyond 64 bits"),
        pytest.param(row("bad", "half of a pair: \ud800"), id="a text that is not UTF-8"),
        pytest.param(row("bad", None), id="no workflow id"),  # type: ignore[arg-type]  # what it guards against
    ],
)
def test_a_row_that_cannot_be_bound_costs_only_its_own_unit(path: Path, bad: object) -> None:
    with closing(SqliteStore(path)) as store:
        outcomes = store.commit([run_unit(1), unit(append("bad", 0, "one"), bad), run_unit(2)])  # type: ignore[arg-type]  # the same
        assert [type(outcome) for outcome in outcomes] == [type(None), UnstorableError, type(None)]
        assert isinstance(outcomes[1], UnstorableError)
        assert outcomes[1].run_id == "bad"
        assert stored_units(store, [1, 2]) == [1, 2]


def test_a_closed_store_cannot_be_read(path: Path) -> None:
    store = SqliteStore(path)
    store.commit([run_unit(1)])
    assert stored_units(store, [1]) == [1]
    store.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        store.load("a")


def test_the_border_translates_by_the_code_not_by_the_words() -> None:
    border = SqliteBorder("orders.db")
    code = {
        sqlite3.SQLITE_FULL: StoreFullError,
        sqlite3.SQLITE_BUSY_SNAPSHOT: StoreBusyError,
        sqlite3.SQLITE_LOCKED: StoreBusyError,
        sqlite3.SQLITE_CORRUPT_VTAB: StoreFormatError,
        sqlite3.SQLITE_NOTADB: StoreFormatError,
        sqlite3.SQLITE_IOERR_FSYNC: StoreUnavailableError,
        sqlite3.SQLITE_READONLY: StoreUnavailableError,
    }
    for number, kind in code.items():
        error = sqlite3.OperationalError("words")
        error.sqlite_errorcode = number
        wrapped = OperationalError(error)
        wrapped.__cause__ = error
        for foreign in (error, wrapped):
            with pytest.raises(kind) as caught, border:
                raise foreign
            assert caught.value.__cause__ is foreign
            assert "orders.db" in str(caught.value)


def test_the_border_lets_other_errors_through() -> None:
    with pytest.raises(ZeroDivisionError), SqliteBorder("orders.db"):
        raise ZeroDivisionError
    with pytest.raises(StoreUnavailableError, match="pool"), SqliteBorder("orders.db"):
        raise OperationalError("the pool is exhausted")
