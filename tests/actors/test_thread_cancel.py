"""Cancellation of code in a thread: it comes while the function runs, once, and never behind its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from understudy.actors.activities.thread_cancel import Shield, ThreadCancel
from understudy.exceptions import CancelledError

pytestmark = pytest.mark.usefixtures("untraced")

PATIENCE = 20.0


def spin() -> None:
    """Run until something is raised."""
    while True:
        pass


def in_thread(cancel: ThreadCancel, fn: Callable[[threading.Event], Any]) -> Any:
    """Cancel while `fn` runs in another thread, once it has set the event that it gets, and return what comes out."""
    begun = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(cancel.run, fn, begun)
        assert begun.wait(PATIENCE)
        cancel.cancel()
        return running.result(PATIENCE)


def test_a_function_that_nobody_cancels_returns_and_raises_as_ever() -> None:
    assert ThreadCancel().run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        ThreadCancel().run(divmod, 7, 0)
    with pytest.raises(CancelledError, match="its own"):
        ThreadCancel().run(_raise, CancelledError("its own"))


def _raise(error: BaseException) -> None:
    raise error


def test_the_exception_comes_where_the_function_is() -> None:
    def works(begun: threading.Event) -> None:
        begun.set()
        spin()

    with pytest.raises(CancelledError, match="Cancelled"):
        in_thread(ThreadCancel(), works)


def test_the_function_cleans_up_and_what_it_returns_counts() -> None:
    def works(begun: threading.Event) -> str:
        try:
            begun.set()
            spin()
        except Exception as error:  # noqa: BLE001 - as user code does
            return f"tidied up behind {type(error).__name__}"
        return "never"

    assert in_thread(ThreadCancel(), works) == "tidied up behind CancelledError"


def test_it_comes_once_however_often_it_is_asked() -> None:
    cancel = ThreadCancel()

    def works(begun: threading.Event) -> int:
        caught = 0
        for _ in range(2):
            try:
                begun.set()
                spin() if not caught else cancel.cancel()
            except CancelledError:
                caught += 1
        return caught

    assert in_thread(cancel, works) == 1


def test_what_is_cancelled_before_it_begins_never_does() -> None:
    cancel = ThreadCancel()
    cancel.cancel()
    begun: list[int] = []
    with pytest.raises(CancelledError):
        cancel.run(begun.append, 1)
    assert begun == []


def test_what_is_over_is_cancelled_no_more() -> None:
    cancel = ThreadCancel()
    assert cancel.run(str) == ""
    cancel.cancel()
    assert repr(cancel) == "<ThreadCancel over>"


# -- shields ---------------------------------------------------------------------------------------------------------


def test_a_shield_holds_it_back_until_its_end() -> None:
    cancel = ThreadCancel()
    seen: list[str] = []

    def works() -> None:
        with Shield(cancel):
            with Shield(cancel):
                cancel.cancel()
                seen.append("inner")
            seen.append("outer")
        seen.append("never")

    with pytest.raises(CancelledError):
        cancel.run(works)
    assert seen == ["inner", "outer"]


@pytest.mark.parametrize("leave", ["return", "raise"])
def test_at_the_end_of_a_shield_it_takes_the_place_of_what_the_block_did(leave: str) -> None:
    cancel = ThreadCancel()

    def works() -> str:
        with Shield(cancel):
            cancel.cancel()
            if leave == "raise":
                raise ValueError(leave)
            return "returned"

    with pytest.raises(CancelledError):
        cancel.run(works)


def test_a_shield_in_which_nothing_comes_changes_nothing() -> None:
    cancel = ThreadCancel()

    def works() -> str:
        with Shield(cancel), Shield(None):
            pass
        with pytest.raises(ValueError, match="as ever"), Shield(cancel):
            raise ValueError("as ever")
        assert repr(cancel) == "<ThreadCancel running, 0 shields>"
        return "done"

    assert cancel.run(works) == "done"


def test_a_shield_in_a_helping_thread_holds_nothing_back() -> None:
    cancel = ThreadCancel()
    ready = threading.Event()  # to be struck: while a thread is being started, that would tear the starting of it

    def helps() -> None:
        ready.wait(PATIENCE)
        with Shield(cancel):
            cancel.cancel()

    def works() -> str:
        helper = threading.Thread(target=helps)
        helper.start()
        try:
            ready.set()
            spin()
        except CancelledError:
            helper.join(PATIENCE)
            return "struck here"
        return "never"

    assert cancel.run(works) == "struck here"


def test_what_came_before_a_shield_is_raised_at_its_entry() -> None:
    cancel = ThreadCancel()
    inside: list[str] = []

    def works(begun: threading.Event) -> None:
        begun.set()
        while True:
            with Shield(cancel):
                inside.append("in")
                inside.append("out")

    with pytest.raises(CancelledError):
        in_thread(cancel, works)
    assert inside.count("in") == inside.count("out")


# -- the race --------------------------------------------------------------------------------------------------------


def test_nothing_comes_behind_the_end_in_whatever_the_thread_does_next() -> None:
    """A function that ends while it is cancelled: it ends one way or the other, and the thread stays clean."""
    ends = {"returned": 0, "cancelled": 0}

    def short(go: threading.Barrier, turns: int) -> str:
        go.wait(PATIENCE)
        for _ in range(turns):
            pass
        return "returned"

    def next_work() -> int:
        total = 0
        for number in range(300):
            total += len(str(number))
        return total

    with ThreadPoolExecutor(1) as pool:
        for turn in range(400):
            cancel, go = ThreadCancel(), threading.Barrier(2)
            running = pool.submit(cancel.run, short, go, turn % 40)
            following = pool.submit(next_work)
            go.wait(PATIENCE)
            cancel.cancel()
            try:
                ends[running.result(PATIENCE)] += 1
            except CancelledError:
                ends["cancelled"] += 1
            assert following.result(PATIENCE) == 790
    assert sum(ends.values()) == 400
