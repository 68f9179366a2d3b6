"""What every adapter of the store keeps to, the writing half; an adapter's tests subclass it and open a store."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.store.examples import append, noted, row, run_unit, stored_units, unit
from understudy.events.errors import AlreadyOpenError, VersionConflictError
from understudy.events.errors.store import StoreUnavailableError, UnstorableError
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.store.port import Append, EventStore

__all__ = ["StoreCase", "WritingContract"]


class Undeclared(Event, frozen=True, kw_only=True):
    """An event that is not in the catalogue."""

    topic = "test.undeclared"


class StoreCase(ABC):
    """Opens the adapter under test."""

    @abstractmethod
    def open(self, folder: Path) -> EventStore:
        """Open a fresh store; it may keep files in the folder."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[EventStore]:
        store = self.open(tmp_path)
        yield store
        store.close()


class WritingContract(StoreCase):
    """Streams, units, groups and their conflicts."""

    def test_events_come_back_as_they_went_in(self, store: EventStore) -> None:
        assert store.commit([unit(append("a", 0, "one", "zwei ü 日本", 'th"ree\\\n'))]) == [None]
        assert store.load("a") == [noted("one"), noted("zwei ü 日本"), noted('th"ree\\\n')]

    def test_a_stream_that_nobody_wrote_is_empty(self, store: EventStore) -> None:
        assert store.load("nobody") == []
        assert store.execution("nobody") is None
        assert store.latest("nobody") is None

    def test_a_stream_can_be_read_from_a_version_on(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one", "two", "three"))])
        assert store.load("a", after=1) == [noted("two"), noted("three")]
        assert store.load("a", after=3) == []

    def test_no_gaps_versions_of_a_run_are_one_two_three(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one")), unit(append("a", 1, "two", "three")), unit(append("b", 0, "one"))])
        store.commit([unit(append("a", 3, "four"))])
        versions = [event.version for event in store.recorded(0, 100) if event.run_id == "a"]
        assert versions == [1, 2, 3, 4]

    def test_no_gaps_an_append_beyond_the_end_is_refused(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one"))])
        (outcome,) = store.commit([unit(append("a", 2, "three"))])
        assert isinstance(outcome, VersionConflictError)
        assert outcome.fields() == {"run_id": "a", "expected": 3}
        assert store.load("a") == [noted("one")]

    @pytest.mark.parametrize("after", [0, 1])
    def test_one_owner_a_stale_append_is_refused_and_the_others_of_its_group_are_stored(
        self, store: EventStore, after: int
    ) -> None:
        store.commit([unit(append("a", 0, "one", "two"))])
        outcomes = store.commit(
            [unit(append("b", 0, "b1")), unit(append("a", after, "stale"), row("a")), unit(append("c", 0, "c1"))]
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), VersionConflictError, type(None)]
        assert store.load("a") == [noted("one"), noted("two")]
        assert store.execution("a") is None
        assert store.load("b") == [noted("b1")]
        assert store.load("c") == [noted("c1")]

    def test_one_owner_of_two_owners_in_one_group_the_first_wins(self, store: EventStore) -> None:
        outcomes = store.commit([unit(append("a", 0, "mine")), unit(append("a", 0, "yours"))])
        assert outcomes[0] is None
        assert isinstance(outcomes[1], VersionConflictError)
        assert store.load("a") == [noted("mine")]

    def test_what_builds_on_a_refused_unit_is_refused_too(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one"))])
        outcomes = store.commit([unit(append("a", 0, "stale")), unit(append("a", 1, "two")), unit(append("a", 1, "x"))])
        assert [type(outcome) for outcome in outcomes] == [VersionConflictError, type(None), VersionConflictError]
        assert store.load("a") == [noted("one"), noted("two")]

    def test_an_append_without_events_is_a_fence(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one"), row("a", wake_at=5))])
        held, stale = store.commit([unit(append("a", 1), row("a", wake_at=6)), unit(append("a", 0), row("a"))])
        assert held is None
        assert isinstance(stale, VersionConflictError)
        found = store.execution("a")
        assert found is not None
        assert found.wake_at == 6

    def test_two_appends_to_one_stream_in_a_unit_follow_each_other(self, store: EventStore) -> None:
        assert store.commit([unit(append("a", 0, "one"), append("b", 0, "b1"), append("a", 1, "two"))]) == [None]
        assert store.load("a") == [noted("one"), noted("two")]
        (outcome,) = store.commit([unit(append("a", 2, "three"), append("a", 2, "again"))])
        assert isinstance(outcome, VersionConflictError)

    def test_a_unit_over_several_streams_is_stored_whole_or_not_at_all(self, store: EventStore) -> None:
        store.commit([unit(append("b", 0, "b1"))])
        (outcome,) = store.commit([unit(append("a", 0, "a1"), append("b", 0, "stale"), row("a"), row("c", "order-2"))])
        assert isinstance(outcome, VersionConflictError)
        assert outcome.run_id == "b"
        assert store.load("a") == []
        assert store.execution("a") is None
        assert store.execution("c") is None
        assert store.last_position() == 1

    def test_a_workflow_id_has_one_open_run(self, store: EventStore) -> None:
        store.commit([unit(append("a", 0, "one"), row("a"))])
        outcomes = store.commit(
            [unit(append("b", 0, "one"), row("b")), unit(append("c", 0, "one"), row("c", "order-2"))]
        )
        assert isinstance(outcomes[0], AlreadyOpenError)
        assert outcomes[0].fields() == {"workflow_id": "order-1", "run_id": "a"}
        assert outcomes[1] is None
        assert store.load("b") == []
        assert store.execution("b") is None

    def test_of_two_starts_with_one_workflow_id_in_a_group_the_first_wins(self, store: EventStore) -> None:
        outcomes = store.commit([unit(append("a", 0, "one"), row("a")), unit(append("b", 0, "one"), row("b"))])
        assert outcomes[0] is None
        assert isinstance(outcomes[1], AlreadyOpenError)
        assert outcomes[1].run_id == "a"

    def test_a_workflow_id_is_free_when_its_run_is_closed(self, store: EventStore) -> None:
        store.commit([unit(row("a"))])
        assert store.commit([unit(row("a", status="Completed")), unit(row("b"))]) == [None, None]
        latest = store.latest("order-1")
        assert latest is not None
        assert latest.run_id == "b"

    def test_a_start_before_the_close_in_its_group_is_refused(self, store: EventStore) -> None:
        store.commit([unit(row("a"))])
        outcomes = store.commit([unit(row("b")), unit(row("a", status="Completed")), unit(row("b", memo="{}"))])
        assert isinstance(outcomes[0], AlreadyOpenError)
        assert outcomes[1:] == [None, None]

    def test_a_start_that_is_in_the_way_is_refused_even_if_it_closes_in_the_same_group(self, store: EventStore) -> None:
        store.commit([unit(row("a")), unit(append("b", 0, "one"), row("b", "order-2"))])
        outcomes = store.commit(
            [unit(append("c", 0, "one"), row("c")), unit(append("c", 1, "two"), row("c", status="Completed"))]
        )
        assert [type(outcome) for outcome in outcomes] == [AlreadyOpenError, VersionConflictError]
        assert store.load("c") == []
        assert store.execution("c") is None

    def test_a_run_may_start_and_close_in_one_group(self, store: EventStore) -> None:
        starts = [unit(row("a")), unit(row("a", memo="{}")), unit(row("a", status="Completed")), unit(row("b"))]
        assert store.commit(starts) == [None] * 4
        assert store.execution("a") == row("a", status="Completed")
        assert store.latest("order-1") == row("b")

    @pytest.mark.parametrize("closing_first", [True, False])
    def test_a_run_hands_its_workflow_id_to_the_next_in_one_unit(
        self, store: EventStore, *, closing_first: bool
    ) -> None:
        store.commit([unit(append("a", 0, "one"), row("a"))])
        rows = [row("a", status="ContinuedAsNew", closed_at=2), row("b")]
        rows = rows if closing_first else rows[::-1]
        assert store.commit([unit(append("a", 1, "two"), append("b", 0, "one"), *rows)]) == [None]
        latest = store.latest("order-1")
        assert latest is not None
        assert latest.run_id == "b"

    def test_the_run_in_the_way_is_named_even_beside_one_that_makes_way(self, store: EventStore) -> None:
        store.commit([unit(row("a", "order-1")), unit(row("b", "order-2"))])
        (outcome,) = store.commit([unit(row("a", "order-1", "Failed"), row("c", "order-1"), row("d", "order-2"))])
        assert isinstance(outcome, AlreadyOpenError)
        assert outcome.fields() == {"workflow_id": "order-2", "run_id": "b"}

    def test_of_two_rows_of_one_run_in_a_unit_the_last_counts(self, store: EventStore) -> None:
        assert store.commit([unit(row("a", wake_at=3), row("a", status="Failed", wake_at=None))]) == [None]
        found = store.execution("a")
        assert found is not None
        assert (found.status, found.wake_at) == ("Failed", None)

    def test_a_unit_may_change_a_row_and_no_stream(self, store: EventStore) -> None:
        assert store.commit([unit(row("a"))]) == [None]
        assert store.last_position() == 0

    def test_an_empty_unit_and_an_empty_group_are_stored(self, store: EventStore) -> None:
        assert store.commit([unit()]) == [None]
        assert store.commit([]) == []

    @pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 100, 257, 1500])
    def test_groups_of_any_size_are_stored_whole(self, store: EventStore, size: int) -> None:
        assert store.commit([run_unit(number) for number in range(size)]) == [None] * size
        assert stored_units(store, range(size)) == list(range(size))
        assert store.last_position() == 2 * size

    def test_an_event_that_nobody_declared_costs_only_its_own_unit(self, store: EventStore) -> None:
        alien = unit(Append("a", 0, (noted("one"), Undeclared(at=1))), row("a"))
        outcomes = store.commit([run_unit(1), alien, run_unit(2)])
        assert [type(outcome) for outcome in outcomes] == [type(None), UnstorableError, type(None)]
        assert isinstance(outcomes[1], UnstorableError)
        assert (outcomes[1].run_id, outcomes[1].version) == ("a", 2)
        assert store.load("a") == []
        assert stored_units(store, [1, 2]) == [1, 2]

    def test_an_event_that_json_cannot_say_costs_only_its_own_unit(self, store: EventStore) -> None:
        lone = SignalReceived(at=1, name="half of a pair: \ud800")
        outcomes = store.commit([run_unit(1), unit(Append("a", 0, (lone,)))])
        assert outcomes[0] is None
        assert isinstance(outcomes[1], UnstorableError)

    def test_readers_see_whole_units_while_a_writer_commits(self, store: EventStore) -> None:
        done = threading.Event()
        seen: list[int] = []
        torn: list[object] = []

        def read() -> None:
            finished = False
            while not finished:
                finished = done.is_set()
                try:
                    seen.append(len(stored_units(store, [])))
                    events = store.recorded(0, 10_000)
                    counts = {len(events) % 2}
                    rows = store.executions(limit=10_000)
                    streams = {len(store.load(row.run_id)) for row in rows[:20]}
                    torn.extend((counts, streams) if counts != {0} or not streams <= {2} else ())
                except BaseException as error:
                    torn.append(error)
                    raise

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(0, 300, 3):
            assert store.commit([run_unit(number), run_unit(number + 1), run_unit(number + 2)]) == [None] * 3
        done.set()
        for reader in readers:
            reader.join()
        assert torn == []
        assert stored_units(store, range(300)) == list(range(300))

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.close()
        store.close()
        outcomes = store.commit([run_unit(1), run_unit(2)])
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * 2
        assert outcomes[0] is not outcomes[1]
        assert "closed" in str(outcomes[0])
        assert "closed" in repr(store)

    def test_rows_keep_what_is_in_them(self, store: EventStore) -> None:
        full = msgspec.structs.replace(
            row("a", memo='{"who":{"data":"kim ü"}}'), search_attributes='{"City":"Zürich"}', wake_at=2**62, closed_at=3
        )
        store.commit([unit(full)])
        assert store.execution("a") == full
