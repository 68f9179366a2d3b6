"""Group commit: what arrives during one commit goes into the next, and everybody hears of just their own unit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.actors.gated import PATIENCE, GatedStore
from tests.store.examples import append, row, unit
from understudy.actors import journal as journal_module
from understudy.actors.dispatch import Dispatcher
from understudy.actors.journal import Done, Journal
from understudy.events.errors import AlreadyOpenError, EngineError, VersionConflictError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import Unit


class Desk:
    """A journal on the test's loop, its store, and what it answered, in order."""

    def __init__(self, inline_seconds: float = 0.0) -> None:
        self.store = GatedStore()
        self.journal = Journal(Dispatcher(asyncio.get_running_loop()), self.store, inline_seconds)
        self.answers: list[tuple[str, EngineError | None]] = []
        self.threads: set[int] = set()
        self._changed = asyncio.Event()

    def hand_in(self, name: str, made: Unit) -> None:
        """Hand in a unit; its answer is noted under a name."""
        self.journal.submit(made, self.noted(name))

    def noted(self, name: str) -> Done:
        """A callback that notes."""

        def done(error: EngineError | None) -> None:
            self.answers.append((name, error))
            self.threads.add(threading.get_ident())
            self._changed.set()

        return done

    async def begun(self) -> int:
        """Wait until a commit begins; return how many units are in it."""
        return await asyncio.to_thread(self.store.begun.get, timeout=PATIENCE)

    def let_through(self, count: int = 1, error: Exception | None = None) -> None:
        """Let so many commits go on."""
        for _ in range(count):
            self.store.gate.put(error)

    async def answered(self, count: int) -> list[str]:
        """Wait for so many answers; return whose they are."""
        async with asyncio.timeout(PATIENCE):
            while len(self.answers) < count:
                self._changed.clear()
                await self._changed.wait()
        return [name for name, _ in self.answers]

    def error_of(self, name: str) -> EngineError | None:
        """What one was told."""
        return dict(self.answers)[name]


@pytest.fixture(name="desk")
async def a_desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    desk.let_through(10)
    desk.journal.close()


async def test_a_unit_is_stored_before_its_callback_is_called_on_the_loop(desk: Desk) -> None:
    desk.hand_in("a", unit(append("a", 0, "one")))
    assert not desk.journal.is_idle
    desk.let_through()
    await desk.answered(1)
    assert desk.error_of("a") is None
    assert len(desk.store.load("a")) == 1
    assert desk.threads == {threading.get_ident()}


async def test_what_arrives_during_a_commit_goes_into_the_next_as_one_group(desk: Desk) -> None:
    desk.hand_in("a", unit(append("a", 0, "one")))
    assert await desk.begun() == 1
    for name in ("b", "c", "d"):
        desk.hand_in(name, unit(append(name, 0, "one")))
    assert repr(desk.journal) == f"<journal of {desk.store.url}: 3 units waiting>"
    desk.let_through(2)
    assert await desk.answered(4) == ["a", "b", "c", "d"]
    assert desk.store.groups == [["a"], ["b", "c", "d"]]


async def test_answers_come_in_the_order_in_which_units_were_handed_in(desk: Desk) -> None:
    names = [f"run-{number}" for number in range(50)]
    desk.let_through(50)
    for name in names:
        desk.hand_in(name, unit(append(name, 0, "one")))
    assert await desk.answered(50) == names


async def test_a_unit_may_build_on_one_that_is_not_on_disk_yet(desk: Desk) -> None:
    desk.hand_in("first", unit(append("a", 0, "one")))
    desk.hand_in("second", unit(append("a", 1, "two")))
    desk.hand_in("third", unit(append("a", 2, "three")))
    desk.let_through(3)
    await desk.answered(3)
    assert [error for _, error in desk.answers] == [None, None, None]
    assert len(desk.store.load("a")) == 3


async def test_a_conflict_of_one_never_costs_the_others_of_its_group(desk: Desk) -> None:
    desk.hand_in("gate", unit(append("gate", 0, "one")))
    await desk.begun()
    desk.hand_in("before", unit(append("b", 0, "one")))
    desk.hand_in("stale", unit(append("a", 7, "one")))
    desk.hand_in("behind", unit(append("c", 0, "one")))
    desk.let_through(2)
    assert await desk.answered(4) == ["gate", "before", "stale", "behind"]
    assert isinstance(desk.error_of("stale"), VersionConflictError)
    assert desk.error_of("before") is desk.error_of("behind") is None
    assert len(desk.store.load("c")) == 1


async def test_units_behind_a_failed_one_of_their_run_fail_with_the_same_error(desk: Desk) -> None:
    desk.hand_in("open", unit(append("old", 0, "one"), row("old")))
    await desk.begun()
    desk.hand_in("taken", unit(append("a", 0, "one"), row("a")))
    desk.let_through()
    await desk.begun()  # of "taken", whose workflow id is open
    desk.hand_in("follower", unit(append("a", 1, "two")))
    desk.hand_in("other", unit(append("b", 0, "one")))
    desk.hand_in("follows", unit(append("a", 2, "three")))
    desk.let_through(2)
    assert await desk.answered(5) == ["open", "taken", "follower", "follows", "other"]
    assert isinstance(desk.error_of("taken"), AlreadyOpenError)
    assert desk.error_of("follower") is desk.error_of("follows") is desk.error_of("taken")
    assert desk.error_of("other") is None
    assert desk.store.groups == [["old"], ["a"], ["b"]]


async def test_who_follows_a_follower_fails_with_it(desk: Desk) -> None:
    desk.hand_in("stale", unit(append("a", 7, "one")))
    await desk.begun()
    desk.hand_in("both", unit(append("a", 8, "two"), append("next", 0, "one")))
    desk.hand_in("follows", unit(append("next", 1, "two")))
    desk.let_through()
    assert await desk.answered(3) == ["stale", "both", "follows"]
    assert len({desk.error_of(name) for name in ("stale", "both", "follows")}) == 1
    assert desk.store.load("next") == []


async def test_a_run_that_failed_may_go_on_from_what_is_on_disk(desk: Desk) -> None:
    desk.let_through(2)
    desk.hand_in("stale", unit(append("a", 7, "one")))
    await desk.answered(1)
    desk.hand_in("anew", unit(append("a", 0, "one")))
    await desk.answered(2)
    assert desk.error_of("anew") is None


async def test_a_store_that_raises_fails_its_group_and_no_more(desk: Desk) -> None:
    desk.hand_in("gate", unit(append("gate", 0, "one")))
    await desk.begun()
    desk.hand_in("a", unit(append("a", 0, "one")))
    desk.hand_in("b", unit(append("b", 0, "one")))
    desk.let_through()
    boom = OSError("the disk is gone")
    desk.let_through(error=boom)
    await desk.answered(3)
    for name in ("a", "b"):
        error = desk.error_of(name)
        assert isinstance(error, StoreUnavailableError)
        assert error.__cause__ is boom
        assert "the disk is gone" in str(error)
    desk.hand_in("c", unit(append("c", 0, "one")))
    desk.let_through()
    await desk.answered(4)
    assert desk.error_of("c") is None


async def test_a_callback_that_raises_costs_nobody_behind_it(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_error: EngineError | None) -> None:
        raise ZeroDivisionError

    desk.journal.submit(unit(append("a", 0, "one")), broken)
    desk.hand_in("b", unit(append("b", 0, "one")))
    desk.let_through()
    assert await desk.answered(1) == ["b"]
    assert desk.error_of("b") is None
    assert desk.journal.is_idle
    assert "a callback of the journal failed" in caplog.text


async def test_a_group_has_a_limit_and_the_rest_goes_into_the_next(desk: Desk) -> None:
    desk.hand_in("gate", unit(append("gate", 0, "one")))
    await desk.begun()
    for number in range(journal_module.GROUP_LIMIT + 5):
        desk.hand_in(f"{number}", unit(append(f"run-{number}", 0, "one")))
    desk.let_through(3)
    await desk.answered(journal_module.GROUP_LIMIT + 6)
    assert list(map(len, desk.store.groups)) == [1, journal_module.GROUP_LIMIT, 5]
    assert {error for _, error in desk.answers} == {None}


async def test_who_waits_for_quiet_is_told_at_once_when_there_is(desk: Desk) -> None:
    desk.journal.when_idle(lambda: desk.noted("quiet")(None))
    assert desk.answers == [("quiet", None)]


async def test_who_waits_for_quiet_is_told_behind_all_answers_those_of_followers_too(desk: Desk) -> None:
    desk.hand_in("stale", unit(append("a", 7, "one")))
    await desk.begun()
    desk.hand_in("follower", unit(append("a", 8, "two")))
    desk.journal.when_idle(lambda: desk.noted("quiet")(None))
    desk.journal.when_idle(lambda: desk.noted("quiet, too")(None))
    desk.let_through()
    assert await desk.answered(4) == ["stale", "follower", "quiet", "quiet, too"]
    assert desk.journal.is_idle


async def test_who_is_answered_may_hand_in_the_next_at_once(desk: Desk) -> None:
    def again(error: EngineError | None) -> None:
        desk.noted("first")(error)
        desk.hand_in("second", unit(append("a", 1, "two")))

    desk.let_through(2)
    desk.journal.when_idle(lambda: None)
    desk.journal.submit(unit(append("a", 0, "one")), again)
    desk.journal.when_idle(lambda: desk.noted("quiet")(None))
    assert await desk.answered(3) == ["first", "second", "quiet"]


async def test_to_close_waits_for_what_the_writer_was_given() -> None:
    desk = Desk()
    desk.hand_in("a", unit(append("a", 0, "one")))
    await desk.begun()
    desk.let_through()
    await asyncio.to_thread(desk.journal.close)
    assert len(desk.store.load("a")) == 1


def test_a_writer_whose_loop_is_gone_ends_by_itself() -> None:
    loop = asyncio.new_event_loop()
    store = GatedStore()
    journal = Journal(Dispatcher(loop), store, inline_seconds=0.0)
    journal.submit(unit(append("a", 0, "one")), lambda _: pytest.fail("it was answered"))
    loop.run_until_complete(asyncio.sleep(0))
    store.begun.get(timeout=PATIENCE)
    loop.close()
    store.gate.put(None)
    journal.close()
    assert len(store.load("a")) == 1


# -- where a commit is made ------------------------------------------------------------------------------------------


class Where(MemoryStore):
    """Notes on which thread each commit is made, and for how many units."""

    def __init__(self, *, first_seconds: float = 0.0, seconds: float = 0.0) -> None:
        super().__init__()
        self.first_seconds = first_seconds
        self.seconds = seconds
        self.commits: list[tuple[bool, int]] = []
        self.time = 0.0
        self._thread = threading.get_ident()

    def stopwatch(self) -> float:
        """The time, s, in which only commits pass."""
        return self.time

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Note, let as much time pass as the disk would take, and store."""
        self.time += self.seconds if self.commits else self.first_seconds or self.seconds
        self.commits.append((threading.get_ident() == self._thread, len(units)))
        return super().commit(units)


async def committed(store: Where, *rounds: int) -> None:
    """Hand in so many units at once, round by round."""
    journal = Journal(Dispatcher(asyncio.get_running_loop()), store, stopwatch=store.stopwatch)
    number = 0
    for count in rounds:
        answers: list[EngineError | None] = []
        for _ in range(count):
            number += 1
            journal.submit(unit(append(f"run-{number}", 0, "one")), answers.append)
        idle = asyncio.Event()
        journal.when_idle(idle.set)
        await idle.wait()
        assert answers == [None] * count
    journal.close()


async def test_a_unit_that_is_alone_is_written_on_the_loop() -> None:
    store = Where()
    await committed(store, 1, 1)
    assert store.commits == [(True, 1), (True, 1)]


async def test_units_of_one_round_of_the_loop_go_as_one_group_and_off_the_loop() -> None:
    store = Where()
    await committed(store, 3, 1)
    assert store.commits == [(False, 3), (True, 1)]


async def test_where_commits_are_slow_the_loop_does_not_stand_still_for_them() -> None:
    store = Where(seconds=journal_module.INLINE_SECONDS * 10)
    await committed(store, 1, 1, 1)
    assert store.commits == [(True, 1), (False, 1), (False, 1)]


async def test_commits_come_back_to_the_loop_once_they_are_quick_again() -> None:
    store = Where(first_seconds=journal_module.INLINE_SECONDS * 10)
    await committed(store, *[1] * 40)
    places = [here for here, _ in store.commits]
    assert places[:2] == [True, False]
    assert places[-1] is True
    assert places.count(False) < 30
