"""Signals and cancellations from workflow to workflow: to children, to others, to oneself, to nobody."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.api.harness import Harness, eventually, has, topics
from understudy import workflow
from understudy.exceptions import ApplicationError
from understudy.workflow import ParentClosePolicy

OTHER: Final = "other"
NOBODY: Final = "ExternalWorkflowExecutionNotFound"


@workflow.defn
class Listener:
    """Keeps what it hears until that is enough; goes on as a new run in between, if it is told to."""

    @workflow.init
    def __init__(self, enough: int, heard: list[str] | None = None) -> None:
        self.heard = heard or []
        self.again = False

    @workflow.run
    async def run(self, enough: int, heard: list[str] | None = None) -> list[str]:
        await workflow.wait_condition(lambda: self.again or len(self.heard) >= enough)
        if self.again:
            workflow.continue_as_new(args=[enough, self.heard])
        return self.heard

    @workflow.signal
    def tell(self, word: str) -> None:
        self.heard.append(word)

    @workflow.signal
    def renew(self) -> None:
        self.again = True


@workflow.defn
async def sends(what: str, workflow_id: str, run_id: str | None = None) -> str:
    """Send a message to another workflow, and say what came of it."""
    other = workflow.get_external_workflow_handle(workflow_id, run_id=run_id)
    try:
        if what == "cancel":
            await other.cancel(reason="sold out")
        else:
            await other.signal(Listener.tell, what)
    except ApplicationError as error:
        return f"{error.type}: {error.message}"
    return "sent"


def requested(events: Any, topic: str) -> list[Any]:
    """The events of a kind."""
    return [event for event in events if event.topic == topic]


async def test_a_signal_reaches_an_open_workflow(engine: Harness) -> None:
    await engine.work(sends, Listener)
    other = await engine.start(Listener.run, 1, id=OTHER)
    sender = await engine.start(sends, "hello", OTHER)
    assert await sender.result() == "sent"
    assert await other.result() == ["hello"]
    (received,) = requested((await other.fetch_history()).events, "signal.received")
    assert received.request_id == f"{sender.result_run_id}/1"


async def test_a_cancellation_reaches_an_open_workflow_with_its_reason(engine: Harness) -> None:
    await engine.work(sends, Listener)
    other = await engine.start(Listener.run, 1, id=OTHER)
    assert await engine.execute(sends, "cancel", OTHER) == "sent"
    await eventually(lambda: has(other, "workflow.canceled"))
    (asked,) = requested((await other.fetch_history()).events, "workflow.cancel_requested")
    assert asked.reason == "sold out"


async def test_a_second_cancellation_is_sent_and_changes_nothing(engine: Harness) -> None:
    @workflow.defn
    async def deaf() -> None:
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            await workflow.wait_condition(lambda: False)

    await engine.work(sends, deaf)
    other = await engine.start(deaf, id=OTHER)
    for _ in range(2):
        assert await engine.execute(sends, "cancel", OTHER) == "sent"
    assert (await topics(other)).count("workflow.cancel_requested") == 1


@pytest.mark.parametrize("what", ["hello", "cancel"])
async def test_a_message_to_nobody_says_so(engine: Harness, what: str) -> None:
    await engine.work(sends)
    sender = await engine.start(sends, what, "nobody")
    said = await sender.result()
    assert said.startswith(NOBODY)
    assert "'nobody'" in said
    assert await has(sender, "message.failed")


@pytest.mark.parametrize("what", ["hello", "cancel"])
async def test_a_message_to_a_closed_workflow_says_so(engine: Harness, what: str) -> None:
    await engine.work(sends, Listener)
    other = await engine.start(Listener.run, 0, id=OTHER)
    await other.result()
    said = await engine.execute(sends, what, OTHER)
    assert said.startswith(NOBODY)
    assert "COMPLETED" in said


@pytest.mark.parametrize("what", ["hello", "cancel"])
async def test_a_message_to_a_run_reaches_that_run_and_no_other(engine: Harness, what: str) -> None:
    await engine.work(sends, Listener)
    other = await engine.start(Listener.run, 1, id=OTHER)
    assert await engine.execute(sends, what, OTHER, other.result_run_id) == "sent"
    await eventually(lambda: has(other, "workflow.canceled" if what == "cancel" else "workflow.completed"))
    await engine.start(Listener.run, 1, id=OTHER)
    assert (await engine.execute(sends, what, OTHER, other.result_run_id)).startswith(NOBODY)
    assert (await engine.execute(sends, what, "another", other.result_run_id)).startswith(NOBODY)
    assert await engine.execute(sends, what, OTHER) == "sent"


async def test_a_message_by_workflow_id_reaches_the_run_that_followed(engine: Harness) -> None:
    await engine.work(sends, Listener)
    other = await engine.start(Listener.run, 2, id=OTHER)
    assert await engine.execute(sends, "one", OTHER) == "sent"
    await other.signal(Listener.renew)
    assert await engine.execute(sends, "two", OTHER) == "sent"
    assert await other.result() == ["one", "two"]
    assert (await engine.execute(sends, "three", OTHER, other.result_run_id)).startswith(NOBODY)


async def test_a_workflow_may_signal_itself(engine: Harness) -> None:
    @workflow.defn
    class Echo:
        def __init__(self) -> None:
            self.heard = ""

        @workflow.run
        async def run(self) -> str:
            me = workflow.get_external_workflow_handle(workflow.info().workflow_id)
            await me.signal(Echo.tell, "me")
            return self.heard

        @workflow.signal
        def tell(self, word: str) -> None:
            self.heard = word

    await engine.work(Echo)
    assert await engine.execute(Echo.run) == "me"


async def test_a_workflow_may_cancel_itself(engine: Harness) -> None:
    @workflow.defn
    async def quits() -> str:
        try:
            await workflow.get_external_workflow_handle(workflow.info().workflow_id).cancel(reason="enough")
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            return f"cancelled: {workflow.cancellation_reason()}"
        return "never"

    await engine.work(quits)
    assert await engine.execute(quits) == "cancelled: enough"


@workflow.defn
class Player:
    """Hits the ball back until it has been hit often enough."""

    def __init__(self) -> None:
        self.ball = 0

    @workflow.run
    async def run(self, partner: str) -> int:
        other = workflow.get_external_workflow_handle_for(Player.run, partner)
        while True:
            await workflow.wait_condition(lambda: self.ball > 0)
            ball, self.ball = self.ball, 0
            if ball < 20:
                await other.signal(Player.hit, ball + 1)
            if ball >= 19:
                return ball

    @workflow.signal
    def hit(self, ball: int) -> None:
        self.ball = ball


async def test_two_workflows_may_talk_to_each_other(engine: Harness) -> None:
    await engine.work(Player)
    one, two = await engine.start(Player.run, "two", id="one"), await engine.start(Player.run, "one", id="two")
    await one.signal(Player.hit, 1)
    assert [await one.result(), await two.result()] == [19, 20]


# -- to children -----------------------------------------------------------------------------------------------------


@workflow.defn
async def tells(words: list[str], *, renews: bool = False) -> list[str]:
    """Signal a child word by word; with a new run of it before each, if it `renews`."""
    handle = await workflow.start_child_workflow(Listener.run, len(words), id="child")
    for word in words:
        if renews:
            await handle.signal(Listener.renew)
        await handle.signal(Listener.tell, word)
    return await handle


async def test_signals_reach_a_child_in_order(engine: Harness) -> None:
    await engine.work(tells, Listener)
    words = [str(number) for number in range(30)]
    assert await engine.execute(tells, words) == words
    (row,) = engine.client.engine.store.executions(workflow_id="child")
    assert row.status == "Completed"


async def test_signals_reach_a_child_that_continues_as_new_over_and_over(engine: Harness) -> None:
    @workflow.defn
    async def renewing(words: list[str]) -> list[str]:
        return await tells(words, renews=True)

    await engine.work(renewing, Listener)
    words = [str(number) for number in range(30)]
    assert await engine.execute(renewing, words) == words
    assert len(engine.client.engine.store.executions(workflow_id="child", limit=100)) == len(words) + 1


async def test_a_signal_to_a_child_that_has_ended_does_not_reach_another_run_of_its_id(engine: Harness) -> None:
    @workflow.defn
    class Mother:
        def __init__(self) -> None:
            self.go = False

        @workflow.run
        async def run(self) -> str:
            handle = await workflow.start_child_workflow(Listener.run, 0, id="child")
            await handle
            await workflow.wait_condition(lambda: self.go)
            try:
                await handle.signal(Listener.tell, "late")
            except ApplicationError as error:
                return str(error.type)
            return "sent"

        @workflow.signal
        def on(self) -> None:
            self.go = True

    await engine.work(Mother, Listener)
    handle = await engine.start(Mother.run)
    await eventually(lambda: has(handle, "child.completed"))
    stranger = await engine.start(Listener.run, 1, id="child")
    await handle.signal(Mother.on)
    assert await handle.result() == NOBODY
    assert "signal.received" not in await topics(stranger)


async def test_an_abandoned_child_may_be_signalled_by_its_id(engine: Harness) -> None:
    @workflow.defn
    async def leaves() -> str:
        handle = await workflow.start_child_workflow(
            Listener.run, 1, id="child", parent_close_policy=ParentClosePolicy.ABANDON
        )
        return handle.id

    await engine.work(leaves, sends, Listener)
    assert await engine.execute(leaves) == "child"
    assert await engine.execute(sends, "hello", "child") == "sent"
    assert await engine.client.get_workflow_handle("child").result() == ["hello"]
