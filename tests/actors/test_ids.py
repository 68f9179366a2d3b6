"""Run ids: UUIDs of version 7 that grow, whatever the clock does."""

from __future__ import annotations

from itertools import pairwise
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from understudy.actors.ids import COUNTER_MAX, run_ids

MS = 1_000_000
START = 1_763_771_696_123 * MS


def milliseconds(run_id: str) -> int:
    """The time in an id."""
    return UUID(run_id).int >> 80


def counter(run_id: str) -> int:
    """The counter in an id."""
    return UUID(run_id).int >> 64 & 0xFFF


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    run_id = run_ids(lambda: START + 999_999)()
    found = UUID(run_id)
    assert str(found) == run_id
    assert (found.version, found.variant) == (7, RFC_4122)
    assert milliseconds(run_id) == START // MS


def test_ids_of_one_millisecond_count_up_from_a_place_of_chance_that_leaves_room() -> None:
    new_id = run_ids(lambda: START)
    counters = [counter(new_id()) for _ in range(100)]
    assert counters == list(range(counters[0], counters[0] + 100))
    assert counters[0] <= COUNTER_MAX // 2


def test_a_counter_that_is_full_goes_on_in_the_next_millisecond() -> None:
    new_id = run_ids(lambda: START)
    ids = [new_id() for _ in range(COUNTER_MAX + 2)]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    assert milliseconds(ids[-1]) == START // MS + 1


@given(st.lists(st.integers(0, 50 * MS), min_size=2, max_size=60))
def test_ids_grow_also_when_the_clock_goes_back(times: list[int]) -> None:
    clock = iter(times)
    new_id = run_ids(lambda: START + next(clock))
    ids = [new_id() for _ in times]
    assert all(before < after for before, after in pairwise(ids))


def test_two_sources_do_not_give_the_same_ids() -> None:
    one, other = run_ids(lambda: START), run_ids(lambda: START)
    assert not {one() for _ in range(50)} & {other() for _ in range(50)}
