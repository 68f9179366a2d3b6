"""The start of a run that was reset, and whose ids it remembers: its own, or those of the old run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid5

import pytest

from tests.behaviors.plays import Cart, charge
from tests.behaviors.rehearsal import SECOND, START, Rehearsal, lead, topics
from tests.behaviors.reset_stage import BASE, LATER, NEW, NEWEST, OLD, cart, reset_to, world
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.actors.behaviors.decisions.child_runs import child_run_id, own_id
from understudy.actors.behaviors.decisions.commands import CompleteChild
from understudy.actors.behaviors.decisions.successor import next_run
from understudy.events.activity import ActivityScheduled
from understudy.events.child import ChildInitiated
from understudy.events.errors import InvalidArgumentError
from understudy.events.options.policies import ResetChildren
from understudy.events.outbound import ExternalSignalRequested
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.workflow import ResetMark, WorkflowContinuedAsNew, WorkflowStarted

# -- the start -------------------------------------------------------------------------------------------------------


def test_the_time_out_of_a_run_begins_anew_and_so_does_that_of_the_execution() -> None:
    run = Rehearsal(
        Cart, run_id=OLD, run_timeout=60 * SECOND, execution_timeout=90 * SECOND, execution_deadline=START + 90 * SECOND
    )
    again = reset_to(run, 1)
    again.execution.pop_due(LATER)
    assert again.execution.next_deadline() == LATER + 60 * SECOND
    assert again.execution.start.execution_deadline == LATER + 90 * SECOND
    assert again.execution.start.at == START


def test_a_run_without_an_execution_time_out_gets_none() -> None:
    assert reset_to(cart(), 1).execution.start.execution_deadline == 0


def test_the_new_run_belongs_to_the_chain_of_the_old_one_and_not_to_its_request() -> None:
    start = reset_to(Rehearsal(Cart, run_id=OLD, request_id="r"), 1).execution.start
    assert (start.first_run_id, start.request_id, start.seed) == (OLD, "", OLD)
    start = reset_to(Rehearsal(Cart, run_id=NEW, first_run_id=OLD, seed=OLD), 1, new=NEWEST).execution.start
    assert (start.first_run_id, start.seed) == (OLD, OLD)


def test_an_event_that_the_run_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=f"event_id of run .{OLD}. is 4, where 1 to 3"):
        reset_to(cart(), 4)


def test_the_limit_of_an_activity_that_was_under_way_begins_anew() -> None:
    @workflow.defn
    async def hurried() -> list[int]:
        limit = timedelta(seconds=10)
        work = [workflow.execute_activity(charge, n, schedule_to_close_timeout=limit) for n in (1, 2)]
        return list(await asyncio.gather(*work))

    run = Rehearsal(hurried, run_id=OLD)
    run.complete(1, 1)
    again = reset_to(run, 4)
    while again.run.deferred:
        again.resume()
    again.execution.pop_due(LATER)
    assert again.execution.next_deadline() == LATER + 10 * SECOND
    assert [event.at for event in again.events if isinstance(event, ActivityScheduled)] == [START, LATER]
    again.complete(2, 2)
    assert again.result == [1, 2]
    assert lead(hurried, again.events, run_id=NEW).phase is Phase.CLOSED


# -- whose ids -------------------------------------------------------------------------------------------------------


def executed(*marks: ResetMark, seed: str = OLD, run_id: str = NEW) -> WorkflowExecution:
    """A run that came out of others."""
    start = WorkflowStarted(at=1, workflow_id="w", workflow_type="W", task_queue="q", seed=seed, resets=marks)
    return fold(run_id, [start])


def test_a_run_that_was_never_reset_knows_everything_under_its_own_id() -> None:
    run = executed(seed="", run_id=OLD)
    assert own_id(run, child=1) == own_id(run, message=1) == OLD


def test_messages_in_front_of_the_turn_are_known_under_the_old_id_and_new_ones_under_the_new() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=2, children_after=3))
    assert [own_id(run, message=number) for number in (1, 2, 3)] == [OLD, OLD, NEW]
    assert [own_id(run, child=number) for number in (3, 4)] == [OLD, NEW]


def test_who_adopts_children_knows_all_of_them_under_the_old_id() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=0))
    assert own_id(run, child=100) == OLD
    assert child_run_id(run, 100) == str(uuid5(UUID(OLD), "child/100"))
    assert child_run_id(run, 100, other=True) == str(uuid5(UUID(NEW), "child/100"))


def test_of_several_resets_the_last_one_behind_which_a_number_comes_counts() -> None:
    marks = [ResetMark(run_id=NEW, messages_after=2), ResetMark(run_id=NEWEST, messages_after=4, children_after=1)]
    run = executed(*marks, run_id=NEWEST)
    assert [own_id(run, message=number) for number in (2, 3, 4, 5)] == [OLD, NEW, NEW, NEWEST]
    assert [own_id(run, child=number) for number in (1, 2)] == [OLD, NEWEST]


@pytest.mark.parametrize(
    ("children", "after"), [(ResetChildren.ADOPT, None), (ResetChildren.ABANDON, 1), (ResetChildren.TERMINATE, 1)]
)
def test_the_mark_of_a_reset_says_which_children_and_messages_are_remembered(
    children: ResetChildren, after: int | None
) -> None:
    start = reset_to(BASE, len(BASE.events), children=children).execution.start
    assert start.resets == (ResetMark(run_id=NEW, messages_after=1, children_after=after),)
    first = next(at for at, event in enumerate(BASE.events, 1) if isinstance(event, ChildInitiated))
    last = next(at for at, event in enumerate(BASE.events, 1) if isinstance(event, ExternalSignalRequested))
    early = reset_to(BASE, first, children=children).execution.start
    between = reset_to(BASE, last, children=children).execution.start
    assert early.resets[0].children_after == (None if after is None else 0)
    assert (between.resets[0].messages_after, between.resets[0].children_after) == (0, after)


def test_a_run_that_follows_one_that_was_reset_has_dice_children_and_messages_of_its_own() -> None:
    run = executed(ResetMark(run_id=NEW, messages_after=2))
    closing = WorkflowContinuedAsNew(at=2, workflow_type="W", task_queue="q")
    _, following = next_run(run, closing, new_run_id=NEWEST, dice=0.5)
    assert following is not None
    state = fold(NEWEST, [following])
    assert (following.seed, following.resets) == ("", ())
    assert own_id(state, child=1) == own_id(state, message=1) == NEWEST


def test_the_end_of_a_child_that_another_one_has_taken_the_place_of_means_nothing() -> None:
    run = reset_to(BASE, BASE.topics.index("child.initiated"), children=ResetChildren.ABANDON)
    while not run.execution.children:
        world(run)
    assert run.complete_child(1, "shipped") == []
    run.child_started(1)
    assert run.do(CompleteChild(seq=1, run_id="another")) == []
    assert "child.completed" in topics(run.complete_child(1, "shipped"))
