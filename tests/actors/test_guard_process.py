"""The guard is on between enter and leave, on one thread; the rest of the process hardly sees it."""

from __future__ import annotations

import builtins
import inspect
import io
import os
import pickle
import random
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.actors.turns import code, refused, take_turn
from tests.behaviors.snippet import module
from understudy.actors.behaviors.guard.lint import lint
from understudy.actors.behaviors.guard.rules import GUARD_MARK
from understudy.actors.guard import seams as guard
from understudy.events.errors import DeterminismError

# Taken by value before the guard is installed, as a user's module may have done it.
BY_VALUE: dict[str, Any] = {
    "now": time.time,
    "nap": time.sleep,
    "pick": random.choice,
    "new_id": uuid.uuid4,
    "read": open,
}


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    guard.install()
    yield
    guard.uninstall()


# -- entering and leaving ----------------------------------------------------------------------------------------------


def test_outside_a_turn_nothing_is_refused() -> None:
    guard.leave(guard.enter())
    assert time.time() > 0


def test_an_unguarded_block_may_do_anything_and_ends() -> None:
    def turn() -> None:
        with guard.unguarded():
            code("time.time()")()
            with guard.unguarded():
                code("datetime.datetime.now()")()
        code("uuid.uuid4()")()

    assert refused(turn) == "uuid.uuid4"
    assert refused(turn, deep=True) == "uuid.uuid4"
    with guard.unguarded():
        assert time.time() > 0


def test_an_unguarded_block_that_outlives_its_turn_does_not_come_back_to_life() -> None:
    block = guard.unguarded()
    token = guard.enter()
    block.__enter__()
    guard.leave(token)
    block.__exit__(None, None, None)
    assert time.time() > 0
    token = guard.enter()
    block.__exit__(None, None, None)
    guard.leave(token)
    assert time.time() > 0


def test_a_turn_that_missed_its_leave_does_not_spoil_the_next() -> None:
    guard.enter(deep=True)
    with pytest.raises(DeterminismError):
        take_turn(code("time.time()"))
    assert refused("None") == ""
    assert sys.getprofile() is None
    assert time.time() > 0


def test_leaving_twice_is_harmless() -> None:
    token = guard.enter()
    guard.leave(token)
    assert guard.leave(token) is None


def test_turns_on_two_threads_do_not_mix() -> None:
    inside, checked = threading.Event(), threading.Event()
    theirs: list[str] = []

    def their_turn() -> None:
        inside.set()
        while not checked.is_set():
            pass
        code("time.time()")()

    thread = threading.Thread(target=lambda: theirs.append(refused(their_turn)))
    thread.start()
    inside.wait()
    assert time.time() > 0
    assert refused("uuid.uuid4()") == "uuid.uuid4"
    checked.set()
    thread.join()
    assert theirs == ["time.time"]


# -- what was taken by value -------------------------------------------------------------------------------------------


def test_cover_puts_the_wrappers_into_a_module_until_the_guard_goes() -> None:
    names: dict[str, object] = dict(BY_VALUE, other=[1])
    before = dict(names)
    guard.cover(names)
    assert refused("nap(0)", nap=names["nap"]) == "time.sleep"
    assert refused("pick([1])", pick=names["pick"]) == "random.choice"
    assert refused("read(os.devnull)", read=names["read"]) == "open"
    assert names["other"] is before["other"]
    names["now"] = 3
    guard.uninstall()
    assert names == {**before, "now": 3}


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("datetime.datetime.now()", "datetime.datetime.now"),
        ("datetime.datetime.today()", "datetime.datetime.today"),
        ("datetime.date.today()", "datetime.date.today"),
        ("now()", "time.time"),
        ("nap(0)", "time.sleep"),
        ("pick([1, 2])", "random.choice"),
        ("new_id()", "uuid.uuid4"),
        ("read(os.devnull)", "open"),
        ("random.Random(3).choice([1, 2, 3])", ""),
    ],
)
def test_a_deep_look_sees_c_types_and_what_was_taken_by_value(line: str, call: str) -> None:
    assert refused(line, deep=True, **BY_VALUE) == call


def test_a_deep_look_ends_with_its_turn() -> None:
    assert refused("None", deep=True) == ""
    assert sys.getprofile() is None


def test_a_deep_look_does_not_push_another_profiler_aside() -> None:
    def profiler(_frame: object, _event: str, _arg: object) -> None: ...

    sys.setprofile(profiler)
    try:
        found = refused("time.time()", deep=True)
        kept = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert (found, kept) == ("time.time", profiler)


# -- what the rest of the process sees ---------------------------------------------------------------------------------


def test_wrappers_look_like_what_they_stand_for() -> None:
    assert (time.time.__name__, time.time.__module__) == ("time", "time")
    assert time.time.__doc__
    assert inspect.signature(uuid.uuid4) == inspect.Signature()
    assert vars(io)["open"] is builtins.open


@pytest.mark.parametrize("function", ["time.time", "builtins.open", "os.stat", "random.choice", "uuid.uuid4"])
def test_wrappers_pickle_as_what_they_stand_for(function: str) -> None:
    owner, _, name = function.partition(".")
    stored = pickle.dumps(getattr(sys.modules[owner], name))
    guard.uninstall()
    assert pickle.loads(stored) == getattr(sys.modules[owner], name)  # noqa: S301 - our own bytes


def test_wrappers_of_c_functions_do_not_bind_to_instances() -> None:
    watch: Any = type("Stopwatch", (), {"clock": time.perf_counter, "dice": random.random, "stat": os.stat})()
    assert watch.clock() > 0
    assert 0 <= watch.dice() < 1
    assert watch.stat(__file__).st_size > 0


def test_the_os_module_says_the_same_of_what_its_functions_can() -> None:
    assert os.stat in os.supports_dir_fd
    assert os.stat in os.supports_follow_symlinks
    guard.uninstall()
    assert os.stat in os.supports_dir_fd
    assert not any(hasattr(each, GUARD_MARK) for each in os.supports_dir_fd)


def test_installing_twice_wraps_once() -> None:
    before = time.time
    guard.install()
    assert time.time is before


def test_uninstalling_gives_everything_back() -> None:
    guard.uninstall()
    assert time.time is BY_VALUE["now"]
    assert uuid.uuid4 is BY_VALUE["new_id"]
    assert vars(io)["open"] is builtins.open is BY_VALUE["read"]
    assert not hasattr(vars(random.Random)["seed"], GUARD_MARK)
    assert refused("time.time()") == ""
    guard.uninstall()


def test_uninstalling_leaves_what_somebody_else_put_there() -> None:
    ours = time.process_time

    def theirs() -> float:
        return ours()

    time.process_time = theirs
    try:
        guard.uninstall()
        assert time.process_time is theirs
        assert theirs() > 0
    finally:
        time.process_time = vars(ours.__func__)[GUARD_MARK]  # type: ignore[attr-defined]  # ours is a bound method


# -- for the lint ------------------------------------------------------------------------------------------------------


def look_at_the_clock() -> float:
    return time.time()


def test_the_lint_reads_the_same_with_the_guard_in_place() -> None:
    [finding] = lint(look_at_the_clock, source_provider=guard.module_source)
    assert (finding.call, finding.line) == ("time.time()", look_at_the_clock.__code__.co_firstlineno + 1)
    text = "def run(): now()"
    taken_early = module(text, **BY_VALUE)
    assert [found.call for found in lint(taken_early.run, source_provider=lambda _filename, _names: text)] == [
        "time.time()"
    ]


def test_code_without_a_file_has_no_source() -> None:
    assert guard.module_source("<stdin>", {}) is None
