"""What a run perceives: its clock, its dice, its timers, side effects, facts about itself."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, eventually, failure_of, ms, topics
from understudy import workflow
from understudy.exceptions import ApplicationError, NotInWorkflowError


@dataclass
class Order:
    id: int
    items: list[str]


# -- clock, dice, side effects ---------------------------------------------------------------------------------------


@workflow.defn
class Senses:
    """Looks at its clock and throws its dice before and after it has left memory."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.go_on = False

    def look(self) -> None:
        self.seen.append([workflow.time_ns(), workflow.random().random(), str(workflow.uuid4()), str(workflow.uuid7())])

    @workflow.run
    async def run(self) -> list[Any]:
        self.look()
        self.look()
        await workflow.wait_condition(lambda: self.go_on)
        self.look()
        return self.seen

    @workflow.signal
    def proceed(self) -> None:
        self.go_on = True

    @workflow.query
    def so_far(self) -> list[Any]:
        return self.seen


async def test_clock_and_dice_are_the_same_when_the_run_is_replayed(engine: Harness) -> None:
    await engine.work(Senses)
    handle = await engine.start(Senses.run)
    before = await handle.query(Senses.so_far)
    assert engine.client.engine.runs.passivate(0) == 1
    assert await handle.query(Senses.so_far) == before
    await handle.signal(Senses.proceed)
    seen = await handle.result()
    assert seen[:2] == before
    assert seen[0][0] == seen[1][0] <= seen[2][0]
    assert len({dice for _, *all_dice in seen for dice in all_dice}) == 9


async def test_the_clock_shows_the_same_instant_in_three_ways(engine: Harness) -> None:
    @workflow.defn
    async def clock() -> list[Any]:
        return [workflow.now(), workflow.time(), workflow.time_ns()]

    await engine.work(clock)
    before = datetime.now(UTC)
    now, seconds, ns = await engine.execute(clock)
    assert before - ms(1) <= datetime.fromisoformat(now) <= datetime.now(UTC)
    assert datetime.fromisoformat(now).timestamp() == pytest.approx(seconds) == pytest.approx(ns / 1e9)


async def test_a_side_effect_is_computed_once_and_recorded_in_line(engine: Harness) -> None:
    computed: list[float] = []

    def compute() -> float:
        computed.append(datetime.now(UTC).timestamp())
        return computed[-1]

    @workflow.defn
    class Effect:
        def __init__(self) -> None:
            self.value: float | None = None

        @workflow.run
        async def run(self) -> None:
            self.value = workflow.side_effect(compute)
            await workflow.sleep(timedelta(days=1))

        @workflow.query
        def get(self) -> float | None:
            return self.value

    await engine.work(Effect)
    handle = await engine.start(Effect.run)
    value = await handle.query(Effect.get)
    engine.client.engine.runs.passivate(0)
    assert await handle.query(Effect.get) == value == computed[0]
    assert len(computed) == 1
    assert await topics(handle) == ["workflow.started", "side_effect.recorded", "timer.started"]


# -- timers and conditions -------------------------------------------------------------------------------------------


async def test_sleeps_of_both_kinds_are_durable_timers(engine: Harness) -> None:
    @workflow.defn
    async def naps() -> float:
        before = workflow.time_ns()
        await workflow.sleep(0.003)
        await workflow.sleep(ms(2), summary="a nap")
        await asyncio.sleep(0.001)
        return (workflow.time_ns() - before) / 1e6

    await engine.work(naps)
    handle = await engine.start(naps)
    assert await handle.result() >= 6
    events = (await handle.fetch_history()).events
    assert [e.topic for e in events if e.topic.startswith("timer")] == ["timer.started", "timer.fired"] * 3
    assert [getattr(e, "summary", "") for e in events if e.topic == "timer.started"] == ["", "a nap", ""]


async def test_a_sleep_of_zero_needs_no_timer(engine: Harness) -> None:
    @workflow.defn
    async def no_nap() -> str:
        await workflow.sleep(0)
        await asyncio.sleep(0)
        return "awake"

    await engine.work(no_nap)
    handle = await engine.start(no_nap)
    assert await handle.result() == "awake"
    assert await topics(handle) == ["workflow.started", "workflow.completed"]


async def test_a_condition_that_comes_true_in_time_cancels_its_timer(engine: Harness) -> None:
    @workflow.defn
    class Waits:
        def __init__(self) -> None:
            self.done = False

        @workflow.run
        async def run(self) -> str:
            await workflow.wait_condition(lambda: self.done, timeout=timedelta(hours=1))
            return "in time"

        @workflow.signal
        def finish(self) -> None:
            self.done = True

    await engine.work(Waits)
    handle = await engine.start(Waits.run)
    await handle.signal(Waits.finish)
    assert await handle.result() == "in time"
    assert "timer.canceled" in await topics(handle)


async def test_a_condition_that_does_not_come_true_times_out(engine: Harness) -> None:
    @workflow.defn
    async def waits() -> list[str]:
        outcomes: list[str] = []
        for timeout in (ms(1), 0.001, 0):
            try:
                await workflow.wait_condition(lambda: False, timeout=timeout)
            except TimeoutError as error:
                outcomes.append(type(error).__name__)
        return outcomes

    await engine.work(waits)
    assert await engine.execute(waits) == ["TimeoutError"] * 3


async def test_a_time_out_that_nobody_catches_fails_the_workflow(engine: Harness) -> None:
    @workflow.defn
    async def impatient() -> None:
        await workflow.wait_condition(lambda: False, timeout=ms(1))

    await engine.work(impatient)
    error = await failure_of(engine.execute(impatient))
    assert isinstance(error, ApplicationError)
    assert error.type == "TimeoutError"


# -- facts about the run ---------------------------------------------------------------------------------------------


async def test_info_tells_the_facts_of_the_run(engine: Harness) -> None:
    @workflow.defn
    class Facts:
        @workflow.run
        async def run(self) -> dict[str, Any]:
            info = workflow.info()
            return {
                "ids": [info.workflow_id, info.run_id, info.first_execution_run_id],
                "type": info.workflow_type,
                "queue": info.task_queue,
                "attempt": info.attempt,
                "times": [info.execution_timeout, info.run_timeout],
                "start": info.start_time == workflow.now(),
                "length": info.get_current_history_length(),
                "instance": workflow.instance() is self,
                "inside": workflow.in_workflow(),
            }

    await engine.work(Facts)
    handle = await engine.start(Facts.run, id="f", execution_timeout=timedelta(hours=1), run_timeout=timedelta(60))
    facts = await handle.result()
    run_id = handle.result_run_id
    assert facts == {
        "ids": ["f", run_id, run_id],
        "type": "Facts",
        "queue": QUEUE,
        "attempt": 1,
        "times": ["PT3600S", "P60D"],
        "start": True,
        "length": 1,
        "instance": True,
        "inside": True,
    }


async def test_the_memo_is_read_inside_the_workflow(engine: Harness) -> None:
    @workflow.defn
    async def reads() -> list[Any]:
        order = workflow.memo_value("order", type_hint=Order)
        return [workflow.memo(), order.items, workflow.memo_value("no", default="none")]

    await engine.work(reads)
    result = await engine.execute(reads, memo={"order": Order(7, ["tea"]), "who": "kim"})
    assert result == [{"order": {"id": 7, "items": ["tea"]}, "who": "kim"}, ["tea"], "none"]


async def test_a_value_that_the_memo_has_not_is_a_key_error(engine: Harness) -> None:
    @workflow.defn(failure_exception_types=[KeyError])
    async def reads() -> None:
        workflow.memo_value("no")

    await engine.work(reads)
    error = await failure_of(engine.execute(reads))
    assert isinstance(error, ApplicationError)
    assert (error.type, error.message) == ("KeyError", "'no'")


async def test_code_can_ask_whether_it_is_replayed_and_step_out_of_the_guards(engine: Harness) -> None:
    replayed: list[bool] = []

    @workflow.defn
    class Asks:
        @workflow.run
        async def run(self) -> None:
            with workflow.unsafe.sandbox_unrestricted(), workflow.unsafe.imports_passed_through():
                assert time.time() > 0
            replayed.append(workflow.unsafe.is_replaying())
            await workflow.sleep(timedelta(hours=1))

        @workflow.query
        def ready(self) -> bool:
            return True

    await engine.work(Asks)
    handle = await engine.start(Asks.run)
    assert await handle.query(Asks.ready)
    engine.client.engine.runs.passivate(0)
    assert await handle.query(Asks.ready)
    assert replayed == [False, True]


def test_outside_of_a_workflow_its_functions_say_so() -> None:
    assert not workflow.in_workflow()
    with pytest.raises(NotInWorkflowError, match="called outside of a workflow"):
        workflow.info()


async def test_the_logger_names_the_run_and_is_silent_in_a_replay(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow.defn
    class Speaks:
        def __init__(self) -> None:
            self.done = False

        @workflow.run
        async def run(self) -> None:
            workflow.logger.info("step %d", 1)
            await workflow.wait_condition(lambda: self.done)
            workflow.logger.info("step %d", 2)

        @workflow.signal
        def finish(self) -> None:
            self.done = True

    caplog.set_level(logging.INFO, "understudy.workflow")
    await engine.work(Speaks)
    handle = await engine.start(Speaks.run, id="talkative")
    await eventually(lambda: caplog.records)
    engine.client.engine.runs.passivate(0)
    await handle.signal(Speaks.finish)
    await handle.result()
    said = [record for record in caplog.records if record.name == "understudy.workflow"]
    assert [record.getMessage().partition(" (")[0] for record in said] == ["step 1", "step 2"]
    details = vars(said[0])["workflow"]
    assert (details["workflow_id"], details["workflow_type"]) == ("talkative", "Speaks")
    assert "talkative" in said[0].getMessage()
