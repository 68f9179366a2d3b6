"""`workflow.Saga`: compensations in reverse order, all of them, also when the run was cancelled (SAME-AGAIN)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from tests.behaviors.rehearsal import FINAL, Rehearsal, value_of
from tests.behaviors.same_again import same_again
from understudy import activity, workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import ActivityScheduled
from understudy.exceptions import ActivityError, ApplicationError, ArgumentTypeError


@activity.defn
async def book(what: str) -> str:
    """Book something."""
    return what


@activity.defn(start_to_close_timeout=timedelta(seconds=7))
async def cancel(what: str) -> None:
    """Take a booking back."""


@activity.defn
def refund(what: str, cents: int = 0) -> None:
    """Give money back."""


class Hotel:
    """Has rooms."""

    @activity.defn
    async def leave(self, room: int) -> None:
        """Give a room back."""


@workflow.defn
async def trip(parallel: str) -> str:
    """Three bookings, of which each may fail."""
    async with workflow.Saga(parallel=parallel == "parallel") as saga:
        for what in ("car", "hotel", "flight"):
            await book(what)
            saga.add(cancel, what)
        await workflow.sleep(60)
    return "booked"


def asked(run: Rehearsal) -> list[tuple[str, Any]]:
    """The activities that a run asked for, each with its first argument."""
    events = [event for event in run.events if isinstance(event, ActivityScheduled)]
    return [(event.activity_type, value_of(event.input[0])) for event in events]


def no_flight() -> NoReturn:
    """The step that fails."""
    raise ApplicationError("no flight")


def booked(parallel: str = "") -> Rehearsal:
    """A trip of which everything is booked."""
    run = Rehearsal(trip, parallel)
    for seq in (1, 2, 3):
        run.complete(seq, "")
    return run


# -- three histories -------------------------------------------------------------------------------------------------


def test_a_saga_that_goes_well_compensates_nothing() -> None:
    run = booked()
    same_again(run)
    run.fire()
    assert run.result == "booked"
    assert len(asked(run)) == 3
    same_again(run)


def test_a_saga_that_fails_takes_its_steps_back_in_reverse_order_and_fails_as_it_did() -> None:
    run = Rehearsal(trip, "")
    run.complete(1, "")
    run.complete(2, "")
    run.fail(3, FINAL)
    assert asked(run)[3:] == [("cancel", "hotel")]
    assert run.pending(4).scheduled.start_to_close == 7_000_000_000
    same_again(run)
    run.complete(4)
    assert asked(run)[3:] == [("cancel", "hotel"), ("cancel", "car")]
    run.complete(5)
    assert run.failure.cause is not None
    assert run.failure.cause.message == "no stock"
    same_again(run)


def test_a_saga_that_still_compensates_goes_on_after_a_restart() -> None:
    run = Rehearsal(trip, "")
    run.complete(1, "")
    run.fail(2, FINAL)
    run.rebuild()
    assert run.run.phase is Phase.RUNNING
    run.complete(3)
    assert run.failure.activity_type == "book"
    same_again(run)


# -- cancellation ----------------------------------------------------------------------------------------------------


def test_compensations_run_when_the_run_is_cancelled() -> None:
    run = booked()
    run.cancel("no longer wanted")
    for seq in (4, 5, 6):
        assert run.last.topic == "activity.scheduled"
        run.complete(seq)
    assert asked(run)[3:] == [("cancel", "flight"), ("cancel", "hotel"), ("cancel", "car")]
    assert run.last.topic == "workflow.canceled"
    same_again(run)


def test_a_second_cancellation_does_not_stop_compensations() -> None:
    @workflow.defn
    async def trips() -> str:
        async def one() -> None:
            async with workflow.Saga() as saga:
                saga.add(cancel, "car")
                saga.add(cancel, "hotel")
                await workflow.sleep(60)

        task = asyncio.ensure_future(one())
        for seconds in (1, 2):
            await workflow.sleep(seconds)
            task.cancel()
        await workflow.wait([task])
        return str(task.cancelled())

    run = Rehearsal(trips)
    run.fire()
    run.fire()
    assert [event for event in run.topics if event == "activity.cancel_requested"] == []
    run.complete(1)
    same_again(run)
    run.complete(2)
    assert run.result == "True"
    same_again(run)


def test_a_cancellation_while_a_failed_saga_compensates_leaves_the_failure_what_is_raised() -> None:
    run = Rehearsal(trip, "")
    run.complete(1, "")
    run.fail(2, FINAL)
    run.cancel()
    same_again(run)
    run.complete(3)
    assert run.last.topic == "workflow.failed"
    same_again(run)


def test_a_limit_of_time_cancels_the_block_and_waits_for_compensations() -> None:
    @workflow.defn
    async def trips() -> str:
        try:
            async with asyncio.timeout(5), workflow.Saga() as saga:
                saga.add(cancel, "car")
                await workflow.sleep(60)
        except TimeoutError:
            return "too late"
        return "never"

    run = Rehearsal(trips)
    run.fire()
    assert asked(run) == [("cancel", "car")]
    run.complete(1)
    assert run.result == "too late"
    same_again(run)


def test_a_run_that_is_dropped_from_memory_compensates_nothing() -> None:
    run = booked()
    before = list(run.events)
    run.rebuild()
    assert run.events == before
    run.fire()
    assert run.result == "booked"


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_compensation_that_fails_is_told_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    @workflow.defn
    async def trips() -> list[Any]:
        saga = workflow.Saga()
        try:
            async with saga:
                saga.add(cancel, "car")
                saga.add(cancel, "hotel")
                saga.add(refund, "flight", cents=7)
                no_flight()
        except ApplicationError as error:
            causes = [str(failure.__cause__) for failure in saga.failures]
            return [str(error), error.__notes__, causes, repr(saga)]

    run = Rehearsal(trips)
    assert repr(workflow.Saga()) == "<Saga to compensate by nothing; 0 failed>"
    run.fail(1, FINAL)
    with caplog.at_level(logging.WARNING, "understudy.workflow"):
        run.fail(2, FINAL)
    run.complete(3)
    assert asked(run) == [("refund", "flight"), ("cancel", "hotel"), ("cancel", "car")]
    assert run.result == [
        "no flight",
        [
            "Compensation refund failed: ActivityError: Activity task failed",
            "Compensation cancel failed: ActivityError: Activity task failed",
        ],
        ["NoStock: no stock", "NoStock: no stock"],
        "<Saga to compensate by nothing; 2 failed>",
    ]
    assert "compensation cancel failed: ActivityError: Activity task failed" in caplog.text
    same_again(run)


def test_all_compensations_may_run_at_once() -> None:
    run = booked("parallel")
    run.cancel()
    assert asked(run)[3:] == [("cancel", "flight"), ("cancel", "hotel"), ("cancel", "car")]
    run.fail(6, FINAL)
    run.complete(4)
    same_again(run)
    run.complete(5)
    assert run.last.topic == "workflow.canceled"
    same_again(run)


# -- what may compensate ---------------------------------------------------------------------------------------------


def test_anything_that_is_called_may_compensate() -> None:
    @workflow.defn
    async def trips() -> list[str]:
        done: list[str] = []

        async def later(what: str, *, loud: bool) -> None:
            await workflow.sleep(1)
            done.append(f"{what} {loud}")

        try:
            async with workflow.Saga() as saga:
                saga.add(done.append, "plain")
                saga.add(later, "async", loud=True)
                saga.add(cancel.options(start_to_close_timeout=timedelta(seconds=1)), "with options")
                saga.add(Hotel.leave.options(), 7)
                saga.add(workflow.execute_activity, "by name", "x")
                assert repr(saga).startswith("<Saga to compensate by execute_activity, ")
                no_flight()
        except ApplicationError:
            return done

    run = Rehearsal(trips)
    assert run.pending(1).scheduled.activity_type == "by name"
    run.complete(1)
    assert asked(run)[1:] == [("leave", 7)]
    run.complete(2)
    assert run.pending(3).scheduled.start_to_close == 1_000_000_000
    run.complete(3)
    run.fire()
    assert run.result == ["async True", "plain"]
    same_again(run)


def test_a_method_may_be_added_as_it_stands() -> None:
    @workflow.defn
    async def trips() -> None:
        saga = workflow.Saga()
        add: Any = saga.add
        add(Hotel.leave, 7)
        await saga.compensate()

    run = Rehearsal(trips)
    assert asked(run) == [("leave", 7)]


@pytest.mark.parametrize(
    ("compensation", "args", "said"),
    [
        (3, (), "a compensation is 3, where a function is expected. Pass the function and its arguments"),
        (cancel, (), "the number of arguments of compensation cancel is 0, where 1"),
        (refund, (1, 2, 3), "the number of arguments of compensation refund is 3, where 1 to 2"),
    ],
)
def test_what_cannot_compensate_is_refused_when_it_is_added(compensation: Any, args: Any, said: str) -> None:
    with pytest.raises(ArgumentTypeError, match=said):
        workflow.Saga().add(compensation, *args)


def test_a_call_instead_of_a_function_is_refused() -> None:
    async def undo() -> None: ...

    called: Any = undo()
    with pytest.raises(ArgumentTypeError, match=r"without calling it: saga\.add\(refund, order\)"):
        workflow.Saga().add(called)


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_a_saga_that_is_compensated_by_hand_tells_what_failed_and_forgets_its_steps() -> None:
    @workflow.defn
    async def trips() -> list[Any]:
        async with workflow.Saga() as saga:
            saga.add(cancel, "car")
            saga.add(cancel, "hotel")
            first = await saga.compensate()
            saga.add(cancel, "flight")
            second = await saga.compensate()
            third = await saga.compensate()
        return [len(first), len(second), len(third), len(saga.failures)]

    run = Rehearsal(trips)
    run.fail(1, FINAL)
    run.complete(2)
    run.fail(3, FINAL)
    assert asked(run) == [("cancel", "hotel"), ("cancel", "car"), ("cancel", "flight")]
    assert run.result == [1, 1, 0, 2]
    same_again(run)


def test_who_compensates_by_hand_is_cancelled_when_it_is_done() -> None:
    @workflow.defn
    async def trips() -> str:
        saga = workflow.Saga()
        saga.add(cancel, "car")
        try:
            await saga.compensate()
        except asyncio.CancelledError:
            return "cancelled"
        return "never"

    run = Rehearsal(trips)
    run.cancel()
    assert run.run.phase is Phase.RUNNING
    run.complete(1)
    assert run.result == "cancelled"
    same_again(run)


def test_a_saga_may_say_which_exceptions_count() -> None:
    @workflow.defn
    async def trips() -> list[str]:
        told: list[str] = []
        for error in (ValueError("a bug"), ApplicationError("no flight")):
            try:
                async with workflow.Saga(compensate_on=[ApplicationError, ActivityError]) as saga:
                    saga.add(told.append, str(error))
                    raise error
            except (ValueError, ApplicationError):
                told.append("raised")
        return told

    assert Rehearsal(trips).result == ["raised", "no flight", "raised"]


def test_continuing_as_new_is_no_failure() -> None:
    @workflow.defn
    async def trips() -> None:
        async with workflow.Saga() as saga:
            saga.add(cancel, "car")
            workflow.continue_as_new()

    run = Rehearsal(trips)
    assert run.topics == ["workflow.started", "workflow.continued_as_new"]
