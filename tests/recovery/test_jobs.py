"""A crash at every commit of a job: whatever it took away, the job was started once and ends once, as its activity."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from tests.recovery.audit import closed_once, histories, recorded_once
from tests.recovery.lives import NEVER, QUEUE, MortalStore, When, live
from understudy import Client, activity
from understudy.common import RetryPolicy
from understudy.events.activity import ActivityRetryScheduled, ActivityScheduled
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import EventStore

pytestmark = pytest.mark.slow

LIVES = 10
AT_ONCE = RetryPolicy(initial_interval=RetryPolicy().initial_interval / 1_000)


class Bank:
    """The activity, and when it ran although that it was asked for is not on disk (EFFECT-AFTER)."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.too_early = 0

    @activity.defn
    async def charge(self, amount: int) -> int:
        info = activity.info()
        events = self.store.load(str(info.activity_run_id))
        self.too_early += not any(isinstance(event, ActivityScheduled) for event in events)
        if info.attempt == 1:
            raise ConnectionError("busy")
        return amount


async def charge_it(client: Client, _store: MortalStore) -> int:
    return await client.execute_activity_method(
        Bank.charge, 7, id="bill", task_queue=QUEUE, request_id="begin", retry_policy=AT_ONCE
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_commit_neither_loses_a_job_nor_ends_it_twice(when: When) -> None:
    for number in count(1):
        store = MemoryStore()
        bank = Bank(store)
        result, died, lives = None, True, 0
        while died:
            lives += 1
            assert lives <= LIVES
            mortal = partial(MortalStore, store, number if lives == 1 else NEVER, when)
            result, died = live(charge_it, [], [bank.charge], mortal)
        assert result == 7, f"{when} commit {number}"
        assert bank.too_early == 0, f"{when} commit {number}"
        ((run_id, events),) = histories(store).items()
        closed_once(run_id, events)
        recorded_once(run_id, events)
        assert sum(isinstance(event, ActivityRetryScheduled) for event in events) == 1
        if lives == 1:
            assert number > 1
            return
