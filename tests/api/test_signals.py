"""Signals: durable once acknowledged, in order, once by request id, buffered until the run can take them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy.common import RawValue
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    InvalidArgumentError,
    MailboxFullError,
    PayloadEncodeError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)


@dataclass
class Vote:
    by: str
    weight: int = 1


@activity.defn
async def confirm(name: str) -> str:
    return f"confirmed {name}"


@workflow.defn
class Poll:
    """Collects what it is told until it is closed."""

    def __init__(self) -> None:
        self.votes: list[Any] = []
        self.done = False

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: self.done and workflow.all_handlers_finished())
        return self.votes

    @workflow.signal
    def vote(self, vote: Vote) -> None:
        self.votes.append([vote.by, vote.weight])

    @workflow.signal
    def note(self, text: str, times: int = 1) -> None:
        self.votes.extend([text] * times)

    @workflow.signal(name="confirm-later")
    async def later(self, name: str) -> None:
        self.votes.append(await workflow.execute_activity(confirm, name))

    @workflow.signal
    async def close(self) -> None:
        self.done = True

    @workflow.signal
    def reject(self) -> None:
        raise ApplicationError("rejected")

    @workflow.signal
    async def reject_later(self) -> None:
        await workflow.sleep(0.001)
        raise ApplicationError("rejected later")

    @workflow.query
    def so_far(self) -> list[Any]:
        return self.votes


async def test_a_signal_is_sent_by_its_method(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal(Poll.vote, Vote("kim", 2))
    await handle.signal(Poll.note, args=["x", 2])
    await handle.signal(Poll.close)
    assert await handle.result() == [["kim", 2], "x", "x"]


async def test_a_signal_is_sent_by_its_name(engine: Harness) -> None:
    await engine.work(Poll, confirm)
    handle = await engine.start(Poll.run)
    await handle.signal("vote", Vote("kim"))
    await handle.signal("confirm-later", "lee")
    await handle.signal("close")
    assert await handle.result() == [["kim", 1], "confirmed lee"]


async def test_an_async_handler_may_wait_and_the_others_go_on(engine: Harness) -> None:
    let_go = asyncio.Event()

    @activity.defn(name="confirm")
    async def slow(name: str) -> str:
        await let_go.wait()
        return name

    await engine.work(Poll, slow)
    handle = await engine.start(Poll.run)
    await handle.signal(Poll.later, "slow")
    await handle.signal(Poll.note, "fast")
    await handle.signal(Poll.close)
    assert await handle.query(Poll.so_far) == ["fast"]
    let_go.set()
    assert await handle.result() == ["fast", "slow"]


async def test_a_dynamic_signal_takes_every_other_name(engine: Harness) -> None:
    @workflow.defn
    class Catch:
        def __init__(self) -> None:
            self.caught: list[Any] = []

        @workflow.run
        async def run(self) -> list[Any]:
            await workflow.wait_condition(lambda: len(self.caught) == 2)
            return self.caught

        @workflow.signal(dynamic=True)
        async def anything(self, name: str, args: Sequence[RawValue]) -> None:
            self.caught.append([name, *(workflow.payload_converter().decode(arg.payload, Any) for arg in args)])

        @workflow.signal
        def known(self) -> None:
            self.caught.append("known")

    await engine.work(Catch)
    handle = await engine.start(Catch.run)
    await handle.signal("surprise", args=[1, {"a": 2}])
    await handle.signal("known")
    assert await handle.result() == [["surprise", 1, {"a": 2}], "known"]


# -- delivery --------------------------------------------------------------------------------------------------------


async def test_signals_wait_for_a_worker(engine: Harness) -> None:
    handle = await engine.start(Poll.run)
    for text in "abc":
        await handle.signal(Poll.note, text)
    await handle.signal(Poll.close)
    await engine.work(Poll)
    assert await handle.result() == ["a", "b", "c"]


async def test_signals_of_one_sender_arrive_in_their_order(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    texts = [str(n) for n in range(50)]
    await asyncio.gather(*(handle.signal(Poll.note, text) for text in texts))
    await handle.signal(Poll.close)
    assert await handle.result() == texts


async def test_a_signal_that_is_acknowledged_is_in_the_history(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal(Poll.note, "a")
    assert await topics(handle) == ["workflow.started", "signal.received"]


async def test_a_signal_is_delivered_once_by_its_request_id(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await asyncio.gather(*(handle.signal(Poll.note, "once", request_id="r-1") for _ in range(3)))
    await handle.signal(Poll.note, "twice", request_id="r-2")
    engine.client.engine.runs.passivate(0)
    await handle.signal(Poll.note, "twice", request_id="r-2")
    await handle.signal(Poll.note, "again")
    await handle.signal(Poll.note, "again")
    await handle.signal(Poll.close, request_id="r-3")
    assert await handle.result() == ["once", "twice", "again", "again"]
    await handle.signal(Poll.close, request_id="r-3")


async def test_a_signal_wakes_a_passivated_run(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal(Poll.note, "a")
    assert engine.client.engine.runs.passivate(0) == 1
    await handle.signal(Poll.note, "b")
    await handle.signal(Poll.close)
    assert await handle.result() == ["a", "b"]


async def test_an_unknown_signal_is_kept_and_harms_nobody(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal("unheard-of", 1)
    await handle.signal(Poll.close)
    assert await handle.result() == []
    assert "signal.received" in await topics(handle)


async def test_a_signal_that_does_not_fit_is_dropped_with_a_warning(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal("vote", 7)
    await handle.signal("note")
    await handle.signal(Poll.close)
    assert await handle.result() == []
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert any("signal 'vote' was dropped" in text for text in warnings)
    assert any("signal 'note' was dropped" in text for text in warnings)


# -- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signal", "message"), [("reject", "rejected"), ("reject_later", "rejected later")])
async def test_a_declared_failure_of_a_handler_fails_the_workflow(engine: Harness, signal: str, message: str) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run)
    await handle.signal(signal)
    error = await failure_of(handle.result())
    assert isinstance(error, ApplicationError)
    assert error.message == message


async def test_a_bug_in_a_handler_holds_the_run_until_it_is_mended(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Buggy:
        def __init__(self) -> None:
            self.value = 0

        @workflow.run
        async def run(self) -> int:
            await workflow.wait_condition(lambda: self.value > 0)
            return self.value

        @workflow.signal
        def set(self, value: int) -> None:
            if broken:
                raise ValueError("a bug")
            self.value = value

    await engine.work(Buggy)
    handle = await engine.start(Buggy.run)
    await handle.signal(Buggy.set, 7)

    async def stuck() -> bool:
        return (await handle.describe()).failed_turns > 0

    await eventually(stuck)
    broken = False
    assert await handle.result() == 7


async def test_a_workflow_that_leaves_a_handler_behind_is_warned_about(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow.defn
    class Leaves:
        def __init__(self) -> None:
            self.done = False

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: self.done)

        @workflow.signal
        async def lingers(self) -> None:
            await workflow.sleep(timedelta(hours=1))

        @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
        async def lingers_quietly(self) -> None:
            await workflow.sleep(timedelta(hours=1))

        @workflow.signal
        def leave(self) -> None:
            self.done = True

    await engine.work(Leaves)
    handle = await engine.start(Leaves.run)
    for signal in (Leaves.lingers, Leaves.lingers_quietly, Leaves.leave):
        await handle.signal(signal)
    await handle.result()
    said = [r.getMessage() for r in caplog.records if "still running" in r.getMessage()]
    assert len(said) == 1
    assert "'lingers'" in said[0]


# -- refused ---------------------------------------------------------------------------------------------------------


async def test_a_closed_run_takes_no_signal(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run, id="poll")
    await handle.signal(Poll.close)
    await handle.result()
    with pytest.raises(WorkflowClosedError, match=r"'poll' .* is closed: COMPLETED"):
        await handle.signal(Poll.note, "late")


async def test_a_workflow_that_there_is_not_takes_no_signal(engine: Harness) -> None:
    with pytest.raises(WorkflowNotFoundError, match="there is no workflow 'nobody'"):
        await engine.client.get_workflow_handle("nobody").signal("note", "x")


async def test_a_signal_that_cannot_be_sent_is_refused_before_anything_is_stored(engine: Harness) -> None:
    handle = await engine.start(Poll.run, id="poll")
    with pytest.raises(ArgumentTypeError, match="signal 'note'"):
        await handle.signal(Poll.note)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(
        PayloadEncodeError, match=r"argument 1 \('vote'\) of signal 'vote' of workflow 'poll': .* type int .* as .*Vote"
    ):
        await handle.signal(Poll.vote, 7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match=r"decorated with @workflow\.signal"):
        await handle.signal(Poll.so_far)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="arg is given"):
        await handle.signal(Poll.note, "x", args=["y"])  # type: ignore[call-overload]  # wrong on purpose
    assert "signal.received" not in await topics(handle)


async def test_a_full_mailbox_refuses_and_what_was_taken_arrives(engine: Harness) -> None:
    await engine.work(Poll)
    handle = await engine.start(Poll.run, id="poll")
    sent = await asyncio.gather(*(handle.signal("note", "x") for _ in range(10_005)), return_exceptions=True)
    refused = [outcome for outcome in sent if outcome is not None]
    assert len(refused) == 5
    assert all(isinstance(error, MailboxFullError) for error in refused)
    assert "the mailbox of workflow 'poll' is full with 10000 messages" in str(refused[0])
    await handle.signal(Poll.close)
    assert len(await handle.result()) == 10_000


async def test_the_engines_own_messages_find_room_in_a_full_mailbox(engine: Harness) -> None:
    go_on, begun = asyncio.Event(), asyncio.Event()

    @activity.defn(name="confirm")
    async def waits(name: str) -> str:
        begun.set()
        await go_on.wait()
        return name

    await engine.work(Poll, waits)
    handle = await engine.start(Poll.run)
    await handle.signal("confirm-later", "kim")
    await begun.wait()
    flood = [asyncio.create_task(handle.signal("unheard-of")) for _ in range(10_000)]
    go_on.set()
    await asyncio.gather(*flood)
    await handle.signal(Poll.close)
    assert await handle.result() == ["kim"]
