"""Promises in the code of one run, and what of them goes on to the next."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.rehearsal import FINAL, Rehearsal, payloads, value_of
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy._calls.promise_token import PromiseToken
from understudy.actors.behaviors.decisions.commands import SignalWorkflow
from understudy.events.errors import InvalidArgumentError
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.failures.failure import Failure
from understudy.events.signal import SignalReceived

TOKEN = PromiseToken("secret", "order-1")
"""Of a promise that a run before this one has made."""


@workflow.defn
class Awaits:
    """Has the promise of a run before it, as often as it is told to, and awaits it when it may."""

    def __init__(self) -> None:
        self.may = False

    @workflow.signal
    def go(self) -> None:
        self.may = True

    @workflow.run
    async def run(self, promises: int, and_then: str = "") -> Any:
        made = [workflow.promise(type=int, token=str(TOKEN)) for _ in range(promises)]
        await workflow.wait_condition(lambda: self.may)
        values = list(await asyncio.gather(*made))
        if and_then:
            await workflow.receive(and_then)
        return values


def resolve(run: Rehearsal, value: object, token: PromiseToken = TOKEN) -> None:
    """Resolve a promise as a client does, but for the request id, which would keep a second one out of the run."""
    run.do(SignalWorkflow(name=token.signal, input=payloads([None, value])))


def reject(run: Rehearsal, failure: Failure) -> None:
    run.do(SignalWorkflow(name=TOKEN.signal, failure=failure))


def carried(run: Rehearsal) -> list[tuple[Any, bool]]:
    """What the next run gets: the values, and whether they were awaited."""
    return [(value_of(fact.input[1]), fact.was_awaited) for fact in run.run.unconsumed()]


def given_on(run: Rehearsal, value: int) -> None:
    """A run before this one has awaited the promise."""
    signal = SignalReceived(at=run.now, name=TOKEN.signal, input=payloads([None, value]), was_awaited=True)
    run.take(signal)


def test_all_promises_of_one_token_are_resolved_whenever_they_are_made() -> None:
    @workflow.defn
    class Early:
        @workflow.run
        async def run(self) -> list[int]:
            one, two = (workflow.promise(type=int, token=str(TOKEN)) for _ in range(2))
            values = [await one, await two]
            three = workflow.promise(type=int, token=str(TOKEN))
            return [*values, await three]

    run = Rehearsal(Early)
    resolve(run, 7)
    assert run.result == [7, 7, 7]
    same_again(run)


def test_the_first_resolution_counts_and_later_ones_go_nowhere() -> None:
    run = Rehearsal(Awaits, 2)
    resolve(run, 1)
    resolve(run, 2)
    assert carried(run) == [(1, False)]
    run.signal("go")
    assert run.result == [1, 1]
    same_again(run)


def test_a_value_that_was_awaited_goes_on_to_the_next_run_and_says_so() -> None:
    run = Rehearsal(Awaits, 1, "end")
    resolve(run, 1)
    run.signal("go")
    assert carried(run) == [(1, True)]
    same_again(run)


def test_a_value_that_was_awaited_before_goes_on_from_a_run_that_makes_the_promise_again() -> None:
    run = Rehearsal(Awaits, 1)
    given_on(run, 3)
    assert carried(run) == [(3, True)]
    run.signal("go")
    assert run.result == [3]


def test_a_value_that_was_awaited_before_ends_with_a_run_that_does_not_make_the_promise() -> None:
    run = Rehearsal(Awaits, 0)
    given_on(run, 3)
    assert carried(run) == []


def test_a_value_that_no_run_has_awaited_goes_on_from_any() -> None:
    run = Rehearsal(Awaits, 0)
    resolve(run, 4)
    assert carried(run) == [(4, False)]


def test_a_handler_that_is_set_later_does_not_lose_the_values_of_promises() -> None:
    @workflow.defn
    class Late:
        @workflow.run
        async def run(self) -> int:
            await workflow.receive("go")
            workflow.set_signal_handler("later", lambda: None)
            return await workflow.promise(type=int, token=str(TOKEN))

    run = Rehearsal(Late)
    resolve(run, 5)
    run.signal("go")
    assert run.result == 5
    same_again(run)


def test_a_rejection_is_raised_with_all_that_it_says() -> None:
    @workflow.defn
    class Rejected:
        @workflow.run
        async def run(self) -> list[Any]:
            promise = workflow.promise(token=str(TOKEN))
            with pytest.raises(ApplicationError) as raised:
                await promise
            return [raised.value.message, raised.value.type, raised.value.non_retryable]

    run = Rehearsal(Rejected)
    reject(run, FINAL)
    assert run.result == ["no stock", "NoStock", True]
    same_again(run)


def test_a_rejection_recorded_as_message_and_type_is_raised_still() -> None:
    run = Rehearsal(Awaits, 1)
    run.do(SignalWorkflow(name=TOKEN.signal, input=payloads([{"message": "no", "type": "Declined"}, None])))
    run.signal("go")
    assert (run.failure.message, run.failure.type) == ("no", "Declined")
    same_again(run)


def test_a_promise_rejected_with_a_cancellation_cancels_nothing_and_has_it_as_its_cause() -> None:
    run = Rehearsal(Awaits, 1)
    reject(run, Failure(kind="canceled", message="nobody came"))
    run.signal("go")
    failure = run.failure
    assert (failure.message, failure.type) == ("nobody came", "CancelledError")
    assert failure.cause is not None
    assert failure.cause.kind == "canceled"


def test_the_token_of_another_workflow_is_refused_by_its_name() -> None:
    @workflow.defn
    async def borrows() -> None:
        with pytest.raises(InvalidArgumentError, match=r"of workflow 'order-2', where .*'order-1'"):
            workflow.promise(token=str(PromiseToken("secret", "order-2")))

    run = Rehearsal(borrows)
    assert run.result is None
    same_again(run)
