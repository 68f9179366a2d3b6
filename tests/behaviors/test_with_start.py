"""Messages that come with a start: their handlers run in front of the run function's first step, also in a replay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import charge, pack
from tests.behaviors.rehearsal import START, Rehearsal, new_run, payloads, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import apply
from understudy.events.state.execution import WorkflowExecution
from understudy.events.update import UpdateAccepted
from understudy.events.workflow import WorkflowStarted
from understudy.exceptions import ApplicationError


@workflow.defn
class Table:
    """Serves what was ordered by the time it begins, and once more what is ordered later."""

    @workflow.init
    def __init__(self, room: int) -> None:
        self.room = room
        self.orders: list[str] = []
        self.begun = False

    @workflow.run
    async def run(self, room: int) -> list[Any]:
        self.begun = True
        first = list(self.orders)
        await workflow.execute_activity(charge, len(first))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return [first, self.orders]

    @workflow.signal
    def order(self, dish: str) -> None:
        self.orders.append(dish)

    @workflow.signal
    async def fetch(self, dish: str) -> None:
        self.orders.append(await workflow.execute_activity(pack, dish))

    @workflow.signal
    def refuse(self) -> None:
        raise ApplicationError("refused")

    @workflow.update
    def book(self, seats: int) -> list[Any]:
        self.room -= seats
        return [self.begun, self.room]

    @book.validator
    def look(self, seats: int) -> None:
        if seats > self.room:
            raise ApplicationError("full")


def signal(name: str, *args: Any) -> SignalReceived:
    """A signal that comes with the start."""
    return SignalReceived(at=START, name=name, input=payloads(args), with_start=True)


def update(name: str, *args: Any, update_id: str = "u-1") -> UpdateAccepted:
    """An update that comes with the start."""
    return UpdateAccepted(at=START, update_id=update_id, name=name, input=payloads(args), with_start=True)


def started(code: Any, *args: Any) -> WorkflowStarted:
    """The start of a run, by hand."""
    return WorkflowStarted(
        at=START, workflow_id="order-1", workflow_type=code.__name__, task_queue="orders", input=payloads(args)
    )


def test_a_signal_that_comes_with_the_start_is_handled_in_front_of_the_first_step() -> None:
    run = Rehearsal(Table, 4, messages=[signal("order", "soup"), signal("order", "bread")])
    assert run.topics == ["workflow.started", "signal.received", "signal.received", "activity.scheduled"]
    run.signal("order", "wine")
    same_again(run)
    run.complete(1)
    assert run.result == [["soup", "bread"], ["soup", "bread", "wine"]]
    same_again(run)


def test_an_update_that_comes_with_the_start_sees_the_instance_and_not_yet_the_run() -> None:
    run = Rehearsal(Table, 4, messages=[update("book", 3)])
    assert run.topics == ["workflow.started", "update.accepted", "update.completed", "activity.scheduled"]
    assert run.outcome() == [False, 1]
    run.complete(1)
    same_again(run)


def test_an_async_handler_of_such_a_message_asks_first() -> None:
    run = Rehearsal(Table, 4, messages=[signal("fetch", "soup")])
    assert [getattr(event, "activity_type", "") for event in run.events[2:]] == ["pack", "charge"]
    run.complete(2)
    run.complete(1, "SOUP")
    assert run.result == [[], ["SOUP"]]
    same_again(run)


def test_such_a_message_that_nobody_handles_is_received_in_the_first_step() -> None:
    @workflow.defn
    async def receives() -> Any:
        return await workflow.receive("word")

    run = Rehearsal(receives, messages=[signal("word", "hello")])
    assert run.result == "hello"
    same_again(run)


def test_such_a_message_may_end_the_run_before_it_begins() -> None:
    run = Rehearsal(Table, 4, messages=[signal("refuse"), update("book", 1)])
    assert run.topics == ["workflow.started", "signal.received", "update.accepted", "workflow.failed"]
    same_again(run)


def test_an_instance_that_cannot_be_made_ends_the_run_and_its_messages_are_left() -> None:
    @workflow.defn
    class Refuses(Table):
        @workflow.init
        def __init__(self, room: int) -> None:
            raise ApplicationError("no room")

        @workflow.run
        async def run(self, room: int) -> list[Any]:
            return []

    run = Rehearsal(Refuses, 4, messages=[signal("order", "soup")])
    assert run.topics == ["workflow.started", "signal.received", "workflow.failed"]
    same_again(run)


def test_an_instance_that_cannot_be_made_lets_every_update_in_and_completes_none() -> None:
    @workflow.defn
    class Refuses(Table):
        @workflow.init
        def __init__(self, room: int) -> None:
            raise ApplicationError("no room")

        @workflow.run
        async def run(self, room: int) -> list[Any]:
            return []

    run = new_run(Refuses, WorkflowExecution("run-1"))
    start = started(Refuses, 4)
    run.prepare(start, START)
    assert run.phase is Phase.CLOSED
    assert run.validate("u-1", "book", payloads([9])) is None
    run.ahead(update("book", 9), START)
    assert topics(run.activate(start, START)) == ["workflow.failed"]


def test_a_bug_in_the_instance_breaks_the_turn_in_which_it_is_made() -> None:
    @workflow.defn
    class Buggy(Table):
        @workflow.init
        def __init__(self, room: int) -> None:
            raise KeyError(room)

        @workflow.run
        async def run(self, room: int) -> list[Any]:
            return []

    run = new_run(Buggy, WorkflowExecution("run-1"))
    with pytest.raises(KeyError):
        run.prepare(started(Buggy, 4), START)
    assert run.phase is Phase.BROKEN


# -- looked at before the start is activated -------------------------------------------------------------------------


def test_an_update_is_looked_at_before_the_start_is_activated_and_the_instance_is_made_once() -> None:
    made: list[int] = []

    @workflow.defn
    class Counts(Table):
        @workflow.init
        def __init__(self, room: int) -> None:
            super().__init__(room)
            made.append(room)

        @workflow.run
        async def run(self, room: int) -> list[Any]:
            return [self.orders]

    state = WorkflowExecution("run-1")
    start = started(Counts, 4)
    apply(state, start)
    run = new_run(Counts, state)
    run.prepare(start, START)
    refused = run.validate("u-1", "book", payloads([5]))
    assert refused is not None
    assert refused.message == "full"
    assert run.validate("u-1", "book", payloads([3])) is None
    asked = run.activate(start, START, [update("book", 3)])
    assert topics(asked) == ["update.completed", "workflow.completed"]
    assert made == [4]
    run.close()


# -- after a start that was put off ----------------------------------------------------------------------------------


def test_messages_that_waited_with_the_start_are_handled_in_front_of_the_first_step() -> None:
    run = Rehearsal(Table, 4)
    start = run.execution.start
    run.events, run.execution = [], WorkflowExecution("run-1")
    run.defer(start, signal("order", "soup"), SignalReceived(at=START, name="order", input=payloads(["bread"])))
    run.rebuild()
    assert topics(run.resume()) == ["turn.resumed", "activity.scheduled"]
    run.signal("order", "wine")
    run.complete(1)
    assert run.result == [["soup", "bread"], ["soup", "bread", "wine"]]
    same_again(run)


def test_what_the_instance_begins_when_it_is_made_is_ahead_of_the_messages() -> None:
    @workflow.defn
    class Eager:
        @workflow.init
        def __init__(self) -> None:
            self.words: list[str] = []
            self.task = asyncio.create_task(self.begin())

        async def begin(self) -> None:
            await asyncio.sleep(0)
            self.words.append("init")

        @workflow.run
        async def run(self) -> list[str]:
            self.words.append("run")
            await self.task
            return self.words

        @workflow.signal
        def note(self) -> None:
            self.words.append("signal")

    run = Rehearsal(Eager, messages=[signal("note")])
    assert run.result == ["init", "signal", "run"]
    same_again(run)
