"""The garbage collector is relaxed while workers run, and only as far as nobody else has set it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from understudy.actors import collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize("default", collector.DEFAULTS)
def test_pythons_default_is_raised_while_a_worker_runs_and_put_back_behind_it(default: int) -> None:
    gc.set_threshold(default, 11, 12)
    collector.relax()
    assert gc.get_threshold() == (collector.RELAXED, 11, 12)
    collector.restore()
    assert gc.get_threshold() == (default, 11, 12)


def test_it_is_put_back_when_the_last_worker_goes() -> None:
    gc.set_threshold(700, 10, 10)
    collector.relax()
    collector.relax()
    collector.restore()
    assert gc.get_threshold()[0] == collector.RELAXED
    collector.restore()
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [0, 5_000])
def test_a_threshold_of_the_programs_own_is_kept(own: int) -> None:
    gc.set_threshold(own, 10, 10)
    collector.relax()
    assert gc.get_threshold()[0] == own
    collector.restore()
    assert gc.get_threshold()[0] == own


def test_what_the_program_sets_meanwhile_is_kept() -> None:
    gc.set_threshold(700, 10, 10)
    collector.relax()
    gc.set_threshold(5_000, 10, 10)
    collector.restore()
    assert gc.get_threshold()[0] == 5_000
