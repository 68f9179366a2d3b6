"""The file of the SQLite store: what it may be, where it may be, and how its format is brought up."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.examples import append, noted, row, run_unit, stored_units, unit
from understudy.events.errors import StoreFormatError, StoreVersionError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.sqlite import statements as sql
from understudy.events.store.sqlite.readers import Readers
from understudy.events.store.sqlite.schema import migrate, prepare
from understudy.events.store.sqlite.store import SqliteStore


def raw(path: Path) -> sqlite3.Connection:
    """A connection past the store, as any other program has it."""
    return sqlite3.connect(path, isolation_level=None, timeout=0)


def number(path: Path, pragma: str) -> int:
    """A number of the file's header."""
    with closing(raw(path)) as connection:
        found: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


@pytest.fixture
def written(path: Path) -> Path:
    """A store with a hundred units, closed."""
    with closing(SqliteStore(path)) as store:
        store.commit([run_unit(each) for each in range(100)])
    return path


def test_what_was_stored_is_there_after_reopening(written: Path) -> None:
    with closing(SqliteStore(written)) as store:
        assert stored_units(store, range(100)) == list(range(100))
        assert store.last_position() == 200
        assert store.commit([run_unit(100)]) == [None]


def test_a_closed_store_leaves_one_database_file_and_its_lock(written: Path) -> None:
    assert sorted(each.name for each in written.parent.iterdir()) == ["store.db", "store.db.lock"]


def test_the_file_is_marked_as_ours_and_commits_are_synced_to_a_write_ahead_log(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        assert number(path, "application_id") == sql.APPLICATION_ID
        assert number(path, "user_version") == sql.FORMAT
        with closing(raw(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        with store.recorder.datastore.transaction(commit=True) as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2  # FULL


def test_events_are_readable_with_sql(path: Path) -> None:
    with closing(SqliteStore(path)) as store, closing(raw(path)) as connection:
        store.commit([unit(append("a", 0, "approve"), row("a"))])
        query = (
            "SELECT topic, json_extract(state, '$.name') FROM stored_events JOIN executions ON run_id = originator_id"
        )
        assert connection.execute(query).fetchall() == [("signal.received", "approve")]


def test_two_paths_to_one_file_are_one_store(written: Path) -> None:
    link = written.parent / "link.db"
    link.symlink_to(written)
    with closing(SqliteStore(link)) as store:
        assert store.url == f"sqlite:///{written.resolve()}"


@pytest.mark.parametrize("text", ["x", "name,amount\nkim,12\n", "text " * 1000])
def test_a_text_file_is_refused_and_left_as_it_is(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(StoreFormatError, match="not an SQLite database"):
        SqliteStore(path)
    assert path.read_text() == text


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused_and_left_as_it_is(path: Path, mode: str) -> None:
    with closing(raw(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE customers (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreFormatError, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_lock_file_that_was_there_stays_when_the_database_is_refused(path: Path) -> None:
    lock = Path(f"{path}.lock")
    lock.write_text("old")
    with closing(raw(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(StoreFormatError):
        SqliteStore(path)
    assert lock.exists()


@pytest.mark.parametrize("pragma", ["application_id = 1", "user_version = 1"])
def test_an_empty_database_with_a_foreign_mark_is_refused(path: Path, pragma: str) -> None:
    with closing(raw(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(StoreFormatError, match="another program"):
        SqliteStore(path)


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with closing(SqliteStore(path)) as store:
        assert store.commit([run_unit(1)]) == [None]


def test_a_creation_that_was_cut_short_is_begun_anew(path: Path) -> None:
    # All that a crash can leave of a creation: the file exists and has switched to WAL.
    with closing(raw(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with closing(SqliteStore(path)) as store:
        assert store.commit([run_unit(1)]) == [None]


def test_a_file_of_a_newer_release_is_refused(written: Path) -> None:
    with closing(raw(written)) as connection:
        connection.execute(f"PRAGMA user_version = {sql.FORMAT + 3}")
    with pytest.raises(StoreVersionError) as caught:
        SqliteStore(written)
    assert (caught.value.found, caught.value.known) == (sql.FORMAT + 3, sql.FORMAT)


def test_a_file_without_a_format_is_refused(written: Path) -> None:
    with closing(raw(written)) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(StoreFormatError, match="format"):
        SqliteStore(written)


def test_an_older_format_is_brought_up_step_by_step(path: Path) -> None:
    steps = {
        1: ("CREATE TABLE one (x)", "INSERT INTO one VALUES (1)"),
        2: ("ALTER TABLE one ADD COLUMN y DEFAULT 2",),
        3: ("INSERT INTO nowhere VALUES (1)",),
    }
    with closing(raw(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
        migrate(connection, 3, steps)
        assert connection.execute("SELECT x, y FROM one").fetchall() == [(1, 2)]
        assert number(path, "user_version") == 3
        migrate(connection, 3, steps)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(connection, 4, steps)
        assert not connection.in_transaction
        assert number(path, "user_version") == 3


def test_there_is_a_migration_from_every_older_format() -> None:
    assert set(sql.MIGRATIONS) == set(range(1, sql.FORMAT))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"there is no folder '.*/missing'"):
        SqliteStore(tmp_path / "missing" / "store.db")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="directory"):
        SqliteStore(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    # Root may write anywhere but in the kernel's own file system.
    folder = Path("/sys/kernel") if sys.platform == "linux" and os.geteuid() == 0 else tmp_path
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnavailableError, match=r"lock file.*(denied|permitted|read-only)"):
            SqliteStore(folder / "store.db")
    finally:
        tmp_path.chmod(0o700)


def test_a_store_that_failed_to_open_does_not_keep_its_lock(path: Path) -> None:
    with closing(raw(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    for _ in range(2):
        with pytest.raises(StoreFormatError):
            SqliteStore(path)


def test_vacuum_does_not_change_positions(written: Path) -> None:
    with closing(raw(written)) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_id = 'run-00001'")
        connection.execute("VACUUM")
    with closing(SqliteStore(written)) as store:
        assert [event.position for event in store.recorded(0, 4)] == [1, 2, 5, 6]


def test_a_position_is_never_given_twice(written: Path) -> None:
    with closing(raw(written)) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_id = 'run-00099'")
    with closing(SqliteStore(written)) as store:
        store.commit([run_unit(100)])
        assert [event.position for event in store.recorded(197, 4)] == [198, 201, 202]


def test_a_write_ahead_log_torn_anywhere_leaves_a_prefix_of_whole_commits(tmp_path: Path, path: Path) -> None:
    count = 12
    with closing(SqliteStore(path)) as store:
        for each in range(count):
            store.commit([run_unit(each)])
        size = Path(f"{path}-wal").stat().st_size
        lengths = [size * part // 40 for part in range(41)]
        copies: list[Path] = []
        for cut in lengths:
            copy = tmp_path / f"cut-{cut}.db"
            shutil.copy(path, copy)
            Path(f"{copy}-wal").write_bytes(Path(f"{path}-wal").read_bytes()[:cut])
            copies.append(copy)
    kept = [0]
    for copy in copies:
        with closing(SqliteStore(copy)) as store:
            found = stored_units(store, range(count))
            assert found == list(range(len(found)))
            assert store.commit([run_unit(count)]) == [None]
            assert store.load(f"run-{count:05}") == [noted(str(count))] * 2
        kept.append(len(found))
    assert kept == sorted(kept)
    assert kept[-1] == count


def test_a_flipped_byte_in_the_write_ahead_log_drops_that_commit_and_what_follows(tmp_path: Path, path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        for each in range(4):
            store.commit([run_unit(each)])
        log = bytearray(Path(f"{path}-wal").read_bytes())
        copy = tmp_path / "flipped.db"
        shutil.copy(path, copy)
    log[len(log) // 2] ^= 0xFF
    Path(f"{copy}-wal").write_bytes(log)
    with closing(SqliteStore(copy)) as store:
        found = stored_units(store, range(4))
        assert found == list(range(len(found)))
        assert 0 < len(found) < 4


def test_a_place_without_a_write_ahead_log_is_refused() -> None:
    # What a network file system answers, a database in memory answers, too: that it cannot do that.
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection), pytest.raises(StoreUnavailableError, match="write-ahead log"):
        prepare(connection, "orders.db")


def test_a_read_that_is_under_way_ends_before_its_connection_is_closed() -> None:
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.create_function("close_all", 0, lambda: readers.close())  # noqa: PLW0108 - there are no readers yet
        opened.append(connection)
        return connection

    readers = Readers(connect)
    assert readers.fetch("SELECT 1", ()) == [(1,)]
    assert repr(readers) == "<Readers 1 idle>"
    assert readers.fetch("SELECT close_all(), 2", ()) == [(None, 2)]
    assert repr(readers) == "<Readers 0 idle, closed>"
    assert len(opened) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        readers.fetch("SELECT 1", ())


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        pytest.param(sql.LOAD, ("a", 0), id="load"),
        pytest.param(sql.RECORDED, (0, 10), id="recorded"),
        pytest.param(sql.LAST_POSITION, (), id="last_position"),
        pytest.param(sql.EXECUTION, ("a",), id="execution"),
        pytest.param(sql.LATEST, ("order-1",), id="latest"),
        pytest.param(sql.OPEN_RUN, ("order-1",), id="open_run"),
        pytest.param(sql.DUE, (5, 0, "", 10), id="due"),
        pytest.param(sql.NEXT_WAKE, (5,), id="next_wake"),
        pytest.param(sql.EXECUTIONS_OF, (None, 10, 0, None, "order-1"), id="executions_of"),
        pytest.param(sql.stale_streams(2), ("a", 0, "b", 0), id="stale_streams"),
    ],
)
def test_no_read_scans_a_table_or_sorts(written: Path, statement: str, parameters: tuple[object, ...]) -> None:
    with closing(raw(written)) as connection:
        plan = [str(step[3]) for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert plan
    slow = [
        step for step in plan if ("SCAN" in step and "CONSTANT" not in step and "claim" not in step) or "B-TREE" in step
    ]
    assert slow == []
