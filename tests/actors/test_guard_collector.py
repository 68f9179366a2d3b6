"""A collection may strike in the middle of a turn; what its hooks do is not the workflow's doing."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from understudy.actors.guard import seams as guard


@pytest.fixture
def hooked() -> Iterator[list[float]]:
    seen: list[float] = []

    def hook(_phase: str, _info: dict[str, int]) -> None:
        seen.append(time.perf_counter())

    gc.callbacks.append(hook)
    yield seen
    gc.callbacks.remove(hook)


def test_a_hook_of_the_collector_may_read_the_clock_in_the_middle_of_a_turn(hooked: list[float]) -> None:
    guard.install()
    token = guard.enter()
    try:
        gc.collect()
    finally:
        violation = guard.leave(token)
    assert violation is None
    assert len(hooked) >= 2
