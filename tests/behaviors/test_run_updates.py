"""Updates in the code: handled as tasks beside the run function, and answered once, whether they fail or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import FINAL, Rehearsal, lead, payload, topics, value_of
from tests.behaviors.same_again import same_again
from tests.behaviors.shelf import Shelf
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.common import RawValue
from understudy.events.errors import UnknownUpdateError
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.workflow import HandlerUnfinishedPolicy

# -- three histories: it completed at once, it suspends, it is still waiting -----------------------------------------


def test_a_plain_handler_completes_an_update_in_the_turn_in_which_it_is_accepted() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("put", "box", 2)) == ["update.accepted", "update.completed"]
    assert run.outcome() == 2
    run.update("close", update_id="u-2")
    assert run.result == ["box", "box"]
    same_again(run)


def test_an_update_whose_handler_waits_is_completed_in_a_later_turn() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("fetch-one", "box")) == ["update.accepted", "activity.scheduled"]
    assert isinstance(run.outcome(), UpdateAccepted)
    assert topics(run.complete(1, "BOX")) == ["activity.completed", "update.completed"]
    assert run.outcome() == "BOX in place 1"
    same_again(run)


def test_an_update_that_still_waits_is_led_to_where_it_was() -> None:
    run = Rehearsal(Shelf)
    run.update("fetch-one", "box")
    run.update("nap", 5, update_id="u-2")
    same_again(run)
    run.rebuild()
    assert topics(run.fire()) == ["timer.fired", "update.completed"]
    assert run.outcome("u-2") is None
    run.complete(1, "BOX")
    assert run.outcome() == "BOX in place 1"
    same_again(run)


def test_a_workflow_that_ends_in_the_turn_of_an_update_has_answered_it_before() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("close")) == ["update.accepted", "update.completed", "workflow.completed"]
    assert run.outcome() == "closed"
    same_again(run)


def test_an_update_without_a_result_has_none() -> None:
    run = Rehearsal(Shelf)
    run.update("nap", 0)
    assert run.last == UpdateCompleted(at=run.now, update_id="u-1")
    same_again(run)


def test_handlers_run_interleaved_and_each_answers_its_own_update() -> None:
    run = Rehearsal(Shelf)
    for number, thing in enumerate(("a", "b", "c"), 1):
        run.update("fetch-one", thing, update_id=f"u-{number}")
    run.complete(3, "C")
    run.complete(1, "A")
    run.complete(2, "B")
    assert [run.outcome(f"u-{n}") for n in (1, 2, 3)] == ["A in place 2", "B in place 3", "C in place 1"]
    same_again(run)


def test_handlers_that_share_a_lock_run_one_behind_the_other() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("one_by_one", "a")) == ["update.accepted", "activity.scheduled"]
    assert topics(run.update("one_by_one", "b", update_id="u-2")) == ["update.accepted"]
    assert topics(run.complete(1)) == ["activity.completed", "update.completed", "activity.scheduled"]
    run.complete(2)
    assert [run.outcome("u-1"), run.outcome("u-2")] == [1, 2]
    same_again(run)


def test_once_recorded_an_update_that_is_sent_twice_is_handled_once() -> None:
    run = Rehearsal(Shelf)
    run.update("put", "box")
    assert run.update("put", "box") == []
    assert run.update("put", "box", update_id="u-2") != []
    assert run.query("count") == 2


def test_the_running_update_is_known_in_its_handler_and_in_the_tasks_that_it_starts_and_nowhere_else() -> None:
    run = Rehearsal(Shelf)
    run.update("who", update_id="u-7")
    run.complete(1)
    assert run.outcome("u-7") == ["u-7", "who", True, "u-7"]
    assert run.query("updating") is False
    same_again(run)


def test_the_dynamic_handler_takes_what_no_other_does_with_its_name_and_raw_values() -> None:
    @workflow.defn
    class Catch:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update(dynamic=True)
        async def other(self, name: str, args: Sequence[RawValue]) -> list[Any]:
            return [name, [workflow.payload_converter().from_payload(arg.payload) for arg in args]]

    run = Rehearsal(Catch)
    run.update("anything", 1, "two")
    assert run.outcome() == ["anything", [1, "two"]]
    same_again(run)


# -- handlers that fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "cause"),
    [
        ("fail", "declared", "Refused"),
        ("fail", "listed", "OutOfRangeError"),
        ("fail_at_once", "declared", "Refused"),
    ],
)
def test_a_declared_failure_of_a_handler_completes_its_update_and_the_run_goes_on(
    name: str, kind: str, cause: str
) -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update(name, kind)) == ["update.accepted", "update.completed"]
    assert run.outcome().type == cause
    assert run.run.phase is Phase.RUNNING
    same_again(run)


def test_an_activity_that_fails_for_good_fails_the_update_that_awaits_it() -> None:
    run = Rehearsal(Shelf)
    run.update("fail", "activity")
    run.fail(1, FINAL)
    failure = run.outcome()
    assert (failure.kind, failure.cause.type) == ("activity", "NoStock")
    same_again(run)


def test_a_limit_that_has_passed_fails_the_update() -> None:
    run = Rehearsal(Shelf)
    run.update("fail", "time")
    assert topics(run.fire()) == ["timer.fired", "activity.cancel_requested", "update.completed"]
    assert run.outcome().type == "TimeoutError"
    same_again(run)


def test_a_handler_that_is_cancelled_fails_its_update_and_the_run_goes_on() -> None:
    run = Rehearsal(Shelf)
    run.update("stoppable", pack.__name__)
    run.update("stoppable", "", update_id="u-2")
    assert topics(run.update("stop", update_id="u-3"))[-2:] == ["update.completed", "update.completed"]
    assert [run.outcome("u-1").kind, run.outcome("u-2").kind] == ["canceled", "canceled"]
    assert run.outcome("u-2").message == "no longer wanted"
    assert run.outcome("u-3") is None
    assert run.run.phase is Phase.RUNNING
    same_again(run)


@pytest.mark.parametrize("name", ["fail", "fail_at_once"])
def test_a_bug_in_a_handler_breaks_the_turn(name: str) -> None:
    run = Rehearsal(Shelf)
    with pytest.raises(KeyError, match="bug"):
        run.update(name, "bug")
    assert run.run.phase is Phase.BROKEN


def test_a_result_that_cannot_be_stored_is_a_bug() -> None:
    run = Rehearsal(Shelf)
    with pytest.raises(Exception, match="the result of update 'unstorable' of workflow 'Shelf'"):
        run.update("unstorable")
    assert run.run.phase is Phase.BROKEN


def test_a_handler_may_continue_the_run_as_new() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("fail", "again")) == ["update.accepted", "workflow.continued_as_new"]
    last: Any = run.last
    assert last.input == (payload(7),)
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_an_accepted_update_whose_handler_is_gone_breaks_the_replay() -> None:
    @workflow.defn(name="Shelf")
    class Bare:
        @workflow.run
        async def run(self, room: int = 3) -> None:
            await workflow.wait_condition(lambda: False)

    run = Rehearsal(Shelf)
    run.update("put", "box")
    with pytest.raises(UnknownUpdateError, match="has no update 'put'"):
        lead(Bare, run.events)


# -- behind the end --------------------------------------------------------------------------------------------------


def test_an_update_that_still_runs_when_the_workflow_ends_is_warned_about_unless_it_is_to_be_abandoned() -> None:
    @workflow.defn
    class Hasty(Shelf):
        @workflow.run
        async def run(self, room: int = 3) -> str:
            await workflow.wait_condition(lambda: self.closed)
            return "done"

        @workflow.update(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
        async def unimportant(self) -> None:
            await workflow.execute_activity(pack, "x")

    run = Rehearsal(Hasty)
    run.update("unimportant")
    run.update("fetch-one", "x", update_id="u-2")
    run.update("close", update_id="u-3")
    assert run.result == "done"
    [warning] = run.run.warnings
    assert isinstance(warning, workflow.UnfinishedUpdateHandlersWarning)
    assert "the handler of update 'fetch-one' was still running" in str(warning)
    assert isinstance(run.outcome("u-2"), UpdateAccepted)
    same_again(run)


def test_an_update_counts_as_a_handler_that_is_waited_for() -> None:
    @workflow.defn
    class Patient(Shelf):
        @workflow.run
        async def run(self, room: int = 3) -> list[str]:
            await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
            return self.things

    run = Rehearsal(Patient)
    run.update("fetch-one", "x")
    run.update("close", update_id="u-2")
    assert topics(run.complete(1, "X")) == ["activity.completed", "update.completed", "workflow.completed"]
    assert run.result == ["X"]
    same_again(run)


def test_the_outcome_of_an_update_is_stored_by_the_handlers_hint() -> None:
    run = Rehearsal(Shelf)
    run.update("put", "box")
    last = run.last
    assert isinstance(last, UpdateCompleted)
    assert value_of(last.result) == 1
