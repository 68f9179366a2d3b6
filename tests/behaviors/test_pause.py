"""Pausing: the decisions, the timers that stand still, and SAME-AGAIN for a run that was paused meanwhile."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.behaviors.given import NOW, given, scheduled, started, timer
from tests.behaviors.plays import Cart, charge, pack
from tests.behaviors.rehearsal import SECOND, START, Rehearsal, payloads
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    PauseWorkflow,
    SignalWorkflow,
    TerminateWorkflow,
    UnpauseWorkflow,
    Wake,
)
from understudy.actors.behaviors.decisions.decide import decide
from understudy.events.errors import WorkflowClosedError
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import DeadlineKind
from understudy.events.timer import TimerCanceled, TimerFired
from understudy.events.workflow import (
    TurnDeferred,
    TurnResumed,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowPaused,
    WorkflowTerminated,
    WorkflowTimedOut,
    WorkflowUnpaused,
)

PAUSED: Final = "the workflow is paused"
DEFERRED: Final = TurnDeferred(at=50, since=2, reason="no worker knows the type")


# -- decisions -------------------------------------------------------------------------------------------------------


def test_a_pause_is_recorded_with_its_note_and_all_facts_behind_it_wait() -> None:
    command = PauseWorkflow(note="while the bank is closed", freeze_timers=True, identity="42@host")
    paused = WorkflowPaused(at=NOW, note="while the bank is closed", freeze_timers=True, identity="42@host")
    given(started()).when(command).then(paused, TurnDeferred(at=NOW, since=3, reason=PAUSED))


def test_a_run_whose_turn_is_deferred_already_is_paused_without_another_deferral() -> None:
    given(started(), DEFERRED).when(PauseWorkflow()).then(WorkflowPaused(at=NOW))


def test_a_run_that_is_paused_stays_as_it_is_when_it_is_paused_again() -> None:
    given(started(), WorkflowPaused(at=50, note="first")).when(PauseWorkflow(note="second")).then_nothing()


def test_an_unpause_is_recorded_with_its_note() -> None:
    given(started(), WorkflowPaused(at=50)).when(UnpauseWorkflow(note="open", identity="42@host")).then(
        WorkflowUnpaused(at=NOW, note="open", identity="42@host")
    )


def test_a_run_that_is_not_paused_goes_on_anyway() -> None:
    given(started()).when(UnpauseWorkflow()).then_nothing()
    given(started(), WorkflowPaused(at=50), WorkflowUnpaused(at=60)).when(UnpauseWorkflow()).then_nothing()


@pytest.mark.parametrize("command", [PauseWorkflow(), UnpauseWorkflow()], ids=lambda c: type(c).__name__)
def test_closed_a_run_that_has_ended_is_neither_paused_nor_unpaused(command: Command) -> None:
    with pytest.raises(WorkflowClosedError, match="COMPLETED"):
        decide(fold("run-1", [started(), WorkflowCompleted(at=50)]), command, NOW)


def test_what_comes_to_a_paused_run_is_decided_as_ever() -> None:
    paused = given(started(), WorkflowPaused(at=50), DEFERRED)
    paused.when(SignalWorkflow(name="add")).then(SignalReceived(at=NOW, name="add"))
    paused.when(CancelWorkflow()).then(WorkflowCancelRequested(at=NOW))
    paused.when(TerminateWorkflow()).then(WorkflowTerminated(at=NOW))


# -- timers ----------------------------------------------------------------------------------------------------------


def due(state: WorkflowExecution, at: int) -> list[int]:
    """The timers that fire at a time."""
    return [event.seq for event in decide(state, Wake(), at) if isinstance(event, TimerFired)]


def paused_for(*times: tuple[int, int], freeze: bool = True) -> WorkflowExecution:
    """A run with a timer for 100 and one for 200 that was paused from and to these times."""
    state = fold("run-1", [started(), timer(seq=1, fire_at=100), timer(seq=2, fire_at=200)])
    for begin, end in times:
        apply(state, WorkflowPaused(at=begin, freeze_timers=freeze))
        apply(state, WorkflowUnpaused(at=end))
    return state


def test_timers_that_run_on_fire_while_the_run_is_paused() -> None:
    state = fold("run-1", [started(), timer(seq=1, fire_at=100), WorkflowPaused(at=50)])
    assert state.next_deadline() == 100
    assert due(state, 100) == [1]


def test_frozen_timers_are_not_due_as_long_as_the_run_is_paused() -> None:
    state = fold("run-1", [started(), timer(seq=1, fire_at=100), WorkflowPaused(at=50, freeze_timers=True)])
    assert state.next_deadline() is None
    assert due(state, 10_000) == []


def test_frozen_timers_go_on_with_the_rest_of_their_time() -> None:
    state = paused_for((50, 80))
    assert state.next_deadline() == 130
    assert due(state, 129) == []
    assert due(state, 130) == [1]
    assert due(state, 230) == [2]


def test_two_pauses_add_up() -> None:
    state = paused_for((50, 80), (90, 190))
    assert state.next_deadline() == 230
    assert due(state, 1_000) == [1, 2]


def test_a_pause_that_lets_timers_run_shifts_none_of_them() -> None:
    state = paused_for((50, 80), freeze=False)
    assert state.next_deadline() == 100
    assert state.timer_shifts == {}


def test_a_pause_of_no_time_at_all_lets_no_timer_fire_twice() -> None:
    state = paused_for((50, 50))
    assert set(due(state, 100)) == {1}


def test_a_timer_that_was_looked_for_meanwhile_is_not_lost() -> None:
    state = fold("run-1", [started(), timer(seq=1, fire_at=100)])
    apply(state, WorkflowPaused(at=50, freeze_timers=True))
    assert due(state, 150) == []
    apply(state, WorkflowUnpaused(at=170))
    assert state.next_deadline() == 220


def test_what_a_timer_has_stood_still_is_forgotten_with_it() -> None:
    state = paused_for((50, 80))
    apply(state, TimerFired(at=130, seq=1))
    apply(state, TimerCanceled(at=140, seq=2))
    assert state.timer_shifts == {}


def test_an_unpause_of_a_run_that_was_not_paused_changes_nothing() -> None:
    state = fold("run-1", [started(), timer(seq=1, fire_at=100), WorkflowUnpaused(at=60)])
    assert (state.next_deadline(), state.paused) == (100, None)


def test_the_time_out_of_a_run_does_not_stand_still() -> None:
    state = fold("run-1", [started(run_timeout=90), WorkflowPaused(at=50, freeze_timers=True)])
    assert state.next_deadline() == 100
    assert decide(state, Wake(), 100) == [WorkflowTimedOut(at=100)]


def test_limits_of_activities_do_not_stand_still() -> None:
    state = fold("run-1", [started(), scheduled(schedule_to_close=80), WorkflowPaused(at=50, freeze_timers=True)])
    deadline = state.next_deadline()
    assert deadline is not None
    assert [kind for _, kind, _ in state.pop_due(deadline)] == [DeadlineKind.ACTIVITY_TIMEOUT]


# -- the code --------------------------------------------------------------------------------------------------------


@workflow.defn
async def bill(amount: int) -> list[Any]:
    """An activity, a timer, another activity."""
    paid = await workflow.execute_activity(charge, amount)
    await workflow.sleep(60)
    return [paid, await workflow.execute_activity(pack, "a"), workflow.time_ns() - START]


def unpause(run: Rehearsal, at: int) -> None:
    """Let a paused run go on, with new code, as its actor does."""
    run.now = at
    run.do(UnpauseWorkflow())
    run.rebuild()
    while run.run.deferred:
        run.resume()
    if run.execution.deferred is not None:  # nothing has come meanwhile
        run.record(TurnResumed(at=at, through=run.execution.version))


def do_paused(run: Rehearsal, *commands: Command) -> None:
    """Record what commands mean to a run whose code takes nothing."""
    for command in commands:
        for event in decide(run.execution, command, run.now):
            run.record(event)


def test_code_that_was_paused_takes_up_what_came_meanwhile_in_order_and_a_replay_does_the_same_again() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.do(PauseWorkflow())
    do_paused(run, *(SignalWorkflow(name="put", input=payloads([item])) for item in "bc"), SignalWorkflow(name="close"))
    assert run.query("count") == 1
    unpause(run, START + SECOND)
    assert run.result == ["a", "b", "c"]
    same_again(run)


@pytest.mark.parametrize("freeze", [False, True], ids=["running", "frozen"])
def test_a_replay_of_a_run_with_pauses_does_the_same_again(freeze: bool) -> None:  # noqa: FBT001 - a parameter
    run = Rehearsal(bill, 7)
    run.complete(1, 7)
    run.now = START + 10 * SECOND
    run.do(PauseWorkflow(freeze_timers=freeze))
    if not freeze:
        run.now = START + 60 * SECOND
        do_paused(run, Wake())
    unpause(run, START + 110 * SECOND)
    if freeze:
        run.fire()
        assert run.now == START + 160 * SECOND
    run.complete(2, "box")
    assert run.result == [7, "box", run.now - START]
    same_again(run)


def test_a_pause_in_which_nothing_came_leaves_no_trace_in_the_code() -> None:
    run = Rehearsal(Cart)
    run.do(PauseWorkflow())
    unpause(run, START + SECOND)
    run.signal("put", "a")
    run.signal("close")
    assert run.result == ["a"]
    same_again(run)
