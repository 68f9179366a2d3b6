"""SAME-AGAIN under all the weather: what hypothesis lets happen to a run, in any order, happens to a replay as well.

The run has everything that code can wait for at once. Attempts return, fail, are tried again or cancelled; timers fire,
signals come, somebody cancels, the process falls and the code is rebuilt, facts come while no worker is there. In the
end all that is open is brought to its end, and the stream is held against itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviors.plays import Cart, Everything, either, twice
from tests.behaviors.rehearsal import FINAL, Rehearsal, payloads
from tests.behaviors.same_again import same_again
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import ActivityPhase
from understudy.events.failures.failure import Failure
from understudy.events.signal import SignalReceived

AGAIN: Final = Failure(kind="application", message="not yet", type="NotYet")
CANCELED: Final = Failure(kind="canceled", message="Cancelled")
STEPS: Final = 25

Draw = Callable[[int], int]
"""Chance: a number from 0 up to, but not including, the one given."""


def answer(run: Rehearsal, seq: int) -> object:
    """What the activity returns."""
    return {"charge": 5, "add": 3}.get(run.pending(seq).scheduled.activity_type, "box")


def end_activity(run: Rehearsal, draw: Draw) -> None:
    """An attempt ends, in one of the ways in which it can."""
    waiting = sorted(run.execution.activities)
    if not waiting:
        return
    seq = waiting[draw(len(waiting))]
    kind = draw(4)
    if kind == 0:
        run.fail(seq, AGAIN)
    elif kind == 1:
        run.fail(seq, FINAL)
    elif kind == 2 and run.pending(seq).phase is ActivityPhase.CANCELING:
        run.end_canceled(seq)
    else:
        run.complete(seq, answer(run, seq))


def end_local(run: Rehearsal, draw: Draw) -> None:
    """A local activity ends."""
    waiting = [seq for seq in range(1, 12) if run.run.local(seq) is not None]
    if not waiting:
        return
    seq = waiting[draw(len(waiting))]
    kind = draw(3)
    if kind:
        run.fail_local(seq, FINAL if kind == 1 else CANCELED)
    else:
        run.complete_local(seq, 3)


def fire(run: Rehearsal, _draw: Draw) -> None:
    """Time passes until something is due."""
    if run.execution.next_deadline() is not None:
        run.fire()


def signal(run: Rehearsal, draw: Draw) -> None:
    """Somebody sends a signal."""
    name = ("tell", "note", "put", "fetch", "unknown")[draw(5)]
    run.signal(name, "word", request_id=("", "1", "2")[draw(3)])


def cancel(run: Rehearsal, draw: Draw) -> None:
    """Somebody asks the run to cancel, now and then."""
    if draw(4) == 0:
        run.cancel("chance")


def crash(run: Rehearsal, _draw: Draw) -> None:
    """The process falls, and the code is rebuilt."""
    run.rebuild()


def absent(run: Rehearsal, draw: Draw) -> None:
    """Signals come while no worker is there; one comes back and takes up some of them, then the rest."""
    words = [SignalReceived(at=run.now, name="note", input=payloads([word])) for word in ("a", "b", "c")]
    run.defer(*words[: 1 + draw(3)])
    run.rebuild()
    run.now += draw(3)
    while run.run.deferred and run.execution.is_open:
        run.resume()
        if draw(2) and not run.run.deferred:
            run.rebuild()


HAPPENINGS: Final = (end_activity, end_activity, end_activity, end_local, fire, fire, signal, cancel, crash, absent)


def play(run: Rehearsal, draw: Draw) -> None:
    """Let things happen, then bring all that is open to its end."""
    for _ in range(STEPS):
        if run.execution.is_open:
            HAPPENINGS[draw(len(HAPPENINGS))](run, draw)
    for _ in range(200):
        if not run.execution.is_open:
            break
        finish(run)


def finish(run: Rehearsal) -> None:
    """Bring one thing to its end."""
    waiting = sorted(run.execution.activities)
    if waiting:
        run.complete(waiting[0], answer(run, waiting[0]))
    elif not run.run.waits_for_events_only:
        run.complete_local(next(seq for seq in range(1, 12) if run.run.local(seq) is not None), 3)
    elif run.execution.next_deadline() is not None:
        run.fire()
    else:
        run.signal("close")


def drawing(data: st.DataObject) -> Draw:
    """Chance that hypothesis shrinks towards 0."""
    return lambda below: data.draw(st.integers(0, below - 1))


def check(run: Rehearsal) -> None:
    """The run came to its end, and a replay comes to the same."""
    assert run.run.phase is Phase.CLOSED
    assert run.execution.version == len(run.events)
    same_again(run, most=4)
    run.run.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_happens_to_a_run_that_waits_for_everything_happens_to_its_replay(data: st.DataObject) -> None:
    run = Rehearsal(Everything)
    play(run, drawing(data))
    check(run)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([(Cart, ()), (either, (1,)), (twice, ("a", "b"))]))
def test_whatever_happens_to_small_runs_happens_to_their_replays(
    data: st.DataObject, play_: tuple[object, tuple[object, ...]]
) -> None:
    code, args = play_
    run = Rehearsal(code, *args)
    play(run, drawing(data))
    check(run)
