"""Tales: scripts that are told over a store whose commits kill the process, or go wrong, and what is left of them.

A script is told once without trouble, and then once for each commit and side of it; every time all invariants are
checked on what is left, and what is left is a `Tale`, to be compared.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple

from tests.recovery.again import definitions, perform, replay, shape
from tests.recovery.audit import closed_once, histories, recorded_once, view_once
from tests.recovery.lives import NEVER, ON_A_THREAD, FaultyStore, MortalStore, Script, When, live
from tests.recovery.stories import STORIES, Play
from understudy.actors.clock import SkippableClock
from understudy.events.event import Event
from understudy.events.state.evolve import fold
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore
from understudy.exceptions import StoreUnavailableError

__all__ = [
    "FEWEST",
    "LIVES",
    "Tale",
    "crashes",
    "each_in_any_order",
    "faults",
    "insist",
    "kinds_in_any_order",
    "tell",
    "tell_with_faults",
]

TIMES: Final = ("at", "fire_at", "next_at", "first_turn_at")
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Run ids, and what a run draws by its own dice, which are seeded by its id."""
FEWEST: Final = 3
"""Commits that the shortest of these stories takes; turns that fall together are one commit, so it is not always the
same number."""
LIVES: Final = 300
"""More than any of these stories needs, even if each life makes one commit."""


async def insist(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again for as long as the store is the reason that it was refused."""
    while True:
        with suppress(StoreUnavailableError):
            return await ask()


class Tale(NamedTuple):
    """A story, told in as many lives as it took."""

    result: Any
    histories: list[list[str]]
    """Of each run, oldest first: its events, without what differs between any two performances."""
    lives: int


def tell(script: Script, deaths: Mapping[int, int], when: When = "before", inline_seconds: float = ON_A_THREAD) -> Tale:
    """Tell a story over a store that dies at commit `deaths[life]` of a life, and check what is left of it."""
    store, clock, lives, died = MemoryStore(), SkippableClock(), 0, True
    play, result = Play(store), None
    while died:
        lives += 1
        assert lives <= LIVES, "it never ends"
        mortal = partial(MortalStore, store, deaths.get(lives, NEVER), when)
        result, died = live(script, STORIES, play.all(), mortal, inline_seconds, clock)
    return finished(store, play, result, lives)


def tell_with_faults(script: Script, numbers: Container[int], when: When) -> tuple[Tale, int]:
    """Tell a story over a store of which these commits go wrong; how many it was asked for is the second answer."""
    store = MemoryStore()
    play = Play(store)
    faulty: list[FaultyStore] = []

    def make() -> MortalStore:
        faulty.append(FaultyStore(store, numbers, when))
        return faulty[-1]

    result, _ = live(script, STORIES, play.all(), make, clock=SkippableClock())
    return finished(store, play, result, 1), faulty[0].asked


def finished(store: EventStore, play: Play, result: Any, lives: int) -> Tale:
    """Check what is left of a story, and tell it."""
    check(store, play)
    streams = [store.load(row.run_id) for row in reversed(store.executions())]
    return Tale(result, [[plain(event) for event in events] for events in streams], lives)


def check(store: EventStore, play: Play) -> None:
    """Check the invariants on what is left."""
    known = definitions(STORIES)
    assert play.too_early == [], "EFFECT-AFTER: these were done before they were recorded as scheduled"
    for run_id, events in histories(store).items():
        closed_once(run_id, events)
        recorded_once(run_id, events)
        run = replay(known, run_id, events)
        row = store.execution(run_id)
        assert row is not None
        view_once(fold(run_id, events), row, idle=run.waits_for_events_only)
        run.close()
        perform(known, run_id, events)


def plain(event: Event) -> str:
    """Return an event without its times and without drawn numbers."""
    return UUID.sub("a uuid", str(shape(event, *TIMES)))


def each_in_any_order(tale: Tale) -> list[list[str]]:
    """The histories of a tale, whatever came first of what happened at once."""
    return sorted(sorted(history) for history in tale.histories)


def kinds_in_any_order(tale: Tale) -> list[list[str]]:
    """The same, without what differs where numbers and secrets are drawn in another order, and without who waited."""
    kinds = [[event.split("'")[1] for event in history] for history in tale.histories]
    return sorted(sorted(kind for kind in history if not kind.startswith("turn.")) for history in kinds)


def crashes(script: Script, when: When, place: float = ON_A_THREAD) -> Iterator[tuple[str, Tale]]:
    """Tell a story with a crash at its first commit, at its second, and so on until there is no such commit."""
    for number in count(1):
        told = tell(script, {1: number}, when, place)
        if told.lives == 1:
            assert number > FEWEST
            return
        yield f"{when} commit {number}", told


def faults(script: Script, when: When) -> Iterator[tuple[str, Tale]]:
    """Tell a story with a fault at its first commit, at its second, and so on until there is no such commit."""
    for number in count(1):
        told, commits = tell_with_faults(script, {number}, when)
        yield f"{when} commit {number}", told
        if commits < number:
            assert number > FEWEST
            return
