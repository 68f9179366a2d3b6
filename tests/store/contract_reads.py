"""What every adapter of the store keeps to: the reading half."""

from __future__ import annotations

import msgspec

from tests.store.contract import StoreCase
from tests.store.examples import append, noted, row, run_unit, unit
from understudy.events.store.port import EventStore, ExecutionRow, Recorded

__all__ = ["ReadingContract"]


def run_ids(rows: list[ExecutionRow]) -> list[str]:
    """The run ids of rows, in order."""
    return [found.run_id for found in rows]


class ReadingContract(StoreCase):
    """The latest run, due runs, lists and the global sequence."""

    def test_the_latest_run_is_the_open_one(self, store: EventStore) -> None:
        store.commit([unit(row("a"))])
        store.commit([unit(row("b", status="Completed"))])
        store.commit([unit(row("c", "order-2"))])
        assert store.latest("order-1") == row("a")

    def test_without_an_open_run_the_latest_is_the_one_stored_first_most_recently(self, store: EventStore) -> None:
        store.commit([unit(row("z"))])
        store.commit([unit(row("z", status="Failed"))])
        store.commit([unit(row("a", status="Completed"))])
        store.commit([unit(row("z", status="Failed", memo="{}"))])
        assert store.latest("order-1") == row("a", status="Completed")

    def test_runs_are_due_in_the_order_of_their_times_and_ids(self, store: EventStore) -> None:
        times = {"d": 5, "a": 20, "c": 5, "b": 0, "e": 7}
        store.commit([unit(row(run_id, run_id, wake_at=at)) for run_id, at in times.items()])
        assert run_ids(store.due(before=7, limit=10)) == ["b", "c", "d", "e"]
        assert run_ids(store.due(before=6, limit=10)) == ["b", "c", "d"]
        assert run_ids(store.due(before=-1, limit=10)) == []

    def test_due_runs_come_page_by_page(self, store: EventStore) -> None:
        store.commit([unit(row(f"run-{number}", f"w{number}", wake_at=number // 3)) for number in range(10)])
        pages: list[list[str]] = []
        after: tuple[int, str] | None = None
        while page := store.due(before=100, limit=4, after=after):
            pages.append(run_ids(page))
            after = (page[-1].wake_at or 0, page[-1].run_id)
        assert [len(page) for page in pages] == [4, 4, 2]
        assert [run_id for page in pages for run_id in page] == [f"run-{number}" for number in range(10)]

    def test_runs_that_wait_for_a_message_are_never_due(self, store: EventStore) -> None:
        store.commit([unit(row("a", "a", wake_at=None)), unit(row("b", "b", "Completed", wake_at=None))])
        assert store.due(before=100, limit=10) == []
        assert store.next_wake(after=-1) is None

    def test_a_closed_run_that_needs_care_is_due(self, store: EventStore) -> None:
        store.commit([unit(row("b", "b", "Completed", wake_at=1))])
        assert run_ids(store.due(before=100, limit=10)) == ["b"]
        assert store.next_wake(after=0) == 1
        store.commit([unit(row("b", "b", "Completed", wake_at=None))])
        assert store.due(before=100, limit=10) == []

    def test_a_run_is_due_at_its_newest_time_only(self, store: EventStore) -> None:
        store.commit([unit(row("a", wake_at=5))])
        store.commit([unit(row("a", wake_at=50))])
        assert store.due(before=10, limit=10) == []
        store.commit([unit(row("a", wake_at=None))])
        assert store.due(before=100, limit=10) == []
        store.commit([unit(row("a", wake_at=1))])
        assert run_ids(store.due(before=100, limit=10)) == ["a"]
        store.commit([unit(row("a", status="TimedOut", wake_at=None))])
        assert store.due(before=100, limit=10) == []

    def test_the_next_wake_is_strictly_after(self, store: EventStore) -> None:
        store.commit([unit(row("a", "a", wake_at=0)), unit(row("b", "b", wake_at=7)), unit(row("c", "c", wake_at=9))])
        assert store.next_wake(after=-1) == 0
        assert store.next_wake(after=0) == 7
        assert store.next_wake(after=7) == 9
        assert store.next_wake(after=9) is None

    def test_runs_are_listed_youngest_first(self, store: EventStore) -> None:
        store.commit([unit(row("b", "x")), unit(row("a", "y")), unit(row("c", "z"))])
        store.commit([unit(row("b", "x", "Failed"))])
        assert run_ids(store.executions()) == ["c", "a", "b"]
        assert run_ids(store.executions(limit=1, offset=1)) == ["a"]
        assert run_ids(store.executions(status="Running")) == ["c", "a"]
        assert store.executions(status="Canceled") == []

    def test_runs_are_listed_by_workflow_id(self, store: EventStore) -> None:
        store.commit([unit(row("a", status="Failed")), unit(row("b", "other")), unit(row("c", status="Failed"))])
        store.commit([unit(row("d"))])
        assert run_ids(store.executions(workflow_id="order-1")) == ["d", "c", "a"]
        assert run_ids(store.executions(workflow_id="order-1", status="Failed", offset=1)) == ["a"]
        assert store.executions(workflow_id="nobody") == []

    def test_runs_are_listed_by_workflow_type(self, store: EventStore) -> None:
        rows = [row("a", "a"), row("b", "b", "Failed"), row("c", "c"), row("d", "d")]
        bills = [msgspec.structs.replace(each, workflow_type="Bill") for each in rows[:3]]
        store.commit([unit(each) for each in (*bills, rows[3])])
        assert run_ids(store.executions(workflow_type="Bill")) == ["c", "b", "a"]
        assert run_ids(store.executions(workflow_type="Bill", limit=1, offset=1)) == ["b"]
        assert run_ids(store.executions(workflow_type="Bill", status="Failed")) == ["b"]
        assert run_ids(store.executions(workflow_type="Bill", workflow_id="c")) == ["c"]
        assert store.executions(workflow_type="Bill", workflow_id="d") == []

    def test_positions_follow_the_order_of_commits_without_gaps(self, store: EventStore) -> None:
        assert store.last_position() == 0
        store.commit([unit(append("b", 0, "1", "2"), append("a", 0, "3")), unit(append("b", 2, "4"))])
        store.commit([unit(append("b", 0, "stale"))])
        store.commit([unit(append("c", 0, "stale"), row("c")), unit(append("c", 0, "stale"))])
        store.commit([unit(append("a", 1, "6"))])
        assert store.recorded(0, 100) == [
            Recorded("b", 1, noted("1"), 1),
            Recorded("b", 2, noted("2"), 2),
            Recorded("a", 1, noted("3"), 3),
            Recorded("b", 3, noted("4"), 4),
            Recorded("c", 1, noted("stale"), 5),
            Recorded("a", 2, noted("6"), 6),
        ]
        assert store.last_position() == 6

    def test_the_global_sequence_comes_page_by_page(self, store: EventStore) -> None:
        store.commit([run_unit(number) for number in range(5)])
        assert [event.position for event in store.recorded(0, 4)] == [1, 2, 3, 4]
        assert [event.position for event in store.recorded(4, 4)] == [5, 6, 7, 8]
        assert [event.position for event in store.recorded(8, 4)] == [9, 10]
        assert store.recorded(10, 4) == []
