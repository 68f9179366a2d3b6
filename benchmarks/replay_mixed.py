"""How many events a second does a replay take, of a history of 10,000 events of all kinds?

A round of the workflow is an activity, a timer, a signal, an update, a child, a side effect, an upsert and a race; the
history is written by the engine on a clock that skips time, and replayed from memory.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.common import QUEUE, Answer, Options, answer
from benchmarks.w1 import Order, charge
from understudy import workflow
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.events.converters.data_converter import DataConverter
from understudy.events.state.evolve import fold
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker


@workflow.defn
async def leaf(number: int) -> int:
    """Do what little a child can do."""
    return number


@workflow.defn
class Mixed:
    """A workflow that uses everything."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.total = 0

    @workflow.run
    async def run(self, rounds: int) -> int:
        """Go round."""
        for number in range(rounds):
            await workflow.execute_activity(charge, Order(number, "12.00"))
            await workflow.wait_condition(partial(self._has_come_to, number))
            self.total += await workflow.execute_child_workflow(leaf, 0)
            self.total += workflow.side_effect(lambda: 0)
            workflow.upsert_memo({"round": number})
            async with asyncio.timeout(60):
                await workflow.sleep(timedelta(seconds=1))
            _ = await asyncio.gather(
                workflow.execute_activity(charge, Order(number, "1.00")),
                workflow.execute_activity(charge, Order(number, "2.00")),
            )
        return self.total

    def _has_come_to(self, number: int) -> bool:
        return len(self.words) > number and self.total > number

    @workflow.signal
    def say(self, word: str) -> None:
        """Say a word."""
        self.words.append(word)

    @workflow.update
    async def add(self, number: int) -> int:
        """Count."""
        self.total += number
        return self.total


async def _write(rounds: int) -> tuple[str, list[Any]]:
    """Let the engine write a history, and return the run id and the events."""
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[Mixed, leaf], activities=[charge]),
    ):
        handle = await env.client.start_workflow(Mixed.run, rounds, id="mixed", task_queue=QUEUE)
        for number in range(rounds):
            await handle.signal(Mixed.say, f"word {number}")
            await handle.execute_update(Mixed.add, 1)
        await handle.result()
        history = await handle.fetch_history()
        return history.run_id, list(history.events)


def _replay(run_id: str, events: list[Any]) -> float:
    """Lead new code through the events, and return how many seconds it took."""
    converter = DataConverter.default
    run = Run(workflow_of(Mixed), fold(run_id, events), converter.payload_converter, converter.failure_converter)
    began = time.perf_counter()
    run.replay(events)
    seconds = time.perf_counter() - began
    run.close()
    return seconds


def measure(options: Options) -> Answer:
    """Measure events/s."""
    rounds = options.sized(550, 20)
    run_id, events = asyncio.run(_write(rounds))
    found = Answer(facts={"rounds": rounds, "events": len(events)})
    for _ in range(options.runs):
        found.add("replay", "events/s", len(events) / _replay(run_id, events))
    return found


if __name__ == "__main__":
    answer("replay_mixed", measure)
