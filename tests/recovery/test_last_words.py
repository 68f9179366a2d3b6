"""What a run asks others for in its last turn reaches them, over a file, whichever commit the process dies at.

The run is closed by then: nothing is recorded of it any more, and nobody waits in it. It stays due in the store until
the messages are delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recovery.audit import closed_once, histories, recorded_once
from tests.recovery.lives import NEVER, ON_A_THREAD, ON_THE_LOOP, QUEUE, MortalStore, When, live
from understudy import Client, workflow
from understudy.common import WorkflowIDReusePolicy
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.store.port import EventStore
from understudy.events.store.sqlite.store import SqliteStore
from understudy.events.workflow import WorkflowCanceled, WorkflowCancelRequested
from understudy.exceptions import ApplicationError, WorkflowAlreadyStartedError
from understudy.workflow import ParentClosePolicy

pytestmark = pytest.mark.slow

FOREVER: Final = 2**62
FEWEST: Final = 4
"""Commits that the shortest of these stories takes."""


@workflow.defn
class Listener:
    """Hears a word, and stays long enough to hear another, if there should be one."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.words))
        await workflow.sleep(0.02)
        return self.words

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn
async def parting(what: str, how: str) -> str:
    """Send a message, wait for nothing, and end."""
    if what == "nothing":
        return "again"
    other: Any = workflow.get_external_workflow_handle("listener")
    if what.startswith("child"):
        other = await workflow.start_child_workflow(
            Listener.run, id="listener", parent_close_policy=ParentClosePolicy.ABANDON
        )
    if what == "child cancel":
        other.cancel()
    else:
        coroutine = other.cancel() if what == "cancel" else other.signal(Listener.tell, "farewell")
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        assert not task.done()
    if how == "fail":
        raise ApplicationError("it is over")
    if how == "continue":
        workflow.continue_as_new(args=["nothing", how])
    return "done"


async def part(client: Client, store: MortalStore, what: str, how: str) -> None:
    """Let two workflows meet, and wait until nothing is left to do."""
    once = WorkflowIDReusePolicy.REJECT_DUPLICATE
    start = partial(client.start_workflow, task_queue=QUEUE, id_reuse_policy=once)
    with suppress(WorkflowAlreadyStartedError):  # in an earlier life
        if not what.startswith("child"):
            await start(Listener.run, id="listener", request_id="listener")
    with suppress(WorkflowAlreadyStartedError):
        await start(parting, args=[what, how], id="parting", request_id="parting")
    await store.until(lambda: store.latest("listener") and not store.executions(status="Running"))
    await store.until(lambda: not store.due(FOREVER, 1))


def events_of(store: EventStore, name: str) -> list[Event]:
    """Everything that is recorded of a workflow id."""
    return [event for row in store.executions(workflow_id=name) for event in store.load(row.run_id)]


def crashes(path: Path, when: When, place: float, what: str, how: str) -> Iterator[tuple[str, EventStore]]:
    """Live it with a death at the first commit, at the second, and so on; then once more, to the end."""
    script = partial(part, what=what, how=how)
    for number in count(1):
        store = SqliteStore(path / f"{number}.db")
        _, died = live(script, WORKFLOWS, [], partial(MortalStore, store, number, when), place)
        if died:
            live(script, WORKFLOWS, [], partial(MortalStore, store, NEVER, when), place)
        yield f"{when} commit {number}", store
        store.close()
        if not died:
            assert number > FEWEST
            return


WORKFLOWS: Final[list[Any]] = [Listener, parting]


@pytest.mark.parametrize("place", [ON_A_THREAD, ON_THE_LOOP], ids=["on a thread", "on the loop"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", ["return", "fail", "continue"])
@pytest.mark.parametrize("what", ["signal", "cancel", "child signal", "child cancel"])
def test_what_a_run_asks_for_in_its_last_turn_is_done_once_whatever_the_crash_takes_away(
    tmp_path: Path, what: str, how: str, when: When, place: float
) -> None:
    for where, store in crashes(tmp_path, when, place, what, how):
        heard = events_of(store, "listener")
        kinds = [type(event) for event in heard]
        if what.endswith("signal"):
            assert kinds.count(SignalReceived) == 1, where
        else:
            assert kinds.count(WorkflowCancelRequested) == 1, where
            assert kinds[-1] is WorkflowCanceled, where
        for run_id, events in histories(store).items():
            closed_once(run_id, events)
            recorded_once(run_id, events)


def test_who_looks_at_a_closed_run_does_not_send_its_messages_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "lives.db")

    async def looks(client: Client, mortal: MortalStore) -> int:
        listener = await client.start_workflow(Listener.run, id="listener", task_queue=QUEUE)
        await client.start_workflow(parting, args=["signal", "return"], id="parting", task_queue=QUEUE)
        await listener.result()
        await mortal.until(lambda: not mortal.executions(status="Running") and not mortal.due(FOREVER, 1))
        again = await client.start_workflow(Listener.run, id="listener", task_queue=QUEUE)
        await client.get_workflow_handle("parting").describe()
        await again.signal(Listener.tell, "welcome")
        words: list[str] = await again.result()
        return len(words)

    assert live(looks, WORKFLOWS, [], partial(MortalStore, store)) == (1, False)
    store.close()
