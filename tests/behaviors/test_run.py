"""How a run begins and ends: results, declared failures, bugs; a closed run stays closed, a broken one says why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.behaviors.plays import Cart, charge, nap, step
from tests.behaviors.rehearsal import START, Rehearsal, new_run, payload, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.common import RawValue
from understudy.events.errors import ArgumentTypeError, PayloadDecodeError, PayloadEncodeError
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import apply
from understudy.events.state.execution import WorkflowExecution
from understudy.events.workflow import WorkflowCancelRequested, WorkflowCompleted, WorkflowFailed, WorkflowStarted
from understudy.exceptions import ActivityError, ApplicationError


@workflow.defn
async def fail(kind: str) -> None:
    """End in one of several ways."""
    errors: dict[str, BaseException] = {
        "declared": ApplicationError("no stock", 7, type="NoStock"),
        "late": TimeoutError("too late"),
        "bug": KeyError("sku"),
        "stop": SystemExit(3),
    }
    raise errors[kind]


def broken(code: Any, *args: Any) -> tuple[BaseException, Phase]:
    """Why a first turn breaks, and how the run then stands."""
    state = WorkflowExecution("run-1")
    run = new_run(code, state)
    start = WorkflowStarted(
        at=START, workflow_id="order-1", workflow_type="any", task_queue="q", input=tuple(map(payload, args))
    )
    apply(state, start)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - its type is what the tests ask
        run.activate(start, START)
    phase = run.phase
    run.close()
    return caught.value, phase


# -- the beginning ---------------------------------------------------------------------------------------------------


def test_a_run_is_new_until_its_first_fact_and_shows_how_it_stands() -> None:
    run = new_run(step, WorkflowExecution("run-7"))
    assert run.phase is Phase.NEW
    assert repr(run) == "<step run run-7 new>"
    assert run.waits_for_events_only
    assert not run.has_local
    assert not run.is_broken


def test_arguments_are_read_by_the_hints_of_the_run_function() -> None:
    @workflow.defn
    async def typed(when: bytes, more: tuple[int, ...] = ()) -> list[str]:
        return [type(when).__name__, type(more).__name__]

    assert Rehearsal(typed, b"x", [1]).result == ["bytes", "tuple"]


def test_a_dynamic_workflow_is_given_its_payloads_as_they_are() -> None:
    @workflow.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> list[Any]:
        return [workflow.payload_converter().from_payload(arg.payload) for arg in args]

    run = Rehearsal(anything, 1, "two")
    assert run.result == [1, "two"]
    same_again(run)


def test_each_task_of_a_run_begins_with_no_context_variables_of_the_engine() -> None:
    from contextvars import ContextVar

    variable = ContextVar("variable", default="none")
    token = variable.set("of the engine")

    @workflow.defn
    async def look() -> str:
        return variable.get()

    try:
        assert Rehearsal(look).result == "none"
    finally:
        variable.reset(token)


def test_messages_that_come_with_the_start_are_handled_in_front_of_the_first_step() -> None:
    state = WorkflowExecution("run-1")
    run = new_run(Cart, state)
    start = WorkflowStarted(at=START, workflow_id="order-1", workflow_type="Cart", task_queue="q")
    early = [
        SignalReceived(at=START, name="put", input=(payload("a"),), with_start=True),
        SignalReceived(at=START, name="close", with_start=True),
    ]
    for event in (start, *early):
        apply(state, event)
    [completed] = run.activate(start, START, early)
    assert completed.topic == "workflow.completed"
    again = new_run(Cart, WorkflowExecution("run-1"))
    again.replay([start, *early, completed])
    assert again.phase is Phase.CLOSED
    run.close()
    again.close()


def test_an_init_that_raises_a_declared_failure_fails_the_run() -> None:
    @workflow.defn
    class Refusing:
        @workflow.init
        def __init__(self, amount: int) -> None:
            if amount < 0:
                raise ApplicationError("less than nothing")

        @workflow.run
        async def run(self, amount: int) -> int:
            return amount

    run = Rehearsal(Refusing, -1)
    assert run.failure.message == "less than nothing"
    assert run.run.phase is Phase.CLOSED
    same_again(run)
    assert Rehearsal(Refusing, 1).result == 1


def test_an_init_with_a_bug_breaks_the_turn() -> None:
    @workflow.defn
    class Buggy:
        def __init__(self) -> None:
            raise KeyError("sku")

        @workflow.run
        async def run(self) -> None: ...

    error, phase = broken(Buggy)
    assert isinstance(error, KeyError)
    assert phase is Phase.BROKEN


# -- the end ---------------------------------------------------------------------------------------------------------


def test_a_result_is_stored_by_the_hint_and_none_as_nothing() -> None:
    run = Rehearsal(step, 3)
    run.complete(1, 7)
    assert run.last == WorkflowCompleted(at=run.now, result=payload(7))
    run = Rehearsal(step, 3)
    run.complete(1)
    assert run.last == WorkflowCompleted(at=run.now, result=None)


def test_a_declared_failure_ends_the_run_as_failed_with_all_that_is_known_of_it() -> None:
    run = Rehearsal(fail, "declared")
    assert isinstance(run.last, WorkflowFailed)
    failure = run.failure
    assert (failure.kind, failure.type, failure.message) == ("application", "NoStock", "no stock")
    assert failure.details == (payload(7),)
    assert "test_run.py" in failure.stack_trace
    same_again(run)


def test_a_time_out_that_nobody_catches_is_a_declared_failure() -> None:
    run = Rehearsal(fail, "late")
    assert run.failure.message == "too late"
    same_again(run)


def test_an_activity_that_fails_fails_the_run_that_does_not_catch_it() -> None:
    run = Rehearsal(step, 3)
    run.fail(1)
    assert run.failure.kind == "activity"
    assert run.failure.cause is not None
    assert run.failure.cause.message == "no stock"
    same_again(run)


def test_an_activity_that_timed_out_is_an_activity_error_whose_cause_says_so() -> None:
    from datetime import timedelta

    @workflow.defn
    async def limited() -> list[str]:
        try:
            await workflow.execute_activity(charge, 1, schedule_to_close_timeout=timedelta(seconds=5))
        except ActivityError as error:
            return [type(error.cause).__name__, error.activity_type, str(error.retry_state and error.retry_state.name)]
        return []

    run = Rehearsal(limited)
    assert topics(run.fire()) == ["activity.timed_out", "workflow.completed"]
    assert run.result == ["TimeoutError", "charge", "TIMEOUT"]
    same_again(run)


def test_an_exception_that_the_workflow_lists_ends_the_run_as_failed() -> None:
    @workflow.defn(failure_exception_types=[LookupError])
    async def listing() -> None:
        raise KeyError("sku")

    run = Rehearsal(listing)
    assert (run.failure.type, run.failure.message) == ("KeyError", "'sku'")
    same_again(run)


@pytest.mark.parametrize(("kind", "error"), [("bug", KeyError), ("stop", SystemExit)])
def test_anything_else_is_no_outcome_and_breaks_the_turn(kind: str, error: type[BaseException]) -> None:
    raised, phase = broken(fail, kind)
    assert type(raised) is error
    assert phase is Phase.BROKEN


@pytest.mark.parametrize(
    ("code", "args", "error"),
    [
        (step, ("three",), PayloadDecodeError),
        (step, (), ArgumentTypeError),
        (step, (1, 2), ArgumentTypeError),
        (nap, (None,), PayloadDecodeError),
    ],
    ids=["wrong type", "too few", "too many", "null"],
)
def test_arguments_that_do_not_fit_break_the_first_turn(
    code: Any, args: tuple[Any, ...], error: type[Exception]
) -> None:
    raised, phase = broken(code, *args)
    assert type(raised) is error
    assert phase is Phase.BROKEN


def test_a_result_that_cannot_be_stored_breaks_the_turn() -> None:
    @workflow.defn
    async def odd() -> Any:
        return object()

    raised, phase = broken(odd)
    assert isinstance(raised, PayloadEncodeError)
    assert "the result of workflow 'odd'" in str(raised)
    assert phase is Phase.BROKEN


def test_a_result_of_an_activity_that_does_not_decode_breaks_the_turn_and_does_not_hang() -> None:
    run = Rehearsal(step, 3)
    with pytest.raises(PayloadDecodeError, match="the result of activity #1"):
        run.complete(1, "seven")
    assert run.run.phase is Phase.BROKEN
    assert run.run.is_broken
    with pytest.raises(PayloadDecodeError):
        run.rebuild()


def test_what_was_recorded_for_code_that_breaks_can_be_taken_by_code_that_does_not() -> None:
    @workflow.defn(name="step")
    async def mended(amount: int) -> Any:
        return await workflow.execute_activity("charge", amount)

    run = Rehearsal(step, 3)
    with pytest.raises(PayloadDecodeError):
        run.complete(1, "seven")
    run.record(WorkflowCompleted(at=run.now, result=payload("seven")))
    assert run.rebuild(mended).phase is Phase.CLOSED


# -- closed ----------------------------------------------------------------------------------------------------------


def test_closed_a_run_that_ended_takes_no_more_facts_and_asks_for_nothing() -> None:
    run = Rehearsal(step, 3)
    run.complete(1, 7)
    late = SignalReceived(at=run.now + 1, name="put")
    assert run.run.activate(late, late.at) == []
    assert run.run.phase is Phase.CLOSED


def test_a_code_that_was_dropped_runs_no_further_and_may_be_dropped_again() -> None:
    ended: list[str] = []

    @workflow.defn
    async def tidy() -> None:
        try:
            await workflow.sleep(1)
        finally:
            ended.append("tidied")

    run = Rehearsal(tidy)
    run.run.close()
    run.run.close()
    assert ended == ["tidied"]
    assert run.topics == ["workflow.started", "timer.started"]
    assert run.run.activate(WorkflowCancelRequested(at=START), START) == []


def test_the_stacks_say_where_each_task_waits() -> None:
    (stack,) = Rehearsal(step, 3).run.stacks()
    assert stack.startswith("order-1:\n")
    assert "plays.py" in stack
    assert "in step" in stack


def test_what_nobody_caught_becomes_a_warning_of_the_run() -> None:
    @workflow.defn
    async def careless() -> str:
        def callback() -> None:
            raise KeyError("sku")

        asyncio.get_running_loop().call_soon(callback)
        await asyncio.sleep(0)
        return "done"

    run = Rehearsal(careless)
    assert run.result == "done"
    (warning,) = map(str, run.run.warnings)
    assert "KeyError('sku')" in warning
