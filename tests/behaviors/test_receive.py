"""Signals that are received without a handler: in order, each by one who waits, in time or at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.behaviors.rehearsal import START, Rehearsal, payloads, topics, value_of
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.code.run import Phase
from understudy.common import RawValue
from understudy.events.errors import InvalidArgumentError, PayloadDecodeError
from understudy.events.signal import SignalReceived


@workflow.defn
class Till:
    """Receives so many coins, and each of them for so many seconds at most."""

    @workflow.run
    async def run(self, count: int, seconds: float | None = None) -> list[Any]:
        found: list[Any] = []
        for _ in range(count):
            try:
                found.append(await workflow.receive("coin", type=int, timeout=seconds))
            except TimeoutError:
                found.append("late")
        return found


def test_what_came_before_is_received_in_order_and_then_what_comes() -> None:
    @workflow.defn
    class Waits:
        @workflow.run
        async def run(self) -> list[Any]:
            await workflow.sleep(1)
            return [await workflow.receive("coin") for _ in range(3)]

    run = Rehearsal(Waits)
    run.signal("coin", 1)
    run.signal("other", 7)
    run.signal("coin", 2)
    run.fire()
    same_again(run)
    assert topics(run.signal("coin", 3)) == ["signal.received", "workflow.completed"]
    assert run.result == [1, 2, 3]
    assert [fact.name for fact in run.run.unconsumed()] == ["other"]
    same_again(run)


def test_who_waits_for_a_signal_suspends_the_run() -> None:
    run = Rehearsal(Till, 1)
    assert run.topics == ["workflow.started"]
    same_again(run)
    run.signal("coin", 5)
    assert run.result == [5]
    same_again(run)


def test_a_time_limit_ends_the_wait_and_the_signal_behind_it_is_received_by_the_next() -> None:
    run = Rehearsal(Till, 2, 10)
    assert topics(run.fire())[:2] == ["timer.fired", "timer.started"]
    run.signal("coin", 5)
    assert run.result == ["late", 5]
    same_again(run)


def test_a_time_limit_may_be_a_timedelta() -> None:
    @workflow.defn
    async def waits() -> str:
        try:
            await workflow.receive("coin", timeout=timedelta(minutes=1))
        except TimeoutError:
            return "late"
        return "in time"

    run = Rehearsal(waits)
    begun = run.now
    run.fire()
    assert run.now - begun == 60_000_000_000
    assert run.result == "late"
    same_again(run)


def test_several_who_wait_get_one_signal_each_in_the_order_in_which_they_came() -> None:
    @workflow.defn
    async def queue() -> list[Any]:
        async def wait(name: str) -> list[Any]:
            return [name, await workflow.receive("coin")]

        return list(await asyncio.gather(wait("a"), wait("b"), wait("c")))

    run = Rehearsal(queue)
    for coin in (1, 2, 3):
        run.signal("coin", coin)
    assert run.result == [["a", 1], ["b", 2], ["c", 3]]
    same_again(run)


def test_who_stops_waiting_takes_no_signal() -> None:
    @workflow.defn
    async def gives_up() -> list[Any]:
        first = asyncio.create_task(workflow.receive("coin"))
        await workflow.sleep(1)
        first.cancel()
        return [await workflow.receive("coin"), first.cancelled()]

    run = Rehearsal(gives_up)
    run.fire()
    run.signal("coin", 5)
    assert run.result == [5, True]
    same_again(run)


@pytest.mark.parametrize("others", [0, 1], ids=["nobody else waits", "another waits"])
def test_a_signal_that_comes_in_the_turn_in_which_its_receiver_is_cancelled_is_not_lost(others: int) -> None:
    @workflow.defn
    async def races(others: int) -> list[Any]:
        tasks = [asyncio.create_task(workflow.receive("coin")) for _ in range(1 + others)]
        await asyncio.sleep(0)
        current().inbox.signal(SignalReceived(at=START, name="coin", input=payloads([5])))
        _ = tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        return [await workflow.receive("coin"), tasks[0].cancelled()] if not others else [await tasks[1]]

    assert Rehearsal(races, others).result == [5, True][: 2 - others]


def test_a_signal_that_is_put_back_is_the_first_of_all() -> None:
    @workflow.defn
    async def races() -> list[Any]:
        first = asyncio.create_task(workflow.receive("coin"))
        await asyncio.sleep(0)
        for coin in (1, 2):
            current().inbox.signal(SignalReceived(at=START, name="coin", input=payloads([coin])))
        _ = first.cancel()
        await asyncio.wait([first])
        return [await workflow.receive("coin"), await workflow.receive("coin")]

    assert Rehearsal(races).result == [1, 2]


def test_a_signal_without_an_argument_is_none_and_one_with_several_is_a_list() -> None:
    @workflow.defn
    async def takes() -> list[Any]:
        return [await workflow.receive("a"), await workflow.receive("a"), await workflow.receive("a", type=str)]

    run = Rehearsal(takes)
    run.signal("a")
    run.signal("a", 1, "two")
    run.signal("a", "three")
    assert run.result == [None, [1, "two"], "three"]
    same_again(run)


def test_a_signal_that_does_not_fit_what_is_wanted_is_an_error_where_it_is_received() -> None:
    @workflow.defn
    async def typed() -> Any:
        try:
            return await workflow.receive("coin", type=int)
        except PayloadDecodeError:
            return await workflow.receive("coin", type=int)

    run = Rehearsal(typed)
    run.signal("coin", "five")
    assert run.run.phase is Phase.RUNNING
    run.signal("coin", 5)
    assert run.result == 5
    same_again(run)


def test_what_a_handler_takes_cannot_be_received() -> None:
    @workflow.defn
    class Handles:
        @workflow.run
        async def run(self) -> list[str]:
            texts: list[str] = []
            for take in (workflow.receive_nowait, self.wait):
                try:
                    _ = take("note")
                except InvalidArgumentError as error:
                    texts.append(str(error))
            return texts

        def wait(self, topic: str) -> None:
            workflow.receive(topic).send(None)

        @workflow.signal
        def note(self) -> None:
            """Do nothing."""

    @workflow.defn
    class Catches(Handles):
        @workflow.run
        async def run(self) -> list[str]:
            workflow.set_signal_handler("note", None)
            return await super().run()

        @workflow.signal(dynamic=True)
        def other(self, name: str, args: Sequence[RawValue]) -> None:
            """Do nothing."""

    for code, whose in ((Handles, "handler 'note'"), (Catches, "the dynamic handler")):
        texts = Rehearsal(code).result
        assert len(texts) == 2
        assert all(f"Its signals go to {whose}; take that away" in text for text in texts)


def test_to_try_gives_what_waits_or_the_default_or_says_that_nothing_does() -> None:
    @workflow.defn
    async def tries() -> list[Any]:
        found: list[Any] = [workflow.receive_nowait("coin", default="nothing")]
        try:
            workflow.receive_nowait("coin")
        except asyncio.QueueEmpty as error:
            found.append(str(error))
        await workflow.sleep(1)
        found += [workflow.receive_nowait("coin", type=int), workflow.receive_nowait("coin")]
        found.append(workflow.receive_nowait("coin", type=int, default=0))
        return found

    run = Rehearsal(tries)
    run.signal("coin", 1)
    run.signal("coin", 2)
    run.fire()
    assert run.result == ["nothing", "no signal called 'coin' waits; pass default= to get a value then", 1, 2, 0]
    same_again(run)


def test_signals_that_wait_for_a_receiver_are_what_the_next_run_gets() -> None:
    run = Rehearsal(Till, 1)
    run.signal("note", 1)
    run.signal("note", 2)
    run.signal("coin", 3)
    assert [value_of(fact.input[0]) for fact in run.run.unconsumed()] == [1, 2]


def test_a_handler_that_is_set_takes_the_signals_from_who_waits_for_them() -> None:
    @workflow.defn
    async def both() -> list[Any]:
        heard: list[Any] = []
        waiting = asyncio.create_task(workflow.receive("coin"))
        await workflow.receive("go")
        workflow.set_signal_handler("coin", heard.append)
        await workflow.receive("go")
        workflow.set_signal_handler("coin", None)
        return [heard, await waiting]

    run = Rehearsal(both)
    run.signal("go")
    run.signal("coin", 1)
    run.signal("go")
    run.signal("coin", 2)
    assert run.result == [[1], 2]
    same_again(run)
