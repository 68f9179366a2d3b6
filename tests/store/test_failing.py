"""The crashing store crashes where it says; short of that it is its inner store, contract and all."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.store.contract import WritingContract
from tests.store.contract_reads import ReadingContract
from tests.store.examples import run_unit, stored_units
from tests.store.failing import FailingStore, SimulatedCrash
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore


class TestFailingStoreThatNeverFails(WritingContract, ReadingContract):
    """All of it."""

    def open(self, folder: Path) -> EventStore:
        return FailingStore(MemoryStore(), fail_at=1_000_000, when="before")


@pytest.mark.parametrize(("when", "kept"), [("before", [1]), ("after", [1, 2])])
def test_the_commit_of_the_crash_is_lost_or_kept_and_nothing_follows(
    when: Literal["before", "after"], kept: list[int]
) -> None:
    store = FailingStore(MemoryStore(), fail_at=2, when=when)
    assert store.commit([run_unit(1)]) == [None]
    for number in (2, 3):
        with pytest.raises(SimulatedCrash, match=f"{when} commit 2"):
            store.commit([run_unit(number)])
    assert "2, 3 so far" in repr(store)
    assert stored_units(store.inner, [1, 2, 3]) == kept
