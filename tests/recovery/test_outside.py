"""A crash at every commit of a run whose activity is completed from outside: it is waited for, and completed once.

Once it is on disk that somebody outside completes an attempt, no life runs its code again; before, each life does
(AT-LEAST). What was completed, and told so, is completed (ACKED, ONCE-RECORDED).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest

from tests.recovery.audit import closed_once, histories, recorded_once
from tests.recovery.lives import NEVER, QUEUE, MortalStore, When, live
from understudy import Client, activity, workflow
from understudy.events.activity import ActivityCompletionDeferred
from understudy.events.event import Event
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore
from understudy.exceptions import ActivityNotFoundError, WorkflowClosedError

pytestmark = pytest.mark.slow

LIVES = 10


@workflow.defn
async def contract() -> str:
    return f"signed by {await workflow.execute_activity('sign', activity_id='signature')}"


class Desk:
    """The activity, and when its code ran although it must not."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.begun = 0
        self.again: list[str] = []

    @activity.defn
    async def sign(self) -> str:
        self.begun += 1
        if is_outside(self.store.load(str(activity.info().workflow_run_id))):
            self.again.append(activity.info().idempotency_key)
        activity.raise_complete_async()


def is_outside(events: list[Event]) -> bool:
    """Whether it is on disk that somebody outside completes it."""
    return any(isinstance(event, ActivityCompletionDeferred) for event in events)


def left_outside(store: EventStore) -> Callable[[], bool]:
    """Whether that is so of the one run."""

    def look() -> bool:
        row = store.latest("contract")
        return row is not None and is_outside(store.load(row.run_id))

    return look


async def sign_it(client: Client, store: MortalStore) -> Any:
    handle = await client.start_workflow(contract, id="contract", task_queue=QUEUE, request_id="begin")
    await store.until(left_outside(store))
    outside = client.get_async_activity_handle(workflow_id="contract", run_id=None, activity_id="signature")
    with suppress(ActivityNotFoundError, WorkflowClosedError):  # an earlier life has completed it, and was not told
        await outside.complete("kim")
    return await handle.result()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_commit_neither_runs_the_code_again_nor_loses_the_completion(when: When) -> None:
    for number in count(1):
        store = MemoryStore()
        desk = Desk(store)
        result, died, lives = None, True, 0
        while died:
            lives += 1
            assert lives <= LIVES
            mortal = partial(MortalStore, store, number if lives == 1 else NEVER, when)
            result, died = live(sign_it, [contract], [desk.sign], mortal)
        assert result == "signed by kim", f"{when} commit {number}"
        assert desk.again == [], f"{when} commit {number}"
        for run_id, events in histories(store).items():
            closed_once(run_id, events)
            recorded_once(run_id, events)
        if lives == 1:
            assert number > 1
            assert desk.begun == 1
            return
