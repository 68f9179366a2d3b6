"""The recorder behind eventsourcing's own interface, and the sizes of the statements it writes with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from tests.store.examples import append, noted, run_unit, unit
from understudy.events.store.mapper import EventMapper, RunEvent
from understudy.events.store.memory import MemoryStore
from understudy.events.store.sqlite import statements as sql
from understudy.events.store.sqlite.store import SqliteStore


def stored(run_id: str, version: int) -> StoredEvent:
    """A row as the library hands it over."""
    return EventMapper().to_stored_event(RunEvent(run_id, version, noted(f"{run_id} {version}")))


def test_the_librarys_way_and_ours_write_the_same_store(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        store.commit([unit(append("a", 0, "a 1"))])
        assert store.recorder.insert_events([stored("a", 2), stored("b", 1)]) == range(2, 4)
        store.commit([unit(append("a", 2, "a 3"))])
        assert store.load("a") == [noted("a 1"), noted("a 2"), noted("a 3")]
        assert list(store.recorder.select_events("a", gt=1)) == [stored("a", 2), stored("a", 3)]


def test_followers_written_for_the_library_read_the_global_sequence(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        memory = MemoryStore()
        for each in (store, memory):
            each.commit([run_unit(1), run_unit(2)])
        recorder = store.recorder
        assert recorder.max_notification_id() == memory.recorder.max_notification_id() == 4
        found = recorder.select_notifications(start=2, limit=2, topics=["signal.received"])
        assert [(each.id, each.originator_id, each.originator_version) for each in found] == [
            (2, "run-00001", 2),
            (3, "run-00002", 1),
        ]
        assert found == memory.recorder.select_notifications(start=2, limit=2, topics=["signal.received"])


def test_creating_the_tables_again_changes_nothing(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        store.recorder.create_table()
        assert store.commit([run_unit(1)]) == [None]


def test_the_librarys_way_stores_a_version_once(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db")) as store:
        store.recorder.insert_events([stored("a", 1)])
        with pytest.raises(IntegrityError, match="UNIQUE"):
            store.recorder.insert_events([stored("b", 1), stored("a", 1)])
        assert store.last_position() == 1


def test_pieces_cover_every_row_once_and_are_few() -> None:
    for count in range(3000):
        pieces = list(sql.pieces(count))
        assert [row for start, stop in pieces for row in range(start, stop)] == list(range(count))
        assert len(pieces) <= 3 + count // 512
    sizes = {stop - start for count in range(3000) for start, stop in sql.pieces(count)}
    assert sizes == {*range(1, 33), 48, 64, 96, 128, 192, 256, 384, 512}
