"""Messages to others, over a file: a crash or a failed commit cuts them off, and they arrive once all the same."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recovery.fatal import (
    WORKFLOWS,
    Waiter,
    a_life,
    behind,
    count,
    due,
    executes,
    looking,
    parents_result,
    sends,
    start,
    status,
)
from tests.recovery.lives import FaultyStore, MortalStore, live
from understudy import Client
from understudy.common import WorkflowIDReusePolicy
from understudy.events.child import ChildStarted
from understudy.events.errors.root import EngineError
from understudy.events.event import Event
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered
from understudy.events.signal import SignalReceived
from understudy.events.store.sqlite.store import SqliteStore
from understudy.events.workflow import WorkflowCancelRequested

# -- messages --------------------------------------------------------------------------------------------------------


async def send(client: Client, _store: MortalStore, what: str) -> None:
    """Let one workflow send another one a message."""
    await start(client, Waiter.run, name="child")
    await start(client, sends, what)
    await asyncio.Event().wait()


MESSAGES: Final = [
    ("hello", ExternalSignalRequested, "parent"),
    ("hello", SignalReceived, "child"),
    ("hello", MessageDelivered, "parent"),
    ("cancel", ExternalCancelRequested, "parent"),
    ("cancel", WorkflowCancelRequested, "child"),
    ("cancel", MessageDelivered, "parent"),
]


@pytest.mark.parametrize(("what", "kind", "whose"), MESSAGES)
def test_once_recorded_a_message_that_a_crash_has_cut_off_arrives_once_and_its_sender_is_told(
    path: Path, what: str, kind: type[Event], whose: str
) -> None:
    a_life(path, partial(send, what=what), behind(kind, whose))
    assert a_life(path, parents_result) == "sent"
    received = WorkflowCancelRequested if what == "cancel" else SignalReceived
    assert looking(path, lambda store: count(store, "child", received)) == 1
    assert looking(path, status) == ("Canceled" if what == "cancel" else "Completed")


# -- a store that says no --------------------------------------------------------------------------------------------


async def all_along(client: Client, store: MortalStore) -> Any:
    """A parent, its child, and the end of both, in one life."""
    once = WorkflowIDReusePolicy.REJECT_DUPLICATE
    while True:
        try:
            await start(client, executes, id_reuse_policy=once, request_id="begin")
        except EngineError:
            continue
        break
    await store.until(lambda: count(store, "parent", ChildStarted))
    while True:
        try:
            await client.get_workflow_handle("child").signal(Waiter.tell, "go", request_id="go")
        except EngineError:
            continue
        break
    return await parents_result(client, store)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 8))
def test_a_commit_that_went_wrong_and_killed_nobody_changes_nothing(path: Path, number: int, when: Any) -> None:
    store = SqliteStore(path)
    try:
        result, _ = live(all_along, WORKFLOWS, [], lambda: FaultyStore(store, {number}, when))
        assert result == ["go"]
        assert len(store.executions(workflow_id="child")) == 1
        assert due(store) == set()
    finally:
        store.close()
