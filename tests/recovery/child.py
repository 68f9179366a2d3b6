"""The process that is killed: it starts runs, sends them messages, and writes down what it was told.

It is started as `python -m tests.recovery.child FOLDER SEED LIFE RUNS`. Runs of earlier lives that have no result yet
are taken up first: a start, a signal or a cancellation that was not acknowledged is sent again, with the same request
id. With RUNS = 0 it only finishes what is open, and ends; else it starts so many new ones, and is expected not to live
to see the end of them.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import random
from typing import Any, Final

from tests.recovery.acks import Ack, AckFile, read_acks
from tests.recovery.ledger import Ledger
from tests.recovery.load import CHAIN_RETRY, QUEUE, WORKFLOWS, Work
from tests.recovery.plans import CANCELED, FAILED, Plan, plan, workflow_id
from understudy import Client, Worker, WorkflowFailureError, WorkflowHandle
from understudy.exceptions import CancelledError, WorkflowAlreadyStartedError, WorkflowClosedError

__all__ = ["Driver", "main"]

AT_A_TIME: Final = 24
"""Runs under way at a time."""
CACHED: Final = 6
"""Runs that may stay in memory: far fewer, so that most of them leave it again and again."""
QUERIES: Final = 0.3
"""How many signals are followed by a query."""


class Driver:
    """Leads runs from their start to their end."""

    def __init__(self, client: Client, acks: AckFile, said: list[Ack]) -> None:
        self._client = client
        self._acks = acks
        self._run_ids = {ack.number: ack.run_id for ack in said if ack.what == "start"}
        self._signals = {(ack.number, ack.index) for ack in said if ack.what == "signal"}
        self._canceled = {ack.number for ack in said if ack.what == "cancel"}

    async def lead(self, this: Plan) -> None:
        """Lead one run to its end, whatever of it happened in earlier lives."""
        handle = await self._start(this)
        for index in range(this.signals):
            if (this.number, index) not in self._signals:
                await handle.signal("put", index, request_id=f"{this.number}/{index}")
                self._acks.say(Ack("signal", this.number, index=index))
            if random() < QUERIES:  # noqa: S311 - which of them does not matter
                seen = await handle.query("seen")
                self._acks.say(Ack("seen", this.number, value=seen))
        if this.cancel and this.number not in self._canceled:
            try:
                await handle.cancel(reason="no longer wanted")
            except WorkflowClosedError:
                pass  # the cancellation of the life before got through
            else:
                self._acks.say(Ack("cancel", this.number))
        self._acks.say(Ack("result", this.number, value=await outcome(handle)))

    async def _start(self, this: Plan) -> WorkflowHandle[Any, Any]:
        number, name = this.number, workflow_id(this.number)
        if number in self._run_ids:
            run_id = self._run_ids[number] or None
            return self._client.get_workflow_handle(name, first_execution_run_id=run_id)
        self._acks.say(Ack("intend", number))
        try:
            handle = await self._client.start_workflow(
                this.workflow,
                args=this.args,
                id=name,
                task_queue=QUEUE,
                request_id=f"start-{number}",
                retry_policy=CHAIN_RETRY if this.workflow.__name__ == "chain" else None,
            )
        except WorkflowAlreadyStartedError:
            handle = self._client.get_workflow_handle(name)
        self._acks.say(Ack("start", number, run_id=handle.first_execution_run_id or ""))
        return handle


async def outcome(handle: WorkflowHandle[Any, Any]) -> Any:
    """Return a run's result, or how it ended without one."""
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        return CANCELED if isinstance(error.cause, CancelledError) else FAILED


def numbers(said: list[Ack], runs: int) -> Iterator[int]:
    """Yield the plans that have no result yet, then new ones."""
    intended = {ack.number for ack in said if ack.what == "intend"}
    ended = {ack.number for ack in said if ack.what == "result"}
    yield from sorted(intended - ended)
    fresh = count(max(intended, default=0) + 1)
    for _ in range(runs):
        yield next(fresh)


async def main(folder: Path, seed: int, life: int, runs: int) -> None:
    """Live one life."""
    said = read_acks(folder / "acks")
    acks = AckFile(folder / "acks")
    ledger = Ledger(folder / "ledger.db", life)
    async with await Client.connect(f"sqlite:///{folder / 'store.db'}") as client:
        driver = Driver(client, acks, said)
        work = Work(ledger)
        async with Worker(
            client, task_queue=QUEUE, workflows=WORKFLOWS, activities=work.all(), max_cached_workflows=CACHED
        ):
            tell("ready")
            todo = numbers(said, runs)

            async def lead_some() -> None:
                for number in todo:
                    await driver.lead(plan(seed, number))

            async with asyncio.TaskGroup() as group:
                for _ in range(AT_A_TIME):
                    group.create_task(lead_some())
    ledger.close()
    acks.close()


def tell(word: str) -> None:
    """Say to the parent how far it is."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    tell("up")
    asyncio.run(main(Path(sys.argv[1]), *(int(number) for number in sys.argv[2:5])))
