"""A message that a crash makes its sender send again is not taken twice by a workflow that goes on as another run.

Within a run the request id tells; across runs the sender looks before it sends again, at those that have closed since.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recovery.audit import closed_once, histories, recorded_once
from tests.recovery.lives import NEVER, QUEUE, FaultyStore, MortalStore, When, live
from understudy import Client, workflow
from understudy.common import WorkflowIDReusePolicy
from understudy.events.signal import SignalReceived
from understudy.events.store.port import EventStore
from understudy.events.store.sqlite.store import SqliteStore
from understudy.events.workflow import WorkflowCancelRequested
from understudy.exceptions import WorkflowAlreadyStartedError

pytestmark = pytest.mark.slow

FOREVER: Final = 2**62
FEWEST: Final = 4
"""Commits that the shortest of these stories takes."""


@workflow.defn
class Renewed:
    """Goes on as another run for each message, and ends if none comes for a while."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, part: int = 1) -> int:
        try:
            await workflow.wait_condition(lambda: self.told, timeout=0.04 if part > 1 else None)
        except asyncio.CancelledError:
            self.told = True
        except TimeoutError:
            self.told = False
        if self.told:
            workflow.continue_as_new(part + 1)
        return part

    @workflow.signal
    def tell(self) -> None:
        self.told = True


@workflow.defn
async def sender(what: str) -> str:
    """Send a message, and wait until it has arrived, or not even that."""
    other = workflow.get_external_workflow_handle("receiver")
    coroutine = other.cancel() if what.endswith("cancel") else other.signal(Renewed.tell)
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    if not what.startswith("last"):
        await task
    return "sent"


@workflow.defn
async def parent(what: str) -> int:
    """Start the receiver as a child, ask it to cancel, and wait for its end, which is not as a cancelled one."""
    child = await workflow.start_child_workflow(Renewed.run, id="receiver")
    child.cancel()
    parts = await child
    return parts if what == "child cancel" else 0


async def play(client: Client, store: MortalStore, what: str) -> None:
    """Let the two meet, and wait until nothing is left to do."""
    start = partial(client.start_workflow, task_queue=QUEUE, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE)
    code = parent if what.startswith("child") else sender
    with suppress(WorkflowAlreadyStartedError):  # in an earlier life
        if code is sender:
            await start(Renewed.run, id="receiver", request_id="receiver")
    with suppress(WorkflowAlreadyStartedError):
        await start(code, what, id="sender", request_id="sender")
    await store.until(lambda: not store.executions(status="Running") and not store.due(FOREVER, 1))


def taken(store: EventStore) -> int:
    """How often the receiver has a message on record; every run of everything is checked on the way."""
    for run_id, events in histories(store).items():
        closed_once(run_id, events)
        recorded_once(run_id, events)
    runs = [store.load(row.run_id) for row in store.executions(workflow_id="receiver")]
    messages = sum(isinstance(event, SignalReceived | WorkflowCancelRequested) for run in runs for event in run)
    assert len(runs) == messages + 1
    return messages


MESSAGES: Final = pytest.mark.parametrize("what", ["signal", "cancel", "last signal", "last cancel", "child cancel"])
SIDES: Final = pytest.mark.parametrize("when", ["before", "after"])
WORKFLOWS: Final[list[Any]] = [Renewed, sender, parent]


@SIDES
@MESSAGES
def test_a_message_is_taken_once_whichever_commit_the_process_dies_at(tmp_path: Path, what: str, when: When) -> None:
    script = partial(play, what=what)
    for number in count(1):
        store = SqliteStore(tmp_path / f"{number}.db")
        _, died = live(script, WORKFLOWS, [], partial(MortalStore, store, number, when))
        if died:
            live(script, WORKFLOWS, [], partial(MortalStore, store, NEVER, when))
        assert taken(store) == 1, f"{when} commit {number}"
        store.close()
        if not died:
            assert number > FEWEST
            return


@SIDES
@MESSAGES
def test_a_message_is_taken_once_whichever_commit_goes_wrong(tmp_path: Path, what: str, when: When) -> None:
    async def insists(client: Client, store: MortalStore) -> None:
        assert isinstance(store, FaultyStore)
        store.faults = range(3, 0)
        if not what.startswith("child"):
            await client.start_workflow(Renewed.run, id="receiver", task_queue=QUEUE)
        code = parent if what.startswith("child") else sender
        await client.start_workflow(code, what, id="sender", task_queue=QUEUE)
        store.faults = {number}
        await store.until(lambda: not store.executions(status="Running") and not store.due(FOREVER, 1))

    for number in range(3, 10):
        store = SqliteStore(tmp_path / f"{number}.db")
        live(insists, WORKFLOWS, [], partial(FaultyStore, store, (), when))
        assert taken(store) == 1, f"{when} commit {number}"
        store.close()
