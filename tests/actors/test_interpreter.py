"""Collector and thread switching are tuned while workers run, and only as far as nobody else has set them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from understudy.actors import process_tuning as interpreter


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*before)
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("default", interpreter.DEFAULTS)
def test_pythons_default_is_raised_while_a_worker_runs_and_put_back_behind_it(default: int) -> None:
    gc.set_threshold(default, 11, 12)
    interpreter.relax()
    assert gc.get_threshold() == (interpreter.RELAXED, 11, 12)
    interpreter.restore()
    assert gc.get_threshold() == (default, 11, 12)


def test_it_is_put_back_when_the_last_worker_goes() -> None:
    gc.set_threshold(700, 10, 10)
    interpreter.relax()
    interpreter.relax()
    interpreter.restore()
    assert gc.get_threshold()[0] == interpreter.RELAXED
    interpreter.restore()
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [0, 5_000])
def test_a_threshold_of_the_programs_own_is_kept(own: int) -> None:
    gc.set_threshold(own, 10, 10)
    interpreter.relax()
    assert gc.get_threshold()[0] == own
    interpreter.restore()
    assert gc.get_threshold()[0] == own


def test_what_the_program_sets_meanwhile_is_kept() -> None:
    gc.set_threshold(700, 10, 10)
    interpreter.relax()
    gc.set_threshold(5_000, 10, 10)
    interpreter.restore()
    assert gc.get_threshold()[0] == 5_000


def test_threads_switch_more_often_while_a_worker_runs() -> None:
    sys.setswitchinterval(interpreter.DEFAULT_SWITCH_SECONDS)
    interpreter.relax()
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)
    interpreter.relax()
    interpreter.restore()
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)
    interpreter.restore()
    assert sys.getswitchinterval() == pytest.approx(interpreter.DEFAULT_SWITCH_SECONDS)


def test_a_switch_interval_of_the_programs_own_is_kept() -> None:
    sys.setswitchinterval(0.002)
    interpreter.relax()
    assert sys.getswitchinterval() == pytest.approx(0.002)
    interpreter.restore()
    assert sys.getswitchinterval() == pytest.approx(0.002)
    interpreter.relax()
    sys.setswitchinterval(0.001)
    interpreter.restore()
    assert sys.getswitchinterval() == pytest.approx(0.001)
