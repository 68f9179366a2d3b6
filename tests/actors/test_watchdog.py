"""The watchdog stops a turn that does not yield, and never anything else."""

from __future__ import annotations

import logging
import pickle
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

import pytest

from understudy.actors.guard.watchdog import Watchdog
from understudy.events.errors import DeadlockError

pytestmark = pytest.mark.usefixtures("untraced")

FOREVER = float("inf")


class Report:
    """What the watchdog told, and a way to wait for it."""

    def __init__(self) -> None:
        self.errors: list[DeadlockError] = []
        self.told = threading.Event()

    def __call__(self, error: DeadlockError) -> None:
        self.errors.append(error)
        self.told.set()


@contextmanager
def watching(limit: float = 0.05, report: Callable[[DeadlockError], None] | None = None) -> Generator[Watchdog]:
    watchdog = Watchdog(limit_seconds=limit, report=report or Report())
    try:
        yield watchdog
    finally:
        watchdog.close()


def take_turn(watchdog: Watchdog, code: Callable[[], object], limit: float | None = None) -> DeadlockError | None:
    """Take a turn as the engine does, and return the error that was raised in it."""
    struck: DeadlockError | None = None
    try:
        try:
            watchdog.enter("order-7", "run-1", limit=limit)
            code()
        finally:
            struck = watchdog.leave()
    except DeadlockError as error:
        watchdog.leave()
        return error
    return struck


def spin() -> None:
    while True:
        pass


def spin_until(event: threading.Event) -> None:
    while not event.is_set():
        pass


def test_a_turn_that_does_not_yield_is_reported_and_stopped() -> None:
    report = Report()
    with watching(report=report) as watchdog:
        error = take_turn(watchdog, spin)
    [told] = report.errors
    assert error is not None
    assert error.fields() == told.fields()
    assert type(told) is type(pickle.loads(pickle.dumps(error))) is DeadlockError  # noqa: S301 - our own bytes
    assert (told.workflow_id, told.run_id) == ("order-7", "run-1")
    assert told.seconds >= 0.05
    assert "in spin" in told.stack
    assert "order-7" in str(told)


def test_short_turns_are_left_alone() -> None:
    limit, longest, report, began = 0.2, 0.0, Report(), monotonic()
    with watching(limit, report) as watchdog:
        while (before := monotonic()) < began + 3 * limit:
            take_turn(watchdog, lambda: None)
            longest = max(longest, monotonic() - before)
    assert report.errors == [] or longest > limit / 2, "only the machine may have made a turn long"


def test_code_that_swallows_the_error_gets_it_again() -> None:
    caught: list[DeadlockError] = []

    def stubborn() -> str:
        while len(caught) < 3:
            try:
                spin()
            except DeadlockError as error:
                caught.append(error)
        return "done"

    report = Report()
    with watching(0.02, report) as watchdog:
        last = take_turn(watchdog, stubborn)
    assert [error.fields() for error in caught] == [error.fields() for error in report.errors]
    assert last is report.errors[2]


def test_an_except_exception_does_not_catch_it() -> None:
    def careful() -> None:
        while True:
            try:
                spin()
            except Exception:  # noqa: BLE001 - what careful code does
                return

    with watching() as watchdog:
        error = take_turn(watchdog, careful)
    assert error is not None
    assert error.__traceback__ is not None


def test_a_thread_that_hangs_in_c_is_reported_at_once_and_stopped_when_it_is_back() -> None:
    report = Report()

    def hang() -> None:
        report.told.wait()
        spin()

    with watching(report=report) as watchdog:
        error = take_turn(watchdog, hang)
    assert error is not None
    assert "in wait" in error.stack
    assert len(report.errors) == 1


def test_a_turn_may_have_a_shorter_limit_of_its_own() -> None:
    with watching(3600) as watchdog:
        assert take_turn(watchdog, lambda: None) is None  # the watchdog is waiting for a quarter of an hour now
        error = take_turn(watchdog, spin, limit=0.02)
    assert error is not None
    assert 0.02 <= error.seconds < 1


def test_a_turn_may_have_a_longer_limit_of_its_own() -> None:
    report = Report()
    struck = threading.Event()
    with watching(0.02, report) as watchdog, watching(0.2, lambda _error: struck.set()) as clock:
        # A second watchdog is the clock: it strikes after ten limits of the first.
        def patient() -> None:
            take_turn(clock, lambda: spin_until(struck), limit=0.2)

        assert take_turn(watchdog, patient, limit=FOREVER) is None
    assert report.errors == []


def test_no_limit_means_no_limit() -> None:
    with watching(FOREVER) as watchdog:
        assert take_turn(watchdog, lambda: None) is None
        assert take_turn(watchdog, spin, limit=0.02) is not None


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_has_to_be_above_zero(limit: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Watchdog(limit_seconds=limit, report=Report())


def test_a_report_that_fails_does_not_save_the_turn(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_error: DeadlockError) -> None:
        raise OSError("the disk is full")

    with caplog.at_level(logging.ERROR), watching(report=broken) as watchdog:
        assert take_turn(watchdog, spin) is not None
    assert "the disk is full" in caplog.text


def test_a_turn_that_ends_while_it_is_reported_is_not_struck() -> None:
    reported, ended = threading.Event(), threading.Event()

    def slow_report(_error: DeadlockError) -> None:
        reported.set()
        ended.wait()

    with watching(report=slow_report) as watchdog:
        assert take_turn(watchdog, lambda: spin_until(reported)) is None
        ended.set()
        for _ in range(1000):
            assert take_turn(watchdog, lambda: None) is None


def test_one_watchdog_follows_its_turns_to_another_thread() -> None:
    errors: list[DeadlockError | None] = []
    with watching() as watchdog:
        for _ in range(2):
            thread = threading.Thread(target=lambda: errors.append(take_turn(watchdog, spin)))
            thread.start()
            thread.join()
    assert len([error for error in errors if error]) == 2


def test_turns_that_end_just_when_they_are_struck_leave_nothing_behind() -> None:
    """The race of the module's theory: the report is the last thing before the strike, and with it the turn ends."""
    ended = struck = 0
    told = threading.Event()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with watching(4e-4, lambda _error: told.set()) as watchdog:
            for _ in range(200):
                told.clear()
                if take_turn(watchdog, lambda: spin_until(told)) is None:
                    ended += 1
                else:
                    struck += 1
                [None for _ in range(1000)]  # outside a turn: an exception here would fail the test
    finally:
        sys.setswitchinterval(interval)
    assert ended + struck == 200


def test_nothing_runs_before_the_first_turn_and_after_the_close() -> None:
    before = threading.active_count()
    watchdog = Watchdog(limit_seconds=0.05, report=Report())
    watchdog.close()
    assert threading.active_count() == before
    watchdog = Watchdog(limit_seconds=0.05, report=Report())
    watchdog.enter("order-7")
    assert threading.active_count() == before + 1
    watchdog.leave()
    watchdog.close()
    watchdog.close()
    assert threading.active_count() == before
    watchdog.enter("order-7")
    watchdog.leave()
    assert threading.active_count() == before


def test_its_repr_shows_what_it_watches() -> None:
    with watching(2) as watchdog:
        assert repr(watchdog) == "<Watchdog limit=2s idle>"
        watchdog.enter("order-7", "run-1")
        assert repr(watchdog) == "<Watchdog limit=2s run 'run-1'>"
        watchdog.leave()
