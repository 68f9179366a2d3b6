"""How many events a second does a replay take, of a history of 10,000?

The history is that of a workflow of 5,000 activities in sequence, the shape that is the dearest to replay: each fact
wakes the code once. It is written by the engine and read back from its file. Three figures: the replay alone (the code
is led through events that are in memory), the replay with reading and decoding in front of it, and all that a run that
left memory needs before it answers a query: reading, folding the aggregate, replaying under guard.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.common import QUEUE, Answer, Options, answer, engine, folder
from benchmarks.w1 import Order, charge
from understudy import Client, activity, workflow
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.events.converters.data_converter import DataConverter
from understudy.events.event import Event
from understudy.events.state.evolve import fold
from understudy.events.store import open_store

WORKFLOW_ID = "long"


@workflow.defn
class Long:
    """A workflow with a long history, which stays open."""

    def __init__(self) -> None:
        self.done = 0

    @workflow.run
    async def run(self, steps: int) -> None:
        """Charge many times, and wait for ever."""
        for number in range(steps):
            await workflow.execute_activity(charge, Order(number, "12.00"))
            self.done += 1
        await workflow.execute_activity("tell")
        await workflow.wait_condition(lambda: self.done < 0)

    @workflow.query
    def progress(self) -> int:
        """Return how many steps are done."""
        return self.done


async def _write(store: Path, steps: int) -> str:
    """Let the engine write the history, and return the run's id."""
    done = asyncio.Event()

    @activity.defn
    async def tell() -> None:
        """Say that the steps are done."""
        done.set()

    async with engine(store, [Long], [charge, tell]) as client:
        handle = await client.start_workflow(Long.run, steps, id=WORKFLOW_ID, task_queue=QUEUE)
        await done.wait()
        return (await handle.describe()).run_id


async def _query(store: Path) -> float:
    """Ask a run that is not in memory, and return the seconds until its answer."""
    async with engine(store, [Long], [charge]) as client:
        await _settle(client)
        began = time.perf_counter()
        await client.get_workflow_handle(WORKFLOW_ID).query(Long.progress)
        return time.perf_counter() - began


async def _settle(client: Client) -> None:
    """Ask once, so that nothing is done for the first time, and let the run leave memory."""
    await client.get_workflow_handle(WORKFLOW_ID).query(Long.progress)
    client.engine.runs.passivate(0)


def _load(store: Path, run_id: str) -> list[Event]:
    opened = open_store(f"sqlite:///{store}")
    try:
        return opened.load(run_id)
    finally:
        opened.close()


def _replay(run_id: str, events: list[Event]) -> float:
    """Lead new code through the events, and return how many seconds it took."""
    converter = DataConverter.default
    execution = fold(run_id, events)
    run = Run(workflow_of(Long), execution, converter.payload_converter, converter.failure_converter)
    began = time.perf_counter()
    run.replay(events)
    seconds = time.perf_counter() - began
    run.close()
    return seconds


def measure(options: Options) -> Answer:
    """Measure events/s."""
    steps = options.sized(4_999, 199)
    found = Answer(facts={"activities": steps})
    with folder(options) as place:
        store = place / "store.db"
        run_id = asyncio.run(_write(store, steps))
        for _ in range(options.runs):
            began = time.perf_counter()
            events = _load(store, run_id)
            reading = time.perf_counter() - began
            replaying = _replay(run_id, events)
            found.add("replay", "events/s", len(events) / replaying)
            found.add("with_reading", "events/s", len(events) / (reading + replaying))
            found.add("to_an_answer", "events/s", len(events) / asyncio.run(_query(store)))
            found.facts["events"] = len(events)
    return found


if __name__ == "__main__":
    answer("replay", measure)
