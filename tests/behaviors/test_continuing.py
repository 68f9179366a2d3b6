"""Continuing as new: the run ends, and says how the next one is started."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.behaviors.given import AGAIN, NOW, VALUE, started
from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import Rehearsal, lead, payload, value_of
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.decisions.successor import next_run
from understudy.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, PayloadEncodeError, QueryRefusedError
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.state.evolve import fold
from understudy.events.workflow import WorkflowContinuedAsNew

CITY = SearchAttributeKey.for_keyword("City")


@workflow.defn
class Count:
    """Counts down, a run for each number; a signal ends it early, or goes on to a number at once."""

    def __init__(self) -> None:
        self.stop = False

    @workflow.run
    async def run(self, left: int) -> str:
        await workflow.execute_activity(pack, "a")
        if left and not self.stop:
            workflow.continue_as_new(left - 1)
        return "done"

    @workflow.signal
    def jump(self, left: int) -> None:
        workflow.continue_as_new(left)

    @workflow.signal
    async def leap(self, left: int) -> None:
        workflow.continue_as_new(left)

    @workflow.query
    def again(self) -> None:
        workflow.continue_as_new(7)


def last(run: Rehearsal) -> WorkflowContinuedAsNew:
    """How the run continued."""
    assert isinstance(run.last, WorkflowContinuedAsNew), run.last
    return run.last


def test_a_run_that_continues_says_what_the_next_one_is_started_with() -> None:
    run = Rehearsal(Count, 3, run_timeout=5, memo={"note": payload(1)})
    run.complete(1, "box")
    closing = last(run)
    assert (closing.workflow_type, closing.task_queue, closing.run_timeout) == ("Count", "orders", 5)
    assert [value_of(value) for value in closing.input] == [2]
    assert closing.memo == {"note": payload(1)}
    assert not run.execution.is_open
    same_again(run)


@pytest.mark.parametrize("signal", ["jump", "leap"])
def test_a_signal_handler_may_continue_the_run(signal: str) -> None:
    run = Rehearsal(Count, 3)
    run.signal(signal, 9)
    assert [value_of(value) for value in last(run).input] == [9]
    same_again(run)


def test_a_handler_that_continues_when_the_run_has_returned_changes_nothing() -> None:
    @workflow.defn
    class Done:
        """Returns at the signal whose handler then wants to go on."""

        def __init__(self) -> None:
            self.going = self.gone = False

        @workflow.run
        async def run(self) -> str:
            await workflow.wait_condition(lambda: self.going)
            self.gone = True
            return "done"

        @workflow.signal
        async def go(self) -> None:
            self.going = True
            await workflow.wait_condition(lambda: self.gone)
            workflow.continue_as_new()

    run = Rehearsal(Done)
    run.signal("go")
    assert run.result == "done"
    same_again(run)


def test_a_query_may_not_continue_the_run() -> None:
    run = Rehearsal(Count, 3)
    with pytest.raises(QueryRefusedError, match="continue_as_new"):
        run.query("again")
    run.complete(1, "box")
    assert last(run).input


def test_everything_may_be_another_in_the_next_run() -> None:
    @workflow.defn(name="other")
    async def other(first: int, second: str) -> None: ...

    @workflow.defn
    async def changing() -> None:
        workflow.upsert_memo({"kept": 1})
        workflow.continue_as_new(
            args=[1, "two"],
            workflow=other,
            task_queue="elsewhere",
            run_timeout=timedelta(seconds=1),
            task_timeout=timedelta(seconds=2),
            backoff_start_interval=timedelta(seconds=3),
            retry_policy=RetryPolicy(maximum_attempts=4),
            memo={"new": 5},
            search_attributes=TypedSearchAttributes([SearchAttributePair(CITY, "Ulm")]),
        )

    closing = last(Rehearsal(changing))
    second = 1_000_000_000
    assert (closing.workflow_type, closing.task_queue) == ("other", "elsewhere")
    assert (closing.run_timeout, closing.task_timeout, closing.backoff) == (second, 2 * second, 3 * second)
    assert closing.retry_policy is not None
    assert closing.retry_policy.maximum_attempts == 4
    assert [value_of(value) for value in closing.input] == [1, "two"]
    assert {name: value_of(value) for name, value in closing.memo.items()} == {"new": 5}
    assert closing.search_attributes == {"City": {"type": "Keyword", "value": "Ulm"}}


def test_what_the_code_has_upserted_goes_on() -> None:
    @workflow.defn
    async def keeping() -> None:
        workflow.upsert_memo({"kept": 1})
        workflow.upsert_search_attributes([CITY.value_set("Bonn")])
        workflow.continue_as_new(workflow="by-name", args=["x"])

    closing = last(Rehearsal(keeping))
    assert closing.workflow_type == "by-name"
    assert {name: value_of(value) for name, value in closing.memo.items()} == {"kept": 1}
    assert closing.search_attributes == {"City": {"type": "Keyword", "value": "Bonn"}}


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "both": ({"arg": 1, "args": [1]}, InvalidArgumentError, "nothing, since arg is given"),
    "too many": ({"args": [1, 2]}, ArgumentTypeError, "workflow 'Count', continued as new is 2"),
    "does not fit": ({"args": ["x"]}, PayloadEncodeError, "argument 1"),
    "no queue": ({"args": [1], "task_queue": ""}, InvalidArgumentError, "task_queue is ''"),
    "no name": ({"args": [1], "workflow": ""}, InvalidArgumentError, "workflow is ''"),
    "no policy": ({"args": [1], "retry_policy": 3}, ArgumentTypeError, "retry_policy is 3"),
    "negative": ({"args": [1], "run_timeout": timedelta(-1)}, InvalidArgumentError, "run_timeout"),
    "memo": ({"args": [1], "memo": {"": 1}}, InvalidArgumentError, "a key of memo is ''"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused_and_the_run_goes_on(what: str) -> None:
    options, kind, message = WRONG[what]

    @workflow.defn(name="Count")
    async def wrong(left: int) -> int:
        with pytest.raises(kind, match=message):
            workflow.continue_as_new(**options)
        return left

    assert Rehearsal(wrong, 3).result == 3


def test_a_dynamic_workflow_is_continued_by_the_name_it_has() -> None:
    @workflow.defn(dynamic=True)
    async def anything(args: list[Any]) -> None:
        workflow.continue_as_new("x")

    run = Rehearsal(anything, 1)
    assert last(run).workflow_type == run.execution.start.workflow_type
    lead(anything, run.events).close()

    @workflow.defn
    async def to_dynamic() -> None:
        with pytest.raises(InvalidArgumentError, match="a dynamic workflow"):
            workflow.continue_as_new("x", workflow=anything)

    assert Rehearsal(to_dynamic).result is None


def test_signals_that_no_handler_took_are_left_for_the_next_run() -> None:
    run = Rehearsal(Count, 3)
    run.signal("unknown", 1)
    run.complete(1, "box")
    assert [fact.name for fact in run.run.unconsumed()] == ["unknown"]


def test_signals_that_wait_behind_a_deferred_turn_are_left_for_the_next_run() -> None:
    run = Rehearsal(Count, 3)
    other = Rehearsal(Count, 3)
    other.signal("unknown", 1)
    completed = [event for event in Rehearsal(Count, 3).complete(1, "box") if event.topic == "activity.completed"]
    signals = [event for event in other.events if event.topic == "signal.received"]
    run.defer(*completed, *signals)  # type: ignore[arg-type]  # they are facts
    run.rebuild()
    run.resume(2)
    assert last(run).input
    assert [fact.name for fact in run.run.unconsumed()] == ["unknown"]


def test_a_long_history_suggests_a_fresh_one() -> None:
    @workflow.defn
    async def asking() -> list[Any]:
        info = workflow.info()
        return [info.is_continue_as_new_suggested(), info.get_current_history_length()]

    assert Rehearsal(asking).result == [False, 1]


# -- the next run ----------------------------------------------------------------------------------------------------

CLOSING = WorkflowContinuedAsNew(
    at=NOW, workflow_type="Next", task_queue="q2", input=(VALUE,), run_timeout=5, memo={"note": VALUE}
)


def test_the_next_run_is_a_chain_with_this_one_and_begins_in_a_turn_of_its_own() -> None:
    state = fold("run-1", [started(attempt=3, last_failure=AGAIN, request_id="a", execution_timeout=9)])
    closing, start = next_run(state, CLOSING, new_run_id="run-2", dice=0.5)
    assert isinstance(closing, WorkflowContinuedAsNew)
    assert closing.new_run_id == "run-2"
    assert start is not None
    assert (start.workflow_id, start.workflow_type, start.task_queue) == ("order-1", "Next", "q2")
    assert (start.first_run_id, start.continued_run_id) == ("run-1", "run-1")
    assert (start.attempt, start.last_failure, start.request_id) == (1, None, "")
    assert (start.first_turn_at, start.run_timeout, start.execution_timeout) == (NOW + 1, 5, 9)


def test_a_policy_is_not_asked_and_a_back_off_puts_the_first_turn_off() -> None:
    policy = StoredRetryPolicy(maximum_attempts=1)
    state = fold("run-2", [started(retry_policy=policy, attempt=1, first_run_id="run-0")])
    closing = WorkflowContinuedAsNew(at=NOW, workflow_type="Next", task_queue="q2", backoff=50)
    _, start = next_run(state, closing, new_run_id="run-3", dice=0.5)
    assert start is not None
    assert (start.first_run_id, start.continued_run_id, start.first_turn_at) == ("run-0", "run-2", NOW + 50)
    assert start.retry_policy is None
